"""The role `scheduler`: what happens because time passes. Several may run; exactly one of them leads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from broadcasts.archive import COLLECT_EVERY_SECONDS
from directory.number_lists import discard_incomplete
from loa.carrier_orders import MAIL_TICK_SECONDS, SILENCE_TICK_SECONDS
from loa.jobs import Job
from loa.roles.house import House

log = structlog.get_logger(__name__)

LEADS: Final = "scheduler"
"""The home of the one that leads."""
ESCALATION_TICK_SECONDS: Final = 0.5
BROADCAST_TICK_SECONDS: Final = 1.0
LANES_TICK_SECONDS: Final = 5.0
"""The reconciler: what no lane holds any more is announced again."""
WAITING_TICK_SECONDS: Final = 1.0
"""How soon a receipt that a web process took in meets the send that a worker was still recording."""
APPROVAL_TICK_SECONDS: Final = 2.0
"""How soon approvers are asked by message after somebody asked for approval."""
IMPORT_SECONDS: Final = 6 * 3_600.0
"""Longer than any import takes: an older one that is not whole was left by a process that died."""


class Leading:
    """`loa.roles.homes.Holder` of the lead. SQL decides what is due, so a job that two leaders run at the
    turn does no harm."""

    homes = (LEADS,)

    def __init__(self, house: House) -> None:
        self._house = house
        self.found = (0, 0)
        """Deliveries in doubt, and repeated by policy, when it was last taken up."""
        self._leads = False
        self._running: set[asyncio.Task[Any]] = set()

    async def take_up(self, home: str = LEADS) -> None:
        """Also: what the one before us may have left in the middle."""
        house = self._house
        try:
            await discard_incomplete(house.ledger, None if house.does_all else IMPORT_SECONDS)
            self.found = await house.clockwork.recover()
            await house.clockwork.tick_lanes()
            await house.orders.outbox.recover()
        except Exception:
            if house.does_all:
                raise
            log.exception("lead_not_begun")  # each of them is also a job, or is done at the next turn
        else:
            log.info("leading", in_doubt=self.found[0], repeated=self.found[1])
        self._leads = True

    async def hand_over(self, home: str = LEADS) -> None:
        self._leads = False
        if self._running:
            await asyncio.wait(self._running)

    async def let_go(self, home: str = LEADS) -> None:
        """A job that is under way may go on: SQL keeps it from harm."""
        self._leads = False

    def jobs(self) -> tuple[Job, ...]:
        """Each does nothing while another process leads."""
        return tuple((self._led(job), seconds) for job, seconds in self._all())

    def _led(self, job: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
        async def when_leading() -> None:
            if not self._leads:
                return
            task = asyncio.ensure_future(job())
            self._running.add(task)
            try:
                await task
            finally:
                self._running.discard(task)

        return when_leading

    def _all(self) -> tuple[Job, ...]:
        house = self._house
        return (
            (house.clockwork.tick_escalation, ESCALATION_TICK_SECONDS),
            (house.clockwork.tick_broadcasts, BROADCAST_TICK_SECONDS),
            (house.clockwork.tick_lanes, LANES_TICK_SECONDS),
            *(() if house.alone else ((house.recorder.tick_waiting, WAITING_TICK_SECONDS),)),
            (house.approval_asker.tick, APPROVAL_TICK_SECONDS),
            *house.duty.jobs(),
            (house.orders.outbox.tick, MAIL_TICK_SECONDS),
            (house.orders.watch.tick, SILENCE_TICK_SECONDS),
            (house.archive.collect, COLLECT_EVERY_SECONDS),
            *house.enrolment.jobs(),
            *(house.posts.jobs() if house.posts else ()),
            *house.schedules.jobs(),
            *house.watch.jobs(),
        )
