"""Signed-in browsers. A session is found by the digest of its token; its `handle` names it where people see it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final, Literal

from store.access import TOKEN_BYTES, Staff, digest
from store.engine import Tx

HANDLE_DIGITS: Final = 16
"""Of the digest, as a name: tells nothing of the token."""
Stage = Literal["full", "password"]
"""`password`: the second factor is still missing, and no page but the one that asks for it opens."""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `mode` is what new messages are made for: actual or exercise."""

    staff: Staff
    csrf: str
    mode: str
    expires_at: float
    stage: str = "full"
    second_factor: bool = False
    """Whether its owner has one that counts."""
    handle: str = ""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One line of "where I am signed in"."""

    handle: str
    created_at: float
    expires_at: float
    address: str
    agent: str


def open_session(
    tx: Tx, staff_id: int, now: float, seconds: float, stage: Stage = "full", address: str = "", agent: str = ""
) -> str:
    """A new session's token; old ones that have run out are swept."""
    tx.execute("DELETE FROM web_session WHERE expires_at <= ?", (now,))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    tx.execute(
        "INSERT INTO web_session (token_hash, staff_id, csrf, created_at, expires_at, stage, address, agent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (digest(token), staff_id, secrets.token_urlsafe(TOKEN_BYTES), now, now + seconds, stage, address, agent),
    )
    return token


def session(tx: Tx, token: str, now: float, stage: Stage = "full") -> Session | None:
    """The session of that stage, if it has not run out and its owner may still sign in."""
    row = tx.execute(
        "SELECT s.id, s.name, s.title, s.role, s.active, w.csrf, w.mode, w.expires_at, w.stage,"
        " f.confirmed_at IS NOT NULL, w.token_hash"
        " FROM web_session w JOIN staff s ON s.id = w.staff_id LEFT JOIN second_factor f ON f.staff_id = s.id"
        " WHERE w.token_hash = ? AND w.expires_at > ? AND w.stage = ? AND s.active = 1",
        (digest(token), now, stage),
    ).fetchone()
    if row is None:
        return None
    staff = Staff(id=row[0], name=row[1], title=row[2], role=row[3], active=bool(row[4]))
    return Session(staff, row[5], row[6], row[7], row[8], bool(row[9]), row[10][:HANDLE_DIGITS])


def set_mode(tx: Tx, token: str, mode: str) -> None:
    tx.execute("UPDATE web_session SET mode = ? WHERE token_hash = ?", (mode, digest(token)))


def close_session(tx: Tx, token: str) -> None:
    tx.execute("DELETE FROM web_session WHERE token_hash = ?", (digest(token),))


def close_all(tx: Tx, staff_id: int, but: str = "") -> int:
    """End every session of somebody, but the one with that handle; says how many."""
    return len(
        tx.execute(
            "DELETE FROM web_session WHERE staff_id = ? AND substr(token_hash, 1, ?) <> ? RETURNING token_hash",
            (staff_id, HANDLE_DIGITS, but),
        ).fetchall()
    )


def close_one(tx: Tx, staff_id: int, handle: str) -> bool:
    """End one session of this very person; nobody names another's."""
    return bool(
        tx.execute(
            "DELETE FROM web_session WHERE staff_id = ? AND substr(token_hash, 1, ?) = ? RETURNING token_hash",
            (staff_id, HANDLE_DIGITS, handle),
        ).fetchall()
    )


def open_sessions(tx: Tx, staff_id: int, now: float) -> list[OpenSession]:
    """Newest first."""
    rows = tx.execute(
        "SELECT token_hash, created_at, expires_at, address, agent FROM web_session"
        " WHERE staff_id = ? AND expires_at > ? AND stage = 'full' ORDER BY created_at DESC",
        (staff_id, now),
    )
    return [OpenSession(row[0][:HANDLE_DIGITS], row[1], row[2], row[3], row[4]) for row in rows]
