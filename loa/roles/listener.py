"""The role `listener`: long polls, renewals in time, and understanding and answering what people wrote."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from broadcasts.routes import Route
from loa.jobs import Job
from loa.roles import lights
from loa.roles.house import House
from loa.roles.lights import LISTENING, LightsKept

log = structlog.get_logger(__name__)

INTAKE: Final = "intake"
"""The home of the one process that handles what was stored."""
HEARS: Final = "listen/"
"""Before the name of a session: that it is heard by."""
LOOK_SECONDS: Final = 1.0
"""How often the ledger is looked into for messages that another process stored, should its word not come."""


class Listening:
    """`loa.roles.homes.Holder` of polls and of the intake."""

    def __init__(self, house: House) -> None:
        self._house = house
        sessions = dict.fromkeys(home for route in house.routes.all if route.listens for home in route.homes)
        self.homes = (INTAKE, *(HEARS + session for session in sessions))
        self._here: set[str] = set()
        self._intake: list[asyncio.Task[None]] = []
        self._kept = LightsKept(house.ledger, house.routes, house.owner, self._hears, LISTENING)

    def _hears(self, route: Route) -> bool:
        return any(HEARS + home in self._here for home in route.homes)

    async def take_up(self, home: str) -> None:
        self._here.add(home)
        if home == INTAKE:
            self.start_intake()
            return
        for route in self._of(home):
            try:
                await route.channel.start(self._house.sink)
            except Exception:  # its light stays dark; the others are heard
                log.exception("channel_not_started", channel=route.name)

    async def hand_over(self, home: str) -> None:
        self._here.discard(home)
        if home == INTAKE:
            await self.stop_intake()
            return
        for route in self._of(home):
            try:
                await route.channel.stop()
            except Exception:
                log.exception("channel_not_stopped", channel=route.name)

    async def let_go(self, home: str) -> None:
        await self.hand_over(home)

    def _of(self, home: str) -> list[Route]:
        return [route for route in self._house.routes.all if route.listens and home.removeprefix(HEARS) in route.homes]

    def start_intake(self) -> None:
        self._intake = [asyncio.create_task(self._house.intake.run(), name="intake")]
        if not self._house.does_all:
            self._intake.append(asyncio.create_task(self._hear_of_messages(), name="inbox"))
            self._intake.append(asyncio.create_task(self._look_for_messages(), name="inbox-look"))

    async def stop_intake(self) -> None:
        """What was begun is handled again by whoever takes it up."""
        for task in self._intake:
            task.cancel()
        await asyncio.gather(*self._intake, return_exceptions=True)
        self._intake = []

    async def _hear_of_messages(self) -> None:
        async with self._house.bus.follow("inbox") as told:
            async for _ in told:
                self._house.intake.look_again()

    async def _look_for_messages(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._house.intake.look_again()

    def jobs(self) -> tuple[Job, ...]:
        return ((self._kept.tick, lights.TICK_SECONDS),)
