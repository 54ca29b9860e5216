"""Schedules and their occurrences. An occurrence is one row, keyed by schedule and due time: it is fired once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """Times are epoch seconds. `state`: waiting (for approval), active, paused, ended."""

    id: int
    name: str
    kind: str
    rule: dict[str, Any]
    payload: dict[str, Any]
    state: str
    next_fire: float | None
    late_for: float
    content_hash: str
    approved_hash: str
    approved_by: str
    approved_at: float | None
    created_by: str
    created_at: float


@dataclass(frozen=True, slots=True)
class FireRow:
    """One occurrence. `state`: running, done, failed, missed, void (there was nothing to do)."""

    schedule_id: int
    due: float
    at: float
    state: str
    tries: int
    next_try: float | None
    result: dict[str, Any]


_SCHEDULE = (
    "id, name, kind, rule, payload, state, next_fire, late_for, content_hash, approved_hash, approved_by, approved_at,"
    " created_by, created_at"
)
_FIRE = "schedule_id, due, at, state, tries, next_try, result"


def insert(tx: Tx, values: Mapping[str, Any]) -> int:
    """A new schedule; `rule` and `payload` are given as objects."""
    given = {**values, "rule": _json(values["rule"]), "payload": _json(values["payload"])}
    names = ", ".join(given)
    marks = ", ".join("?" * len(given))
    row = tx.execute(
        f"INSERT INTO schedule ({names}) VALUES ({marks}) RETURNING id",  # noqa: S608  names are ours
        tuple(given.values()),
    ).fetchone()
    return int(row[0])


def one(tx: Tx, schedule_id: int) -> ScheduleRow | None:
    row = tx.execute(f"SELECT {_SCHEDULE} FROM schedule WHERE id = ?", (schedule_id,)).fetchone()  # noqa: S608
    return None if row is None else _schedule(row)


def listed(tx: Tx) -> list[ScheduleRow]:
    """All that did not end, the next one first; those without a next time last."""
    rows = tx.execute(
        f"SELECT {_SCHEDULE} FROM schedule WHERE state <> 'ended' ORDER BY next_fire IS NULL, next_fire, id"  # noqa: S608
    )
    return [_schedule(row) for row in rows]


def active(tx: Tx) -> list[ScheduleRow]:
    """An office has a few dozen."""
    rows = tx.execute(f"SELECT {_SCHEDULE} FROM schedule WHERE state = 'active' ORDER BY id")  # noqa: S608
    return [_schedule(row) for row in rows]


def overdue(tx: Tx, before: float) -> list[ScheduleRow]:
    """Active ones whose occurrence fell due before that moment and that nobody has fired."""
    rows = tx.execute(
        f"SELECT {_SCHEDULE} FROM schedule WHERE state = 'active' AND next_fire <= ? ORDER BY next_fire",  # noqa: S608
        (before,),
    )
    return [_schedule(row) for row in rows]


def move_on(tx: Tx, schedule_id: int, new: float | None) -> None:
    """The next occurrence is another one; without any it is over."""
    tx.execute(
        "UPDATE schedule SET next_fire = ?, state = CASE WHEN ? = 1 THEN 'ended' ELSE state END"
        " WHERE id = ? AND state = 'active'",
        (new, int(new is None), schedule_id),
    )


def set_state(
    tx: Tx, schedule_id: int, from_states: Sequence[str], to: str, next_fire: float | None, by: str, now: float
) -> bool:
    """False: it is in none of these states."""
    marks = ", ".join("?" * len(from_states))
    ended = (now, by) if to == "ended" else (None, "")
    return (
        tx.execute(
            f"UPDATE schedule SET state = ?, next_fire = ?, ended_at = ?, ended_by = ?"  # noqa: S608
            f" WHERE id = ? AND state IN ({marks})",
            (to, next_fire, *ended, schedule_id, *from_states),
        ).rowcount
        == 1
    )


def approve(tx: Tx, schedule_id: int, content_hash: str, by: str, at: float, next_fire: float | None) -> bool:
    """Standing approval of exactly this content. False: it is another one by now, or is not waiting."""
    return (
        tx.execute(
            "UPDATE schedule SET state = 'active', approved_hash = ?, approved_by = ?, approved_at = ?, next_fire = ?"
            " WHERE id = ? AND state = 'waiting' AND content_hash = ?",
            (content_hash, by, at, next_fire, schedule_id, content_hash),
        ).rowcount
        == 1
    )


def withdraw_approval(tx: Tx, schedule_id: int, content_hash: str) -> None:
    """What it would send is no longer what was approved: it waits for an approval of the new content."""
    tx.execute(
        "UPDATE schedule SET state = 'waiting', next_fire = NULL, content_hash = ?, approved_hash = ''"
        " WHERE id = ? AND state = 'active'",
        (content_hash, schedule_id),
    )


def claim(tx: Tx, schedule_id: int, due: float, now: float, state: str, next_try: float | None) -> bool:
    """Take an occurrence. False: it was taken before, whoever did."""
    return (
        tx.execute(
            "INSERT INTO schedule_fire (schedule_id, due, at, state, next_try) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (schedule_id, due) DO NOTHING",
            (schedule_id, due, now, state, next_try),
        ).rowcount
        == 1
    )


def settle(tx: Tx, schedule_id: int, due: float, state: str, result: Mapping[str, Any]) -> None:
    """How the occurrence ended."""
    tx.execute(
        "UPDATE schedule_fire SET state = ?, next_try = NULL, result = ? WHERE schedule_id = ? AND due = ?",
        (state, _json(result), schedule_id, due),
    )


def take_running(tx: Tx, now: float, again_at: float) -> FireRow | None:
    """The next occurrence whose work outside the ledger is to be done; nobody else takes it before `again_at`."""
    row = tx.execute(
        "UPDATE schedule_fire SET tries = tries + 1, next_try = ? WHERE (schedule_id, due) = ("  # noqa: S608
        "SELECT schedule_id, due FROM schedule_fire WHERE state = 'running' AND next_try <= ? ORDER BY next_try LIMIT 1"
        f") RETURNING {_FIRE}",
        (again_at, now),
    ).fetchone()
    return None if row is None else _fire(row)


def fire_of(tx: Tx, schedule_id: int, due: float) -> FireRow | None:
    row = tx.execute(
        f"SELECT {_FIRE} FROM schedule_fire WHERE schedule_id = ? AND due = ?",  # noqa: S608
        (schedule_id, due),
    ).fetchone()
    return None if row is None else _fire(row)


def fires(tx: Tx, schedule_id: int, limit: int) -> list[FireRow]:
    """Newest first."""
    rows = tx.execute(
        f"SELECT {_FIRE} FROM schedule_fire WHERE schedule_id = ? ORDER BY due DESC LIMIT ?",  # noqa: S608
        (schedule_id, limit),
    )
    return [_fire(row) for row in rows]


def last_fires(tx: Tx) -> dict[int, FireRow]:
    """Schedule → its latest occurrence."""
    rows = tx.execute(
        f"SELECT {_FIRE} FROM schedule_fire f"  # noqa: S608
        " WHERE due = (SELECT max(due) FROM schedule_fire WHERE schedule_id = f.schedule_id)"
    )
    return {row[0]: _fire(row) for row in rows}


def forget_missed_after(tx: Tx, schedule_id: int, now: float) -> int:
    """Occurrences that were noted as missed by a clock that ran ahead are still to come."""
    return tx.execute(
        "DELETE FROM schedule_fire WHERE schedule_id = ? AND due > ? AND state = 'missed'", (schedule_id, now)
    ).rowcount


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _schedule(row: Sequence[Any]) -> ScheduleRow:
    return ScheduleRow(*[*row[:3], orjson.loads(row[3]), orjson.loads(row[4]), *row[5:]])


def _fire(row: Sequence[Any]) -> FireRow:
    return FireRow(*[*row[:6], orjson.loads(row[6])])
