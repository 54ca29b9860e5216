"""What the pages and the API need of the rest of the house. The wiring fills it; no route reaches past it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters.abilities import Granting
from adapters.contract import Health, Hook, Now
from adapters.joining import Invitation
from broadcasts.alert_pages import AlertPages
from broadcasts.approval_rules import ApprovalRules
from broadcasts.archive import Archive
from broadcasts.break_glass import BreakGlass
from broadcasts.cap_mapping import CapOffice
from broadcasts.carrier_orders.answers import CarrierAnswers
from broadcasts.carrier_orders.desk import OrderDesk
from broadcasts.desk import Desk
from broadcasts.duty_roster import DutyRoster
from broadcasts.exercises import Exercises
from broadcasts.handover import Handovers
from broadcasts.model import Actor
from broadcasts.office_texts import OfficeTexts
from broadcasts.schedules.office import ScheduleDesk
from broadcasts.shown import BroadcastView
from broadcasts.templates import TemplateSet
from directory.importing import Told, untold
from directory.people_plan import Step
from directory.units import UnitCatalogue
from lanes.port import Bus
from store.engine import Ledger
from store.enrolment import Request


class Channels(Protocol):
    """The channels that are switched on."""

    @property
    def families(self) -> Sequence[str]:
        """What an officer chooses from: the part of a channel's name before the dot, each once, best first."""

    @property
    def hooks(self) -> Mapping[str, Hook]:
        """Name in `/hooks/<name>` → what takes the provider's call."""

    async def health(self) -> Sequence[tuple[str, Health]]:
        """Every channel's probe, in the order of the duty board. May take as long as the slowest provider."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did or would do. `rejected`: the first lines, each `{"line", "key", "params"}`, the sentence being
    `reject.<key>`; `rejections` counts all."""

    added: int
    changed: int
    removed: int
    rejected: Sequence[Mapping[str, Any]] = ()
    rejections: int = 0
    steps: Sequence[Step] = ()
    """For people: what happens to each who does not stay as they are."""
    digest: str = ""
    """For people: names exactly these changes, so that what was shown is what is done."""
    list_id: int | None = None
    """For numbers: the version of the list that was made, for `list:` and `file:` audiences."""


class Importing(Protocol):
    """How files of numbers and people come in."""

    async def numbers(
        self, name: str, chunks: AsyncIterator[bytes], *, dry_run: bool, told: Told = untold
    ) -> ImportReport:
        """Phone numbers in CSV or one a line, as they come. `name` "" makes a list for one broadcast. `told` hears
        (0, 0) when the whole file is there, then how many are stored of how many."""

    async def people(
        self, filename: str, content: bytes, actor: Actor, *, dry_run: bool, replace: bool = False, expect: str = ""
    ) -> ImportReport:
        """`replace`: the file is the whole truth for its units and posts. `expect`: the digest of what was shown; other
        changes than these are refused. Raises `Refusal`: a file that is no CSV or XLSX, plan_changed."""

    async def content(self, filename: str, content: bytes, actor: Actor, *, dry_run: bool) -> ImportReport:
        """Entries that answers are made of. Raises `Refusal` for a file that is no CSV or XLSX."""


class Enrolling(Protocol):
    """How accounts become people's addresses. Every act raises `Refusal` where it cannot be done."""

    @property
    def families(self) -> Sequence[str]:
        """Families that people can enrol in."""

    @property
    def groups(self) -> Sequence[tuple[str, str, str]]:
        """(channel, whose ids its members have, the group) of every group that we post to."""

    def invitation(self, family: str, code: str) -> Invitation | None:
        """The link for a code; None while the channel does not know its own address."""

    async def issue(self, person_id: int, family: str, actor: Actor) -> None: ...

    async def issue_all(self, people: list[int], family: str, actor: Actor) -> int: ...

    async def withdraw(self, person_id: int, family: str, actor: Actor) -> None: ...

    async def send_code(self, person_id: int, family: str, actor: Actor) -> None: ...

    async def confirm(self, request_id: int, actor: Actor) -> Request: ...

    async def refuse(self, request_id: int, reason: str, actor: Actor) -> Request: ...

    async def read_groups(self) -> None: ...


class HandNote(Protocol):
    """One text that a person posts by hand. Times are epoch seconds."""

    @property
    def delivery_id(self) -> int: ...
    @property
    def to(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def valid_until(self) -> float | None: ...
    @property
    def answer(self) -> str:
        """waiting_for_person, posted, declined or expired."""

    @property
    def by(self) -> str: ...
    @property
    def answered_at(self) -> float | None: ...
    @property
    def reason(self) -> str: ...


class ByHand(Protocol):
    """Texts for a place that no program may write to."""

    async def notes(self, broadcast_no: int | None = None) -> Sequence[HandNote]:
        """Newest first; of one broadcast or of all."""

    async def tick(self, delivery_id: int, actor: Actor) -> None: ...

    async def decline(self, delivery_id: int, reason: str, actor: Actor) -> None: ...


class Watching(Protocol):
    """The room that watches the house itself (`loa.watch.Watch`)."""

    async def view(self) -> Any:
        """`loa.watch.WatchView`."""

    async def test_link(self, channel: str, actor: Actor) -> None: ...

    async def test_paths(self, actor: Actor) -> BroadcastView: ...


@dataclass(frozen=True, slots=True)
class Duty:
    """The duty room: who is there, what is handed over, exercises, and what was sent without an approval."""

    roster: DutyRoster
    handovers: Handovers
    exercises: Exercises
    break_glass: BreakGlass
    rules: ApprovalRules


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The `[web]` and `[office]` parts of the settings that pages need."""

    office_name: str = ""
    public_url: str = ""
    """As people reach it, e.g. `https://loa.example.vn`; https makes the session cookie `Secure`."""
    demo: bool = False
    """Simulators stand behind the channels: said on every page."""
    phone_wall_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of our own proxies: what they say of the caller's address is believed."""
    set_up_token: str = ""
    """Part of the address at which the very first account is made; "" once there is one."""
    portal: str = ""
    """The province's portal, as people reach it."""
    group_link: str = ""
    """By which leaders join the duty group."""
    second_factor_for: frozenset[str] = frozenset()
    """Roles that reach no page before they have set up a second factor."""

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https:")


@dataclass(frozen=True, slots=True)
class Services:
    desk: Desk
    ledger: Ledger
    bus: Bus
    channels: Channels
    units: UnitCatalogue
    importing: Importing
    templates: TemplateSet
    texts: OfficeTexts
    orders: OrderDesk
    carriers: CarrierAnswers
    duty: Duty
    archive: Archive
    enrolling: Enrolling
    schedules: ScheduleDesk
    alert_pages: AlertPages
    by_hand: ByHand | None = None
    """None where no channel is posted to by hand."""
    settings: WebSettings = field(default_factory=WebSettings)
    watch: Watching | None = None
    cap: CapOffice = field(default_factory=lambda: CapOffice("loa.invalid", ""))
    """Who speaks in the CAP feed."""
    grants: Mapping[str, Granting] = field(default_factory=dict)
    """Channels that a person lets in at their provider, by name."""
    now: Now = time.time
    not_ready: Callable[[], str] = lambda: ""
    """Why a load balancer should send nobody here now, a word such as `draining`; "" where there is none."""
    metrics: Callable[[], Awaitable[bytes]] | None = None
    """Everything for Prometheus (`loa.metrics`); None: only what this process counted."""
