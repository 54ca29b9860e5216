"""One process of Loa, put together by its role (`loa.roles`): what starts, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import functools
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from loa.jobs import Job
from loa.loop_lag import watch_loop
from loa.metrics import Metrics, Sources
from loa.roles import readers
from loa.roles.homes import Group
from loa.roles.house import House
from loa.roles.listener import Listening
from loa.roles.membership import Membership
from loa.roles.ready import Readiness, health_app
from loa.roles.role import Role
from loa.roles.scheduler import Leading
from loa.roles.web import WebServer, listen
from loa.roles.worker import Sending
from loa.settings import Settings
from loa.shared_lanes import start_lanes
from loa.version import version
from store.engine import LedgerError
from store.up_to_date import bring_up_to_date
from text.dates import OFFICE_ZONE

log = structlog.get_logger(__name__)

Prepare = Callable[[], Awaitable[None]]
COLLECT_AFTER = (20_000, 20, 50)
"""Objects until Python's collector looks at the young ones, and how seldom at the older. At its 700 it takes up to a
fifth of the CPU of a list by SMS, walking over messages that are under way; this costs 8 MB (`benchmarks sms`)."""


class Service:
    """Built from settings; `start` returns when it is ready, `stop` when everything is handed over, flushed and closed.

    `ended` is set when the process may not go on by itself, and `why` says why.
    """

    def __init__(self, settings: Settings, role: Role = Role.ALL, *, demo: bool = False, phone_wall: str = "") -> None:
        self.settings = settings
        self.house = house = House(settings, role, demo=demo)
        self.ledger, self.desk, self.routes = house.ledger, house.desk, house.routes
        self.units, self.recorder, self.data = house.units, house.recorder, house.data
        self.sending, self.listening, self.leading = Sending(house), Listening(house), Leading(house)
        self.web = WebServer(house, phone_wall)
        self.membership = None if house.alone else self._membership()
        if self.membership is not None and not house.does_all:
            self.sending.sink.holding = self.membership
        self.readiness = Readiness(house, self._behind)
        self.metrics = Metrics(self._metric_sources())
        self.ended = asyncio.Event()
        self.why: LedgerError | None = None
        self.health_url = ""
        self._health: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(timezone=OFFICE_ZONE)

    @property
    def url(self) -> str:
        return self.house.url

    def _plays(self, *roles: Role) -> bool:
        return self.house.does_all or self.house.role in roles

    # -- among others -------------------------------------------------------------------------------------------------

    def _membership(self) -> Membership:
        """Who does all shares nothing: it only says that it is there."""
        house = self.house
        groups = [
            Group(frozenset({Role.WORKER}), self.sending.homes, self.sending),
            Group(frozenset({Role.LISTENER}), self.listening.homes, self.listening),
            Group(frozenset({Role.SCHEDULER}), self.leading.homes, self.leading),
        ]
        return Membership(
            house.ledger, house.role.value, version(), self.settings.roles.lease,
            [group for group in groups if house.role in group.roles], identity=house.identity,
        )  # fmt: skip

    def _behind(self) -> str:
        return self.membership.behind() if self.membership is not None else ""

    def _fenced(self, why: LedgerError) -> None:
        self.why = why
        self.ended.set()

    def _metric_sources(self) -> Sources:
        house = self.house
        return Sources(
            role=house.role.value,
            ledger=house.ledger,
            engine="sqlite" if house.alone else "postgresql",
            data=house.data,
            sending=[dispatcher.following.figures for dispatcher in self.sending.dispatchers],
            recorder=house.recorder,
            lights=house.proven.health,
            reachable=lambda: {"redis": house.shared.away is None} if house.shared.shared else {},
            backup=house.watch.newest_backup,
            heartbeat=lambda: house.watch.heartbeat.last_at,
        )

    # -- beginning ----------------------------------------------------------------------------------------------------

    async def start(self, prepare: Prepare | None = None) -> None:
        """Raises `LedgerError` or `SettingsError` with what is wrong; nothing runs then. `prepare` comes after the
        ledger is open and before anything else runs."""
        gc.set_threshold(*COLLECT_AFTER)
        self._migrate()
        self.ledger.open()
        try:
            if prepare is not None:
                await prepare()
            await self._start()
        except BaseException:
            await self.stop()
            raise

    def _migrate(self) -> None:
        """A newer program may have been here; whether the schema still allows ours, `Membership` asks."""
        try:
            bring_up_to_date(self.settings.store.ledger_url())
        except LedgerError as newer:
            if newer.key != "ledger_too_new" or self.house.alone:
                raise

    async def _start(self) -> None:
        house = self.house
        await start_lanes(house.shared, house.ledger, house.settings.office.name)
        if self.membership is not None:
            await self.membership.enter(self._fenced)
        await house.recorder.start([route.name for route in house.routes.all], house.routes.systems())
        if house.does_all:
            await self.leading.take_up()
        await readers.read_all(house)
        if self._plays(Role.WEB):
            await self.web.start(self.metrics, self.readiness)
        if house.does_all:
            await self.sending.start_all()
            self.listening.start_intake()
        elif house.role in (Role.WEB, Role.SCHEDULER):
            await asyncio.gather(*(route.channel.start(house.sink) for route in house.routes.all))
        self._tasks.append(asyncio.create_task(watch_loop(), name="loop-lag"))
        self._tasks += readers.follow(house)
        if self.membership is not None:
            await self.membership.join()
        self._schedule()
        await self._open_doors()
        in_doubt, repeated = self.leading.found
        log.info(
            "started", role=house.role.value, url=house.url or self.health_url, channels=len(house.routes.all),
            in_doubt=in_doubt, repeated=repeated,
        )  # fmt: skip

    def _jobs(self) -> Sequence[Job]:
        """Every job is safe to miss, to repeat and to run late: SQL decides what is due."""
        jobs = [*readers.jobs(self.house)]
        if self._plays(Role.WEB):
            jobs += self.web.jobs()
        if self._plays(Role.WORKER):
            jobs += self.sending.jobs()
        if self._plays(Role.SCHEDULER):
            jobs += self.leading.jobs()
        if self.house.role is Role.LISTENER:
            jobs += self.listening.jobs()
        return jobs

    def _schedule(self) -> None:
        for job, seconds in self._jobs():
            self._scheduler.add_job(
                self._till_the_end(job),
                "interval",
                seconds=seconds,
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )
        self._scheduler.start()

    def _till_the_end(self, job: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
        """One that is under way when everything ends is broken off, and that is no failure of it."""

        @functools.wraps(job)
        async def run() -> None:
            try:
                await job()
            except asyncio.CancelledError:
                if not self.readiness.draining:
                    raise

        return run

    async def _open_doors(self) -> None:
        if self._plays(Role.WEB):
            await self.web.tell_operator()
            return
        self._health = web.AppRunner(health_app(self.readiness, self.metrics), access_log=None)
        own = self.settings.roles
        self.health_url = await listen(self._health, own.health_host, own.health_port)

    def ready_line(self) -> dict[str, Any]:
        role = self.house.role.value
        if not self._plays(Role.WEB):
            return {"ready": True, "role": role, "health": self.health_url}
        line = {"ready": True, "console": self.url, "api": f"{self.url}/api/v1", "role": role}
        return line | ({"set_up": self.web.set_up_url} if self.web.set_up_url else {})

    # -- ending -------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Say so, stop claiming, drain, hand over, flush, close: in this order nothing becomes unknown."""
        self.readiness.draining = True
        if self._plays(Role.WEB):
            self.web.take_word_back()
        began = time.monotonic()
        if self.house.role is Role.WEB and self._scheduler.running:
            await asyncio.sleep(self.settings.roles.notice)
        if self.membership is not None:
            await self.membership.drain()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        await self.sending.stop_all()
        await self.listening.stop_intake()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.web.stop()
        await self.sending.close()
        if self._health is not None:
            await self._health.cleanup()
        await self.house.recorder.stop()
        if self.membership is not None:
            await self.membership.leave()
        await self.house.shared.stop()
        await self.ledger.close()
        log.info("stopped", seconds=round(time.monotonic() - began, 1))
