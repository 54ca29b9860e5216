"""The words of carrier orders as types."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from broadcasts.model import Mode

TEXT_LIMIT: Final = 160
"""Characters: one part of GSM-7 (3GPP TS 23.038), and the rule of Quảng Nam QĐ 2534/QĐ-UBND."""
BASIS_LIMIT: Final = 500
NAME_LIMIT: Final = 120
"""Characters of a name, a post or a number to ring."""
NOTE_LIMIT: Final = 500
COUNT_LIMIT: Final = 100_000_000
"""Subscribers that one carrier can have reported; Viet Nam has about 120 million SIM cards in all."""


class OrderState(StrEnum):
    DRAFT = "draft"
    PENDING_APPROVAL = "pending_approval"
    RETURNED = "returned"
    REJECTED = "rejected"
    APPROVED = "approved"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REPORTED = "reported"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"


class MailState(StrEnum):
    """Of one letter. `unknown`: the server took the text and did not answer; never sent again by itself."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    DROPPED = "dropped"


class LetterKind(StrEnum):
    ORDER = "order"
    CANCEL = "cancel"


class CallResult(StrEnum):
    """What came of ringing a carrier. `confirmed` is an acknowledgement, `told` is not: somebody promised to look."""

    CONFIRMED = "confirmed"
    TOLD = "told"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier's contact, from `[[carriers]]`. An empty `email` or `phone` is shown as a gap."""

    name: str
    email: str = ""
    phone: str = ""
    note: str = ""


class OrderDraft(BaseModel):
    """What an officer fills in. Times are ISO 8601 with an offset; what is still empty is asked for at submit."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(max_length=10_000)
    areas: str = Field(max_length=20_000)
    """`all-units`, `unit:14812,…`, `group:ven-bien`, joined by + and -, or bare unit codes."""
    starts_at: str
    ends_at: str
    basis: str = Field(default="", max_length=BASIS_LIMIT)
    signer: str = Field(default="", max_length=NAME_LIMIT)
    signer_title: str = Field(default="", max_length=NAME_LIMIT)
    document_no: str = Field(default="", max_length=NAME_LIMIT)
    document_date: str = Field(default="", max_length=10)
    """YYYY-MM-DD."""
    ring_back: str = Field(default="", max_length=NAME_LIMIT)
    """Where a carrier rings to make sure; empty: the office's hotline."""
    carriers: list[str] = Field(default_factory=list)
    """Names of `[[carriers]]`; empty: all of them."""
    mode: str = Mode.ACTUAL.value


class Content(BaseModel):
    """What is approved and what leaves, to the letter: the hash is over all of it."""

    model_config = ConfigDict(frozen=True)

    text: str
    areas: list[tuple[str, str]]
    """(unit code, name), in the catalogue's order."""
    all_units: bool
    starts_at: float
    ends_at: float
    """Epoch seconds."""
    basis: str
    signer: str
    signer_title: str
    document_no: str
    document_date: str
    ring_back: str
    carriers: list[Carrier]
    mode: str


@dataclass(slots=True)
class MailLine:
    """One letter as its carrier's row shows it."""

    kind: str
    state: str
    at: datetime
    attempts: int
    says: str


@dataclass(slots=True)
class CarrierLine:
    """How far one carrier is."""

    place: int
    name: str
    email: str
    phone: str
    note: str
    handed_at: datetime | None = None
    handed_by: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_via: str = ""
    silent_at: datetime | None = None
    sent: int | None = None
    delivered: int | None = None
    failed: int | None = None
    finished_at: datetime | None = None
    reported_at: datetime | None = None
    report_note: str = ""
    letters: list[MailLine] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class CallLine:
    """One call of the checklist."""

    at: datetime
    carrier: str
    caller: str
    spoke_to: str
    result: str
    note: str


@dataclass(slots=True)
class OrderEvent:
    id: int
    at: datetime
    actor: str
    event: str
    detail: dict[str, Any]


@dataclass(slots=True)
class OrderView:
    """One order as people and programs see it."""

    id: int
    code: str
    state: str
    mode: str
    text: str
    changes: list[dict[str, str]]
    """What was replaced to make the text safe: `{"from", "to"}`."""
    units: int
    """Characters of the text, one GSM-7 septet each."""
    encoding: str
    areas: list[tuple[str, str]]
    all_units: bool
    starts_at: datetime
    ends_at: datetime
    basis: str
    signer: str
    signer_title: str
    document_no: str
    document_date: str
    ring_back: str
    carriers: list[CarrierLine]
    calls: list[CallLine]
    content_hash: str
    version: int
    created_by: str
    created_at: datetime
    submitted_by: str
    submitted_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    reason: str
    mail_ready: bool
    """False: no mail server is configured, so the printed form must be handed over by other means."""


@dataclass(slots=True)
class OrderLine:
    """One order of the list."""

    id: int
    code: str
    state: str
    mode: str
    text: str
    units: int
    """Number of communes."""
    starts_at: datetime
    ends_at: datetime
    created_by: str
    created_at: datetime
    carriers: int
    acknowledged: int
    reported: int
