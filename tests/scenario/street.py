"""An office on three real channels at once: a Zalo Official Account, Telegram and SMPP, each before its simulator, with
people's phones behind. What they type goes the provider's way in; what they read came the provider's way out."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.sms.smpp.channel import SmppChannel
from adapters.telegram.channel import TelegramChannel
from broadcasts.damage_reports import DamageReports
from broadcasts.routes import Route
from broadcasts.steps import Step
from simulators import smsc, telegram
from simulators.stage import Shown
from store import directory
from tests.contract import zalo_stand
from tests.contract.recording import MemoryState
from tests.contract.smpp_stand import account
from tests.contract.test_telegram import settings_for
from tests.scenario.bot_office import UNITS, Contact, Office, code_of
from tests.scenario.engine_room import leader

PATIENCE = 20.0  # seconds for an answer to arrive; a bound for the tests, not a promise


class RealClock:
    @property
    def at(self) -> float:
        return time.time()

    def __call__(self) -> float:
        return time.time()


@dataclass
class Phone:
    """One person's phone, on one channel. `channel` is how the inbox names it."""

    street: Street
    family: str
    address: str
    provider: Any

    async def says(self, text: str, answers: int = 1) -> str:
        """Types it; the answer that the phone then shows (the last of `answers`)."""
        before = self.last
        await self.provider.person_says(self.address, None, text)
        return (await self.reads(before, answers)).text

    async def reads(self, after: int, how_many: int = 1) -> Shown:
        async with asyncio.timeout(PATIENCE):
            while True:
                shown = self.shown(after)
                if len(shown) >= how_many:
                    return shown[how_many - 1]
                await asyncio.sleep(0.02)

    async def writes(self, text: str) -> None:
        """Types it and waits for nothing but that we dealt with it."""
        stored = await self.street.stored()
        await self.provider.person_says(self.address, None, text)
        await self.street.room.until(lambda: self.street.handled_more_than(stored))

    async def presses(self, message: Shown) -> str:
        before = self.last
        await self.provider.person_presses(self.address, message, message.buttons[0]["payload"])
        return (await self.reads(before)).text

    def shown(self, after: int = 0) -> list[Shown]:
        """What the service sent."""
        return [line for line in self.provider.stage.after(after, self.address) if line.sender == "loa"]

    @property
    def last(self) -> int:
        lines = self.provider.stage.lines
        return lines[-1].n if lines else 0


@dataclass
class Street(Office):
    """`family` is the channel of the test: leaders are written to by it and answer by it."""

    folder: Path = Path()
    family: str = "sms"
    open_doors: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> None:
        self.clock = RealClock()  # type: ignore[assignment]
        self.zalo_sim = await self.open_doors.enter_async_context(zalo_stand.simulator())
        self.telegram_sim = await telegram.start()
        self.open_doors.push_async_callback(self.telegram_sim.close)
        self.carrier = await smsc.start()
        self.open_doors.push_async_callback(self.carrier.close)
        await self.begin()
        self.reports = DamageReports(self.room.ledger, self.room.bus, UNITS, self.clock)
        for route in self.room.routes.all:
            self.open_doors.push_async_callback(route.channel.stop)
        url = await self.open_doors.enter_async_context(zalo_stand.hooked([self.oa]))
        await zalo_stand.save_hook(self.zalo_sim, f"{url}/zalo.oa")

    async def close(self) -> None:
        try:
            await self.end()
        finally:
            await self.open_doors.aclose()

    def routes(self) -> tuple[Route, ...]:
        settings = zalo_stand.zalo_settings(self.zalo_sim, oa_user={})
        _, (self.oa,) = zalo_stand.build(settings, MemoryState(), time.time)
        self.bot_api = TelegramChannel(settings_for(self.telegram_sim), MemoryState())
        self.sms = SmppChannel(account(self.carrier.port), MemoryState())
        return Route(self.oa, "zalo"), Route(self.bot_api, "telegram"), Route(self.sms, "sms")

    def phone(self, place: int) -> Phone:
        """Of the person number `place`, on the channel of the test. Nobody knows who it is."""
        if self.family == "zalo":
            address = f"80000000000000001{place:02}"
            if address not in self.zalo_sim.world.users:
                self.zalo_sim.add_user(address, "Người Mẫu")
            return Phone(self, self.family, address, self.zalo_sim)
        if self.family == "telegram":
            address = str(7_200_000 + place)
            self.telegram_sim.add_person(address, "Người Mẫu")
            return Phone(self, self.family, address, self.telegram_sim)
        return Phone(self, self.family, f"84900002{place:03}", self.carrier)

    async def chairman(self, unit_name: str) -> tuple[Contact, Phone]:
        """A registered chairman with his phone on this channel."""
        place = len(self.contacts)
        phone, unit, name = self.phone(place), code_of(unit_name), f"Lê Văn Chủ Tịch {place}"

        def write(tx):
            person = directory.add_person(tx, unit, "chairman", name, self.clock.at)
            directory.add_address(tx, person, self.family, phone.address, 0, self.clock.at)
            return person

        contact = Contact(unit, await self.room.ledger.write(write), name, phone.address, phone.address)
        self.contacts.append(contact)
        return contact, phone

    async def directive(self, code: str, title: str = "", **values) -> int:
        """Approved and sent to every registered contact by the channel of the test; on their phones when it returns."""
        steps = (Step(after=0, channels=(self.family,), roles=("chairman",)),)
        members = [leader(one.unit, one.person, self.family, one.phone) for one in self.contacts]
        no = await self.room.approved(members=members, steps=steps, code=code, title=title, **values)
        phones = [self.phone(place) for place in range(len(self.contacts))]
        before = [len(phone.shown()) for phone in phones]
        await self.room.clockwork.fire(no)
        await self.room.until(
            lambda: all(len(phone.shown()) > seen for phone, seen in zip(phones, before, strict=True)), PATIENCE
        )
        return no

    async def stored(self) -> int:
        return await self.room.ledger.read(lambda tx: tx.execute("SELECT COUNT(*) FROM inbox").fetchone()[0])

    async def stored_more_than(self, before: int) -> bool:
        return await self.stored() > before

    async def handled_more_than(self, before: int) -> bool:
        """A row is seen in the ledger before the intake knows that it is there: its own state tells."""
        sql = "SELECT COUNT(*), SUM(CASE WHEN state = 'new' THEN 1 ELSE 0 END) FROM inbox"
        stored, new = await self.room.ledger.read(lambda tx: tx.execute(sql).fetchone())
        return stored > before and not new

    async def total(self, field_code: str) -> int:
        """Of the province in the newest round."""
        rounds = await self.reports.rounds()
        totals = {} if not rounds else (await self.reports.view(rounds[0].id)).totals
        return int(totals[field_code][0]) if field_code in totals else 0
