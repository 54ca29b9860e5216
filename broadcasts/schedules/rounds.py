"""A schedule that opens a report round each time, if wanted only while an event is running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broadcasts.damage_reports import LONGEST_ROUND, add_round
from broadcasts.damage_rounds import full_name, mode_given, name_problem
from broadcasts.model import BroadcastState, Mode, Problem
from broadcasts.schedules.kinds import HOUR, Kind, Occurrence, Void
from broadcasts.step_check import duration
from store import broadcasts, damage_reports
from store.engine import Tx
from text.dates import clock, local

KIND: Final = "round"
FIELDS: Final = frozenset({"name", "open_for", "in_event", "mode"})
DATE_ROOM: Final = 17
"""Characters of " 16:00 26/12/2026" behind the name."""


def rounds_kind() -> Kind:
    return Kind(KIND, check=_problems, make=_open, late_for=HOUR / 2)


def _problems(tx: Tx, payload: Mapping[str, Any], now: float) -> list[Problem]:
    """`{"name": "chiều", "open_for": "2h", "in_event": true, "mode": "actual"}`."""
    found = [Problem(f"payload.{name}", "unknown_field") for name in sorted(set(payload) - FIELDS)]
    name = payload.get("name")
    mode = mode_given(payload.get("mode", Mode.ACTUAL.value))
    if mode is None:
        found.append(Problem("payload.mode", "not_one_of", {"expected": "actual, exercise"}))
    wrong = name_problem(
        "payload.name", name.strip() if isinstance(name, str) else "", mode or Mode.ACTUAL, room=DATE_ROOM
    )
    if wrong is not None:
        found.append(wrong)
    open_for = payload.get("open_for")
    seconds = duration(open_for) if isinstance(open_for, str | int | float) else None
    if seconds is None or not 0 < seconds <= LONGEST_ROUND.total_seconds():
        found.append(Problem("payload.open_for", "round_times"))
    if not isinstance(payload.get("in_event", False), bool):
        found.append(Problem("payload.in_event", "not_yes_or_no"))
    return found


def event_running(tx: Tx, mode: Mode) -> bool:
    """A broadcast of this mode is out whose roll-call is open."""
    rows = broadcasts.in_states(tx, (BroadcastState.SENDING, BroadcastState.SENT))
    return any(row.mode == mode for row in rows)


def _open(tx: Tx, what: Occurrence) -> Mapping[str, Any]:
    payload, due = what.schedule.payload, what.due
    mode = mode_given(payload.get("mode")) or Mode.ACTUAL
    if payload.get("in_event") and not event_running(tx, mode):
        raise Void("no_event")
    seconds = duration(payload["open_for"])
    assert seconds is not None
    if due + seconds <= what.now:
        raise Void("round_over")
    day = local(due)
    hour = f"{clock(due)} " if len(what.schedule.rule.get("times", ())) > 1 else ""
    name = full_name(f"{payload['name'].strip()} {hour}{day.day}/{day.month}", mode)
    if damage_reports.has_round(tx, name):
        name = f"{name}/{day.year}"
    if damage_reports.has_round(tx, name):
        raise Void("round_there", name=name)
    made = add_round(tx, name, due, due + seconds, what.schedule.created_by, what.now, mode)
    return {"round": made.id, "name": name}
