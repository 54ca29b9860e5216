"""A real message by each channel to an address of our own: proof that goes beyond "the session is open"."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.contract import Evidence, Now, Priority
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import Actor, DeliveryState, Problem, Refusal, RefusalKind, Role
from broadcasts.plan import NewChunk
from broadcasts.routes import Route, Routes
from broadcasts.single import write_single
from broadcasts.states import REACHED, WORKING
from broadcasts.views import moment
from store import watch
from store.engine import Ledger, Tx

WAIT_SECONDS: Final = 300.0
"""How long a test may take before it counts as failed."""
WORKS: Final = frozenset({DeliveryState.ACCEPTED, *REACHED})
TextOf = Callable[[Route, float], str]


@dataclass(frozen=True, slots=True)
class LinkResult:
    """How a channel's newest test went. `result`: never, waiting, works, failed, unset (no test address)."""

    channel: str
    result: str
    state: str = ""
    at: datetime | None = None
    by: str = ""
    proven_at: datetime | None = None


class LinkTests:
    """`targets`: channel or family → address of our own that a test goes to. `every`: seconds between two tests of one
    channel; 0: only by hand."""

    def __init__(
        self,
        ledger: Ledger,
        routes: Routes,
        announce: Callable[[list[NewChunk]], Awaitable[None]],
        targets: Mapping[str, str],
        every: float,
        text_of: TextOf,
        now: Now = time.time,
    ) -> None:
        self._ledger = ledger
        self._routes = routes
        self._announce = announce
        self._targets = targets
        self._every = every
        self._text_of = text_of
        self._now = now

    async def tick(self) -> int:
        """Test every channel whose time has come; how many tests left."""
        now = self._now()
        if not self._every or not await self._ledger.read(lambda tx: self._due(tx, now)):
            return 0

        def make(tx: Tx) -> list[NewChunk]:
            return [made for route in self._due(tx, now) if (made := self._write(tx, route, SYSTEM, now)) is not None]

        made = await self._ledger.write(make)
        await self._announce(made)
        return len(made)

    async def test(self, channel: str, actor: Actor) -> None:
        """Now, by hand. Raises `Refusal` for a channel that is not there or has no test address."""
        route = self._routes.by_name(channel)
        if route is None:
            raise Refusal(RefusalKind.NOT_FOUND, "no_such_channel", channel=channel)
        if not self._target(route):
            raise Refusal(
                RefusalKind.INVALID, "invalid_input", (Problem("channel", "link_unset", {"channel": channel}),)
            )
        made = await self._ledger.write(lambda tx: self._write(tx, route, actor.name, self._now()))
        await self._announce([made] if made is not None else [])

    async def results(self) -> list[LinkResult]:
        return await self._ledger.read(lambda tx: self.read(tx, self._now()))

    def read(self, tx: Tx, now: float) -> list[LinkResult]:
        """One line for each channel, in the order of the duty board."""
        last, proven = watch.last_link_tests(tx), self.proven(tx)
        return [self._result(route, last.get(route.name), proven.get(route.name), now) for route in self._routes.all]

    def proven(self, tx: Tx) -> dict[str, float]:
        """Channel → when a test last got as far as the channel can prove. Epoch seconds."""
        found: dict[str, float] = {}
        for route in self._routes.all:
            states = WORKS if Evidence.DELIVERED not in route.traits.receipts else REACHED
            at = watch.proven_links(tx, tuple(int(state) for state in states)).get(route.name)
            if at is not None:
                found[route.name] = at
        return found

    def _result(self, route: Route, row: watch.LinkTestRow | None, proven: float | None, now: float) -> LinkResult:
        proven_at = moment(proven)
        if row is None:
            return LinkResult(route.name, "never" if self._target(route) else "unset", proven_at=proven_at)
        state = DeliveryState(row.status)
        far = WORKS if Evidence.DELIVERED not in route.traits.receipts else REACHED
        result = "works" if state in far else "waiting" if now - row.at < WAIT_SECONDS and _open(state) else "failed"
        return LinkResult(route.name, result, state.word, moment(row.at), row.made_by, proven_at)

    def _due(self, tx: Tx, now: float) -> list[Route]:
        last = watch.last_link_tests(tx)
        return [
            route
            for route in self._routes.all
            if self._target(route) and (route.name not in last or last[route.name].at <= now - self._every)
        ]

    def _write(self, tx: Tx, route: Route, by: str, now: float) -> NewChunk | None:
        actor = Actor(by, Role.OFFICER)
        text = self._text_of(route, now)
        delivery, made = write_single(tx, route, self._target(route), text, actor, Priority.NORMAL, None, now)
        watch.add_link_test(tx, route.name, now, delivery, by)
        return made

    def _target(self, route: Route) -> str:
        """Its own, else its family's; a group has only its own."""
        return self._targets.get(route.name, "" if route.traits.group else self._targets.get(route.family, ""))


def _open(state: DeliveryState) -> bool:
    return state in (*WORKING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)
