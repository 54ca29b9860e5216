"""The REST API, version 1: routes, and the application keys that they need."""

from __future__ import annotations

from typing import Final
from weakref import WeakValueDictionary

from aiohttp import web

from web.api import (
    aftermath,
    attachments,
    broadcasts,
    by_hand,
    cap,
    carrier_orders,
    content,
    duty,
    grants,
    health,
    messages,
    office,
    openapi,
    reports,
    rollcall,
    schedules,
    watch,
)
from web.api.idempotency import LOCKS
from web.api.rate import BUCKETS
from web.roles import Route, mount

ROUTES: Final[tuple[Route, ...]] = (
    *broadcasts.ROUTES,
    *aftermath.ROUTES,
    *cap.ROUTES,
    *attachments.ROUTES,
    *rollcall.ROUTES,
    *messages.ROUTES,
    *office.ROUTES,
    *content.ROUTES,
    *reports.ROUTES,
    *schedules.ROUTES,
    *by_hand.ROUTES,
    *carrier_orders.ROUTES,
    *duty.ROUTES,
    *grants.ROUTES,
    *health.ROUTES,
    *watch.ROUTES,
    openapi.openapi,
)
_DOCUMENT: Final = openapi.Document(ROUTES)


def add_api(app: web.Application) -> None:
    app[LOCKS] = WeakValueDictionary()
    app[BUCKETS] = {}
    app[openapi.DOCUMENT] = _DOCUMENT
    mount(app, ROUTES)
