"""What one officer sent alone, whom of the leaders it was told, and what the review found."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class BreakGlassRow:
    """Times are epoch seconds; `verdict` is "" until somebody reviewed it."""

    broadcast_no: int
    content_hash: str
    sent_by: str
    at: float
    reason: str
    ground: str
    review_at: float
    reviewed_by: str
    reviewed_at: float | None
    verdict: str
    review_note: str


@dataclass(frozen=True, slots=True)
class Told:
    """One leader's address; `delivery_id` None where that channel is switched off."""

    channel: str
    value: str
    name: str
    at: float
    delivery_id: int | None


_ROW: Final = ", ".join(field.name for field in fields(BreakGlassRow))


def add(
    tx: Tx, broadcast_no: int, content_hash: str, sent_by: str, at: float, reason: str, ground: str, review_at: float
) -> None:
    tx.execute(
        "INSERT INTO break_glass (broadcast_no, content_hash, sent_by, at, reason, ground, review_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (broadcast_no, content_hash, sent_by, at, reason, ground, review_at),
    )


def one(tx: Tx, broadcast_no: int) -> BreakGlassRow | None:
    row = tx.execute(f"SELECT {_ROW} FROM break_glass WHERE broadcast_no = ?", (broadcast_no,)).fetchone()  # noqa: S608
    return None if row is None else BreakGlassRow(*row)


def since(tx: Tx, at: float) -> list[BreakGlassRow]:
    """Those since a time, oldest first."""
    rows = tx.execute(f"SELECT {_ROW} FROM break_glass WHERE at >= ? ORDER BY at", (at,))  # noqa: S608
    return [BreakGlassRow(*row) for row in rows]


def listing(tx: Tx, limit: int) -> list[BreakGlassRow]:
    """Those that wait for a review first, then newest first."""
    rows = tx.execute(
        f"SELECT {_ROW} FROM break_glass"  # noqa: S608
        " ORDER BY CASE WHEN reviewed_at IS NULL THEN 0 ELSE 1 END, at DESC LIMIT ?",
        (limit,),
    )
    return [BreakGlassRow(*row) for row in rows]


def to_review(tx: Tx, now: float) -> list[BreakGlassRow]:
    """Those whose morning has come and that nobody reviewed."""
    rows = tx.execute(
        f"SELECT {_ROW} FROM break_glass WHERE reviewed_at IS NULL AND review_at <= ? ORDER BY at",  # noqa: S608
        (now,),
    )
    return [BreakGlassRow(*row) for row in rows]


def review(tx: Tx, broadcast_no: int, by: str, at: float, verdict: str, note: str) -> bool:
    """The first review stands. False: there is one."""
    done = tx.execute(
        "UPDATE break_glass SET reviewed_by = ?, reviewed_at = ?, verdict = ?, review_note = ?"
        " WHERE broadcast_no = ? AND reviewed_at IS NULL",
        (by, at, verdict, note, broadcast_no),
    )
    return done.rowcount == 1


def told(tx: Tx, broadcast_no: int) -> list[Told]:
    rows = tx.execute(
        "SELECT channel, value, name, at, delivery_id FROM break_glass_told WHERE broadcast_no = ?"
        " ORDER BY at, channel, value",
        (broadcast_no,),
    )
    return [Told(*row) for row in rows]


def keep_told(tx: Tx, broadcast_no: int, leader: Told) -> None:
    tx.execute(
        "INSERT INTO break_glass_told (broadcast_no, channel, value, name, at, delivery_id) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (broadcast_no, channel, value) DO NOTHING",
        (broadcast_no, leader.channel, leader.value, leader.name, leader.at, leader.delivery_id),
    )
