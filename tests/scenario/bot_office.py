"""The office's ears over a real ledger: what people write goes the real way, what they get left a scripted channel."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from adapters.contract import Incoming, IncomingKind
from bot.answering import Answering
from bot.answers import Answers
from bot.answers import Office as BotOffice
from bot.ears import Ears
from bot.intake import Intake
from bot.intents import Language
from bot.keywords import load as load_keywords
from bot.notes import NOTES
from bot.wording import load as load_wording
from broadcasts.acknowledge import Acknowledgements
from broadcasts.content import OfficeFacts
from broadcasts.desk import Desk
from broadcasts.drafting import DeskSettings
from broadcasts.model import Actor, Role
from broadcasts.routes import Route
from broadcasts.steps import Step
from broadcasts.templates import TemplateSet
from directory.unit_finder import UnitFinder
from directory.units import load as load_units
from store import alarms, broadcasts, directory, inbox, rollcalls
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, leader

UNITS = load_units()
WORDING = load_wording()
LANGUAGE = Language(UnitFinder(UNITS), load_keywords())
OFFICE = BotOffice(hotline="0237 000 0000", portal="https://pctt.example.vn/", dvc_portal="dichvucong.example.vn")
OFFICER = Actor("Nguyễn Trực", Role.OFFICER)
STEPS = (Step(after=0, channels=("zalo",), roles=("chairman",)),)
GROUP = "the-group"


def code_of(name: str) -> str:
    return next(unit.code for unit in UNITS.all if unit.name == name)


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2025, 8, 24, 19, 20, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.at


@dataclass
class Contact:
    unit: str
    person: int
    name: str
    phone: str
    zalo: str


@dataclass
class Office:
    """`begin` opens the doors, `directive` sends one to all contacts, `hears` lets somebody write."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    contacts: list[Contact] = field(default_factory=list)

    async def begin(self) -> None:
        self.room = EngineRoom(self.folder, *self.routes(), now=self.clock)
        room = self.room
        self.acks = Acknowledgements(room.ledger, room.bus)
        settings = DeskSettings(
            office=OfficeFacts(), steps={"default": STEPS}, give_up_after=600.0, close_after=600.0, sms_parts_limit=1
        )
        self.desk = Desk(
            room.ledger, room.bus, room.routes, room.clockwork, self.acks, UNITS, TemplateSet(()), settings, self.clock
        )
        self.answering = Answering(LANGUAGE, Answers(OFFICE), WORDING, UNITS)
        self.ears = Ears(self.answering, WORDING, UNITS, ourselves={"8077"})
        self.intake = self._intake()
        room.recorder.incoming = lambda batch: self.intake.store(batch)
        await room.start()
        self.task = asyncio.create_task(self.intake.run())
        self.events = 0

    def routes(self) -> tuple[Route, ...]:
        self.zalo = ScriptedChannel("zalo.user", buttons=True)
        self.group = ScriptedChannel("zalo.group", group=True)
        self.sms = self.sms_channel()
        return Route(self.zalo, "zalo"), Route(self.group, "zalo", GROUP), Route(self.sms, "sms")

    def sms_channel(self):
        return ScriptedChannel("sms.one", unaccented=True)

    def _intake(self) -> Intake:
        room = self.room
        return self.ears.intake(room.ledger, room.bus, room.routes, self.acks, self.desk, self.clock)

    async def end(self) -> None:
        rows = await self.room.ledger.read(lambda tx: inbox.listing(tx, limit=10_000))
        assert {row.note for row in rows} <= NOTES | {""}
        await self.stop_listening()
        await self.room.stop()

    async def stop_listening(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    def listen_again(self) -> None:
        self.intake = self._intake()
        self.task = asyncio.create_task(self.intake.run())

    async def register(self, unit_name: str, name: str = "Lê Văn Chủ Tịch", role: str = "chairman") -> Contact:
        place = len(self.contacts)
        unit = code_of(unit_name) if unit_name else ""
        phone, zalo = f"8490000{place:04}", f"z{place}"

        def write(tx):
            person = directory.add_person(tx, unit, role, f"{name} {place}", self.clock.at)
            directory.add_address(tx, person, "sms", phone, 0, self.clock.at)
            directory.add_address(tx, person, "zalo", zalo, 1, self.clock.at)
            return person

        person = await self.room.ledger.write(write)
        contact = Contact(unit, person, f"{name} {place}", phone, zalo)
        self.contacts.append(contact)
        return contact

    async def directive(self, code: str, title: str = "", **values) -> int:
        """Approved and sent to every registered contact of a unit; its number."""
        members = [leader(one.unit, one.person, "zalo", one.zalo) for one in self.contacts if one.unit]
        no = await self.room.approved(members=members, steps=STEPS, code=code, title=title, **values)
        await self.room.clockwork.fire(no)
        return no

    async def supersede(self, old: int, new: int) -> None:
        await self.room.ledger.write(
            lambda tx: (
                tx.execute("UPDATE broadcast SET superseded_by = ? WHERE no = ?", (new, old)),
                tx.execute("UPDATE broadcast SET supersedes = ? WHERE no = ?", (old, new)),
            )
        )

    def incoming(self, text: str, sender: str, channel: str, **more) -> Incoming:
        self.events += 1
        kind = IncomingKind.BUTTON if more.get("payload") else IncomingKind.TEXT
        values = {"kind": kind, "chat": sender, "event_id": f"e{self.events}", **more}
        at = datetime.fromtimestamp(self.clock.at, UTC)
        return Incoming(channel=channel, sender=sender, at=at, text=text, **values)

    async def hears(self, text: str, sender: str, channel: str = "sms.one", **more) -> list[str]:
        """Somebody writes; what they, or their group, are answered."""
        message = self.incoming(text, sender, channel, **more)
        answered = len(self.left(channel, message.chat))
        await self.intake.store([message])
        await self.settled()
        return self.left(channel, message.chat)[answered:]

    async def in_group(self, text: str, sender: str, **more) -> list[str]:
        return await self.hears(text, sender, "zalo.group", chat=GROUP, is_group=True, **more)

    def left(self, channel: str, to: str) -> list[str]:
        """Answers that left; the directives themselves are "chào" here."""
        names = {"zalo.user": self.zalo, "zalo.group": self.group, "sms.one": self.sms}
        return [one.text for one in names[channel].left if one.to == to and not one.text.startswith("chào")]

    async def settled(self) -> None:
        await self.intake.drained()

        def all_left(tx):
            waiting = "SELECT COUNT(*) FROM delivery WHERE status IN (0, 1)"
            return tx.execute(waiting).fetchone()[0] == 0

        await self.room.until(lambda: self.room.ledger.read(all_left))

    async def state(self, no: int, contact: Contact) -> str:
        row = await self.room.ledger.read(lambda tx: rollcalls.one(tx, no, contact.unit))
        assert row is not None
        return row.state

    async def acknowledged(self) -> int:
        def count(tx):
            return tx.execute("SELECT COUNT(*) FROM rollcall WHERE state <> 'awaiting'").fetchone()[0]

        return await self.room.ledger.read(count)

    async def last(self) -> inbox.InboxRow:
        return (await self.room.ledger.read(lambda tx: inbox.listing(tx, limit=1)))[0]

    async def ringing(self) -> list[alarms.Alarm]:
        return await self.room.ledger.read(alarms.ringing)

    async def set_state(self, no: int, state: str) -> None:
        await self.room.ledger.write(
            lambda tx: broadcasts.update(tx, no, ("sending", "sent"), {"state": state, "ended_at": self.clock.at})
        )
