"""What people wrote to us: kept as it came, worked off once, listed for the office.

A row is `new` until it was handled; then `answered` (we replied), `acknowledged` (it confirmed a broadcast), `human`
(an officer must read it), `ignored` (nothing to do) or `closed` (an officer dealt with it).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from store.engine import Tx
from store.provider_ids import packed

LIFE: Final = 0
"""`inbox.priority` of a cry for help."""

LISTING_DEFAULT: Final = 100
"""Rows of one page of the inbox."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One event of a provider, ready to be stored. Times are epoch seconds."""

    channel: str
    event_id: str
    kind: str
    sender: str
    chat: str
    text: str
    payload: str
    sender_name: str
    is_group: bool
    reply_to: str
    at: float
    raw: bytes
    priority: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored message that nobody has handled yet."""

    id: int
    channel: str
    kind: str
    sender: str
    chat: str
    text: str
    payload: str
    sender_name: str
    is_group: bool
    reply_to: str
    at: float
    came_at: float
    priority: int


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier message of a sender. `replied_at` is None where we kept silent."""

    channel: str
    text: str
    came_at: float
    replied_at: float | None


@dataclass(frozen=True, slots=True)
class Handled:
    """How a message was dealt with. `note` is one of our words, a key of `locale/` (`inbox.note.<note>`)."""

    state: str
    intent: str = ""
    note: str = ""
    unit_code: str = ""
    person_id: int | None = None
    broadcast_no: int | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One message as the office sees it. `reply` is what we answered, "" if nothing; times are epoch seconds."""

    id: int
    channel: str
    kind: str
    sender: str
    sender_name: str
    chat: str
    is_group: bool
    text: str
    payload: str
    at: float
    came_at: float
    priority: int
    state: str
    intent: str
    note: str
    unit_code: str
    person_id: int | None
    broadcast_no: int | None
    handled_at: float | None
    handled_by: str
    reply: str


_WAITING: Final = (
    "SELECT id, channel, kind, sender, chat, text, payload, sender_name, is_group, reply_to, at, came_at, priority"
    " FROM inbox WHERE state = 'new'"
)
_ROW: Final = (
    "SELECT i.id, i.channel, i.kind, i.sender, i.sender_name, i.chat, i.is_group, i.text, i.payload, i.at, i.came_at,"
    " i.priority, i.state, i.intent, i.note, i.unit_code, i.person_id, i.broadcast_no, i.handled_at, i.handled_by,"
    " COALESCE(s.text, '') FROM inbox i LEFT JOIN single s ON s.inbox_id = i.id"
)


def keep(tx: Tx, batch: Iterable[NewMessage], came_at: float) -> list[int | None]:
    """Store what is not stored yet, by (channel, event id); the id of each new row, None for a known event."""
    ids: list[int | None] = []
    for message in batch:
        row = tx.execute(
            "INSERT INTO inbox (channel, event_id, kind, sender, chat, text, payload, sender_name, is_group, reply_to,"
            " at, came_at, raw, priority) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (channel, event_id) DO NOTHING RETURNING id",
            (
                message.channel, message.event_id, message.kind, message.sender, message.chat, message.text,
                message.payload, message.sender_name, int(message.is_group), message.reply_to,
                message.at, came_at, message.raw, message.priority,
            ),
        ).fetchone()  # fmt: skip
        ids.append(None if row is None else int(row[0]))
    return ids


def stored(inbox_id: int, message: NewMessage, came_at: float) -> Waiting:
    """The row that `keep` made of a message."""
    return Waiting(
        inbox_id, message.channel, message.kind, message.sender, message.chat, message.text, message.payload,
        message.sender_name, message.is_group, message.reply_to, message.at, came_at, message.priority,
    )  # fmt: skip


def waiting_for_life(tx: Tx, after: int, limit: int) -> list[Waiting]:
    """Cries for help that nobody handled yet, ids above `after`, oldest first."""
    rows = tx.execute(f"{_WAITING} AND priority = 0 AND id > ? ORDER BY id LIMIT ?", (after, limit))
    return [_waiting(row) for row in rows]


def waiting(tx: Tx, after: int, limit: int) -> list[Waiting]:
    """All other messages that nobody handled yet, ids above `after`, oldest first."""
    rows = tx.execute(f"{_WAITING} AND priority = 2 AND id > ? ORDER BY id LIMIT ?", (after, limit))
    return [_waiting(row) for row in rows]


def past(tx: Tx, sender: str, before: int, limit: int) -> list[Past]:
    """The last messages of `sender` before message `before`, newest first."""
    rows = tx.execute(
        "SELECT i.channel, i.text, i.came_at, CASE WHEN s.delivery_id IS NULL THEN NULL"
        " ELSE COALESCE(i.handled_at, i.came_at) END"
        " FROM inbox i LEFT JOIN single s ON s.inbox_id = i.id"
        " WHERE i.sender = ? AND i.id < ? ORDER BY i.id DESC LIMIT ?",
        (sender, before, limit),
    )
    return [Past(*row) for row in rows]


def menu_sent(tx: Tx, sender: str, since: float) -> bool:
    """True where `sender` was sent the menu for a message that came at or after `since` (epoch seconds)."""
    row = tx.execute(
        "SELECT 1 FROM inbox WHERE sender = ? AND note = 'menu' AND came_at >= ? LIMIT 1", (sender, since)
    ).fetchone()
    return row is not None


def broadcast_answered(tx: Tx, channel: str, provider_id: str) -> int | None:
    """The number of the broadcast whose message has this provider id on this channel, None if it is none of ours."""
    row = tx.execute(
        "SELECT r.delivery_id FROM receipt r JOIN channel_account a ON a.id = r.account"
        " WHERE r.pmid = ? AND a.name = ? ORDER BY r.day DESC LIMIT 1",
        (packed(provider_id), channel),
    ).fetchone()
    return None if row is None else row[0] >> 24


def finish(tx: Tx, inbox_id: int, handled: Handled, at: float) -> bool:
    """Record how a new message was dealt with; False where it was no longer new."""
    done = tx.execute(
        "UPDATE inbox SET state = ?, intent = ?, note = ?, unit_code = ?, person_id = ?, broadcast_no = ?,"
        " handled_at = ? WHERE id = ? AND state = 'new'",
        (
            handled.state, handled.intent, handled.note, handled.unit_code, handled.person_id, handled.broadcast_no,
            at, inbox_id,
        ),
    )  # fmt: skip
    return done.rowcount == 1


def close(tx: Tx, inbox_id: int, by: str, at: float) -> bool:
    """An officer dealt with a message of the human queue; False where somebody already had."""
    done = tx.execute(
        "UPDATE inbox SET state = 'closed', handled_by = ?, handled_at = ? WHERE id = ? AND state = 'human'",
        (by, at, inbox_id),
    )
    return done.rowcount == 1


def get(tx: Tx, inbox_id: int) -> InboxRow | None:
    row = tx.execute(f"{_ROW} WHERE i.id = ?", (inbox_id,)).fetchone()
    return None if row is None else _inbox_row(row)


def listing(
    tx: Tx, state: str | None = None, before: int | None = None, limit: int = LISTING_DEFAULT
) -> list[InboxRow]:
    """Newest first; `before` pages on from the last id of the page before. `state='human'` is the human queue."""
    where = ["1 = 1"]
    parameters: list[str | int] = []
    if state is not None:
        where.append("i.state = ?")
        parameters.append(state)
    if before is not None:
        where.append("i.id < ?")
        parameters.append(before)
    rows = tx.execute(
        f"{_ROW} WHERE {' AND '.join(where)} ORDER BY i.id DESC LIMIT ?",
        (*parameters, limit),
    )
    return [_inbox_row(row) for row in rows]


def counts(tx: Tx) -> dict[str, int]:
    """State → number of messages."""
    return {row[0]: row[1] for row in tx.execute("SELECT state, COUNT(*) FROM inbox GROUP BY state")}


def _waiting(row: Sequence[Any]) -> Waiting:
    id_, channel, kind, sender, chat, text, payload, name, is_group, *rest = row
    return Waiting(id_, channel, kind, sender, chat, text, payload, name, bool(is_group), *rest)


def _inbox_row(row: Sequence[Any]) -> InboxRow:
    id_, channel, kind, sender, name, chat, is_group, *rest = row
    return InboxRow(id_, channel, kind, sender, name, chat, bool(is_group), *rest)
