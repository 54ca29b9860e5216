"""How the simulated Zalo answers: envelopes, pages of a gateway, cut connections."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from simulators.zalo import limits
from simulators.zalo.world import Json

PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
_TITLES = {502: "502 Bad Gateway", 503: "503 Service Unavailable", 504: "504 Gateway Time-out", 401: "401 Unauthorized"}


class Refused(Exception):
    """Zalo says no, with a code of its table."""

    def __init__(self, code: int, says: str) -> None:
        super().__init__(says)
        self.code = code
        self.says = says


def json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", headers=headers or {})


def done(data: Any, headers: dict[str, str]) -> web.Response:
    body: Json = {"error": 0, "message": "Success"}
    return json(body if data is None else {"data": data, **body}, headers=headers)


def refused(wrong: Refused, headers: dict[str, str]) -> web.Response:
    return json({"error": wrong.code, "message": wrong.says}, headers=headers)


def page(status: int) -> web.Response:
    return web.Response(status=status, text=PAGE.format(_TITLES.get(status, "200 OK")), content_type="text/html")


def cut(request: web.Request) -> web.Response:
    """The connection is gone; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def outage(kind: str, request: web.Request) -> web.Response | None:
    """The answer of a provider in trouble; None when it is well."""
    if not kind:
        return None
    if kind == "refuse":
        return cut(request)
    if kind == "hang":
        await asyncio.sleep(limits.HANG_SECONDS)
    if kind == "empty":
        return web.Response()
    return page(200 if kind == "html" else int(kind))
