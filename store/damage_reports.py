"""Damage reports by round and unit. A report is never changed but for its state; the newest that stands counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from store.engine import Tx

Figures = Mapping[str, tuple[str | None, str | None]]
"""Field → (value, persons), as decimal text."""


@dataclass(frozen=True, slots=True)
class RoundRow:
    """Times are epoch seconds. `daily`: made by the first report of a day without a round. `mode`: actual, exercise;
    the name of an exercise says so, too."""

    id: int
    name: str
    opens_at: float
    deadline: float
    daily: bool
    made_by: str
    mode: str


@dataclass(frozen=True, slots=True)
class ReportRow:
    """`state`: given, confirmed, withdrawn. `moved_to`: the report of another round that counts in its place."""

    id: int
    round_id: int
    unit_code: str
    at: float
    figures: Figures
    nil: bool
    person_name: str
    via: str
    state: str
    moved_to: int | None


_ROUND = "id, name, opens_at, deadline, daily, made_by, mode"
_REPORT = "id, round_id, unit_code, at, figures, nil, person_name, via, state, moved_to"


def add_round(
    tx: Tx, name: str, opens_at: float, deadline: float, made_by: str, now: float, daily: bool, mode: str
) -> RoundRow:
    """The round of that name; the one that is there already keeps its times and its mode."""
    tx.execute(
        "INSERT INTO report_round (name, opens_at, deadline, daily, made_by, created_at, mode)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
        (name, opens_at, deadline, int(daily), made_by, now, mode),
    )
    row = tx.execute(f"SELECT {_ROUND} FROM report_round WHERE name = ?", (name,)).fetchone()  # noqa: S608
    return _round(row)


def has_round(tx: Tx, name: str) -> bool:
    return tx.execute("SELECT 1 FROM report_round WHERE name = ?", (name,)).fetchone() is not None


def round_of(tx: Tx, round_id: int) -> RoundRow | None:
    row = tx.execute(f"SELECT {_ROUND} FROM report_round WHERE id = ?", (round_id,)).fetchone()  # noqa: S608
    return None if row is None else _round(row)


def open_round(tx: Tx, at: float, late_for: float, mode: str) -> RoundRow | None:
    """The newest round of `mode` that an officer opened and that takes reports at `at`: until `late_for` seconds after
    its deadline."""
    row = tx.execute(
        f"SELECT {_ROUND} FROM report_round WHERE daily = 0 AND opens_at <= ? AND deadline > ?"  # noqa: S608
        " AND mode = ? ORDER BY opens_at DESC, id DESC LIMIT 1",
        (at, at - late_for, mode),
    ).fetchone()
    return None if row is None else _round(row)


def rounds(tx: Tx, limit: int) -> list[RoundRow]:
    """Newest first."""
    rows = tx.execute(f"SELECT {_ROUND} FROM report_round ORDER BY opens_at DESC, id DESC LIMIT ?", (limit,))  # noqa: S608
    return [_round(row) for row in rows]


def add_report(
    tx: Tx,
    round_id: int,
    unit_code: str,
    at: float,
    figures: Figures,
    nil: bool,
    person: tuple[int | None, str],
    via: str,
    inbox_id: int | None,
) -> ReportRow:
    """A message is stored once, however often it is handled: the same one gives the same row."""
    made = tx.execute(
        "INSERT INTO damage_report"
        " (round_id, unit_code, at, figures, nil, person_id, person_name, via, inbox_id, state_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (inbox_id) WHERE inbox_id IS NOT NULL DO NOTHING"
        " RETURNING id",
        (round_id, unit_code, at, orjson.dumps(dict(figures)).decode(), int(nil), *person, via, inbox_id, at),
    ).fetchone()
    if made is not None:
        return _one(tx, "id = ?", (made[0],))
    return _one(tx, "inbox_id = ?", (inbox_id,))


def report_of_message(tx: Tx, inbox_id: int) -> ReportRow | None:
    row = tx.execute(f"SELECT {_REPORT} FROM damage_report WHERE inbox_id = ?", (inbox_id,)).fetchone()  # noqa: S608
    return None if row is None else _report(row)


def report(tx: Tx, report_id: int) -> ReportRow | None:
    row = tx.execute(f"SELECT {_REPORT} FROM damage_report WHERE id = ?", (report_id,)).fetchone()  # noqa: S608
    return None if row is None else _report(row)


def standing(tx: Tx, round_id: int, unit_code: str) -> ReportRow | None:
    """The report of a unit that counts."""
    row = tx.execute(
        f"SELECT {_REPORT} FROM damage_report WHERE round_id = ? AND unit_code = ? AND state <> 'withdrawn'"  # noqa: S608
        " ORDER BY id DESC LIMIT 1",
        (round_id, unit_code),
    ).fetchone()
    return None if row is None else _report(row)


def all_standing(tx: Tx, round_id: int) -> dict[str, ReportRow]:
    """Unit code → the report that counts."""
    rows = tx.execute(
        f"SELECT {_REPORT} FROM damage_report WHERE round_id = ? AND state <> 'withdrawn' ORDER BY id",  # noqa: S608
        (round_id,),
    )
    return {row[2]: _report(row) for row in rows}


def strays(tx: Tx, mode: str, since: float, until: float) -> list[ReportRow]:
    """The report that counts of each unit, by unit code, where it came then and lies in a day's own round of another
    mode than `mode`: nothing of its own was open for it."""
    rows = tx.execute(
        "SELECT d.id, d.round_id, d.unit_code, d.at, d.figures, d.nil, d.person_name, d.via, d.state, d.moved_to"
        " FROM damage_report d JOIN report_round r ON r.id = d.round_id"
        " WHERE r.daily = 1 AND r.mode <> ? AND r.deadline > ? AND r.opens_at < ? AND d.state <> 'withdrawn'"
        " ORDER BY d.unit_code, d.id",
        (mode, since, until),
    )
    newest = {(row[1], row[2]): _report(row) for row in rows}
    return [row for row in newest.values() if since <= row.at < until]


def before(tx: Tx, row: ReportRow) -> ReportRow | None:
    """What counted for the unit in that round before this report."""
    found = tx.execute(
        f"SELECT {_REPORT} FROM damage_report WHERE round_id = ? AND unit_code = ? AND id < ?"  # noqa: S608
        " AND state <> 'withdrawn' ORDER BY id DESC LIMIT 1",
        (row.round_id, row.unit_code, row.id),
    ).fetchone()
    return None if found is None else _report(found)


def moved(tx: Tx, report_id: int, moved_to: int, at: float) -> None:
    """It no longer counts where it was."""
    tx.execute(
        "UPDATE damage_report SET state = 'withdrawn', state_at = ?, moved_to = ? WHERE id = ?",
        (at, moved_to, report_id),
    )


def history(tx: Tx, round_id: int, unit_code: str) -> list[ReportRow]:
    """Everything that a unit reported in a round, oldest first, withdrawn reports too."""
    rows = tx.execute(
        f"SELECT {_REPORT} FROM damage_report WHERE round_id = ? AND unit_code = ? ORDER BY id",  # noqa: S608
        (round_id, unit_code),
    )
    return [_report(row) for row in rows]


def settle(tx: Tx, report_id: int, state: str, at: float) -> bool:
    """`confirmed` or `withdrawn`; False where it was settled before."""
    done = tx.execute(
        "UPDATE damage_report SET state = ?, state_at = ? WHERE id = ? AND state = 'given'", (state, at, report_id)
    )
    return done.rowcount > 0


def _one(tx: Tx, where: str, parameters: Sequence[Any]) -> ReportRow:
    return _report(tx.execute(f"SELECT {_REPORT} FROM damage_report WHERE {where}", parameters).fetchone())  # noqa: S608


def _round(row: Sequence[Any]) -> RoundRow:
    return RoundRow(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6])


def _report(row: Sequence[Any]) -> ReportRow:
    figures = {code: (pair[0], pair[1]) for code, pair in orjson.loads(row[4]).items()}
    return ReportRow(row[0], row[1], row[2], row[3], figures, bool(row[5]), row[6], row[7], row[8], row[9])
