"""What a channel promises (DESIGN 7): traits, envelopes out, outcomes back, receipts and incoming messages.

A channel owns its session, its rate and its codes table. It knows no broadcast, no SQL and no Redis: whatever must
outlive a crash goes through `Sink` (events) or `DurableState` (its own session state), both given by the wiring.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Flag, IntEnum, StrEnum, auto
from pathlib import Path
from typing import Protocol

Now = Callable[[], float]
"""Seconds since the epoch, UTC. `time.time` in production, a fake in tests."""


class Priority(IntEnum):
    """Order at every gate, lowest value first. `LIFE` is rescue answers, `BULK` is lists of numbers."""

    LIFE = 0
    URGENT = 1
    NORMAL = 2
    BULK = 3


class Evidence(StrEnum):
    """What a channel can prove about one message, weakest first."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    SEEN = "seen"


class RejectClass(StrEnum):
    """Why a provider refused, by what we do about it."""

    RETRY_LATER = "retry_later"  # the same message may pass later; `Rejected.after` says when
    RECIPIENT = "recipient"  # never to this recipient by this channel: escalate
    TEXT = "text"  # never this text by this channel: an officer must change it
    CONFIG = "config"  # nothing passes until an operator mends something: alarm, open the breaker
    QUOTA = "quota"  # nothing passes until the quota resets or is bought: alarm, next channel
    DUPLICATE = "duplicate"  # the provider already has this very message


@dataclass(slots=True)
class Accepted:
    """The provider took it. One id per part that was sent, in part order, exactly as the provider wrote it."""

    provider_ids: tuple[str, ...]
    code: str = ""
    account: str = ""
    """Where a channel spreads its messages over several accounts: the one that took it, as in `Receipt.account`."""
    parts: int = 0
    """SMS parts that were taken, as measured or as the provider says; 0: one for each id."""
    vnd: float | None = None
    """What it costs by the account's price; None where nothing is charged."""
    told_vnd: float | None = None
    """What the provider says that it charged."""


@dataclass(slots=True)
class Rejected:
    """The provider refused it, or it could not leave. `code` is the provider's own, verbatim ("" if none).

    `reason` is one of our words (`invalid_recipient`, `blocked`, `rejected_content`, `auth`, `quota`, `throttled`,
    `provider_error`, `link_down`, `expired`, `too_long`, …): shown through `locale/`, never a sentence.
    `after` is in seconds and only means something with `RETRY_LATER`.
    """

    reason: str
    cls: RejectClass
    code: str = ""
    after: float | None = None
    provider_ids: tuple[str, ...] = ()
    """Parts of a long message that the provider had taken before it refused another ("" for those that it had not)."""
    account: str = ""
    parts: int = 0
    """How many those were; they are charged."""
    vnd: float | None = None


@dataclass(slots=True)
class Unknown:
    """It left and no answer came. Never resent blindly. `provider_ids` holds "" for parts without an answer."""

    why: str
    provider_ids: tuple[str, ...] = ()
    code: str = ""
    account: str = ""


Outcome = Accepted | Rejected | Unknown
"""`account` is "" where the channel's own name says it all."""


@dataclass(slots=True)
class Button:
    """`payload` comes back verbatim as `Incoming.payload` when pressed."""

    label: str
    payload: str


@dataclass(frozen=True, slots=True)
class About:
    """What a message is about, for a channel whose provider takes no free text but fills an approved template."""

    code: str = ""
    """Of the broadcast, as people type it."""
    title: str = ""
    kind: str = ""
    """alert, directive, notice, update, cancel; "" for a single message."""
    urgency: str = ""


NOTHING_KNOWN = About()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a text. A channel that cannot send it, after all, writes `url` instead."""

    name: str
    """As people see it; ends as its kind does."""
    media: str
    """Its media type, `application/pdf`."""
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex; names the bytes for good, so a provider's copy may be remembered by it."""
    path: Path
    """Where they lie; only to be read."""
    url: str = ""
    """Public address of the same file, "" where the office has none."""


@dataclass(slots=True)
class Envelope:
    """One message to one address. `text` is final for this channel (already unaccented for SMS when so chosen)."""

    delivery_id: int
    to: str
    """`84…` digits for SMS, the provider's user, chat or group id elsewhere."""
    text: str
    priority: Priority = Priority.NORMAL
    buttons: tuple[Button, ...] = ()
    valid_until: float | None = None
    """Epoch seconds; nothing is handed over after it."""
    about: About = NOTHING_KNOWN
    attachments: tuple[Attachment, ...] = ()
    """Files that follow the text, in this order; only such as `Traits.takes`."""


