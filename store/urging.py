"""When the late units of a report round are urged, and how far the urging of each unit is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class MomentRow:
    """`state`: due, done, missed. `units`: how many were late then."""

    round_id: int
    due: float
    state: str
    at: float | None
    units: int


@dataclass(slots=True)
class UrgingRow:
    """One late unit at one moment. `deliveries`: [channel, address, delivery id] of each message so far."""

    round_id: int
    due: float
    unit_code: str
    level: int
    next_at: float | None
    deliveries: list[tuple[str, str, int]]


_MOMENT = "round_id, due, state, at, units"
_URGING = "round_id, due, unit_code, level, next_at, deliveries"


def add_moments(tx: Tx, round_id: int, moments: Iterable[float]) -> None:
    tx.executemany(
        "INSERT INTO round_moment (round_id, due) VALUES (?, ?) ON CONFLICT (round_id, due) DO NOTHING",
        [(round_id, due) for due in moments],
    )


def due_moments(tx: Tx, now: float) -> list[MomentRow]:
    """Those that fell due, round by round, latest first."""
    rows = tx.execute(
        f"SELECT {_MOMENT} FROM round_moment WHERE state = 'due' AND due <= ? ORDER BY round_id, due DESC",  # noqa: S608
        (now,),
    )
    return [MomentRow(*row) for row in rows]


def moments(tx: Tx, round_id: int) -> list[MomentRow]:
    rows = tx.execute(f"SELECT {_MOMENT} FROM round_moment WHERE round_id = ? ORDER BY due", (round_id,))  # noqa: S608
    return [MomentRow(*row) for row in rows]


def settle_moment(tx: Tx, moment: MomentRow, state: str, units: int, now: float) -> bool:
    """False: somebody else did."""
    return (
        tx.execute(
            "UPDATE round_moment SET state = ?, units = ?, at = ? WHERE round_id = ? AND due = ? AND state = 'due'",
            (state, units, now, moment.round_id, moment.due),
        ).rowcount
        == 1
    )


def open_units(tx: Tx, round_id: int, due: float, units: Iterable[str], now: float) -> None:
    """These are urged from now on; what is still under way of an earlier moment of the round ends."""
    tx.execute("UPDATE urging SET next_at = NULL WHERE round_id = ? AND next_at IS NOT NULL", (round_id,))
    tx.executemany(
        "INSERT INTO urging (round_id, due, unit_code, next_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (round_id, due, unit_code) DO NOTHING",
        [(round_id, due, unit, now) for unit in units],
    )


def due_units(tx: Tx, now: float, limit: int) -> list[UrgingRow]:
    rows = tx.execute(
        f"SELECT {_URGING} FROM urging WHERE next_at <= ? ORDER BY next_at, unit_code LIMIT ?",  # noqa: S608
        (now, limit),
    )
    return [_urging(row) for row in rows]


def of_round(tx: Tx, round_id: int) -> list[UrgingRow]:
    rows = tx.execute(f"SELECT {_URGING} FROM urging WHERE round_id = ? ORDER BY due, unit_code", (round_id,))  # noqa: S608
    return [_urging(row) for row in rows]


def save(tx: Tx, row: UrgingRow) -> None:
    tx.execute(
        "UPDATE urging SET level = ?, next_at = ?, deliveries = ? WHERE round_id = ? AND due = ? AND unit_code = ?",
        (row.level, row.next_at, orjson.dumps(row.deliveries).decode(), row.round_id, row.due, row.unit_code),
    )


def stop(tx: Tx, round_id: int, unit_code: str) -> list[int]:
    """The unit has reported: nothing more is asked of it. The messages that were made for it."""
    rows = tx.execute(
        "SELECT deliveries FROM urging WHERE round_id = ? AND unit_code = ?", (round_id, unit_code)
    ).fetchall()
    tx.execute("UPDATE urging SET next_at = NULL WHERE round_id = ? AND unit_code = ?", (round_id, unit_code))
    return [one[2] for row in rows for one in orjson.loads(row[0])]


def _urging(row: Sequence[object]) -> UrgingRow:
    made = [(one[0], one[1], one[2]) for one in orjson.loads(str(row[5]))]
    return UrgingRow(row[0], row[1], row[2], row[3], row[4], made)  # type: ignore[arg-type]
