"""Enrolment over the real Zalo and Telegram adapters and both simulators: scan, send, confirm, alert, answer, block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.telegram.settings import TelegramSettings
from bot.answering import Answering
from bot.answers import Answers
from bot.ears import Ears
from broadcasts.acknowledge import Acknowledgements
from broadcasts.content import OfficeFacts
from broadcasts.desk import Desk
from broadcasts.drafting import DeskSettings
from broadcasts.model import Actor, Role
from broadcasts.steps import Step
from broadcasts.templates import TemplateSet
from directory import enrolment, enrolment_codes
from loa.enrolment import EnrolmentRoom
from loa.settings_sections import Adapters
from loa.wiring import build_routes
from simulators import telegram
from simulators.telegram.server import BOT_USERNAME
from simulators.zalo import GROUP_ID
from store import directory, group_members, paths, rollcalls
from store import enrolment as rows
from store.engine import Tx
from tests.contract.recording import MemoryState
from tests.contract.zalo_stand import hooked, save_hook, simulator, zalo_settings
from tests.scenario.bot_office import LANGUAGE, OFFICE, UNITS, WORDING, code_of
from tests.scenario.engine_room import EngineRoom, leader

CANBO = Actor("canbo", Role.OFFICER)
UNIT = code_of("Xã Hậu Lộc")
ZALO, TELEGRAM = "8000000000000000077", "700100200"
SETTINGS = DeskSettings(
    office=OfficeFacts(), steps={"default": (Step(after=0, channels=("zalo", "telegram")),)}, give_up_after=600.0,
    close_after=600.0, sms_parts_limit=1,
)  # fmt: skip


class Town:
    """One chairman without any account, two platforms, an office that listens."""

    async def open(self, folder: Path, stack: AsyncExitStack) -> None:
        self.zalo = await stack.enter_async_context(simulator())
        self.telegram = await telegram.start()
        stack.push_async_callback(self.telegram.close)
        settings = TelegramSettings(
            enabled=True,
            base_url=self.telegram.url,
            token=telegram.DEFAULT_TOKEN,
            poll_seconds=1,  # type: ignore[arg-type]
        )
        adapters = Adapters(zalo=zalo_settings(self.zalo, oa_user={}, oa_group={}), telegram=settings)
        routes = build_routes(adapters, MemoryState())
        self.room = room = EngineRoom(folder, *routes.all, now=self.zalo.world.now)
        acks = Acknowledgements(room.ledger, room.bus)
        self.desk = Desk(
            room.ledger, room.bus, room.routes, room.clockwork, acks, UNITS, TemplateSet(()), SETTINGS, room.now
        )
        ears = Ears(Answering(LANGUAGE, Answers(OFFICE), WORDING, UNITS), WORDING, UNITS)
        intake = ears.intake(room.ledger, room.bus, room.routes, acks, self.desk, room.now)
        room.recorder.incoming = intake.store  # type: ignore[attr-defined]
        self.enrolment = EnrolmentRoom(room.ledger, room.bus, self.desk, room.routes, UNITS, now=room.now)
        url = await stack.enter_async_context(hooked([route.channel for route in routes.all]))
        await room.start()
        stack.push_async_callback(self._close)
        await save_hook(self.zalo, f"{url}/zalo.oa")
        self._task = asyncio.create_task(intake.run())
        self.person = await room.ledger.write(
            lambda tx: directory.add_person(tx, UNIT, "chairman", "Lê Mẫu Chủ Tịch", room.now())
        )
        self.zalo.add_user(ZALO, "Anh Hai", follows=False, last_interaction=None)
        self.telegram.add_person(TELEGRAM, "Anh Hai", started=False)

    async def _close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for route in self.room.routes.all:
            await route.channel.stop()
        await self.room.stop()

    async def code(self, family: str) -> str:
        def make(tx: Tx) -> str:
            row = enrolment.issue(tx, self.person, family, "canbo", self.room.now())
            return enrolment.text_of(tx, row)

        return await self.room.ledger.write(make)

    async def confirmed(self) -> rows.Request:
        """An officer waits for the request, sees the account's name, and confirms."""

        async def named() -> rows.Request | None:
            await self.enrolment.tick()
            found = await self.room.ledger.read(rows.pending)
            return found[0] if found and found[0].account_name else None

        request = await self.room.until(named)
        await self.enrolment.confirm(request.id, CANBO)
        return request

    async def alert(self, code: str, family: str, value: str) -> int:
        member = replace(leader(UNIT, self.person, family, value), address_id=await self.address(family, value))
        no = await self.room.approved(members=[member], steps=[Step(after=0, channels=(family,))], code=code)
        await self.room.clockwork.fire(no)
        return no

    async def address(self, family: str, value: str) -> int:
        found = await self.room.ledger.read(lambda tx: directory.addresses_of(tx, self.person))
        return next(one.id for one in found if (one.channel, one.value) == (family, value))

    async def path(self, family: str) -> paths.PathRow:
        found = await self.room.ledger.read(lambda tx: paths.paths_of_unit(tx, UNIT))
        return next(one for one in found if one.channel == family)

    async def shown(self, sim: object, address: str, words: str) -> None:
        await self.room.until(
            lambda: any(one.sender == "loa" and words in one.text for one in sim.stage.after(0, address))  # type: ignore[attr-defined]
        )

    async def acknowledged(self, no: int) -> bool:
        row = await self.room.ledger.read(lambda tx: rollcalls.one(tx, no, UNIT))
        return row is not None and row.state == "acknowledged"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        town = Town()
        await town.open(tmp_path, stack)
        yield town


