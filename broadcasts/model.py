"""The words of DESIGN 3 as types: what a broadcast, a delivery and an acknowledgement are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from adapters.contract import Priority


class BroadcastState(StrEnum):
    DRAFT = "draft"
    PENDING_APPROVAL = "pending_approval"
    RETURNED = "returned"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Mode(StrEnum):
    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class Kind(StrEnum):
    ALERT = "alert"
    DIRECTIVE = "directive"
    NOTICE = "notice"
    UPDATE = "update"
    CANCEL = "cancel"


class Urgency(StrEnum):
    """Document urgency, Nghị định 30/2020/NĐ-CP, lowest first."""

    THUONG = "thuong"
    KHAN = "khan"
    THUONG_KHAN = "thuong-khan"
    HOA_TOC = "hoa-toc"


PRIORITY_OF: dict[Urgency, Priority] = {
    Urgency.THUONG: Priority.NORMAL,
    Urgency.KHAN: Priority.URGENT,
    Urgency.THUONG_KHAN: Priority.URGENT,
    Urgency.HOA_TOC: Priority.URGENT,
}


class DeliveryState(IntEnum):
    """Stored as these numbers in the hot row; ranks are in `broadcasts.states`."""

    QUEUED = 0
    SENDING = 1
    RETRYING = 2
    UNKNOWN = 3
    ACCEPTED = 4
    DELIVERED = 5
    SEEN = 6
    FAILED = 7
    EXPIRED = 8
    SKIPPED = 9
    CANCELLED = 10

    @property
    def word(self) -> str:
        return self.name.lower()


class AckState(StrEnum):
    AWAITING = "awaiting"
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGED_LATE = "acknowledged_late"
    NEEDS_HELP = "needs_help"
    UNREACHABLE = "unreachable"
    EXEMPT = "exempt"


class Role(StrEnum):
    """What a member of staff, or an API key, may do. Each includes what the ones before it may see."""

    VIEWER = "viewer"
    OFFICER = "officer"
    APPROVER = "approver"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `name` is the staff member's or the key's name and is unique; it goes into the record."""

    name: str
    role: Role


VALID_FOR_DEFAULT = timedelta(hours=6)
"""How long a broadcast may still be sent when nobody says otherwise: two storm bulletins (QĐ 18/2021: every 3 h)."""


class DraftStep(BaseModel):
    """One escalation step of a draft's own. Durations as "90s", "5m", "1h" or in seconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    after: str | float = 0.0
    """Since the broadcast began."""
    channels: list[str] = Field(default_factory=list)
    roles: list[str] | None = None
    """None: whoever the audience names."""
    unless: str = ""
    """`delivered`, `seen` or `acknowledged`: what makes the step needless."""
    call: bool = False
    """The unit comes onto the call list; nothing is sent."""
    repeat: str | float = 0.0
    """How long after one try the next one follows."""
    times: int = 1
    """Tries in all."""


class Draft(BaseModel):
    """What an officer fills in. Either `text`, or `template` with its `blanks`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = None
    template: str | None = None
    blanks: dict[str, str] = Field(default_factory=dict)
    title: str = ""
    audience: str
    channels: list[str] = Field(default_factory=lambda: ["zalo", "telegram", "sms"])
    accented: bool = False
    urgency: str | None = None
    """None: the template's own, else `khan`."""
    kind: str | None = None
    """None: the template's own, else `alert`."""
    mode: str = Mode.ACTUAL.value
    valid_for_seconds: float = VALID_FOR_DEFAULT.total_seconds()
    fire_at: str | None = None
    """ISO 8601 with offset; None: at once after approval."""
    duplicate_ok: bool = False
    """A duplicate is better than silence: resend what became unknown in a crash."""
    supersedes: str | None = None
    document_number: str = ""
    """Of the document that a directive stands for, "04/CĐ-UBND": it is stamped as a picture, so it is typed."""
    signer: str = ""
    """Who signed that document."""
    attachments: list[Annotated[int, Field(ge=1, lt=1 << 62)]] = Field(default_factory=list, max_length=50)
    """Numbers of uploaded files, in the order in which they go out; the desk allows fewer than fit here."""
    escalation: list[DraftStep] | None = None
    """Steps of its own; None: those that the settings have for its urgency."""


