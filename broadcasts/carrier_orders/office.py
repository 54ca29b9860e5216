"""What the parts of this room share: the office's facts, and how an order moves on by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from broadcasts.carrier_orders.model import Carrier, OrderState
from broadcasts.carrier_orders.states import reached
from broadcasts.model import Refusal, RefusalKind
from lanes.port import Bus
from store import alarms
from store import carrier_orders as store
from store.carrier_orders import OrderRow
from store.engine import Tx

TOPIC: Final = "carrier-orders"
SYSTEM: Final = "loa"
"""Who did it, in the timeline, where nobody did."""
SILENT: Final = "carrier_silent"
"""Kind of the alarm."""
ACKNOWLEDGE_WITHIN_SECONDS: Final = 900.0
"""An office rings a carrier that has said nothing for so long; the order is about hours."""


@dataclass(frozen=True, slots=True)
class OrderSettings:
    office: str
    hotline: str = ""
    carriers: Sequence[Carrier] = ()
    acknowledge_within: float = ACKNOWLEDGE_WITHIN_SECONDS
    link_base: Callable[[], str] = lambda: ""
    """Address under which carriers reach this service; "" where they cannot: forms then carry no link."""

    def link(self, token: str) -> str:
        base = self.link_base().rstrip("/")
        return f"{base}/carrier/{token}" if base and token else ""


def found(tx: Tx, ref: str) -> OrderRow:
    row = store.one(tx, ref)
    if row is None:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_order", ref=ref)
    return row


def again(tx: Tx, order_id: int) -> OrderRow:
    """The same order after a change."""
    return found(tx, str(order_id))


def wrong_state(row: OrderRow) -> Refusal:
    return Refusal(RefusalKind.WRONG_STATE, "order_wrong_state", code=row.code, state=row.state)


def move_on(tx: Tx, order_id: int, now: float) -> OrderState:
    """Bring the order's state up to its slowest carrier, after something happened to one."""
    row = again(tx, order_id)
    before = OrderState(row.state)
    after = reached(before, store.copies(tx, order_id))
    if after is not before:
        values: dict[str, object] = {"state": after.value}
        if row.sent_at is None:
            values["sent_at"] = now
        store.update(tx, order_id, (before.value,), values)
        store.note(tx, order_id, now, SYSTEM, after.value)
    return after


def silence_over(tx: Tx, code: str, carrier: str, by: str, now: float) -> None:
    """A carrier that answered no longer rings."""
    for alarm in alarms.ringing(tx):
        if alarm.kind == SILENT and alarm.subject == alarm_subject(code, carrier):
            alarms.take(tx, alarm.id, by, now)


def alarm_subject(code: str, carrier: str) -> str:
    return f"{code} · {carrier}"


def publish(bus: Bus, code: str) -> None:
    bus.publish(TOPIC, {"type": "order", "code": code})
