"""Every CAP message, directives, exercises and tests too, for partners with a key."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.cap_feed import CAP_TYPE
from broadcasts.model import Role
from web.api.endpoint import BASE, Call, Nothing, endpoint
from web.console.cap import ATOM_TYPE, as_cap, feed_of, find
from web.problems import Trouble
from web.roles import at_least

VIEWER: Final = at_least(Role.VIEWER)


@endpoint("GET", "/cap/feed.atom", rule=VIEWER, summary="CAP messages of the last 7 days", answer=str,
          answer_media=ATOM_TYPE)  # fmt: skip
async def get_cap_feed(call: Call[Nothing, Nothing]) -> web.Response:
    return await feed_of(call.request, open_only=False, base=f"{BASE}/cap/")


@endpoint("GET", "/cap/{name}.xml", rule=VIEWER, summary="One CAP message by its identifier", answer=str,
          answer_media=CAP_TYPE, problems=(404,))  # fmt: skip
async def get_cap_message(call: Call[Nothing, Nothing]) -> web.Response:
    alert = await find(call.services, call.path("name"))
    if alert is None:
        raise Trouble(404, "not_found")
    return as_cap(alert)


ROUTES: Final = (get_cap_feed, get_cap_message)
