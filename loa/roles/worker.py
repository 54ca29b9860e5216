"""The role `worker`: hands messages over to the channels whose sessions live here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from adapters.abilities import Spread
from broadcasts.asking import Asker
from broadcasts.dispatch import STOP_SECONDS, Dispatcher
from broadcasts.posting import RollcallPosts
from broadcasts.routes import Route
from loa.jobs import Job
from loa.roles import lights
from loa.roles.house import House
from loa.roles.lights import LightsKept, LightsOnRecord
from loa.roles.own_sink import OwnSink
from loa.texts import ack_label

log = structlog.get_logger(__name__)

ASK_TICK_SECONDS: Final = 10.0
ROLLCALL_POST_TICK_SECONDS: Final = 2.0
"""How often the roll-call in a group is compared with the ledger; the channel spaces the edits."""
SETTLE_TICK_SECONDS: Final = 2.0
"""How soon it is known here that an account lives elsewhere, or that messages pass there (again)."""
LANES_TICK_SECONDS: Final = 5.0


class Sending:
    """`loa.roles.homes.Holder` of sessions: a route works while one of its homes is here."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._routes = house.routes.all
        self.homes: tuple[str, ...] = tuple(dict.fromkeys(home for route in self._routes for home in route.homes))
        self.sink = OwnSink(house.sink, self.homes)
        self._dispatchers = {route.name: self._dispatcher(route) for route in self._routes}
        self._here: set[str] = set()
        self._working: set[str] = set()
        self._changing = asyncio.Lock()
        self._asker = Asker(house.ledger, house.lanes, house.recorder, house.routes, ack_label(), serves=self.serves)
        self._rollcall_posts = RollcallPosts(house.ledger, house.routes, house.units, serves=self.serves)
        self._kept = LightsKept(house.ledger, house.routes, house.owner, self.serves)
        self._read = LightsOnRecord(house.ledger, house.routes)

    def _dispatcher(self, route: Route) -> Dispatcher:
        house = self._house
        return Dispatcher(
            route, house.ledger, house.lanes, house.recorder, house.bus, house.owner, ack_label(), routes=house.routes
        )

    @property
    def dispatchers(self) -> Sequence[Dispatcher]:
        return tuple(self._dispatchers.values())

    def serves(self, route: Route) -> bool:
        return route.name in self._working

    async def start_all(self) -> None:
        """Where no other process shares the ledger, everything lives here."""
        self._here.update(self.homes)
        await asyncio.gather(*(route.channel.start(self._house.sink) for route in self._routes))
        for route in self._routes:
            self._begin(route)

    def _begin(self, route: Route) -> None:
        self._working.add(route.name)
        self._dispatchers[route.name].start()

    async def take_up(self, home: str) -> None:
        async with self._changing:
            self._here.add(home)
            for route in self._routes:
                if home in route.homes and route.name not in self._working:
                    try:
                        await route.channel.start(self.sink)
                    except Exception:  # its light stays dark; the others work
                        log.exception("channel_not_started", channel=route.name)
                        continue
                    self._begin(route)
        if not self._house.does_all:
            await self._settle()
            await self._kept.tick()

    async def hand_over(self, home: str) -> None:
        """Windows that are under way end, and each message of theirs gets its answer."""
        await self._leave(home, STOP_SECONDS)

    async def let_go(self, home: str) -> None:
        """What has no answer yet is in doubt, and listed by whoever found that we are gone."""
        await self._leave(home, 0.0)

    async def _leave(self, home: str, seconds: float) -> None:
        async with self._changing:
            self._here.discard(home)
            ending = [one for one in self._routes if home in one.homes and not self._here.intersection(one.homes)]
            ending = [one for one in ending if one.name in self._working]
            await asyncio.gather(*(self._dispatchers[route.name].stop(seconds) for route in ending))
            for route in reversed(ending):
                await self._end(route)

    async def _end(self, route: Route) -> None:
        self._working.discard(route.name)
        try:
            await route.channel.stop()
        except Exception:
            log.exception("channel_not_stopped", channel=route.name)

    async def stop_all(self) -> None:
        await asyncio.gather(*(one.stop() for one in self._dispatchers.values()), return_exceptions=True)
        self._working.clear()

    async def close(self) -> None:
        """Whatever was begun, also by a start that broke off."""
        await asyncio.gather(*(route.channel.stop() for route in self._routes), return_exceptions=True)

    async def _settle(self) -> None:
        """Which accounts of a channel of several live elsewhere and work there."""
        spread = [route.channel for route in self._routes if isinstance(route.channel, Spread)]
        if spread:
            well = await self._read.well()
            for channel in spread:
                channel.settle(well)

    def jobs(self) -> tuple[Job, ...]:
        """Each in every process that sends, for what lives there."""
        own: tuple[Job, ...] = (
            (self._asker.tick_unknown, ASK_TICK_SECONDS),
            (self._rollcall_posts.tick, ROLLCALL_POST_TICK_SECONDS),
        )
        if self._house.does_all:
            return own
        return (
            *own,
            (self._kept.tick, lights.TICK_SECONDS),
            (self._settle, SETTLE_TICK_SECONDS),
            (self._house.clockwork.tick_own_lanes, LANES_TICK_SECONDS),
        )
