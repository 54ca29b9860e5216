"""Bodies, queries and answers of the API. Bodies are strict: `false` is no number and `1` is no text."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from broadcasts.model import AckState, BroadcastState, DeliveryState, Draft
from broadcasts.shown import BroadcastView, DeliveryView, RollcallRow

LONGEST_REASON = 2_000
"""Characters of a reason or a note."""
LONGEST_TEXT = 20_000
"""Characters of one message; the desk knows each channel's own limit."""
PAGE_DEFAULT = 100
PAGE_MOST = 1_000


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Approval(Body):
    content_hash: str = Field(min_length=1, max_length=200)
    """Of the version that was read; another version is refused."""


class Reason(Body):
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"\S")


class Mark(Body):
    state: Literal["acknowledged", "needs_help", "unreachable", "exempt", "awaiting"]
    note: str = Field(default="", max_length=LONGEST_REASON)


class Replacement(Body):
    """The new message; left out, it starts as a copy of the one that it replaces."""

    draft: Draft | None = None


class Message(Body):
    channel: str = Field(min_length=1, max_length=64)
    """Family: sms, zalo, telegram."""
    to: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)


class NewStaff(Body):
    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.@-]+$")
    role: Literal["viewer", "officer", "approver", "admin"]
    title: str = Field(default="", max_length=200)
    password: str | None = Field(default=None, min_length=10, max_length=256)
    """Left out, one is made and shown this once."""


class StaffReset(Body):
    what: Literal["password", "second_factor"]


class StaffAddress(Body):
    """From where somebody may command by message."""

    channel: str = Field(min_length=1, max_length=40)
    """Family: sms, zalo, telegram."""
    address: str = Field(min_length=1, max_length=100)
    """A telephone number, or the provider's user id."""
    remove: bool = False


class NewKey(Body):
    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.@-]+$")
    role: Literal["viewer", "officer", "approver", "admin"]


class GrantAsked(Body):
    redirect: str = Field(min_length=8, max_length=500, pattern=r"^https?://")
    """As it is registered at the provider."""


class GrantCode(Body):
    code: str = Field(min_length=1, max_length=2_000, pattern=r"\S")
    state: str = Field(default="", max_length=200)
    """As the provider gave it back; "" where only the code is at hand."""


class BroadcastQuery(Query):
    state: BroadcastState | None = None
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MOST)


class DeliveryQuery(Query):
    state: str | None = Field(default=None, pattern="^(" + "|".join(state.word for state in DeliveryState) + ")$")
    after: int = Field(default=0, ge=0, lt=1 << 62)
    limit: int = Field(default=PAGE_MOST, ge=1, le=PAGE_MOST)


class RollcallQuery(Query):
    state: AckState | None = None


class EventQuery(Query):
    after: int = Field(default=0, ge=0, lt=1 << 62)


class InboxQuery(Query):
    state: Literal["new", "answered", "acknowledged", "human", "ignored", "closed"] | None = None
    before: int | None = Field(default=None, ge=1, lt=1 << 62)
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MOST)


class ListQuery(Query):
    name: str = Field(default="", max_length=64, pattern=r"^[\w.-]*$")
    """Empty: a list for one broadcast, addressed as `file:` by the number in the answer."""
    dry_run: bool = False


class PeopleQuery(Query):
    filename: str = Field(min_length=1, max_length=200)
    """Its ending says what it is: csv or xlsx."""
    dry_run: bool = False


class UnitQuery(Query):
    q: str = Field(default="", max_length=200)


class BroadcastPage(TypedDict):
    items: list[BroadcastView]


class DeliveryPage(TypedDict):
    items: list[DeliveryView]
    next: int | None
    """Give it as `after` for the next page; null: this was the last."""


class RollcallPage(TypedDict):
    code: str
    counts: dict[str, int]
    items: list[RollcallRow]


class PreviewProblem(TypedDict):
    field: str
    key: str
    says: str


class PreviewAnswer(TypedDict):
    texts: dict[str, str]
    sms: dict[str, Any]
    units: int
    people: int
    numbers: int
    gaps: list[dict[str, str]]
    sms_messages: int
    problems: list[PreviewProblem]
    escalation: list[dict[str, Any]]
    """The steps that it would follow."""
    opted_out: int
    """Numbers left out because they take no campaigns."""
    duplicates: int
    """Numbers that stand in several of the lists and count once."""
    cost: dict[str, Any] | None
    """What its SMS cost with and without accents, by account, and the accounts' budgets."""
    notices: list[PreviewProblem]
    """What an officer should know and need not mend."""


class EventLine(TypedDict):
    id: int
    at: datetime
    actor: str
    event: str
    detail: dict[str, Any]


class InboxLine(TypedDict):
    id: int
    at: datetime
    channel: str
    sender: str
    sender_name: str
    text: str
    kind: str
    state: str
    intent: str
    note: str
    unit: str
    broadcast: int | None
    reply: str
    handled_by: str


class InboxPage(TypedDict):
    items: list[InboxLine]
    next: int | None
    """Give it as `before` for the next, older page."""


class UnitLine(TypedDict):
    code: str
    name: str
    type: str
    districts: list[str]
    """Old districts (before 1 July 2025) that it lies in."""
    lat: float
    lon: float


class UnitPage(TypedDict):
    items: list[UnitLine]


class ImportAnswer(TypedDict):
    added: int
    changed: int
    removed: int
    rejected: list[dict[str, Any]]
    rejections: int
    list_id: int | None
    """Address it as `file:<list_id>`."""
    dry_run: bool


class ChannelLine(TypedDict):
    name: str
    state: str
    says: str
    mend: str
    proven_at: datetime | None


class ChannelPage(TypedDict):
    items: list[ChannelLine]


class StaffAnswer(TypedDict):
    user: str
    role: str
    waiting: str | None
    """The higher role that was asked for and waits for a second administrator."""
    password: str | None


class StaffResetAnswer(TypedDict):
    user: str
    waiting: bool
    """A second administrator has to agree, since this person approves; a new password is shown to that one."""
    password: str | None
    """The new one, this once."""


class StaffAddressAnswer(TypedDict):
    user: str
    channel: str
    address: str
    """As it is kept."""
    bound: bool
    waiting: bool
    """A second administrator has to agree, since this person approves."""


class GrantAnswer(TypedDict):
    link: str
    challenge: str
    redirect: str
    seconds: float


class GrantDone(TypedDict):
    channel: str
    granted: bool


class KeyAnswer(TypedDict):
    name: str
    role: str
    api_key: str


class Alive(TypedDict):
    status: str
    checks: dict[str, str]