async def test_zalo(town: Town) -> None:
    code = await town.code("zalo")
    invitation = town.enrolment.invitation("zalo", code)
    assert invitation is not None
    assert invitation.link == f"https://zalo.me/{town.zalo.app.oa_id}"
    await town.zalo.person_does(ZALO, "follow", None)
    await town.zalo.person_says(ZALO, None, f"GHIDANH {enrolment_codes.shown(code).lower()}")
    await town.shown(town.zalo, ZALO, "Trực ban đang xác nhận")
    request = await town.confirmed()
    assert (request.value, request.account_name) == (ZALO, "Anh Hai")  # asked for: Zalo's events carry no names
    await town.shown(town.zalo, ZALO, "Trực ban đã xác nhận")
    no = await town.alert("TB0825-01", "zalo", ZALO)
    await town.shown(town.zalo, ZALO, "chào")
    await town.room.until(lambda: proved(town, "zalo"))  # delivered, by Zalo's own event
    await town.zalo.person_says(ZALO, None, "DANHAN TB0825-01")
    await town.room.until(lambda: town.acknowledged(no))
    await town.zalo.person_does(ZALO, "join", GROUP_ID)
    await town.enrolment.read_groups()
    members = await town.room.ledger.read(group_members.members)
    assert (ZALO, "Anh Hai") in {(one.value, one.name) for one in members}
    await town.zalo.person_does(ZALO, "unfollow", None)
    await town.room.until(lambda: shut(town, "zalo"))


async def test_telegram(town: Town) -> None:
    await town.room.until(lambda: town.enrolment.invitation("telegram", "x"))  # the bot has told its name
    code = await town.code("telegram")
    invitation = town.enrolment.invitation("telegram", code)
    assert invitation is not None
    assert invitation.carries_code
    assert invitation.link == f"https://t.me/{BOT_USERNAME}?start={code}"
    start = invitation.link.partition("?start=")[2]
    await town.telegram.person_says(TELEGRAM, None, f"/start {start}")
    await town.shown(town.telegram, TELEGRAM, "Trực ban đang xác nhận")
    request = await town.confirmed()
    assert (request.value, request.account_name) == (TELEGRAM, "Anh Hai")
    await town.shown(town.telegram, TELEGRAM, "Trực ban đã xác nhận")
    no = await town.alert("TB0825-02", "telegram", TELEGRAM)
    await town.shown(town.telegram, TELEGRAM, "chào")
    await town.telegram.person_says(TELEGRAM, None, "dạ rõ")
    await town.room.until(lambda: town.acknowledged(no))
    await town.telegram.person_does(TELEGRAM, "unfollow", None)
    await town.room.until(lambda: shut(town, "telegram"))


async def proved(town: Town, family: str) -> bool:
    return (await town.path(family)).proved_by in (paths.DELIVERED, paths.SEEN)


async def shut(town: Town, family: str) -> bool:
    return (await town.path(family)).blocked_at is not None
