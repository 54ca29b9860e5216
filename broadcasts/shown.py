"""What people and programs are shown of a broadcast: before it is submitted, as a whole, by delivery and by unit."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broadcasts.model import Notice, Problem


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
