"""Điểm danh: a tile for each unit, worst first, the call list, and what a call gave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from broadcasts.model import AckState, BroadcastState, DeliveryState, Role
from broadcasts.shown import BroadcastView, RollcallRow
from web.console.by_hand import WAITING, posts_of
from web.console.page import is_fragment, page, part, render, see_other
from web.console.tiles import WORST_FIRST, arrangement, every_count, map_tiles
from web.context import actor_of, ref_of, say_of, services_of
from web.problems import Trouble
from web.roles import allows, at_least
from web.services import Services

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
TO_CALL: Final = (AckState.NEEDS_HELP, AckState.UNREACHABLE, AckState.AWAITING)
MARKS: Final = (AckState.ACKNOWLEDGED, AckState.NEEDS_HELP, AckState.UNREACHABLE, AckState.EXEMPT)
"""What an officer can record by hand."""
DELIVERY_WORDS: Final = tuple(state.word for state in DeliveryState)
BAR_WIDTH: Final = 1000
"""Units of the bar's drawing, which is as wide as the page lets it be."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the bar."""

    state: str
    x: float
    width: float


@page("GET", "/broadcasts/{ref}/rollcall", VIEWER)
async def rollcall_page(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    view = await services.desk.view(ref_of(request))
    rows = await services.desk.rollcall(view.code)
    shown = request.query.get("show", "")
    if shown not in SHOWN:
        shown = SHOWN[0]
    if not rows and shown in OF_UNITS:
        shown = "deliveries"  # a list of numbers has no units
    to_post = sum(note.answer == WAITING for note in await posts_of(services, view.id))
    state = request.query.get("state", "")
    return await render(
        request,
        "rollcall.html",
        mode=view.mode,
        view=view,
        rows=rows,
        to_post=to_post,
        **await arrangement(services, rows, request.query.get("by", "")),
        **_calls_page(rows, request),
        show=shown,
        map_tiles=map_tiles(services, rows) if shown == "map" else (),
        state=state if state in WORST_FIRST else "",
        order=WORST_FIRST,
        marks=MARKS,
        segments=segments(view),
        deliveries=await _deliveries(services, view, request) if shown == "deliveries" else [],
        wanted=_delivery_state(request),
        delivery_words=DELIVERY_WORDS,
        deliveries_page=DELIVERIES_PAGE,
        stoppable=view.state in (BroadcastState.SENDING, BroadcastState.SENT),
        best=best_delivery,
    )


@page("GET", "/broadcasts/{ref}/rollcall/{unit}", VIEWER)
async def unit_page(request: web.Request) -> web.StreamResponse:
    """One unit: its ways and how far each got, its people to ring, and the forms to record what a call gave."""
    services = services_of(request)
    view = await services.desk.view(ref_of(request))
    row = _row(await services.desk.rollcall(view.code), request.match_info["unit"])
    name = "parts/unit.html" if is_fragment(request) else "unit.html"
    return await render(
        request, name, mode=view.mode, view=view, row=row, marks=MARKS, whole=_may_ring(request), best=best_delivery
    )


@page("POST", "/broadcasts/{ref}/rollcall/{unit}", OFFICER)
async def mark(request: web.Request) -> web.StreamResponse:
    """An officer records what a call gave. As a fragment it gives the unit's panel back."""
    services, form = services_of(request), await request.post()
    ref, unit, actor = ref_of(request), request.match_info["unit"], actor_of(request)
    await services.desk.mark(ref, unit, str(form.get("state", "")), str(form.get("note", "")).strip(), actor)
    if not is_fragment(request):
        back = "?show=calls" if form.get("back") == "calls" else ""
        return see_other(f"/broadcasts/{ref}/rollcall{back}")
    view = await services.desk.view(ref)
    row = _row(await services.desk.rollcall(view.code), unit)
    return await render(
        request, "parts/unit.html", view=view, row=row, marks=MARKS, whole=_may_ring(request), best=best_delivery
    )


def call_list(rows: Iterable[RollcallRow]) -> list[RollcallRow]:
    """Whom to ring, worst first; among equals those whose steps came to the call list, then who was tried most."""
    return sorted(
        (row for row in rows if row.state in TO_CALL),
        key=lambda row: (TO_CALL.index(AckState(row.state)), not row.on_call_list, -row.level, row.name),
    )


def best_delivery(row: RollcallRow) -> tuple[str, str] | None:
    """(channel, state) of the way that got furthest; None before anything was sent."""
    order = ("seen", "delivered", "accepted", "unknown", "sending", "retrying", "queued")
    ways = sorted(row.deliveries.items(), key=lambda way: order.index(way[1]) if way[1] in order else len(order))
    return ways[0] if ways else None


def segments(view: BroadcastView) -> list[Segment]:
    """The roll-call as pieces of one bar, confirmed on the left."""
    total = sum(view.rollcall.values())
    x, pieces = 0.0, []
    for state in (
        AckState.ACKNOWLEDGED,
        AckState.ACKNOWLEDGED_LATE,
        AckState.NEEDS_HELP,
        AckState.AWAITING,
        AckState.UNREACHABLE,
        AckState.EXEMPT,
    ):
        if count := view.rollcall.get(state, 0):
            width = BAR_WIDTH * count / total
            pieces.append(Segment(state, round(x, 2), round(width, 2)))
            x += width
    return pieces


async def regions(request: web.Request, ref: str, show: str) -> dict[str, str]:
    """The live parts of the roll-call, by the id of their element: of the tiles or of the map, whichever is shown."""
    services, say, app, now = services_of(request), say_of(request), request.app, services_of(request).now()
    view = await services.desk.view(ref)
    rows = await services.desk.rollcall(view.code)
    shared: dict[str, Any] = {"view": view, "best": best_delivery}
    if show == "map":
        made = {
            f"m-{tile.row.unit}": part(app, "map_tile.html", say, now, tile=tile, **shared)
            for tile in map_tiles(services, rows)
        }
    else:
        made = {f"u-{row.unit}": part(app, "tile.html", say, now, row=row, **shared) for row in rows}
        for district in await every_count(services, rows):
            made[f"d-{district.key}"] = part(app, "district_count.html", say, now, district=district)
    made["counters"] = part(app, "counters.html", say, now, order=WORST_FIRST, segments=segments(view), **shared)
    made["charged"] = part(app, "charged.html", say, now, **shared)
    made["strip"] = part(app, "strip.html", say, now, **shared)
    return made


def _row(rows: Sequence[RollcallRow], unit: str) -> RollcallRow:
    for row in rows:
        if row.unit == unit:
            return row
    raise Trouble(404, "unit_not_addressed")


def _may_ring(request: web.Request) -> bool:
    return allows(actor_of(request).role, Role.OFFICER)


def _delivery_state(request: web.Request) -> str | None:
    wanted = request.query.get("state", "")
    return wanted if wanted in DELIVERY_WORDS else None


def _calls_page(rows: Iterable[RollcallRow], request: web.Request) -> dict[str, Any]:
    """The part of the call list that is on this page: nobody rings fifty communes at once."""
    calls = call_list(rows)
    given = request.query.get("from", "0")
    start = int(given) if given.isdecimal() and len(given) < 4 else 0
    return {
        "calls": calls[start : start + CALLS_PAGE],
        "to_call": len(calls),
        "calls_next": start + CALLS_PAGE if len(calls) > start + CALLS_PAGE else None,
    }


async def _deliveries(services: Services, view: BroadcastView, request: web.Request) -> Sequence[Any]:
    after = request.query.get("after", "0")
    start = int(after) if after.isdecimal() and len(after) < 19 else 0
    return await services.desk.deliveries(view.code, _delivery_state(request), start, DELIVERIES_PAGE)


SHOWN: Final = ("tiles", "map", "calls", "deliveries")
OF_UNITS: Final = ("tiles", "map")
DELIVERIES_PAGE: Final = 200
"""Deliveries on one page."""
CALLS_PAGE: Final = 50
"""Units on one page of the call list."""

ROUTES: Final = (rollcall_page, unit_page, mark)
