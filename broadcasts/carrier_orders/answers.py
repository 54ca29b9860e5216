"""What a carrier does on its own page: it confirms the order and, later, returns its counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from adapters.contract import Now
from broadcasts.carrier_orders import views
from broadcasts.carrier_orders.model import COUNT_LIMIT, NAME_LIMIT, NOTE_LIMIT, CarrierLine, OrderState, OrderView
from broadcasts.carrier_orders.office import found, move_on, publish, silence_over
from broadcasts.carrier_orders.states import HAS_COPIES, LEFT
from broadcasts.model import Mode, Problem, Refusal, RefusalKind
from lanes.port import Bus
from store import carrier_orders as store
from store.carrier_orders import CopyRow, OrderRow
from store.engine import Ledger, Tx

TOKEN_LONGEST = 64
"""Characters; ours have 32."""


@dataclass(frozen=True, slots=True)
class CarrierPage:
    """What a carrier may see: its own copy, never another carrier's."""

    view: OrderView
    carrier: CarrierLine
    open: bool
    """It may still answer."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Subscribers; `finished_at` epoch seconds."""

    sent: int
    delivered: int
    failed: int
    finished_at: float
    note: str = ""


class CarrierAnswers:
    """`token` is what the address of the page ends with; any other is `no_such_order`, whatever it looks like."""

    def __init__(self, ledger: Ledger, bus: Bus, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._now = now

    async def page(self, token: str) -> CarrierPage:
        return await self._ledger.read(lambda tx: _page(tx, *_copy(tx, token)))

    async def acknowledge(self, token: str, name: str) -> CarrierPage:
        """The first acknowledgement stands; a second one changes nothing."""
        name = name.strip()
        if len(name) > NAME_LIMIT:
            raise _invalid(Problem("name", "too_long", {"bound": NAME_LIMIT}))

        def write(tx: Tx) -> CarrierPage:
            row, copy = _open_copy(tx, token)
            now, by = self._now(), name or copy.name
            if store.acknowledge(tx, row.id, copy.place, by, "page", now):
                detail = {"carrier": copy.name, "via": "page", "name": name}
                store.note(tx, row.id, now, copy.name, "acknowledged_by", detail)
                store.hand_over(tx, row.id, copy.place, copy.name, now)
                silence_over(tx, row.code, copy.name, by, now)
                move_on(tx, row.id, now)
            return _page(tx, *_copy(tx, token))

        return await self._told(write)

    async def report(self, token: str, counts: Counts) -> CarrierPage:
        """The newest counts stand; earlier ones stay in the timeline. Raises `Refusal` with every problem."""
        problems = _problems(counts, self._now())
        if problems:
            raise _invalid(*problems)

        def write(tx: Tx) -> CarrierPage:
            row, copy = _open_copy(tx, token)
            now = self._now()
            if copy.acknowledged_at is None:
                store.acknowledge(tx, row.id, copy.place, copy.name, "page", now)
                silence_over(tx, row.code, copy.name, copy.name, now)
            numbers = (counts.sent, counts.delivered, counts.failed)
            store.report(tx, row.id, copy.place, numbers, counts.finished_at, counts.note, now)
            detail = {"carrier": copy.name, "sent": counts.sent, "delivered": counts.delivered, "failed": counts.failed}
            store.note(tx, row.id, now, copy.name, "reported_by", detail)
            move_on(tx, row.id, now)
            return _page(tx, *_copy(tx, token))

        return await self._told(write)

    async def _told(self, write: Callable[[Tx], CarrierPage]) -> CarrierPage:
        page = await self._ledger.write(write)
        publish(self._bus, page.view.code)
        self._bus.publish("alarms", {"type": "taken"})
        return page


def _copy(tx: Tx, token: str) -> tuple[OrderRow, CopyRow]:
    copy = store.copy_of_token(tx, token) if 0 < len(token) <= TOKEN_LONGEST else None
    if copy is None:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_link")
    row = found(tx, str(copy.order_id))
    if row.mode != Mode.ACTUAL or OrderState(row.state) not in HAS_COPIES:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_link")
    return row, copy


def _open_copy(tx: Tx, token: str) -> tuple[OrderRow, CopyRow]:
    row, copy = _copy(tx, token)
    if OrderState(row.state) not in LEFT:
        raise Refusal(RefusalKind.WRONG_STATE, "order_closed", code=row.code)
    return row, copy


def _page(tx: Tx, row: OrderRow, copy: CopyRow) -> CarrierPage:
    view = views.view(tx, row, mail_ready=True)
    carrier = next(one for one in view.carriers if one.place == copy.place)
    return CarrierPage(view, carrier, OrderState(row.state) in LEFT)


def _problems(counts: Counts, now: float) -> list[Problem]:
    problems = [
        Problem(field, "count_wrong", {"limit": COUNT_LIMIT})
        for field in ("sent", "delivered", "failed")
        if not 0 <= getattr(counts, field) <= COUNT_LIMIT
    ]
    if not problems and counts.delivered + counts.failed > counts.sent:
        problems.append(Problem("delivered", "counts_exceed_sent", {"sent": counts.sent}))
    if counts.finished_at > now:
        problems.append(Problem("finished_at", "finished_in_future"))
    if len(counts.note) > NOTE_LIMIT:
        problems.append(Problem("note", "too_long", {"bound": NOTE_LIMIT}))
    return problems


def _invalid(*problems: Problem) -> Refusal:
    return Refusal(RefusalKind.INVALID, "invalid_input", problems)
