"""The live stream of a page: parts of it by the id of their element, whenever they are no longer what the page shows.

One stream a tab. The bus only says "look again"; what is sent is read from the ledger, so a lost hint costs
some seconds and nothing else. `/live/now` gives the same without a stream, for when the stream is cut.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from aiohttp import web

from broadcasts.carrier_orders.office import TOPIC as ORDERS
from broadcasts.model import Role
from web import streams
from web.api.carrier_orders import named_order
from web.console import board, carrier_orders, rollcall
from web.console.page import bar, page, part
from web.context import actor_of, checked_ref, say_of, services_of, session_of
from web.roles import at_least
from web.sessions import find_session

LOOK_SECONDS: Final = 10.0
"""How often to look though nothing was hinted: next steps, ages and lights change by themselves."""
SEEN_FIELD: Final = "seen"
VIEWER: Final = at_least(Role.VIEWER)

Regions = dict[str, str]
"""Id of an element → its HTML."""


class Shared:
    """What several consoles look at is rendered once: by what it is and in which language, for a moment."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[float, asyncio.Future[Regions]]] = {}

    async def get(self, key: str, fresh_seconds: float, make: Callable[[], Awaitable[Regions]]) -> Regions:
        """What `make` gives, or gave less than `fresh_seconds` ago to somebody else."""
        loop = asyncio.get_running_loop()
        known = self._made.get(key)
        if known is not None and loop.time() - known[0] < fresh_seconds and not _failed(known[1]):
            return await asyncio.shield(known[1])
        task = asyncio.ensure_future(make())
        self._made[key] = (loop.time(), task)
        for old in [old for old, (at, _) in self._made.items() if loop.time() - at > LOOK_SECONDS * 6]:
            del self._made[old]
        return await asyncio.shield(task)


def _failed(done: asyncio.Future[Regions]) -> bool:
    return done.done() and (done.cancelled() or done.exception() is not None)


SHARED: Final = web.AppKey("shared", Shared)


@page("GET", "/live", VIEWER)
async def stream(request: web.Request) -> web.StreamResponse:
    """`?broadcast=CODE` for a roll-call, `?order=CODE` for an order to carriers, `?board` for the duty board, none of
    them for the top bar alone."""
    services = services_of(request)
    topics = ["alarms", "channels", "inbox", "roster"]
    ref = request.query.get("broadcast", "")
    if ref:
        view = await services.desk.view(checked_ref(ref))
        topics.append(f"broadcast:{view.id}")
    elif order := request.query.get("order", ""):
        await services.orders.view(named_order(order))
        topics.append(ORDERS)
    elif "board" in request.query:
        opened = await services.desk.list(None, board.RECENT)
        topics += ["broadcasts", *(f"broadcast:{view.id}" for view in opened)]
    shown: Regions = {}
    seen = request.headers.get("Last-Event-ID") or request.query.get(SEEN_FIELD, "")
    async with streams.hints(request, *topics) as hints, streams.opened(request) as response:
        await streams.begin(response)
        fresh = 0.0  # what was made before this stream listened may lack what its page already shows
        while True:
            regions = await current(request, fresh)
            fresh = streams.HINT_GAP_SECONDS
            now = digest(regions)
            if now != seen:
                changed = {name: html for name, html in regions.items() if shown.get(name) != html}
                await streams.send(response, orjson.dumps(changed), event="parts", id_=now)
            else:
                await streams.comment(response)
            shown, seen = regions, now
            if not await hints.wait(LOOK_SECONDS) or await find_session(request) is None:
                break
    return response


@page("GET", "/live/now", VIEWER)
async def snapshot(request: web.Request) -> web.StreamResponse:
    """All parts at once; 204 when they are those of `?seen=`."""
    regions = await current(request)
    now = digest(regions)
    if request.query.get(SEEN_FIELD) == now:
        return web.Response(status=204)
    response = web.json_response(body=orjson.dumps({"seen": now, "parts": regions}), content_type="application/json")
    response.enable_compression()
    return response


async def current(request: web.Request, fresh_seconds: float = streams.HINT_GAP_SECONDS) -> Regions:
    """The live parts of the page that asks, made no longer ago than `fresh_seconds` for whoever asked then."""
    say, ref = say_of(request), request.query.get("broadcast", "")
    shared = request.app[SHARED]
    regions = dict(await _bar(request))
    if ref:
        ref = checked_ref(ref)
        show = "map" if request.query.get("show") == "map" else "tiles"
        key = f"rollcall {show} {say.lang} {ref}"
        regions |= await shared.get(key, fresh_seconds, lambda: rollcall.regions(request, ref, show))
    elif order := request.query.get("order", ""):
        order = named_order(order)
        key = f"order {say.lang} {order}"
        regions |= await shared.get(key, fresh_seconds, lambda: carrier_orders.regions(request, order))
    elif "board" in request.query:
        key = f"board {say.lang} {actor_of(request).name} {_csrf(request)}"
        regions |= await shared.get(key, fresh_seconds, lambda: board.regions(request))
    return regions


async def _bar(request: web.Request) -> Regions:
    services = services_of(request)
    bar_now = await bar(request, services, session_of(request), actor_of(request), None)
    say, now = say_of(request), services.now()
    return {
        "status": part(request.app, "status.html", say, now, bar=bar_now),
        "on-duty": part(request.app, "on_duty.html", say, now, bar=bar_now),
    }


def digest(regions: Regions) -> str:
    return hashlib.sha256("\0".join(f"{key}\1{html}" for key, html in sorted(regions.items())).encode()).hexdigest()[
        :16
    ]


def _csrf(request: web.Request) -> str:
    session = session_of(request)
    return session.csrf[:8] if session else ""


ROUTES: Final = (stream, snapshot)
