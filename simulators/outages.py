"""Ways in which an HTTP service of a provider is away, the same for every simulated aggregator."""

from __future__ import annotations

import asyncio

from aiohttp import web

OUTAGES = ("", "500", "502", "503", "refuse", "hang", "html")
FOREVER = 3_600.0


def check(outage: str) -> None:
    """Raises ValueError for one that there is not."""
    if outage not in OUTAGES:
        raise ValueError(f"outage must be one of {', '.join(repr(kind) for kind in OUTAGES)}")


async def away(request: web.Request, outage: str) -> web.Response:
    """A status with a gateway's page, `refuse` cuts, `hang` never answers, `html` is a 200 that says nothing."""
    if outage == "hang":
        await asyncio.sleep(FOREVER)
    if outage in ("refuse", "hang"):
        return cut(request)
    status = 200 if outage == "html" else int(outage)
    return web.Response(status=status, text="<html><h1>gateway</h1></html>", content_type="text/html")


def cut(request: web.Request) -> web.Response:
    """The connection is gone; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
