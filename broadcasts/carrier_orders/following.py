"""What the office does once an order has left: it rings, hands over on paper, and closes the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from adapters.contract import Now
from broadcasts.carrier_orders import views
from broadcasts.carrier_orders.model import NAME_LIMIT, NOTE_LIMIT, CallResult, OrderState, OrderView
from broadcasts.carrier_orders.office import OrderSettings, again, found, move_on, publish, silence_over, wrong_state
from broadcasts.carrier_orders.states import ARCHIVABLE, LEFT
from broadcasts.model import Actor, Mode, Problem, Refusal, RefusalKind
from broadcasts.permitted import MAY_WRITE, require
from lanes.port import Bus
from store import carrier_letters
from store import carrier_orders as store
from store.carrier_orders import CopyRow, OrderRow
from store.engine import Ledger, Tx

S = OrderState


class Following:
    """The half of `OrderDesk` that follows an order up. `mail_ready`: whether a mail server is configured; without one
    nothing is put into the outbox."""

    def __init__(
        self, ledger: Ledger, bus: Bus, settings: OrderSettings, mail_ready: bool, now: Now = time.time
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self.settings = settings
        self.mail_ready = mail_ready
        self._now = now

    async def call(
        self, ref: str, place: int, spoke_to: str, result: str, note: str, actor: Actor, at: float | None = None
    ) -> OrderView:
        """Record a call to a carrier, for ever. `confirmed` is an acknowledgement by telephone and needs a name."""
        require(actor, MAY_WRITE)
        spoke_to, note = spoke_to.strip(), note.strip()
        problems = _call_problems(spoke_to, result, note, at, self._now())
        if problems:
            raise Refusal(RefusalKind.INVALID, "invalid_input", tuple(problems))

        def write(tx: Tx) -> OrderView:
            row, copy = self._copy(tx, ref, place)
            now = self._now()
            when = now if at is None else at
            store.add_call(tx, row.id, place, when, actor.name, spoke_to, result, note)
            store.note(tx, row.id, now, actor.name, "called", {"carrier": copy.name, "result": result})
            if result == CallResult.CONFIRMED and S(row.state) in LEFT and store.acknowledge(
                tx, row.id, place, spoke_to, "phone", when
            ):  # fmt: skip
                store.note(tx, row.id, now, actor.name, "acknowledged_by", {"carrier": copy.name, "via": "phone"})
                silence_over(tx, row.code, copy.name, actor.name, now)
            move_on(tx, row.id, now)
            return self._view(tx, row.id)

        return await self._told(write)

    async def hand_over(self, ref: str, place: int, actor: Actor) -> OrderView:
        """An officer gave the printed form by other means. Refused in an exercise."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> OrderView:
            row, copy = self._copy(tx, ref, place)
            now = self._now()
            if S(row.state) not in LEFT:
                raise wrong_state(row)
            if row.mode != Mode.ACTUAL:
                raise Refusal(RefusalKind.WRONG_STATE, "order_exercise", code=row.code)
            if store.hand_over(tx, row.id, place, actor.name, now):
                store.note(tx, row.id, now, actor.name, "handed_over", {"carrier": copy.name})
                move_on(tx, row.id, now)
            return self._view(tx, row.id)

        return await self._told(write)

    async def archive(self, ref: str, actor: Actor) -> OrderView:
        """Close the record; nothing of it changes any more."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> OrderView:
            row, now = found(tx, ref), self._now()
            self._move(tx, row, ARCHIVABLE, {"state": S.ARCHIVED.value, "ended_at": now})
            carrier_letters.drop_letters(tx, row.id, now)
            copies = store.copies(tx, row.id)
            for copy in copies:
                silence_over(tx, row.code, copy.name, actor.name, now)
            silent = [copy.name for copy in copies if copy.acknowledged_at is None]
            store.note(tx, row.id, now, actor.name, "archived", {"unanswered": silent} if silent else {})
            return self._view(tx, row.id)

        return await self._told(write)

    def _copy(self, tx: Tx, ref: str, place: int) -> tuple[OrderRow, CopyRow]:
        row = found(tx, ref)
        if S(row.state) not in (*LEFT, S.CANCELLED):
            raise wrong_state(row)
        for copy in store.copies(tx, row.id):
            if copy.place == place:
                return row, copy
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_carrier", code=row.code)

    def _move(self, tx: Tx, row: OrderRow, states: Sequence[OrderState], values: dict[str, Any]) -> None:
        if not store.update(tx, row.id, [state.value for state in states], values):
            raise wrong_state(row)

    def _view(self, tx: Tx, order_id: int) -> OrderView:
        return views.view(tx, again(tx, order_id), self.mail_ready)

    async def _told(self, write: Callable[[Tx], OrderView]) -> OrderView:
        view = await self._ledger.write(write)
        publish(self._bus, view.code)
        return view


def _call_problems(spoke_to: str, result: str, note: str, at: float | None, now: float) -> list[Problem]:
    problems: list[Problem] = []
    if result not in list(CallResult):
        problems.append(Problem("result", "not_a_choice", {"value": result[:40]}))
    if result == CallResult.CONFIRMED and not spoke_to:
        problems.append(Problem("spoke_to", "spoke_to_missing"))
    if len(spoke_to) > NAME_LIMIT:
        problems.append(Problem("spoke_to", "too_long", {"bound": NAME_LIMIT}))
    if len(note) > NOTE_LIMIT:
        problems.append(Problem("note", "too_long", {"bound": NOTE_LIMIT}))
    if at is not None and at > now:
        problems.append(Problem("at", "call_in_future"))
    return problems
