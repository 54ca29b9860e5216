"""The whole web application over a real ledger, a real desk and scripted channels, with the invented people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from adapters.contract import Health, HealthState, HookReply, HookRequest, ReceiptState
from bot.answer_texts import AnswerTexts
from bot.answers import Office
from bot.keyword_texts import KeywordTexts
from broadcasts.acknowledge import Acknowledgements
from broadcasts.alert_pages import AlertPages
from broadcasts.approval_rules import ANY_APPROVER, ApprovalRules
from broadcasts.archive import Archive
from broadcasts.break_glass import BreakGlass
from broadcasts.carrier_orders.answers import CarrierAnswers
from broadcasts.carrier_orders.carrier_texts import CarrierTexts
from broadcasts.carrier_orders.desk import OrderDesk
from broadcasts.carrier_orders.office import OrderSettings
from broadcasts.chain_texts import ChainTexts
from broadcasts.content import OfficeFacts
from broadcasts.desk import Desk
from broadcasts.drafting import DeskSettings
from broadcasts.duty_roster import DutyRoster
from broadcasts.exercises import Exercises
from broadcasts.handover import Handovers
from broadcasts.model import Actor, Draft, Role
from broadcasts.office_texts import OfficeTexts
from broadcasts.prepared import office_templates
from broadcasts.routes import Route
from broadcasts.schedules.digest import digest_kind
from broadcasts.schedules.kinds import Kinds
from broadcasts.schedules.office import ScheduleDesk
from broadcasts.schedules.rounds import rounds_kind
from broadcasts.schedules.sending import sending_kind
from broadcasts.steps import Step
from broadcasts.template_texts import TemplateTexts
from directory import groups, importing, units
from loa.enrolment import EnrolmentRoom
from loa.importing import Imports
from store import access
from store.engine import Tx
from tests import ledgers
from tests.order_stand import CARRIERS
from tests.scenario.engine_room import EngineRoom, ScriptedChannel
from web.app import make_app
from web.services import Duty, Services, WebSettings

STEPS = (
    Step(after=0, channels=("zalo", "telegram"), roles=("chairman",)),
    Step(after=300, channels=("sms",), roles=("chairman",), unless="delivered"),
    Step(after=900, call=True),
)
OFFICE_FACTS = OfficeFacts("PCTT Thanh Hoa", "0237.000.0000", "8099", "https://pctt.thanhhoa.gov.vn/")
SAMPLE = Path(__file__).parent.parent / "data" / "sample"
PASSWORD = "mat-khau-thu-nghiem"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A hash says itself what it costs; that of the house is for attackers (`tests/unit/test_web_access.py`)."""
STAFF = {"canbo": Role.OFFICER, "lanhdao": Role.APPROVER, "quantri": Role.ADMIN, "khach": Role.VIEWER}
TEXT = {"text": "Kiểm tra liên lạc", "audience": "all-units", "channels": ["zalo", "sms"]}
CHAIRMEN = 166


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at


class StandChannels:
    """Two channels as the duty board sees them, and one hook."""

    families = ("zalo", "sms")

    def __init__(self, clock: Clock) -> None:
        self.called: list[HookRequest] = []
        self.answer: HookReply | Exception = HookReply()
        self.hooks = {"thu": self._hook}
        self.states = {"zalo.user": HealthState.OK, "sms.one": HealthState.OK}
        self._clock = clock

    async def _hook(self, request: HookRequest) -> HookReply:
        self.called.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def health(self) -> list[tuple[str, Health]]:
        return [
            (name, Health(state, "ok" if state is HealthState.OK else "link_down"))
            for name, state in self.states.items()
        ]


def duty_of(
    room: EngineRoom, catalogue: units.UnitCatalogue, clock: Clock, rules: ApprovalRules = ANY_APPROVER
) -> Duty:
    ledger, bus = room.ledger, room.bus
    return Duty(
        DutyRoster(ledger, bus, clock),
        Handovers(ledger, bus, catalogue, clock),
        Exercises(ledger, bus, catalogue, clock),
        BreakGlass(ledger, bus, room.clockwork, rules, clock),
        rules,
    )


@dataclass
class Furniture:
    """A ledger with people, staff and keys, made once a process and copied for each test."""

    kept: str = ""
    keys: dict[Role, str] = field(default_factory=dict)


FURNITURE = Furniture()


def furnish(folder: Path) -> bool:
    """Put the furnished ledger into an empty folder, if there is one by now."""
    if not FURNITURE.kept:
        return False
    ledgers.furnish(folder, FURNITURE.kept)
    return True


def keep_furniture(folder: Path, keys: dict[Role, str]) -> None:
    FURNITURE.kept, FURNITURE.keys = ledgers.keep(folder), dict(keys)


