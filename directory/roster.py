"""The duty roster as a plain calculation: who is on duty, who may approve, and where nobody is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from store import roster
from store.engine import Tx
from store.roster import ShiftRow
from text.dates import OFFICE_ZONE, local

LONGEST_SHIFT: Final = timedelta(hours=72)
"""A watch of more than three days is a typing mistake."""
HORIZON_SECONDS: Final = 7 * 86_400.0
"""How far ahead gaps are looked for: the week that the roster page shows."""
OLDEST_SECONDS: Final = 30 * 86_400.0
"""How far back a roster still counts as in use: a shift that ended before says nothing of tonight."""


class Duty(StrEnum):
    OFFICER = "officer"
    APPROVER = "approver"


MAY_TAKE: Final = {
    Duty.OFFICER: frozenset({"officer", "approver", "admin"}),
    Duty.APPROVER: frozenset({"approver", "admin"}),
}
"""Roles of staff that may stand a duty: whoever is put down to approve must be allowed to."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time without anybody; `end` None: nothing is planned after it. Epoch seconds."""

    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    duty: Duty
    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is there now."""

    officers: tuple[ShiftRow, ...]
    approvers: tuple[ShiftRow, ...]
    kept: bool
    """Whether this office keeps a roster: without one nobody is missed."""


def uncovered(shifts: Iterable[tuple[float, float]], start: float, end: float) -> list[Span]:
    """The parts of `start` to `end` that no shift covers. A part that reaches `end` has no end of its own: nothing is
    planned after it as far as one looked. Shifts may overlap; one that ends before it starts counts nothing."""
    found: list[Span] = []
    covered_to = start
    for begins, ends in sorted((begins, ends) for begins, ends in shifts if ends > begins):
        if begins >= end:
            break
        if begins > covered_to:
            found.append(Span(covered_to, begins))
        covered_to = max(covered_to, ends)
    if covered_to < end:
        found.append(Span(covered_to, None))
    return found


def gaps_in(shifts: Sequence[ShiftRow], now: float, until: float) -> list[Gap]:
    """Gaps from `now` on, per duty that the roster has at all; one that has begun keeps its true beginning."""
    found = []
    for duty in Duty:
        spans = [(one.starts_at, one.ends_at) for one in shifts if one.duty == duty]
        if not spans:
            continue
        first = min(now, *(begins for begins, _ in spans))
        open_gaps = [one for one in uncovered(spans, first, until) if one.end is None or one.end > now]
        found += [Gap(duty, one.start, one.end) for one in open_gaps]
    return sorted(found, key=lambda gap: (gap.start, gap.duty))


def gaps(tx: Tx, now: float, ahead: float = HORIZON_SECONDS) -> list[Gap]:
    """Where nobody is on duty between now and `ahead` seconds later. [] for an office without a roster."""
    shifts = roster.between(tx, now - OLDEST_SECONDS, now + HORIZON_SECONDS)
    return [gap for gap in gaps_in(shifts, now, now + HORIZON_SECONDS) if gap.start <= now + ahead]


def on_duty(tx: Tx, at: float) -> OnDuty:
    """Who is on duty now; the person who came first stands first."""
    there = roster.on_duty(tx, at)
    return OnDuty(
        officers=tuple(one for one in there if one.duty == Duty.OFFICER),
        approvers=tuple(one for one in there if one.duty == Duty.APPROVER and one.role in MAY_TAKE[Duty.APPROVER]),
        kept=roster.has_any(tx),
    )


def week_of(day: datetime) -> tuple[datetime, datetime]:
    """Monday 00:00 of the week of `day` on the office's clock, and the Monday after."""
    here = local(day)
    monday = datetime(here.year, here.month, here.day, tzinfo=OFFICE_ZONE) - timedelta(days=here.weekday())
    return monday, monday + timedelta(days=7)
