"""The words of DESIGN 3 as types: what a broadcast, a delivery and an acknowledgement are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
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
