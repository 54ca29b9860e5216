"""Broadcasts, their frozen audience and their timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import orjson

from store import audit
from store.engine import Tx


@dataclass(slots=True)
class BroadcastRow:
    """One row of `broadcast`; `content`, `frozen` and `plan` are JSON texts."""

    no: int
    code: str
    state: str
    mode: str
    kind: str
    urgency: str
    title: str
    content: str
    audience: str
    frozen: str
    plan: str
    duplicate_ok: int
    valid_until: float
    fire_at: float | None
    supersedes: int | None
    superseded_by: int | None
    version: int
    content_hash: str
    created_by: str
    created_at: float
    submitted_by: str
    submitted_at: float | None
    approved_by: str
    approved_at: float | None
    approved_hash: str
    started_at: float | None
    planned_at: float | None
    sent_at: float | None
    ended_at: float | None
    reason: str
    next_ordinal: int


COLUMNS = tuple(field.name for field in fields(BroadcastRow))
_COLUMNS = ", ".join(COLUMNS)
DIGITS_MAX = 18
"""Digits that surely fit 64 bits."""
SINGLE = "single"
"""Kind of the standing broadcasts that hold answers and single messages, one a day; never listed."""


def insert(tx: Tx, values: dict[str, Any]) -> int:
    """A new broadcast; returns its number."""
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    row = tx.execute(
        f"INSERT INTO broadcast ({names}) VALUES ({marks}) RETURNING no",  # noqa: S608  names are ours
        tuple(values.values()),
    ).fetchone()
    return int(row[0])


def update(tx: Tx, no: int, from_states: Sequence[str], values: dict[str, Any]) -> bool:
    """Change a broadcast if it is in one of these states. False: it is not."""
    sets = ", ".join(f"{name} = ?" for name in values)
    marks = ", ".join("?" * len(from_states))
    return (
        tx.execute(
            f"UPDATE broadcast SET {sets} WHERE no = ? AND state IN ({marks})",  # noqa: S608  names are ours
            (*values.values(), no, *from_states),
        ).rowcount
        == 1
    )


def supersede(tx: Tx, old: int, new: int) -> bool:
    """The first that replaces a broadcast stays the one that did."""
    return (
        tx.execute("UPDATE broadcast SET superseded_by = ? WHERE no = ? AND superseded_by IS NULL", (new, old)).rowcount
        == 1
    )


def successor(tx: Tx, no: int) -> int | None:
    """Another broadcast that is on its way to take this one's place: approved, not yet begun or begun."""
    row = tx.execute(
        "SELECT no FROM broadcast WHERE supersedes = ? AND state IN ('scheduled', 'sending', 'sent')"
        " ORDER BY no LIMIT 1",
        (no,),
    ).fetchone()
    return int(row[0]) if row else None


def one(tx: Tx, ref: str) -> BroadcastRow | None:
    """By number (digits) or by code, whatever its case."""
    is_number = ref.isascii() and ref.isdigit() and len(ref) <= DIGITS_MAX
    where, value = ("no = ?", int(ref)) if is_number else ("code = upper(?)", ref)
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM broadcast WHERE {where} AND kind <> ?",  # noqa: S608
        (value, SINGLE),
    ).fetchone()
    return BroadcastRow(*row) if row else None


def by_no(tx: Tx, no: int) -> BroadcastRow | None:
    """Any broadcast, standing ones too."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM broadcast WHERE no = ?", (no,)).fetchone()  # noqa: S608
    return BroadcastRow(*row) if row else None


def code_of(tx: Tx, no: int) -> str:
    """What people type; "" where there is none of this number."""
    row = tx.execute("SELECT code FROM broadcast WHERE no = ?", (no,)).fetchone()
    return str(row[0]) if row else ""


def locked(tx: Tx, no: int) -> BroadcastRow | None:
    """As `by_no`; no other `beside` transaction that asks so goes on before this one ends."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM broadcast WHERE no = ?{tx.for_update}", (no,)).fetchone()  # noqa: S608
    return BroadcastRow(*row) if row else None


def listed(tx: Tx, state: str | None, limit: int) -> list[BroadcastRow]:
    """Newest first."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM broadcast WHERE kind <> ? AND (CAST(? AS TEXT) IS NULL OR state = ?)"  # noqa: S608
        " ORDER BY no DESC LIMIT ?",
        (SINGLE, state, state, limit),
    )
    return [BroadcastRow(*row) for row in rows]


def in_states(tx: Tx, states: Sequence[str]) -> list[BroadcastRow]:
    """Open broadcasts for the clock's work. Small: an office has a few open at once."""
    marks = ", ".join("?" * len(states))
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM broadcast"  # noqa: S608
        " WHERE state NOT IN ('closed', 'cancelled', 'expired', 'rejected')"
        f" AND state IN ({marks}) AND kind <> ? ORDER BY no",
        (*states, SINGLE),
    )
    return [BroadcastRow(*row) for row in rows]