class ReceiptState(StrEnum):
    """What a provider's receipt says, in the words of DESIGN 3. `PENDING` never changes a state."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Receipt:
    """A provider's word on a message it took. Matched by (`account`, any of `keys`), first match wins.

    `keys` are the candidate forms of the provider id, exact first (facts/sms.md 2.6: case, zeros, hex, decimal).
    """

    account: str
    keys: tuple[str, ...]
    state: ReceiptState
    code: str
    at: datetime
    to: str = ""
    told_vnd: float | None = None
    """What the provider says that it charged for the message."""


class IncomingKind(StrEnum):
    TEXT = "text"
    BUTTON = "button"
    MEDIA = "media"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    JOIN = "join"
    LEAVE = "leave"
    WITHDRAW = "withdraw"  # a data subject asks to be erased
    OTHER = "other"


@dataclass(slots=True)
class Incoming:
    """Something a person did. De-duplicated by (`channel`, `event_id`); stored before the provider hears "ok"."""

    channel: str
    event_id: str
    kind: IncomingKind
    sender: str
    chat: str
    """Where an answer goes: the sender, or the group."""
    at: datetime
    text: str = ""
    payload: str = ""
    sender_name: str = ""
    is_group: bool = False
    reply_to: str = ""
    """Provider id of the message that this one answers, "" if none."""
    raw: bytes = b""


class Sink(Protocol):
    """Where a channel puts what it learned. Both return only after a durable commit (invariant 1);
    they raise `LedgerUnavailable` when nothing could be stored, and the provider must then not hear "ok"."""

    async def receipts(self, batch: Sequence[Receipt]) -> None: ...

    async def incoming(self, batch: Sequence[Incoming]) -> None: ...


class LedgerUnavailable(Exception):
    """The ledger could not commit (disk full, locked, closed). The event is not stored."""


class DurableState(Protocol):
    """Small durable memory of a channel (tokens, offsets, parts of messages). Keys start with the channel's name."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes) -> None:
        """Returns after the commit."""

    async def delete(self, *keys: str) -> None: ...

    async def items(self, prefix: str) -> Mapping[str, bytes]: ...

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """Held by one process at a time (OAuth rotation: one owner of the pair)."""


@dataclass(frozen=True, slots=True)
class MediaLimit:
    """One kind of file that a channel sends natively, and the most bytes of it."""

    media: str
    most_bytes: int
    by_url: bool = False
    """The provider fetches it from its public address: without one it cannot be sent."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a channel can do and prove; the core decides by these and never by a channel's name."""

    receipts: frozenset[Evidence]
    """Evidence that may arrive. A channel without `DELIVERED` is never shown as delivered."""
    group: bool = False
    """One envelope reaches a whole group (one delivery, many acknowledgements)."""
    buttons: bool = False
    text_limit: int = 2000
    """Largest text in characters (larger of code points and UTF-16 units)."""
    unaccented: bool = False
    """Texts are in the safe SMS subset unless the broadcast asks for accents."""
    can_ask: bool = False
    """An unknown send can be looked up, see `Channel.ask`."""
    window: int = 100
    """How many envelopes the channel keeps in flight; the dispatcher's high-water step."""
    hears: bool = True
    """People can write to us by it."""
    id_space: str = ""
    """Whose ids `Incoming.sender` is one of, where they are not those of the channel's family ("": they are). Such an
    account is known again, and is not written to by the family's other channels."""
    media: tuple[MediaLimit, ...] = ()
    """Files that it sends itself; for any other the core puts a link into the text."""

    def takes(self, attachment: Attachment) -> bool:
        """Can this file be sent natively?"""
        return any(
            one.media == attachment.media
            and attachment.size <= one.most_bytes
            and (bool(attachment.url) or not one.by_url)
            for one in self.media
        )


class HealthState(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    OFF = "off"


@dataclass(slots=True)
class Health:
    """For the duty board and `loa doctor`. `key` names the sentence in `locale/` (`health.<key>.says`, `.mend`)."""

    state: HealthState
    key: str
    params: dict[str, str | int | float] = field(default_factory=dict)
    proven_at: datetime | None = None
    """Last time that the provider really took a message or answered."""


@dataclass(slots=True)
class HookRequest:
    """A provider's call to `/hooks/<name>`; `headers` has lower-case keys; `body` is raw, as signed."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    remote: str


@dataclass(slots=True)
class HookReply:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"


Hook = Callable[[HookRequest], Awaitable[HookReply]]


class Part(Flag):
    """What a channel does in this process. One process does all; where an office runs several, each does its own, and
    they know of each other only what the ledger keeps."""

    SEND = auto()
    """`send`, `ask` and `probe`, what is asked about a message later, and a session that also receives (SMPP)."""
    LISTEN = auto()
    """Long polls, and renewing what must be renewed in time."""
    HOOK = auto()
    """`hooks`: events that a provider brings are stored."""


PARTS_MOST = 31
"""Parts of one message: the ledger keeps one bit for each, in four bytes. Nobody is charged for so many."""
EVERY_PART = Part.SEND | Part.LISTEN | Part.HOOK
ELSEWHERE = "elsewhere"
"""The reason of a refusal (`RETRY_LATER`) by a channel of several accounts: the one in `Rejected.account` is to take it
and lives in another process. It says nothing about the message."""

Report = Callable[[int, Outcome], None]
"""Called exactly once per envelope, from the event loop, during or after `send`."""


class Channel(Protocol):
    """One way out (and perhaps in). Built by the wiring with its settings, a `DurableState` and a `Now`."""

    name: str
    """`zalo.oa_user`, `telegram`, `sms.<account>`: the value of `Receipt.account` and `Incoming.channel`."""
    traits: Traits
    hooks: Mapping[str, Hook]

    async def start(self, sink: Sink) -> None:
        """Open the session in the background; never raise because a provider is down."""

    async def stop(self) -> None:
        """Stop taking work, wait for answers in flight (bounded), close politely."""

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """Hand a batch over, by priority among all callers. Returns when each envelope was handed over or
        reported; outcomes may come later through `report`. Never sleeps out a retry, never raises."""

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """Look up an unknown send (only where `traits.can_ask`). None: still not known."""

    async def probe(self) -> Health: ...
