"""Officers who command by message: their addresses, which approvers were asked for which version, our secret."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from store.access import Staff
from store.engine import Tx

SECRET_BYTES: Final = 32
"""Of a key for HMAC-SHA-256 (RFC 2104 3: the length of the hash)."""
_STAFF: Final = "s.id, s.name, s.title, s.role, s.active"


@dataclass(frozen=True, slots=True)
class BoundStaff:
    """An active member of staff with an address; `channel` is the family."""

    staff: Staff
    channel: str
    value: str


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody was asked to approve a version; `wrong`: codes that they mistyped for it."""

    content_hash: str
    version: int
    wrong: int


def bind(tx: Tx, staff_id: int, channel: str, value: str, now: float) -> bool:
    """False where somebody else has this address."""
    tx.execute(
        "INSERT INTO staff_address (channel, value, staff_id, created_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (channel, value) DO NOTHING",
        (channel, value, staff_id, now),
    )
    row = tx.execute("SELECT staff_id FROM staff_address WHERE channel = ? AND value = ?", (channel, value)).fetchone()
    return bool(row[0] == staff_id)


def unbind(tx: Tx, staff_id: int, channel: str, value: str) -> bool:
    done = tx.execute(
        "DELETE FROM staff_address WHERE channel = ? AND value = ? AND staff_id = ?", (channel, value, staff_id)
    )
    return done.rowcount > 0


def member(tx: Tx, channel: str, value: str) -> Staff | None:
    """Who commands from this address; None for everybody else."""
    row = tx.execute(
        f"SELECT {_STAFF} FROM staff_address a JOIN staff s ON s.id = a.staff_id"  # noqa: S608
        " WHERE a.channel = ? AND a.value = ? AND s.active = 1",
        (channel, value),
    ).fetchone()
    return None if row is None else Staff(row[0], row[1], row[2], row[3], bool(row[4]))


def bound(tx: Tx) -> list[BoundStaff]:
    """All active ones, in the order in which they were bound."""
    rows = tx.execute(
        f"SELECT {_STAFF}, a.channel, a.value FROM staff_address a JOIN staff s ON s.id = a.staff_id"  # noqa: S608
        " WHERE s.active = 1 ORDER BY a.created_at, a.value"
    )
    return [BoundStaff(Staff(row[0], row[1], row[2], row[3], bool(row[4])), row[5], row[6]) for row in rows]


def staff_id(tx: Tx, name: str) -> int | None:
    row = tx.execute("SELECT id FROM staff WHERE name = ? AND active = 1", (name,)).fetchone()
    return None if row is None else int(row[0])


def pending(tx: Tx) -> list[tuple[int, str, str, float]]:
    """(no, code, content hash, submitted at) of what waits for approval, oldest first."""
    rows = tx.execute(
        "SELECT no, code, content_hash, submitted_at FROM broadcast WHERE state = 'pending_approval' ORDER BY no"
    )
    return [(row[0], row[1], row[2], row[3] or 0.0) for row in rows]


def was_asked(tx: Tx, broadcast_no: int, content_hash: str, staff: int, since: float) -> bool:
    """Whether this person was asked for this hash since it was submitted."""
    row = tx.execute(
        "SELECT 1 FROM approval_request WHERE broadcast_no = ? AND content_hash = ? AND staff_id = ? AND asked_at >= ?",
        (broadcast_no, content_hash, staff, since),
    ).fetchone()
    return row is not None


def ask(tx: Tx, broadcast_no: int, content_hash: str, staff: int, version: int, at: float, shown: str = "") -> None:
    """`shown`: what there was to decide on, so that the next version can be told from it."""
    tx.execute(
        "INSERT INTO approval_request (broadcast_no, content_hash, staff_id, version, asked_at, shown)"
        " VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (broadcast_no, content_hash, staff_id) DO UPDATE SET asked_at = excluded.asked_at",
        (broadcast_no, content_hash, staff, version, at, shown),
    )


def shown_before(tx: Tx, broadcast_no: int, content_hash: str, staff: int) -> tuple[int, str] | None:
    """(version, what was shown) of the last other version that this person was asked for; None for none."""
    row = tx.execute(
        "SELECT version, shown FROM approval_request WHERE broadcast_no = ? AND staff_id = ? AND content_hash <> ?"
        " AND shown <> '' ORDER BY version DESC LIMIT 1",
        (broadcast_no, staff, content_hash),
    ).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def requests(tx: Tx, broadcast_no: int, staff: int) -> list[Request]:
    """What this person was asked for about a broadcast, newest version first."""
    rows = tx.execute(
        "SELECT content_hash, version, wrong FROM approval_request WHERE broadcast_no = ? AND staff_id = ?"
        " ORDER BY version DESC",
        (broadcast_no, staff),
    )
    return [Request(row[0], row[1], row[2]) for row in rows]


def count_wrong(tx: Tx, broadcast_no: int, staff: int) -> None:
    """A code that is none: counted against every version that this person was asked for."""
    tx.execute(
        "UPDATE approval_request SET wrong = wrong + 1 WHERE broadcast_no = ? AND staff_id = ?", (broadcast_no, staff)
    )


def mark_used(tx: Tx, broadcast_no: int, content_hash: str, staff: int, at: float) -> None:
    tx.execute(
        "UPDATE approval_request SET used_at = ? WHERE broadcast_no = ? AND content_hash = ? AND staff_id = ?",
        (at, broadcast_no, content_hash, staff),
    )


def secret(tx: Tx, name: str) -> bytes:
    """The office's own key of that name, made when it is first asked for. Needs a writing transaction."""
    tx.execute(
        "INSERT INTO office_secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
        (name, secrets.token_bytes(SECRET_BYTES)),
    )
    return bytes(tx.execute("SELECT value FROM office_secret WHERE name = ?", (name,)).fetchone()[0])
