"""Results of exercises: how the roll-call stood when the time to answer was over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from store.engine import Tx

_RESULT = "broadcast_no, at, answered, total, units"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """`units`: `{"unit", "answered", "state", "seconds", "channel", "person"}` each; `at` is epoch seconds."""

    broadcast_no: int
    at: float
    answered: int
    total: int
    units: list[dict[str, Any]]


def due(tx: Tx, started_before: float) -> list[int]:
    """Exercises that began so long ago and have no result yet; one that was withdrawn before gets none."""
    rows = tx.execute(
        "SELECT b.no FROM broadcast b WHERE b.mode = 'exercise' AND b.state IN ('sending', 'sent', 'closed')"
        " AND b.started_at <= ? AND NOT EXISTS (SELECT 1 FROM exercise_result r WHERE r.broadcast_no = b.no)"
        " ORDER BY b.no",
        (started_before,),
    )
    return [row[0] for row in rows]


def keep(tx: Tx, broadcast_no: int, at: float, answered: int, units: Sequence[dict[str, Any]]) -> bool:
    """The first result stands. False: there is one."""
    done = tx.execute(
        "INSERT INTO exercise_result (broadcast_no, at, answered, total, units) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (broadcast_no) DO NOTHING",
        (broadcast_no, at, answered, len(units), orjson.dumps(list(units)).decode()),
    )
    return done.rowcount == 1


def one(tx: Tx, broadcast_no: int) -> ResultRow | None:
    row = tx.execute(
        f"SELECT {_RESULT} FROM exercise_result WHERE broadcast_no = ?",  # noqa: S608
        (broadcast_no,),
    ).fetchone()
    return None if row is None else ResultRow(row[0], row[1], row[2], row[3], orjson.loads(row[4]))


def held(tx: Tx, limit: int) -> list[int]:
    """Exercises that began, newest first."""
    rows = tx.execute(
        "SELECT no FROM broadcast WHERE mode = 'exercise' AND kind <> 'single' AND started_at IS NOT NULL"
        " ORDER BY no DESC LIMIT ?",
        (limit,),
    )
    return [row[0] for row in rows]
