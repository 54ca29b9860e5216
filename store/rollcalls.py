"""The roll-call: one acknowledgement per broadcast and unit, and when its next escalation step falls due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.engine import Tx


@dataclass(slots=True)
class AckRow:
    broadcast_no: int
    unit_code: str
    state: str
    person_id: int | None
    person_name: str
    via: str
    at: float | None
    seconds: float | None
    note: str
    by_staff: str
    level: int
    next_at: float | None


_COLUMNS = "broadcast_no, unit_code, state, person_id, person_name, via, at, seconds, note, by_staff, level, next_at"


def open_all(tx: Tx, broadcast_no: int, units: Iterable[tuple[str, float | None]]) -> None:
    """Every unit awaits; `next_at` is when its next step falls due. Planning twice changes nothing."""
    tx.executemany(
        "INSERT INTO rollcall (broadcast_no, unit_code, state, next_at) VALUES (?, ?, 'awaiting', ?)"
        " ON CONFLICT (broadcast_no, unit_code) DO NOTHING",
        [(broadcast_no, unit, next_at) for unit, next_at in units],
    )


def one(tx: Tx, broadcast_no: int, unit_code: str) -> AckRow | None:
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM rollcall WHERE broadcast_no = ? AND unit_code = ?",  # noqa: S608
        (broadcast_no, unit_code),
    ).fetchone()
    return AckRow(*row) if row else None


def of_broadcast(tx: Tx, broadcast_no: int) -> list[AckRow]:
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM rollcall WHERE broadcast_no = ? ORDER BY unit_code",  # noqa: S608
        (broadcast_no,),
    )
    return [AckRow(*row) for row in rows]


def counts(tx: Tx, broadcast_no: int) -> dict[str, int]:
    rows = tx.execute("SELECT state, count(*) FROM rollcall WHERE broadcast_no = ? GROUP BY state", (broadcast_no,))
    return {row[0]: row[1] for row in rows}


def save(tx: Tx, row: AckRow) -> None:
    """Write back a row that was read in the same transaction."""
    tx.execute(
        "UPDATE rollcall SET state = ?, person_id = ?, person_name = ?, via = ?, at = ?, seconds = ?, note = ?,"
        " by_staff = ?, level = ?, next_at = ? WHERE broadcast_no = ? AND unit_code = ?",
        (
            row.state,
            row.person_id,
            row.person_name,
            row.via,
            row.at,
            row.seconds,
            row.note,
            row.by_staff,
            row.level,
            row.next_at,
            row.broadcast_no,
            row.unit_code,
        ),
    )


def due(tx: Tx, now: float, limit: int) -> list[AckRow]:
    """Units whose next step has fallen due, earliest first."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM rollcall WHERE next_at <= ? ORDER BY next_at LIMIT ?",  # noqa: S608
        (now, limit),
    )
    return [AckRow(*row) for row in rows]


def next_due(tx: Tx) -> float | None:
    row = tx.execute("SELECT min(next_at) FROM rollcall WHERE next_at IS NOT NULL").fetchone()
    return None if row is None or row[0] is None else float(row[0])


def steps_pending(tx: Tx, broadcast_no: int) -> bool:
    row = tx.execute(
        "SELECT 1 FROM rollcall WHERE broadcast_no = ? AND next_at IS NOT NULL LIMIT 1", (broadcast_no,)
    ).fetchone()
    return row is not None


def hasten(tx: Tx, broadcast_no: int, unit_code: str, now: float) -> None:
    """A way failed or is in doubt: take the next step at once instead of at its time."""
    tx.execute(
        "UPDATE rollcall SET next_at = ? WHERE broadcast_no = ? AND unit_code = ? AND next_at > ?"
        " AND state IN ('awaiting', 'unreachable')",
        (now, broadcast_no, unit_code, now),
    )


def reached_after_all(tx: Tx, broadcast_no: int, unit_code: str) -> None:
    """Something arrived at a unit that was called unreachable: it awaits again."""
    tx.execute(
        "UPDATE rollcall SET state = 'awaiting', at = NULL"
        " WHERE broadcast_no = ? AND unit_code = ? AND state = 'unreachable' AND by_staff = ''",
        (broadcast_no, unit_code),
    )


def put_off(tx: Tx, broadcast_no: int, now: float, until: float) -> None:
    """What is due of this broadcast is looked at again then."""
    tx.execute("UPDATE rollcall SET next_at = ? WHERE broadcast_no = ? AND next_at <= ?", (until, broadcast_no, now))


def halt(tx: Tx, broadcast_no: int) -> None:
    """No unit of this broadcast is asked any more."""
    tx.execute("UPDATE rollcall SET next_at = NULL WHERE broadcast_no = ? AND next_at IS NOT NULL", (broadcast_no,))


def open_of_unit(tx: Tx, unit_code: str, limit: int) -> list[tuple[int, str, str, float, str, str]]:
    """(no, code, title, started_at, acknowledgement state, kind) of live broadcasts for a unit, newest first."""
    rows = tx.execute(
        "SELECT b.no, b.code, b.title, b.started_at, r.state, b.kind FROM rollcall r"
        " JOIN broadcast b ON b.no = r.broadcast_no"
        " WHERE r.unit_code = ? AND b.state IN ('sending', 'sent') AND b.superseded_by IS NULL AND b.started_at > 0"
        " ORDER BY b.no DESC LIMIT ?",
        (unit_code, limit),
    )
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]
