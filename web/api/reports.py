"""Quick damage reports: rounds, what each unit reported, the province's totals, who is late."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from broadcasts.damage_reports import DamageReports, RoundView
from broadcasts.model import Mode, Problem, Refusal, RefusalKind, Role
from directory.content import when
from store.damage_reports import RoundRow
from text.dates import local
from web.api.endpoint import Call, Nothing, endpoint
from web.api.models import PAGE_DEFAULT, PAGE_MOST, Body, Query
from web.problems import Trouble
from web.roles import at_least
from web.services import Services


class NewRound(Body):
    name: str = Field(min_length=1, max_length=200)
    """As units read it in an urging: "chiều 26/8"."""
    deadline: str = Field(min_length=1, max_length=40)
    """ISO 8601; without an offset on the office's clock."""
    opens_at: str = Field(default="", max_length=40)
    """Left out: now."""
    mode: Literal["actual", "exercise"] = "actual"
    """Reports that say "DIEN TAP" count in rounds of exercises, all others in actual ones."""


class RoundQuery(Query):
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MOST)


class RoundLine(TypedDict):
    id: int
    name: str
    opens_at: datetime
    deadline: datetime
    daily: bool
    made_by: str
    mode: str


class RoundPage(TypedDict):
    items: list[RoundLine]


class UnitLine(TypedDict):
    unit: str
    name: str
    reported: bool
    nil: bool
    late: bool
    confirmed: bool
    figures: dict[str, list[float | None]]
    """Field → [value, persons]."""
    person: str
    at: datetime | None


class RoundAnswer(RoundLine):
    totals: dict[str, list[float]]
    units: list[UnitLine]
    missing: list[str]
    """Codes of the units that reported nothing yet; a nil report is a report."""
    strays: list[str]
    """Codes of the units whose report came then, but for an exercise (or, in a round of an exercise, as a real one)."""


def reports_of(services: Services) -> DamageReports:
    return DamageReports(services.ledger, services.bus, services.units, services.now)


@endpoint("GET", "/reports", rule=at_least(Role.VIEWER), summary="Rounds of damage reports, newest first",
          query=RoundQuery, answer=RoundPage)  # fmt: skip
async def list_rounds(call: Call[Nothing, RoundQuery]) -> dict[str, Any]:
    return {"items": [_round(one) for one in await reports_of(call.services).rounds(call.query.limit)]}


@endpoint("POST", "/reports", rule=at_least(Role.OFFICER), summary="Open a round of damage reports", body=NewRound,
          answer=RoundLine, status=201, problems=(409,))  # fmt: skip
async def open_round(call: Call[NewRound, Nothing]) -> dict[str, Any]:
    new = call.body
    deadline, opens_at = moment_given("deadline", new.deadline), call.services.now()
    if new.opens_at:
        opens_at = moment_given("opens_at", new.opens_at)
    made = await reports_of(call.services).open_round(new.name, opens_at, deadline, call.who, Mode(new.mode))
    return _round(made)


@endpoint("GET", "/reports/{round}", rule=at_least(Role.VIEWER), summary="One round: totals, every unit, who is late",
          answer=RoundAnswer, problems=(404,))  # fmt: skip
async def one_round(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return _view(await reports_of(call.services).view(round_number(call.path("round"))))


def moment_given(field: str, text: str) -> float:
    """Raises `Trouble` 422 for what is no time."""
    at = when(text)
    if at is None:
        raise Trouble(422, "invalid_input", errors=[Problem(field, "content_time", {"value": text})])
    return at.timestamp()


def round_number(given: str) -> int:
    """Raises `Refusal` for what can be no round."""
    if not given.isdecimal() or len(given) > 18:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_round", id=given[:18])
    return int(given)


def _round(row: RoundRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "opens_at": local(row.opens_at),
        "deadline": local(row.deadline),
        "daily": row.daily,
        "made_by": row.made_by,
        "mode": row.mode,
    }


def _view(view: RoundView) -> dict[str, Any]:
    units = []
    for row in view.rows:
        report = row.report
        figures = {} if report is None else report.figures
        units.append(
            {
                "unit": row.unit.code,
                "name": row.unit.name,
                "reported": report is not None,
                "nil": report is not None and report.nil,
                "late": row.late,
                "confirmed": report is not None and report.state == "confirmed",
                "figures": {
                    code: [None if one is None else float(one) for one in pair] for code, pair in figures.items()
                },
                "person": "" if report is None else report.person_name,
                "at": None if report is None else local(report.at),
            }
        )
    totals = {code: [float(one) for one in sums] for code, sums in view.totals.items()}
    return _round(view.round) | {
        "totals": totals,
        "units": units,
        "missing": [unit.code for unit in view.missing],
        "strays": [row.unit_code for row in view.strays],
    }


ROUTES: Final = (list_rounds, open_round, one_round)
