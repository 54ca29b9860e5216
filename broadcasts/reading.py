"""What officers, the API, the bot and the command line read of broadcasts. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from adapters.contract import Now
from broadcasts import views
from broadcasts.composing import Composer, draft_of
from broadcasts.document_codes import StatusLine, statuses
from broadcasts.drafting import Prepared
from broadcasts.model import BroadcastState, DeliveryState, Draft, Problem, Refusal, RefusalKind
from broadcasts.permitted import EDITABLE, found
from broadcasts.routes import Routes
from broadcasts.shown import BroadcastView, DeliveryView, RollcallRow
from broadcasts.views import TimelineEvent
from directory.units import UnitCatalogue
from store import broadcasts, singles
from store.chunks import ORDINAL_BITS
from store.engine import Ledger, Tx
from text.dates import OFFICE_ZONE


class Reading:
    """`ref` is a broadcast's code or number; each method raises `Refusal` (`no_such_broadcast`) where there is none."""

    def __init__(self, ledger: Ledger, routes: Routes, catalogue: UnitCatalogue, composer: Composer, now: Now) -> None:
        self._ledger = ledger
        self._routes = routes
        self._catalogue = catalogue
        self.composer = composer
        self._now = now

    async def view(self, ref: str) -> BroadcastView:
        return await self._ledger.read(lambda tx: views.view(tx, found(tx, ref), self._routes, self._now()))

    async def find(self, ref: str) -> BroadcastView | None:
        """Like `view`, None where there is none."""

        def read(tx: Tx) -> BroadcastView | None:
            row = broadcasts.one(tx, ref)
            return None if row is None else views.view(tx, row, self._routes, self._now())

        return await self._ledger.read(read)

    async def noted(self, event: str, key: str) -> BroadcastView | None:
        """The newest broadcast beside which `event` was noted, with this `key` where one is named."""

        def read(tx: Tx) -> BroadcastView | None:
            no = broadcasts.with_event(tx, event, key or None)
            return None if no is None else self._view(tx, no)

        return await self._ledger.read(read)

    async def looked_at(self, make: Callable[[Tx], Draft]) -> Prepared:
        """What a draft that others make would send. Raises `Refusal` (`invalid_draft`)."""
        composer = self.composer
        return await self._ledger.read(lambda tx: composer.checked(tx, make(tx), composer.next_code(tx)))

    async def quote(self, ref: str) -> dict[str, Any] | None:
        """What a broadcast that still can be changed would cost now; of another, see `BroadcastView.cost`."""

        def read(tx: Tx) -> dict[str, Any] | None:
            row = found(tx, ref)
            if BroadcastState(row.state) not in EDITABLE:
                return None
            return self.composer.quoted(tx, draft_of(row), row.code)[1]

        return await self._ledger.read(read)

    async def list(self, state: str | None = None, limit: int = 50) -> list[BroadcastView]:
        """Newest first."""
        return await self._ledger.read(
            lambda tx: [views.view(tx, row, self._routes, self._now()) for row in broadcasts.listed(tx, state, limit)]
        )

    async def deliveries(
        self, ref: str, state: str | None = None, after: int = 0, limit: int = 1000
    ) -> Sequence[DeliveryView]:
        """In id order, behind `after`."""
        if state is not None and state.upper() not in DeliveryState.__members__:
            raise Refusal(RefusalKind.INVALID, "invalid_input", (Problem("state", "not_a_choice", {"value": state}),))
        return await self._ledger.read(lambda tx: views.delivery_page(tx, found(tx, ref).no, state, after, limit))

    async def statuses(self, ref: str) -> Sequence[StatusLine]:
        """Document codes of each unit, by unit and time."""
        return await self._ledger.read(lambda tx: statuses(tx, found(tx, ref).no))

    async def rollcall(self, ref: str) -> Sequence[RollcallRow]:
        return await self._ledger.read(lambda tx: views.rollcall(tx, found(tx, ref), self._catalogue))

    async def events(self, ref: str, after: int = 0) -> Sequence[TimelineEvent]:
        lines = await self._ledger.read(lambda tx: broadcasts.timeline(tx, found(tx, ref).no, after))
        return [
            TimelineEvent(one, datetime.fromtimestamp(at, OFFICE_ZONE), actor, event, detail)
            for one, at, actor, event, detail in lines
        ]

    async def single(self, delivery_id: int) -> DeliveryView:
        """One message to one address."""

        def read(tx: Tx) -> DeliveryView:
            if delivery_id not in singles.in_range(tx, delivery_id, delivery_id):
                raise Refusal(RefusalKind.NOT_FOUND, "no_such_message", id=delivery_id)
            return views.delivery_page(tx, delivery_id >> ORDINAL_BITS, None, delivery_id - 1, 1)[0]

        return await self._ledger.read(read)

    def _view(self, tx: Tx, no: int) -> BroadcastView:
        row = broadcasts.by_no(tx, no)
        assert row is not None
        return views.view(tx, row, self._routes, self._now())