class Stand:
    """`client(role)` speaks as a program, `browser(name)` as somebody who has signed in."""

    def __init__(self, folder: Path, *, more: Sequence[Route] = (), **settings: Any) -> None:
        self.clock = Clock()
        self.folder = folder
        self.zalo = ScriptedChannel("zalo.user", buttons=True)
        self.sms = ScriptedChannel("sms.one", unaccented=True)
        self._furnished = furnish(folder)
        self.room = EngineRoom(folder, Route(self.zalo, "zalo"), Route(self.sms, "sms"), *more, now=self.clock)
        self.units = units.load()
        self.acks = Acknowledgements(self.room.ledger, self.room.bus)
        self.channels = StandChannels(self.clock)
        self.templates = replace(office_templates())
        self.chains: dict[str, Sequence[Step]] = {"default": STEPS}
        self.carriers = list(CARRIERS)
        self.learned: dict[str, Any] = {}
        self.answered: dict[str, Any] = {}
        desk = Desk(
            self.room.ledger, self.room.bus, self.room.routes, self.room.clockwork, self.acks, self.units,
            self.templates,
            DeskSettings(
                OFFICE_FACTS, self.chains, close_after=86_400, give_up_after=3_600, sms_parts_limit=4,
            ),
            self.clock,
        )  # fmt: skip
        self.orders = OrderDesk(
            self.room.ledger, self.room.bus, self.units,
            OrderSettings("Văn phòng mẫu", carriers=self.carriers, link_base=lambda: str(self.server.make_url("/"))),
            True, self.clock,
        )  # fmt: skip
        self.schedules = ScheduleDesk(self.room.ledger, self.room.bus, self._kinds(desk), self.clock)
        self.services = Services(
            desk=desk,
            ledger=self.room.ledger,
            bus=self.room.bus,
            channels=self.channels,
            units=self.units,
            importing=Imports(self.room.ledger, self.units, folder),
            templates=self.templates,
            texts=self._texts(),
            orders=self.orders,
            carriers=CarrierAnswers(self.room.ledger, self.room.bus, self.clock),
            duty=duty_of(self.room, self.units, self.clock),
            enrolling=EnrolmentRoom(
                self.room.ledger, self.room.bus, desk, self.room.routes, self.units, now=self.clock
            ),
            archive=Archive(self.room.ledger, self.clock),
            alert_pages=AlertPages(self.room.ledger, desk, self.clock),
            schedules=self.schedules,
            settings=WebSettings(office_name="Văn phòng mẫu", portal=OFFICE_FACTS.portal, **settings),
            now=self.clock,
        )
        self.desk = desk
        self.keys: dict[Role, str] = {}
        self.server: TestServer
        self._clients: list[TestClient[web.Request, web.Application]] = []

    def _texts(self) -> OfficeTexts:
        """What is learned of keywords stands in `learned`, what they are answered with in `answered`."""
        kinds = (
            TemplateTexts(office_templates(), self.templates, OFFICE_FACTS, 4),
            KeywordTexts(self.units, self.learned.update),
            AnswerTexts(self.units, Office(hotline=OFFICE_FACTS.hotline), self.answered.update),
            ChainTexts(self.chains, self.channels.families),
            CarrierTexts(self.carriers),
        )
        return OfficeTexts(self.room.ledger, self.room.bus, kinds, self.clock)

    def _kinds(self, desk: Desk) -> Kinds:
        kinds = Kinds()
        for kind in (sending_kind(desk.composer), rounds_kind(), digest_kind(self.room.routes, self.units)):
            kinds.register(kind)
        return kinds

    async def open(self) -> None:
        await self.room.start()
        if not self._furnished:
            await self._people()
            await asyncio.to_thread(keep_furniture, self.folder, self.keys)
        self.keys = dict(FURNITURE.keys)
        self.server = TestServer(make_app(self.services))
        await self.server.start_server()

    async def _people(self) -> None:
        ledger, now = self.room.ledger, self.clock()
        await importing.import_people(ledger, self.units, SAMPLE / "people.csv", now)
        await groups.import_groups(ledger, self.units, SAMPLE / "groups.csv", now)
        stored = QUICK.hash(PASSWORD)

        def admit(tx: Tx) -> None:
            for name, role in STAFF.items():
                access.add_staff(tx, name, role.value, stored, now)
                self.keys[role] = access.add_key(tx, f"khoa-{name}", role.value, now)

        await ledger.write(admit)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        await self.server.close()
        await self.room.stop()

    def client(self, role: Role | None = Role.OFFICER, **headers: str) -> TestClient[web.Request, web.Application]:
        if role is not None:
            headers["Authorization"] = f"Bearer {self.keys[role]}"
        return self._client(headers=headers)

    async def browser(self, name: str = "canbo") -> TestClient[web.Request, web.Application]:
        """Signed in, with a cookie jar of its own."""
        client = self._client(cookie_jar=CookieJar(unsafe=True))
        answer = await client.post("/sign-in", data={"name": name, "password": PASSWORD}, allow_redirects=False)
        assert answer.status == 303, await answer.text()
        return client

    def _client(self, **options: Any) -> TestClient[web.Request, web.Application]:
        client = TestClient(self.server, **options)
        self._clients.append(client)
        return client

    async def csrf(self, name: str) -> str:
        """The form token of the newest session of somebody."""
        rows = await self.room.ledger.read(
            lambda tx: tx.execute(
                "SELECT w.csrf FROM web_session w JOIN staff s ON s.id = w.staff_id WHERE s.name = ?"
                " ORDER BY w.created_at DESC",
                (name,),
            ).fetchall()
        )
        return str(rows[0][0])

    async def sent(self, **values: Any) -> str:
        """A broadcast that was approved and is on its way; its code."""
        officer, approver = Actor("canbo", Role.OFFICER), Actor("lanhdao", Role.APPROVER)
        made = await self.desk.draft(Draft(**{**TEXT, **values}), officer)
        asked = await self.desk.submit(made.code, officer)
        await self.desk.approve(made.code, asked.content_hash, approver)
        return made.code

    async def quiet(self, code: str) -> None:
        """Everything of it has left and was recorded: from now on nothing changes by itself."""
        no = (await self.desk.view(code)).id

        async def all_answered() -> bool:
            return not {"queued", "sending"} & set(await self.room.counts(no))

        await self.room.until(all_answered)

    async def arrive(self, count: int | None = None) -> None:
        """The network says "delivered" of what has left by chat."""
        left = self.zalo.left[:count]
        await self.room.recorder.receipts([self.zalo.receipt(one, ReceiptState.DELIVERED) for one in left])