def ended_since(tx: Tx, since: float) -> list[BroadcastRow]:
    """Broadcasts that had begun and came to an end after `since`."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM broadcast WHERE state IN ('closed', 'cancelled', 'expired')"  # noqa: S608
        " AND started_at IS NOT NULL AND ended_at > ? AND kind <> ? ORDER BY no",
        (since, SINGLE),
    )
    return [BroadcastRow(*row) for row in rows]


def begun_since(tx: Tx, since: float, limit: int) -> list[BroadcastRow]:
    """What went out, or was stopped after that, at or after `since` (epoch seconds); newest first."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM broadcast"  # noqa: S608
        " WHERE kind <> ? AND started_at IS NOT NULL AND (started_at >= ? OR ended_at >= ?) ORDER BY no DESC LIMIT ?",
        (SINGLE, since, since, limit),
    )
    return [BroadcastRow(*row) for row in rows]


def codes_like(tx: Tx, prefix: str) -> list[str]:
    rows = tx.execute("SELECT code FROM broadcast WHERE code >= ? AND code < ?", (prefix, prefix + "\uffff"))
    return [row[0] for row in rows]


def standing(tx: Tx, code: str) -> int | None:
    """The standing broadcast of a day."""
    row = tx.execute("SELECT no FROM broadcast WHERE code = ? AND kind = ?", (code, SINGLE)).fetchone()
    return int(row[0]) if row else None


def take_ordinals(tx: Tx, no: int, how_many: int) -> int:
    """Reserve consecutive ordinals; returns the first."""
    row = tx.execute(
        "UPDATE broadcast SET next_ordinal = next_ordinal + ? WHERE no = ? RETURNING next_ordinal", (how_many, no)
    ).fetchone()
    return int(row[0]) - how_many


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One way to one person of the frozen audience."""

    unit_code: str
    person_id: int
    person_name: str
    role: str
    channel: str
    """Family: sms, zalo, telegram."""
    address_id: int
    value: str


def freeze_audience(tx: Tx, no: int, members: Sequence[MemberRow], lists: Iterable[int]) -> None:
    """Keep who is meant, in this order; what was kept of an earlier version goes."""
    tx.execute("DELETE FROM audience_member WHERE broadcast_no = ?", (no,))
    tx.execute("DELETE FROM audience_list WHERE broadcast_no = ?", (no,))
    tx.executemany(
        "INSERT INTO audience_member"
        " (broadcast_no, place, unit_code, person_id, person_name, role, channel, address_id, value)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (no, place, m.unit_code, m.person_id, m.person_name, m.role, m.channel, m.address_id, m.value)
            for place, m in enumerate(members)
        ],
    )
    tx.executemany("INSERT INTO audience_list (broadcast_no, list_id) VALUES (?, ?)", [(no, one) for one in lists])


def frozen_members(tx: Tx, no: int, unit_code: str | None = None) -> list[MemberRow]:
    rows = tx.execute(
        "SELECT unit_code, person_id, person_name, role, channel, address_id, value FROM audience_member"
        " WHERE broadcast_no = ? AND (CAST(? AS TEXT) IS NULL OR unit_code = ?) ORDER BY place",
        (no, unit_code, unit_code),
    )
    return [MemberRow(*row) for row in rows]


def frozen_lists(tx: Tx, no: int) -> list[int]:
    rows = tx.execute("SELECT list_id FROM audience_list WHERE broadcast_no = ? ORDER BY list_id", (no,))
    return [row[0] for row in rows]


def listed_numbers(tx: Tx, lists: Sequence[int], after: int, limit: int) -> list[int]:
    """The next numbers of these lists in ascending order, each once."""
    marks = ", ".join("?" * len(lists))
    rows = tx.execute(
        f"SELECT DISTINCT msisdn FROM number_list_entry WHERE list_id IN ({marks}) AND msisdn > ?"  # noqa: S608
        " ORDER BY msisdn LIMIT ?",
        (*lists, after, limit),
    )
    return [row[0] for row in rows]


def note(tx: Tx, no: int, at: float, actor: str, event: str, detail: dict[str, Any] | None = None) -> int:
    """Add to the timeline; returns the event's number. Somebody's decision goes into the audit log as well."""
    if event in audit.DECISIONS:
        audit.record(tx, at, actor, f"broadcast_{event}", **{"broadcast": no, **(detail or {})})
    row = tx.execute(
        "INSERT INTO broadcast_event (broadcast_no, at, actor, event, detail) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (no, at, actor, event, orjson.dumps(detail or {}).decode()),
    ).fetchone()
    return int(row[0])


def with_event(tx: Tx, event: str, key: str | None) -> int | None:
    """The newest broadcast whose timeline holds `event`, with this `key` or with any."""
    rows = tx.execute("SELECT broadcast_no, detail FROM broadcast_event WHERE event = ? ORDER BY id DESC", (event,))
    return next((int(row[0]) for row in rows if key is None or orjson.loads(row[1]).get("key") == key), None)


def timeline(tx: Tx, no: int, after: int, limit: int = 1_000) -> list[tuple[int, float, str, str, dict[str, Any]]]:
    rows = tx.execute(
        "SELECT id, at, actor, event, detail FROM broadcast_event"
        " WHERE broadcast_no = ? AND id > ? ORDER BY id LIMIT ?",
        (no, after, limit),
    )
    return [(row[0], row[1], row[2], row[3], orjson.loads(row[4])) for row in rows]
