"""The duty room for programs: the roster, results of exercises, and sending without an approval."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import AwareDatetime, Field
from typing_extensions import TypedDict

from broadcasts.break_glass import Verdict
from broadcasts.model import Role
from broadcasts.shown import BroadcastView
from directory.roster import Duty, Gap, week_of
from store.roster import ShiftRow
from text.dates import local
from web.api.endpoint import Call, Nothing, endpoint
from web.api.models import LONGEST_REASON, Body, Query
from web.roles import at_least

WINDOW_MOST: Final = timedelta(days=366)
"""Longest time of one answer."""


class RosterQuery(Query):
    """Both left out: this week, Monday to Monday on the office's clock."""

    start: AwareDatetime | None = Field(default=None, alias="from")
    end: AwareDatetime | None = Field(default=None, alias="to")


class NewShift(Body):
    person: str = Field(min_length=1, max_length=64)
    """Sign-in name."""
    duty: Duty = Field(default=Duty.OFFICER, strict=False)
    start: AwareDatetime = Field(strict=False)
    end: AwareDatetime = Field(strict=False)
    note: str = Field(default="", max_length=LONGEST_REASON)


class Alone(Body):
    content_hash: str = Field(min_length=1, max_length=200)
    """Of the version that was read; another version is refused."""
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"\S")


class Review(Body):
    verdict: Verdict = Field(strict=False)
    note: str = Field(default="", max_length=LONGEST_REASON)


class ShiftLine(TypedDict):
    id: int
    person: str
    title: str
    duty: str
    start: datetime
    end: datetime
    note: str


class GapLine(TypedDict):
    duty: str
    start: datetime
    end: datetime | None
    """null: nothing is planned after it."""


class RosterAnswer(TypedDict):
    on_duty: list[ShiftLine]
    shifts: list[ShiftLine]
    gaps: list[GapLine]


class UnitAnswer(TypedDict):
    unit: str
    name: str
    answered: bool
    state: str
    seconds: float | None
    channel: str
    person: str


class ExerciseAnswer(TypedDict):
    code: str
    at: datetime | None
    """When the result was kept; null: not yet, or never."""
    answered: int
    total: int
    silent: list[str]
    units: list[UnitAnswer]


@endpoint("GET", "/roster", rule=at_least(Role.VIEWER), summary="Who is on duty, shifts, and where nobody is",
          query=RosterQuery, answer=RosterAnswer)  # fmt: skip
async def get_roster(call: Call[Nothing, RosterQuery]) -> dict[str, Any]:
    monday, next_monday = week_of(local(call.services.now()))
    start = call.query.start or monday
    end = min(call.query.end or max(next_monday, start + timedelta(days=7)), start + WINDOW_MOST)
    week = await call.services.duty.roster.week(start, end)
    return {
        "on_duty": [_shift(one) for one in (*week.now.officers, *week.now.approvers)],
        "shifts": [_shift(one) for one in week.shifts],
        "gaps": [_gap(one) for one in week.gaps],
    }


@endpoint("POST", "/roster", rule=at_least(Role.APPROVER), summary="Put a shift on the roster",
          body=NewShift, answer=ShiftLine, status=201, problems=(409,))  # fmt: skip
async def add_shift(call: Call[NewShift, Nothing]) -> dict[str, Any]:
    new = call.body
    shift = await call.services.duty.roster.add(new.person, new.duty, new.start, new.end, new.note, call.who)
    return _shift(shift)


@endpoint("GET", "/broadcasts/{ref}/exercise", rule=at_least(Role.VIEWER), summary="What an exercise gave, by unit",
          answer=ExerciseAnswer, problems=(404, 409))  # fmt: skip
async def get_exercise(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    result = await call.services.duty.exercises.result(call.ref)
    if result is None:
        view = await call.services.desk.view(call.ref)
        return {"code": view.code, "at": None, "answered": 0, "total": 0, "silent": [], "units": []}
    return {
        "code": result.code,
        "at": result.at,
        "answered": result.answered,
        "total": result.total,
        "silent": result.silent,
        "units": result.units,
    }


@endpoint("POST", "/broadcasts/{ref}/break-glass", rule=at_least(Role.OFFICER), body=Alone, answer=BroadcastView,
          summary="Send a warning alone, when nobody decides", problems=(404, 409))  # fmt: skip
async def break_glass(call: Call[Alone, Nothing]) -> BroadcastView:
    code = await call.services.duty.break_glass.send(call.ref, call.body.content_hash, call.body.reason, call.who)
    return await call.services.desk.view(code)


@endpoint("POST", "/broadcasts/{ref}/break-glass/review", rule=at_least(Role.APPROVER), body=Review,
          answer=BroadcastView, summary="What a leader thinks of what was sent alone", problems=(404, 409))  # fmt: skip
async def review(call: Call[Review, Nothing]) -> BroadcastView:
    await call.services.duty.break_glass.review(call.ref, call.body.verdict, call.body.note, call.who)
    return await call.services.desk.view(call.ref)


def _shift(shift: ShiftRow) -> dict[str, Any]:
    return {
        "id": shift.id,
        "person": shift.name,
        "title": shift.title,
        "duty": shift.duty,
        "start": local(shift.starts_at),
        "end": local(shift.ends_at),
        "note": shift.note,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {"duty": gap.duty.value, "start": local(gap.start), "end": None if gap.end is None else local(gap.end)}


ROUTES: Final = (get_roster, add_shift, get_exercise, break_glass, review)
