"""The open CAP feed: actual alerts to people, for sirens, apps and aggregators that carry them on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from aiohttp import hdrs, web

from broadcasts.cap import Alert, to_xml
from broadcasts.cap_feed import CAP_TYPE, atom
from broadcasts.cap_mapping import STOPPED, feed, is_open, messages
from store import broadcasts
from store.engine import Tx
from web.context import services_of
from web.problems import Trouble
from web.roles import Route, public
from web.services import Services

ATOM_TYPE: Final = "application/atom+xml"
LIMIT: Final = 200
"""Broadcasts in a feed."""
OPEN: Final = public("warnings to people are public; directives, exercises and tests are not in this feed")
FRESH: Final = "public, max-age=30"
"""How long a cache may keep the feed: a warning must not wait longer."""


async def open_feed(request: web.Request) -> web.Response:
    return await feed_of(request, open_only=True, base="/cap/")


async def open_message(request: web.Request) -> web.Response:
    """404 also for what exists and is not public: that it exists is nobody's business."""
    alert = await find(services_of(request), request.match_info["name"])
    if alert is None or not is_open(alert):
        raise Trouble(404, "not_found")
    return as_cap(alert)


async def feed_of(request: web.Request, *, open_only: bool, base: str) -> web.Response:
    services, now = services_of(request), services_of(request).now()
    alerts = await services.ledger.read(
        lambda tx: feed(tx, now, services.cap, lambda code: name_of(services, code), open_only=open_only, limit=LIMIT)
    )
    root = services.settings.public_url.rstrip("/") or f"{request.url.origin()}"
    body = atom(
        alerts,
        title=services.settings.office_name or services.cap.name,
        own_url=f"{root}{request.path}",
        base=f"{root}{base}",
        updated=datetime.fromtimestamp(now, UTC),
    )
    return web.Response(body=body, content_type=ATOM_TYPE, charset="utf-8", headers={hdrs.CACHE_CONTROL: FRESH})


async def find(services: Services, identifier: str) -> Alert | None:
    """The message with this identifier: a broadcast's code, or that of its Cancel."""
    ref = identifier.removesuffix(STOPPED)

    def read(tx: Tx) -> Alert | None:
        row = broadcasts.one(tx, ref)
        made = [] if row is None else messages(tx, row, services.cap, lambda code: name_of(services, code))
        return next((one for one in made if one.identifier.lower() == identifier.lower()), None)

    return await services.ledger.read(read)


def as_cap(alert: Alert) -> web.Response:
    return web.Response(body=to_xml(alert), content_type=CAP_TYPE, charset="utf-8", headers={hdrs.CACHE_CONTROL: FRESH})


def name_of(services: Services, code: str) -> str:
    unit = services.units.by_code(code)
    return unit.name if unit else code


ROUTES: Final = (
    Route("GET", "/cap/feed.atom", open_feed, OPEN, "console"),
    Route("GET", "/cap/{name}.xml", open_message, OPEN, "console"),
)
