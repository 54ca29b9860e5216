"""The duty roster: shifts, requests to swap one, and the secret calendar addresses. Times are epoch seconds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from store.access import TOKEN_BYTES, digest
from store.engine import Tx


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """`duty`: officer (trực ban) or approver (lãnh đạo duyệt). `role` and `title` are the person's own."""

    id: int
    staff_id: int
    name: str
    title: str
    role: str
    duty: str
    starts_at: float
    ends_at: float
    note: str


@dataclass(frozen=True, slots=True)
class SwapRow:
    """Somebody asks another to take a shift. `state`: asked, accepted, declined, withdrawn."""

    id: int
    shift_id: int
    from_staff: int
    from_name: str
    to_staff: int
    to_name: str
    state: str
    note: str
    asked_at: float
    decided_by: str
    decided_at: float | None


_SHIFT: Final = (
    "SELECT d.id, d.staff_id, s.name, s.title, s.role, d.duty, d.starts_at, d.ends_at, d.note"
    " FROM duty_shift d JOIN staff s ON s.id = d.staff_id WHERE d.removed_at IS NULL"
)
_SWAP: Final = (
    "SELECT w.id, w.shift_id, w.from_staff, a.name, w.to_staff, b.name, w.state, w.note, w.asked_at, w.decided_by,"
    " w.decided_at FROM shift_swap w JOIN staff a ON a.id = w.from_staff JOIN staff b ON b.id = w.to_staff"
)


def add(
    tx: Tx, staff_id: int, duty: str, starts_at: float, ends_at: float, note: str, made_by: str, now: float
) -> int | None:
    """The shift's number; None where the person has exactly this shift already."""
    row = tx.execute(
        "INSERT INTO duty_shift (staff_id, duty, starts_at, ends_at, note, made_by, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (staff_id, duty, starts_at, ends_at) WHERE removed_at IS NULL DO NOTHING RETURNING id",
        (staff_id, duty, starts_at, ends_at, note, made_by, now),
    ).fetchone()
    return None if row is None else int(row[0])


def remove(tx: Tx, shift_id: int, by: str, now: float) -> bool:
    """Taken off the roster, kept in the record; a request to swap it ends."""
    done = tx.execute(
        "UPDATE duty_shift SET removed_by = ?, removed_at = ? WHERE id = ? AND removed_at IS NULL", (by, now, shift_id)
    )
    tx.execute(
        "UPDATE shift_swap SET state = 'withdrawn', decided_by = ?, decided_at = ?"
        " WHERE shift_id = ? AND state = 'asked'",
        (by, now, shift_id),
    )
    return done.rowcount == 1


def one(tx: Tx, shift_id: int) -> ShiftRow | None:
    row = tx.execute(f"{_SHIFT} AND d.id = ?", (shift_id,)).fetchone()
    return None if row is None else ShiftRow(*row)


def between(tx: Tx, start: float, end: float) -> list[ShiftRow]:
    """Every shift that touches the time from `start` to `end`, in order."""
    rows = tx.execute(
        f"{_SHIFT} AND d.ends_at > ? AND d.starts_at < ? ORDER BY d.starts_at, d.duty DESC, s.name", (start, end)
    )
    return [ShiftRow(*row) for row in rows]


def on_duty(tx: Tx, at: float) -> list[ShiftRow]:
    """Who is on duty at that moment, who came first first; people who have left are not."""
    rows = tx.execute(
        f"{_SHIFT} AND d.starts_at <= ? AND d.ends_at > ? AND s.active = 1 ORDER BY d.starts_at, d.id", (at, at)
    )
    return [ShiftRow(*row) for row in rows]


def of_person(tx: Tx, staff_id: int, since: float) -> list[ShiftRow]:
    rows = tx.execute(f"{_SHIFT} AND d.staff_id = ? AND d.ends_at > ? ORDER BY d.starts_at", (staff_id, since))
    return [ShiftRow(*row) for row in rows]


def has_any(tx: Tx) -> bool:
    """Whether this office keeps a roster at all."""
    return tx.execute("SELECT 1 FROM duty_shift WHERE removed_at IS NULL LIMIT 1").fetchone() is not None


# -- swaps ---------------------------------------------------------------------------------------------------------


def ask_swap(tx: Tx, shift_id: int, from_staff: int, to_staff: int, note: str, by: str, now: float) -> int | None:
    """The request's number; None where one is open for this shift."""
    row = tx.execute(
        "INSERT INTO shift_swap (shift_id, from_staff, to_staff, note, asked_by, asked_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (shift_id) WHERE state = 'asked' DO NOTHING RETURNING id",
        (shift_id, from_staff, to_staff, note, by, now),
    ).fetchone()
    return None if row is None else int(row[0])


def swap(tx: Tx, swap_id: int) -> SwapRow | None:
    row = tx.execute(f"{_SWAP} WHERE w.id = ?", (swap_id,)).fetchone()
    return None if row is None else SwapRow(*row)


def open_swaps(tx: Tx) -> list[SwapRow]:
    return [SwapRow(*row) for row in tx.execute(f"{_SWAP} WHERE w.state = 'asked' ORDER BY w.asked_at, w.id")]


def decide_swap(tx: Tx, swap_id: int, state: str, by: str, now: float) -> bool:
    """False: it was decided already."""
    done = tx.execute(
        "UPDATE shift_swap SET state = ?, decided_by = ?, decided_at = ? WHERE id = ? AND state = 'asked'",
        (state, by, now, swap_id),
    )
    return done.rowcount == 1


def give_to(tx: Tx, shift_id: int, staff_id: int) -> None:
    tx.execute("UPDATE duty_shift SET staff_id = ? WHERE id = ?", (staff_id, shift_id))


def has_same(tx: Tx, shift: ShiftRow, staff_id: int) -> bool:
    """Whether that person has exactly this shift already."""
    row = tx.execute(
        "SELECT 1 FROM duty_shift WHERE staff_id = ? AND duty = ? AND starts_at = ? AND ends_at = ?"
        " AND removed_at IS NULL",
        (staff_id, shift.duty, shift.starts_at, shift.ends_at),
    ).fetchone()
    return row is not None


# -- calendar addresses --------------------------------------------------------------------------------------------


def new_feed(tx: Tx, staff_id: int, now: float) -> str:
    """A new secret address for a person's calendar, shown this once; the one before stops to work."""
    revoke_feed(tx, staff_id, now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    tx.execute(
        "INSERT INTO roster_feed (token_hash, staff_id, created_at) VALUES (?, ?, ?)", (digest(token), staff_id, now)
    )
    return token


def revoke_feed(tx: Tx, staff_id: int, now: float) -> bool:
    done = tx.execute(
        "UPDATE roster_feed SET revoked_at = ? WHERE staff_id = ? AND revoked_at IS NULL", (now, staff_id)
    )
    return done.rowcount > 0


def feed_since(tx: Tx, staff_id: int) -> float | None:
    """When the person's present address was made; None: there is none."""
    row = tx.execute(
        "SELECT created_at FROM roster_feed WHERE staff_id = ? AND revoked_at IS NULL", (staff_id,)
    ).fetchone()
    return None if row is None else float(row[0])


def feed_owner(tx: Tx, token: str) -> tuple[int, str] | None:
    """(staff id, name) of an active person whose address this is. Looked up by its hash."""
    row = tx.execute(
        "SELECT s.id, s.name FROM roster_feed f JOIN staff s ON s.id = f.staff_id"
        " WHERE f.token_hash = ? AND f.revoked_at IS NULL AND s.active = 1",
        (digest(token),),
    ).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))
