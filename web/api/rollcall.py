"""The roll-call, and the timeline as a live stream."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from broadcasts.model import Role
from broadcasts.shown import RollcallRow
from web import streams
from web.api.endpoint import EVENT_STREAM, Call, Nothing, as_json, endpoint
from web.api.models import EventLine, EventQuery, Mark, RollcallPage, RollcallQuery
from web.roles import allows, at_least
from web.services import Services

LAST_EVENT_ID: Final = "Last-Event-ID"
TIMELINE_PAGE: Final = 1_000
"""Events that the desk gives at once."""


@endpoint(
    "GET", "/broadcasts/{ref}/rollcall", rule=at_least(Role.VIEWER), summary="Each unit and whether it has confirmed",
    query=RollcallQuery, answer=RollcallPage, problems=(404,),
)  # fmt: skip
async def get_rollcall(call: Call[Nothing, RollcallQuery]) -> dict[str, Any]:
    view = await call.services.desk.view(call.ref)
    rows = await call.services.desk.rollcall(call.ref)
    wanted = call.query.state.value if call.query.state else None
    shown = [row for row in rows if wanted is None or row.state == wanted]
    if not allows(call.who.role, Role.OFFICER):
        for row in shown:
            row.phones = []
    return {"code": view.code, "counts": view.rollcall, "items": shown}


@endpoint(
    "POST", "/broadcasts/{ref}/rollcall/{unit}", rule=at_least(Role.OFFICER), summary="Record by hand what a call gave",
    body=Mark, answer=RollcallRow, problems=(404, 409),
)  # fmt: skip
async def mark_rollcall(call: Call[Mark, Nothing]) -> RollcallRow:
    mark = call.body
    return await call.services.desk.mark(call.ref, call.path("unit"), mark.state, mark.note, call.who)


@endpoint(
    "GET", "/broadcasts/{ref}/events", rule=at_least(Role.VIEWER),
    summary="The timeline as server-sent events; goes on after Last-Event-ID. `counts` events have no id",
    query=EventQuery, answer=EventLine, answer_media=EVENT_STREAM, problems=(404,),
)  # fmt: skip
async def follow_events(call: Call[Nothing, EventQuery]) -> web.StreamResponse:
    desk, ref = call.services.desk, call.ref
    view = await desk.view(ref)  # a 404 before the stream begins
    after = _last_seen(call)
    shown = b""
    topic = f"broadcast:{view.id}"
    async with streams.hints(call.request, topic) as hints, streams.opened(call.request) as response:
        await streams.begin(response)
        while True:
            after = await _write_new(response, call.services, ref, after)
            view = await desk.view(ref)
            counts = as_json({"state": view.state, "counts": view.counts, "rollcall": view.rollcall})
            if counts != shown:
                await streams.send(response, counts, event="counts")
                shown = counts
            else:
                await streams.comment(response)
            if not await hints.wait(streams.KEEPALIVE_SECONDS):
                break
    return response


async def _write_new(response: web.StreamResponse, services: Services, ref: str, after: int) -> int:
    """Everything in the ledger after `after`; the new last id."""
    while True:
        events = await services.desk.events(ref, after)
        for event in events:
            await streams.send(response, as_json(event), event=event.event, id_=str(event.id))
            after = event.id
        if len(events) < TIMELINE_PAGE:
            return after


def _last_seen(call: Call[Nothing, EventQuery]) -> int:
    header = call.request.headers.get(LAST_EVENT_ID, "")
    return int(header) if header.isascii() and header.isdigit() and len(header) < 19 else call.query.after


ROUTES: Final = (get_rollcall, mark_rollcall, follow_events)
