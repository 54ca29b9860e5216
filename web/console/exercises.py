"""Kết quả diễn tập: each exercise with who had answered after half an hour, and the table for the office."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from aiohttp import hdrs, web

from broadcasts.exercise_table import as_csv, as_xlsx
from broadcasts.exercises import LISTED, RESULT_AFTER_SECONDS, ExerciseResult
from broadcasts.model import BroadcastState, Mode, Role
from broadcasts.shown import BroadcastView
from store import exercises
from web.console.page import page, render
from web.context import ref_of, say_of, services_of
from web.problems import Trouble
from web.roles import at_least

VIEWER: Final = at_least(Role.VIEWER)
EXPORTS: Final = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
ALIVE: Final = (BroadcastState.SENDING, BroadcastState.SENT, BroadcastState.CLOSED)
NAMED_MOST: Final = 12
"""Silent units that one line names; the page of the exercise has all of them."""


@dataclass(frozen=True, slots=True)
class Line:
    view: BroadcastView
    due: datetime | None
    """When its result is kept; None where it never will be."""


@page("GET", "/exercises", VIEWER)
async def list_page(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    held = await services.ledger.read(lambda tx: exercises.held(tx, LISTED))
    views = [await services.desk.view(str(no)) for no in held]
    lines = [Line(view, _due(view)) for view in views]
    return await render(request, "exercises.html", mode=Mode.EXERCISE.value, lines=lines, named=NAMED_MOST)


def _due(view: BroadcastView) -> datetime | None:
    if view.state not in ALIVE or view.approved_at is None:
        return None
    return max(view.approved_at, view.fire_at or view.approved_at) + timedelta(seconds=RESULT_AFTER_SECONDS)


@page("GET", "/exercises/{ref}", VIEWER)
async def one(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    result = await services.duty.exercises.result(ref_of(request))
    view = await services.desk.view(ref_of(request))
    return await render(
        request,
        "exercise.html",
        mode=view.mode,
        view=view,
        result=result,
        due=_due(view),
        says=sentence(request, result) if result else "",
        exports=tuple(EXPORTS),
    )


@page("GET", "/exercises/{ref}/export/{kind}", VIEWER)
async def export(request: web.Request) -> web.StreamResponse:
    made = EXPORTS.get(request.match_info["kind"])
    result = await services_of(request).duty.exercises.result(ref_of(request))
    if made is None or result is None:
        raise Trouble(404, "not_found")
    make, media = made
    name = f"dien-tap-{result.code}.{request.match_info['kind']}"
    headers = {hdrs.CONTENT_TYPE: media, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
    return web.Response(body=make(result, say_of(request).say), headers=headers)


def sentence(request: web.Request, result: ExerciseResult) -> str:
    """ "151/166 …, chưa trả lời: …", to be sent back to the group."""
    say = say_of(request)
    head = say.say("exercise.says", code=result.code, answered=result.answered, total=result.total)
    if not result.silent:
        return f"{say.say('export.exercise')}. {head}"
    return f"{say.say('export.exercise')}. {head} " + say.say("exercise.silent", names=", ".join(result.silent))


ROUTES: Final = (list_page, one, export)
