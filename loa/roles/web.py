"""The role `web`: console, API, and the providers' hooks. It keeps nothing in memory that another one would need."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import IO
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from broadcasts.alert_pages import AlertPages
from broadcasts.model import Role as OfficeRole
from loa import local_word
from loa.importing import Imports
from loa.jobs import Job
from loa.metrics import Metrics
from loa.roles.house import House
from loa.roles.ready import Readiness
from loa.settings_error import SettingsError
from loa.texts import cap_office
from loa.wiring import granting
from store import access
from store.engine import LedgerError, Tx
from web.app import make_app
from web.services import Services, WebSettings

log = structlog.get_logger(__name__)

SHUTDOWN_SECONDS = 3.0
WITHDRAW_SECONDS = 3.0
"""How long an end waits for the ledger to forget a key that opens nothing any more."""
KEEP_WORD_SECONDS = 5.0
"""How soon commands find another web process of this machine when the one that they knew has ended."""


class WebServer:
    """`set_up_url`: where the first account is made, "" once there is one."""

    def __init__(self, house: House, phone_wall: str = "") -> None:
        self._house = house
        self._phone_wall = phone_wall
        self._runner: web.AppRunner | None = None
        self._set_up_token = ""
        self._operator_key = ""
        self._word: dict[str, str] = {}
        self._word_file: IO[bytes] | None = None

    async def start(self, metrics: Metrics, readiness: Readiness) -> None:
        """Raises `SettingsError` where the port is taken. Pages work from here on."""
        house = self._house
        if not await house.ledger.read(access.list_staff):
            self._set_up_token = secrets.token_urlsafe()
        app = make_app(self._services(metrics, readiness))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        host, port = house.settings.web.host, house.settings.web.port
        house.url = await listen(self._runner, host, port)

    def _services(self, metrics: Metrics, readiness: Readiness) -> Services:
        house, settings = self._house, self._house.settings
        return Services(
            desk=house.desk,
            ledger=house.ledger,
            bus=house.bus,
            channels=house.proven,
            watch=house.watch,
            grants=granting(house.routes),
            units=house.units,
            importing=Imports(house.ledger, house.units, house.data),
            templates=house.templates,
            texts=house.office_texts.texts,
            orders=house.orders.desk,
            carriers=house.orders.answers,
            duty=house.duty.for_web(),
            archive=house.archive,
            enrolling=house.enrolment,
            by_hand=house.posts,
            schedules=house.schedules.desk,
            alert_pages=AlertPages(house.ledger, house.desk, time.time),
            metrics=metrics.collect,
            not_ready=readiness.why_not,
            cap=cap_office(settings),
            settings=WebSettings(
                office_name=settings.office.name,
                public_url=settings.web.public_url,
                portal=settings.office.portal,
                group_link=settings.office.group_link,
                demo=house.demo,
                phone_wall_url=self._phone_wall,
                trusted_proxies=tuple(str(one) for one in settings.web.trusted_proxies),
                second_factor_for=frozenset(role.value for role in settings.sign_in.second_factor_for),
                set_up_token=self._set_up_token,
            ),
        )

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        key, self._operator_key = self._operator_key, ""
        await self._withdraw(key)

    # -- for the operator on this machine -------------------------------------------------------------------------

    @property
    def set_up_url(self) -> str:
        return f"{self._house.url}/set-up/{self._set_up_token}" if self._set_up_token else ""

    @property
    def admin_key(self) -> str:
        return self._word["admin_key"]

    async def tell_operator(self) -> None:
        """An admin key for this machine's own operator, where only who may read the data folder finds it. It lives as
        long as this process; that of one that was killed here ends with its word."""
        house = self._house
        place = "" if house.alone else f"{house.identity.host}:{urlsplit(house.url).port}"
        role, now = OfficeRole.ADMIN.value, time.time()
        before = _of_the_dead(local_word.read(house.data))

        def renew(tx: Tx) -> str:
            access.withdraw_operator(tx, before)
            return access.renew_operator(tx, place, role, now)

        self._operator_key = await house.ledger.write(renew)
        self.leave_word(self._operator_key)

    def leave_word(self, admin_key: str, key: str | None = None) -> None:
        """Where the service answers and with which keys, for commands on the same machine."""
        self._word = {"api": f"{self._house.url}/api/v1", "admin_key": admin_key, "key": key or admin_key}
        self._put_word()

    def _put_word(self) -> None:
        before, self._word_file = self._word_file, local_word.leave(self._house.data, self._word)
        if before is not None:
            before.close()

    async def keep_word(self) -> None:
        """The one that has taken its word back, or was killed, was not the only one on this machine."""
        if not self._word:
            return
        found = local_word.read(self._house.data)
        if found is None or not found.held:
            self._put_word()
            before = _of_the_dead(found)
            if before != self._operator_key:
                await self._withdraw(before)

    async def _withdraw(self, key: str) -> None:
        """A ledger that is away keeps it until a process at the same place renews it."""
        if not key:
            return
        try:
            async with asyncio.timeout(WITHDRAW_SECONDS):
                await self._house.ledger.write(lambda tx: access.withdraw_operator(tx, key))
        except (LedgerError, TimeoutError) as failed:
            log.warning("operator_key_left", reason=str(failed) or "timeout")

    def jobs(self) -> tuple[Job, ...]:
        return ((self.keep_word, KEEP_WORD_SECONDS),)

    def take_word_back(self) -> None:
        word, self._word = self._word, {}
        local_word.take_back(self._house.data, word)
        if self._word_file is not None:
            self._word_file.close()
            self._word_file = None


def _of_the_dead(word: local_word.Word | None) -> str:
    """The operator's key in a word whose process was killed, "" where there is none."""
    return "" if word is None or word.held else word.admin_key


async def listen(runner: web.AppRunner, host: str, port: int) -> str:
    """Raises `SettingsError` (port_taken); the address otherwise, of whatever port was free where `port` is 0."""
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as taken:
        raise SettingsError("port_taken", host=host, port=str(port)) from taken
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{runner.addresses[0][1]}"
