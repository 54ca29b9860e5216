"""One running Loa: ledger, lanes, channels, workers, clock, bot and web in one process (role `all`)."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import structlog
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot import ears
from bot.approval_asker import ApprovalAsker
from bot.intake import Intake
from bot.vocabulary import Vocabulary
from broadcasts.acknowledge import Acknowledgements
from broadcasts.alert_pages import AlertPages
from broadcasts.archive import COLLECT_EVERY_SECONDS, Archive
from broadcasts.asking import Asker
from broadcasts.clockwork import Clockwork
from broadcasts.desk import Desk
from broadcasts.dispatch import Dispatcher
from broadcasts.model import Role
from broadcasts.posting import RollcallPosts
from broadcasts.prepared import office_templates
from broadcasts.recorder import Recorder
from directory import units as unit_data
from directory.content_book import READ_AGAIN_SECONDS, ContentBook
from directory.number_lists import discard_incomplete
from lanes.memory import MemoryBus, MemoryLanes
from loa.by_hand import PostsByHand
from loa.carrier_orders import MAIL_TICK_SECONDS, SILENCE_TICK_SECONDS, CarrierOrders
from loa.cli.client import SERVICE_FILE
from loa.durable import LedgerState
from loa.duty import DutyRoom
from loa.enrolment import EnrolmentRoom
from loa.importing import Imports
from loa.loop_lag import watch_loop
from loa.metrics import Metrics, Sources
from loa.office_texts import OfficeTextRoom
from loa.schedules import Schedules
from loa.settings import Settings, SettingsError
from loa.texts import ack_label, bot_office, cap_office, desk_settings, escalation_chains
from loa.watch import ProvenChannels, Watch
from loa.wiring import LedgerSink, SwitchedOn, build_routes, by_hand, granting, own_addresses
from store import access
from store.engine import Tx
from store.migrate import migrate
from store.opening import ledger_at
from text.dates import OFFICE_ZONE
from web.app import make_app
from web.services import Services, WebSettings

log = structlog.get_logger(__name__)

ESCALATION_TICK_SECONDS = 0.5
BROADCAST_TICK_SECONDS = 1.0
ASK_TICK_SECONDS = 10.0
APPROVAL_TICK_SECONDS = 2.0
"""How soon approvers are asked by message after somebody asked for approval."""
ROLLCALL_POST_TICK_SECONDS = 2.0
"""How often the roll-call in a group is compared with the ledger; the channel spaces the edits."""
LANES_TICK_SECONDS = 5.0
"""The reconciler: what no lane holds any more is announced again."""
Prepare = Callable[[], Awaitable[None]]
WEB_SHUTDOWN_SECONDS = 3.0


class Service:
    """Built from settings; `start` returns when it is ready, `stop` when everything is flushed and closed."""

    def __init__(self, settings: Settings, *, demo: bool = False, phone_wall: str = "") -> None:
        if not settings.lanes.url.startswith("memory://"):
            raise SettingsError("lanes_url", value=settings.lanes.url.partition(":")[0])
        self.settings = settings
        self.data = settings.data_folder()
        self._demo = demo
        self._phone_wall = phone_wall
        self.units = unit_data.load()
        self.templates = replace(office_templates())
        self.chains = escalation_chains(settings)
        self.ledger = ledger_at(settings.store.ledger_url(), settings.store.files_folder())
        self.bus = MemoryBus()
        self.lanes = MemoryLanes()
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.recorder = Recorder(self.ledger, self.bus)
        self.state = LedgerState(self.ledger)
        self.routes = build_routes(settings.adapters, self.state)
        self.clockwork = Clockwork(self.ledger, self.lanes, self.bus, self.routes, self.owner)
        self.acknowledgements = Acknowledgements(self.ledger, self.bus)
        self.desk = Desk(
            self.ledger,
            self.bus,
            self.routes,
            self.clockwork,
            self.acknowledgements,
            self.units,
            self.templates,
            desk_settings(settings, self._public_url, self.chains),
            rules=settings.approval.rules(),
        )
        self.asker = Asker(self.ledger, self.lanes, self.recorder, self.routes, ack_label())
        self.rollcall_posts = RollcallPosts(self.ledger, self.routes, self.units, time.time)
        self.content = ContentBook(self.ledger)
        self.archive = Archive(self.ledger)
        self.intake = self._intake()
        self.approval_asker = ApprovalAsker(
            self.ledger, self.desk, self.routes, settings.office.code_prefix, rules=settings.approval.rules()
        )
        self.duty = DutyRoom(settings, self.ledger, self.bus, self.desk, self.clockwork, self.routes, self.units)
        self.enrolment = EnrolmentRoom(
            self.ledger, self.bus, self.desk, self.routes, self.units, settings.enrolment.valid_for
        )
        manual, ring_after = by_hand(self.routes), settings.adapters.manual.ring_after
        self.posts = None if manual is None else PostsByHand(self.ledger, self.bus, manual, ring_after)
        self.orders = CarrierOrders(settings, self.ledger, self.bus, self.units, lambda: self.url if demo else "")
        self.office_texts = OfficeTextRoom(
            settings, self.ledger, self.bus, self.units, self.templates, self.chains, self.orders.carriers,
            self.vocabulary,
        )  # fmt: skip
        self.channels = SwitchedOn(self.routes)
        self.schedules = Schedules(
            desk_settings(settings, self._public_url, self.chains),
            self.ledger,
            self.lanes,
            self.bus,
            self.routes,
            self.units,
            self.templates,
            self.desk,
            self.channels.health,
        )
        self.watch = Watch(settings, self.ledger, self.bus, self.desk, self.clockwork, self.routes, self.units)
        self.schedules.on_path_test(self.watch.path_test_due)
        self.dispatchers = [
            Dispatcher(route, self.ledger, self.lanes, self.recorder, self.bus, self.owner, ack_label())
            for route in self.routes.all
        ]
        self.metrics = Metrics(self._metric_sources())
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(timezone=OFFICE_ZONE)
        self._runner: web.AppRunner | None = None
        self.url = ""
        self._set_up_token = ""

    def _metric_sources(self) -> Sources:
        return Sources(
            role="all",
            ledger=self.ledger,
            engine="sqlite",
            data=self.data,
            sending=[dispatcher.following.figures for dispatcher in self.dispatchers],
            recorder=self.recorder,
            lights=ProvenChannels(self.channels, self.ledger, self.watch.links).health,
            backup=self.watch.newest_backup,
            heartbeat=lambda: self.watch.heartbeat.last_at,
        )

    def _public_url(self) -> str:
        """Where people reach this service; in the demo its own address, since its phones are on this machine."""
        return self.settings.web.public_url or (self.url if self._demo else "")

    def _intake(self) -> Intake:
        ourselves, prefix = own_addresses(self.settings.adapters), self.settings.office.code_prefix
        confirm = self.settings.enrolment.confirm
        listening = ears.load(bot_office(self.settings), self.units, ourselves, prefix, self.content, confirm)
        self.vocabulary = Vocabulary(listening.answering, self.units)
        return listening.intake(
            self.ledger, self.bus, self.routes, self.acknowledgements, self.desk, commands=self.desk
        )

    async def start(self, prepare: Prepare | None = None) -> None:
        """Raises `LedgerError` or `SettingsError` with what is wrong; nothing runs then. `prepare` comes after the
        ledger is open and before anything else runs."""
        migrate(self.settings.store.ledger_url())
        self.ledger.open()
        try:
            if prepare is not None:
                await prepare()
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        await discard_incomplete(self.ledger)
        await self.recorder.start([route.name for route in self.routes.all])
        unknown, repeated = await self.clockwork.recover()
        await self.clockwork.tick_lanes()
        await self.orders.outbox.recover()
        await self.content.refresh()
        await self.office_texts.texts.refresh()
        if not await self.ledger.read(access.list_staff):
            self._set_up_token = secrets.token_urlsafe()
        await self._serve()
        sink = LedgerSink(self.recorder, self.intake)
        await asyncio.gather(*(route.channel.start(sink) for route in self.routes.all))
        self._tasks.append(asyncio.create_task(watch_loop(), name="loop-lag"))
        self._tasks.append(asyncio.create_task(self.intake.run(), name="intake"))
        self._tasks.append(asyncio.create_task(self.content.run(self.bus), name="content"))
        self._tasks.append(asyncio.create_task(self.office_texts.texts.run(self.bus), name="office-texts"))
        for dispatcher in self.dispatchers:
            dispatcher.start()
        self._schedule()
        await self._tell_operator()
        log.info("started", url=self.url, channels=len(self.routes.all), in_doubt=unknown, repeated=repeated)

    def _schedule(self) -> None:
        """Every job is safe to miss, to repeat and to run late: SQL decides what is due."""
        jobs: tuple[tuple[Callable[[], Awaitable[Any]], float], ...] = (
            (self.clockwork.tick_escalation, ESCALATION_TICK_SECONDS),
            (self.rollcall_posts.tick, ROLLCALL_POST_TICK_SECONDS),
            (self.clockwork.tick_broadcasts, BROADCAST_TICK_SECONDS),
            (self.clockwork.tick_lanes, LANES_TICK_SECONDS),
            (self.asker.tick_unknown, ASK_TICK_SECONDS),
            (self.approval_asker.tick, APPROVAL_TICK_SECONDS),
            *self.duty.jobs(),
            (self.orders.outbox.tick, MAIL_TICK_SECONDS),
            (self.orders.watch.tick, SILENCE_TICK_SECONDS),
            (self.content.refresh, READ_AGAIN_SECONDS),
            (self.archive.collect, COLLECT_EVERY_SECONDS),
            *self.enrolment.jobs(),
            *(self.posts.jobs() if self.posts else ()),
            *self.schedules.jobs(),
            *self.watch.jobs(),
            *self.vocabulary.jobs(),
            *self.office_texts.jobs(),
        )
        for job, seconds in jobs:
            self._scheduler.add_job(
                job, "interval", seconds=seconds, misfire_grace_time=None, coalesce=True, max_instances=1
            )
        self._scheduler.start()

    async def _serve(self) -> None:
        services = Services(
            desk=self.desk,
            ledger=self.ledger,
            bus=self.bus,
            channels=ProvenChannels(self.channels, self.ledger, self.watch.links),
            watch=self.watch,
            grants=granting(self.routes),
            units=self.units,
            importing=Imports(self.ledger, self.units, self.data),
            templates=self.templates,
            texts=self.office_texts.texts,
            orders=self.orders.desk,
            carriers=self.orders.answers,
            duty=self.duty.for_web(),
            archive=self.archive,
            enrolling=self.enrolment,
            by_hand=self.posts,
            schedules=self.schedules.desk,
            alert_pages=AlertPages(self.ledger, self.desk, time.time),
            metrics=self.metrics.collect,
            cap=cap_office(self.settings),
            settings=WebSettings(
                office_name=self.settings.office.name,
                public_url=self.settings.web.public_url,
                demo=self._demo,
                phone_wall_url=self._phone_wall,
                trusted_proxies=tuple(str(one) for one in self.settings.web.trusted_proxies),
                second_factor_for=frozenset(role.value for role in self.settings.sign_in.second_factor_for),
                set_up_token=self._set_up_token,
            ),
        )
        self._runner = web.AppRunner(make_app(services), access_log=None, shutdown_timeout=WEB_SHUTDOWN_SECONDS)
        await self._runner.setup()
        host, port = self.settings.web.host, self.settings.web.port
        try:
            site = web.TCPSite(self._runner, host, port)
            await site.start()
        except OSError as taken:
            raise SettingsError("port_taken", host=host, port=str(port)) from taken
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._runner.addresses[0][1]}"

    async def _tell_operator(self) -> None:
        """An admin key for this machine's own operator, where only who may read the data folder finds it."""

        def renew(tx: Tx) -> str:
            access.retire_key(tx, access.LOCAL_OPERATOR)
            return access.add_key(tx, access.LOCAL_OPERATOR, Role.ADMIN.value, time.time())

        key = await self.ledger.write(renew)
        self.leave_word(key)

    def leave_word(self, admin_key: str, key: str | None = None) -> None:
        """Where the service answers and with which keys, for commands on the same machine."""
        path = self.data / SERVICE_FILE
        self._word = {"api": f"{self.url}/api/v1", "admin_key": admin_key, "key": key or admin_key}
        write_private(path, orjson.dumps(self._word))

    @property
    def set_up_url(self) -> str:
        """Where the first account is made; "" once there is one."""
        return f"{self.url}/set-up/{self._set_up_token}" if self._set_up_token else ""

    @property
    def admin_key(self) -> str:
        return self._word["admin_key"]

    async def stop(self) -> None:
        """Stop claiming, drain, flush, close: in this order nothing becomes unknown."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        (self.data / SERVICE_FILE).unlink(missing_ok=True)
        await asyncio.gather(*(dispatcher.stop() for dispatcher in self.dispatchers), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(route.channel.stop() for route in self.routes.all), return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        await self.recorder.stop()
        await self.ledger.close()


def write_private(path: Path, content: bytes) -> None:
    """A file that only its owner can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)
