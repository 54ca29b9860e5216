"""A night at the duty office: the real desk, clock, schedules and urging in front of the street's three real channels.
The clock is the machine's plus what the test lets pass."""

from __future__ import annotations

import time
from dataclasses import dataclass

from adapters.contract import Health
from broadcasts.content import OfficeFacts
from broadcasts.desk import Desk
from broadcasts.drafting import DeskSettings
from broadcasts.model import Actor, Draft, Role
from broadcasts.outages import OutageWatch
from broadcasts.steps import Step
from broadcasts.templates import load_templates
from broadcasts.urging import URGE_TEMPLATE, Urging, UrgingRoom
from store import alarms, deliveries, directory
from store.engine import Tx
from tests.scenario.bot_office import UNITS, Contact, code_of
from tests.scenario.street import PATIENCE, Phone, Street

TRUC_BAN, PHO_CHANH = Actor("trucban", Role.OFFICER), Actor("phochanh", Role.APPROVER)
STEPS = (
    Step(after=0, channels=("zalo", "telegram")),
    Step(after=300, channels=("sms",), unless="delivered"),
    Step(after=900, call=True),
)
FACTS = OfficeFacts("PCTT Thanh Hoa", "0237.000.0000", "8099", "https://pctt.thanhhoa.gov.vn/")
STORM = {
    "lan": "7", "so_bao": "5", "cap_do": "4", "muc_rui_ro": "rất lớn", "gio_phat": "02:20", "ngay": "25/8",
    "gio_tam": "02:00", "vi_tri": "18,1 độ Vĩ Bắc; 107,9 độ Kinh Đông", "cap_gio": "13-14", "giat": "16",
    "khu_vuc": "Nghi Sơn - Sầm Sơn", "gio_do_bo": "13-16h ngày 25/8", "han": "09:00 ngày 25/8",
    "viec_1": "Kêu gọi tàu thuyền, lồng bè vào bờ", "viec_2": "Sơ tán hộ ven biển, nhà yếu",
    "viec_3": "Trực 24/24, báo cáo 3 giờ/lần", "gio_o_nha": "7h ngày 25/8", "so_van_ban": "Công điện 12/CĐ-UBND",
}  # fmt: skip
"""Values of the handbook's first template."""


class NightClock:
    """The machine's time, and what has passed in the test."""

    def __init__(self) -> None:
        self.passed = 0.0

    @property
    def at(self) -> float:
        return self()

    def __call__(self) -> float:
        return time.time() + self.passed


@dataclass
class Leader:
    contact: Contact
    zalo: Phone
    sms: Phone


@dataclass
class Night(Street):
    async def begin(self) -> None:
        self.clock = NightClock()  # type: ignore[assignment]
        await super().begin()

    async def open(self) -> None:
        await super().open()
        room = self.room
        self.templates = load_templates()
        settings = DeskSettings(FACTS, {"default": STEPS}, give_up_after=600, close_after=86_400, sms_parts_limit=4)
        self.desk = Desk(
            room.ledger, room.bus, room.routes, room.clockwork, self.acks, UNITS, self.templates, settings, self.clock
        )
        self.urging = Urging(
            room.ledger, room.lanes, room.bus, room.routes, UNITS,
            UrgingRoom(FACTS, STEPS, self.templates.find(URGE_TEMPLATE)), self.clock,
        )  # fmt: skip
        self.outages = OutageWatch(room.ledger, room.bus, self._probe, self.clock)

    async def _probe(self) -> list[tuple[str, Health]]:
        return [(route.name, await route.channel.probe()) for route in self.room.routes.all]

    async def leader(self, unit_name: str) -> Leader:
        """A chairman with Zalo and a telephone."""
        place = len(self.contacts)
        self.family = "zalo"
        zalo = self.phone(place)
        self.family = "sms"
        sms = self.phone(place)
        unit, name = code_of(unit_name), f"Lê Văn Chủ Tịch {place}"

        def write(tx):
            person = directory.add_person(tx, unit, "chairman", name, self.clock.at)
            for rank, phone in enumerate((sms, zalo)):
                directory.add_address(tx, person, phone.family, phone.address, rank, self.clock.at)
            return person

        contact = Contact(unit, await self.room.ledger.write(write), name, sms.address, zalo.address)
        self.contacts.append(contact)
        return Leader(contact, zalo, sms)

    async def send(self, **values) -> str:
        """Composed, approved by another person, and on its way; its code."""
        units = "unit:" + ",".join(sorted(one.unit for one in self.contacts))
        draft = Draft(audience=units, channels=["zalo", "sms"], **values)
        made = await self.desk.draft(draft, TRUC_BAN)
        asked = await self.desk.submit(made.code, TRUC_BAN)
        await self.desk.approve(made.code, asked.content_hash, PHO_CHANH)
        return made.code

    async def wait(self, seconds: float) -> None:
        """What is on its way arrives, so long passes; then the clock does what has fallen due."""
        await self.room.until(lambda: self.room.ledger.read(_idle), PATIENCE)
        self.clock.passed += seconds
        await self.tick()

    async def tick(self) -> None:
        for _ in range(3):
            await self.room.clockwork.tick_escalation()
        await self.room.clockwork.tick_broadcasts()
        await self.urging.tick()
        await self.room.clockwork.tick_lanes()

    async def board(self, code: str, unit: str) -> dict[str, str]:
        """Channel → how far the unit's messages got."""
        return next(row.deliveries for row in await self.desk.rollcall(code) if row.unit == unit)

    async def board_says(self, code: str, unit: str, **states: str) -> None:
        async def right() -> bool:
            shown = {name.partition(".")[0]: state for name, state in (await self.board(code, unit)).items()}
            return shown == states

        await self.room.until(right, PATIENCE)

    async def alarms(self) -> list[alarms.Alarm]:
        return await self.room.ledger.read(alarms.ringing)

    async def told(self, code: str) -> list[tuple[str, str, int]]:
        """(channel, address, step) of everything that was made for people."""
        no = (await self.desk.view(code)).id
        rows = await self.room.ledger.read(lambda tx: list(deliveries.direct_in(tx, no << 24, (no + 1) << 24).values()))
        return [(one.channel, one.value, one.step) for one in rows]


def _idle(tx: Tx) -> bool:
    """Every chunk was seen through."""
    return tx.execute("SELECT COUNT(*) FROM chunk WHERE state = 1").fetchone()[0] == 0