@dataclass(slots=True)
class Preview:
    """What the check screen shows before anything is submitted."""

    texts: dict[str, str]
    """Form → text as it will leave: `chat`, `sms`."""
    sms: dict[str, Any]
    """`text.report.count_report` of the SMS form."""
    units: int
    people: int
    numbers: int
    gaps: list[dict[str, str]]
    """Units without a way on the chosen channels: `{"code", "name", "why"}`."""
    sms_messages: int
    problems: list[Problem]
    escalation: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    """The steps that it would follow: `{"after", "channels", "roles", "unless", "call", "repeat", "times"}`."""
    opted_out: int = 0
    """Numbers left out because they take no campaigns."""
    duplicates: int = 0
    """Numbers that stand in several of the lists and count once."""
    cost: dict[str, Any] | None = None
    """`broadcasts.pricing.Pricing.quote`; None where no channel's messages cost money."""
    notices: list[Notice] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands in the way; `key` names the sentence in `locale/` (`problem.<key>`)."""

    field: str
    key: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)
    draft_ok: bool = False
    """A draft may be kept with it; approval may not be asked for."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that an officer should know and need not mend; `key` names the sentence (`notice.<key>`)."""

    field: str
    key: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(slots=True)
class BroadcastView:
    """One broadcast as people and programs see it."""

    id: int
    code: str
    state: str
    mode: str
    kind: str
    urgency: str
    title: str
    texts: dict[str, str]
    template: str | None
    blanks: dict[str, str]
    audience: str
    channels: list[str]
    counts: dict[str, int]
    """Delivery state → number, zero states left out."""
    rollcall: dict[str, int]
    """Acknowledgement state → number of units, zero states left out."""
    content_hash: str
    version: int
    valid_until: datetime
    created_by: str
    created_at: datetime
    submitted_at: datetime | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    fire_at: datetime | None = None
    reason: str = ""
    supersedes: str | None = None
    superseded_by: str | None = None
    units: int = 0
    people: int = 0
    numbers: int = 0
    gaps: list[dict[str, str]] = dataclasses.field(default_factory=list)
    final: bool = False
    """Nothing will change by itself any more."""
    changes: list[dict[str, str]] = dataclasses.field(default_factory=list)
    """What the SMS form had to replace: `{"from", "to"}`."""
    escalation: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    """The steps that it follows, as in `Preview`."""
    attachments: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    """Files that go with it: `{"id", "name", "media", "size", "sha256", "url"}`; `url` "" without a public address."""
    opted_out: int = 0
    duplicates: int = 0
    cost: dict[str, Any] | None = None
    """`{"estimated": `Pricing.quote` or None, "charged": {"messages", "parts", "vnd", "accounts"}}`
    (`broadcasts.charging.cost_of`); None where nothing costs money."""
    document_number: str = ""
    signer: str = ""
    exercise_result: dict[str, Any] | None = None
    """How an exercise stood when the time to answer was over: `{"at", "answered", "total", "silent": [codes]}`."""
    break_glass: dict[str, Any] | None = None
    """Where one officer sent it alone: `{"by", "at", "reason", "ground", "reviewed_by", "reviewed_at", "verdict",
    "review_note"}`."""


@dataclass(slots=True)
class DeliveryView:
    """One delivery; the keys of `loa status --deliveries`."""

    id: int
    unit: str
    person: str
    channel: str
    step: int
    state: str
    reason: str
    provider_id: str
    provider_code: str
    parts: int
    at: datetime | None
    to: str = ""
    """Masked where it is a phone number."""


@dataclass(slots=True)
class RollcallRow:
    """One unit of one broadcast: a tile."""

    unit: str
    name: str
    district: str
    state: str
    person: str
    via: str
    at: datetime | None
    seconds: float | None
    level: int
    note: str
    by_staff: str
    deliveries: dict[str, str] = dataclasses.field(default_factory=dict)
    """Channel → furthest delivery state, e.g. `{"zalo.oa_user": "seen", "sms.viettel": "delivered"}`."""
    next_at: datetime | None = None
    phones: list[dict[str, str]] = dataclasses.field(default_factory=list)
    """For the call list: `{"role", "name", "phone"}`."""
    on_call_list: bool = False
    """Its steps have come to the call list, and it has not confirmed."""


class RefusalKind(StrEnum):
    INVALID = "invalid"  # 422
    NOT_FOUND = "not_found"  # 404
    WRONG_STATE = "wrong_state"  # 409
    STALE = "stale"  # 409
    FORBIDDEN = "forbidden"  # 403


class Refusal(Exception):
    """The thing asked for cannot be done. `key` names the sentence in `locale/` (`refusal.<key>`)."""

    def __init__(
        self, kind: RefusalKind, key: str, problems: tuple[Problem, ...] = (), **params: str | int | float
    ) -> None:
        super().__init__(key)
        self.kind = kind
        self.key = key
        self.problems = problems
        self.params = params
