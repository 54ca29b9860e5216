"""What stands before the calls of the simulated OA and ZNS: trouble, tokens, the minute's limit, planned refusals."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from simulators.journal import Journal
from simulators.knobs import turned
from simulators.zalo import answers, limits
from simulators.zalo.answers import Refused
from simulators.zalo.faults import Faults
from simulators.zalo.oauth import OauthServer
from simulators.zalo.world import Json, World

Handler = Callable[[Json], Awaitable[Any]]
_AFTER_COMMIT = ("drop_after_commit", "hang_after_commit", "empty_after_commit", "html_after_commit")


class Knobs:
    """The faults in force; replaced as a whole. Those of the journal are in force, but for what was counted down."""

    def __init__(self, now: Faults, journal: Journal) -> None:
        self.now = now
        self._journal = journal
        for one in journal.read():
            if one["what"] == "knobs":
                self.now = turned(self.now, one["knobs"])

    def turn(self, knobs: Json) -> None:
        """Raises ValueError with one clear sentence for an unknown knob or value."""
        self.now = turned(self.now, knobs)
        self._journal.write("knobs", knobs=knobs)

    def count_down(self, name: str) -> bool:
        """Take one off a counting knob; False when it stands at 0."""
        left = getattr(self.now, name)
        if left <= 0:
            return False
        values = {field: getattr(self.now, field) for field in self.now.__slots__}
        self.now = Faults(**{**values, name: left - 1})
        return True


class Gateway:
    def __init__(self, knobs: Knobs, oauth: OauthServer, world: World, counters: Counter[str]) -> None:
        self._knobs = knobs
        self._oauth = oauth
        self._world = world
        self._counters = counters
        self._minute = 0
        self._used = 0

    def wrap(self, handler: Handler, sending: bool) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def call(request: web.Request) -> web.StreamResponse:
            return await self._call(request, handler, sending)

        return call

    async def _call(self, request: web.Request, handler: Handler, sending: bool) -> web.StreamResponse:
        self._counters[request.path] += 1
        faults = self._knobs.now
        if (trouble := await answers.outage(faults.outage, request)) is not None:
            return trouble
        if faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        headers = self._rate()
        try:
            self._check(request, headers)
            if sending and not self._knobs.count_down("fail_after") and self._knobs.count_down("fail_next"):
                raise Refused(-self._knobs.now.fail_code, self._knobs.now.fail_says)
            data = await handler(await _params(request))
        except Refused as wrong:
            return answers.refused(wrong, headers)
        if sending and (broken := await self._broken(request)) is not None:
            return broken
        return answers.done(data, headers)

    def _rate(self) -> dict[str, str]:
        minute = int(self._world.now() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        limit = self._knobs.now.rate_per_minute
        return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remain": str(max(0, limit - self._used))}

    def _check(self, request: web.Request, headers: dict[str, str]) -> None:
        if code := self._oauth.check(request.headers.get("access_token", "")):
            raise Refused(code, "Access token is invalid" if code == -216 else "Access token has expired")
        if self._used > int(headers["X-RateLimit-Limit"]):
            raise Refused(-32, "App has reached limit request per minute")

    async def _broken(self, request: web.Request) -> web.StreamResponse | None:
        """The message is in the chat; does its answer arrive?"""
        kind = next((name for name in _AFTER_COMMIT if self._knobs.count_down(name)), "")
        if kind == "hang_after_commit":
            await asyncio.sleep(limits.HANG_SECONDS)
        if kind == "drop_after_commit":
            return answers.cut(request)
        if kind == "empty_after_commit":
            return web.Response()
        return answers.page(502) if kind else None


async def _params(request: web.Request) -> Json:
    """A POST's JSON object; a GET's plain parameters, or the JSON of its one parameter `data`."""
    if request.method == "POST":
        raw = await request.read()
        try:
            body = orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError:
            raise Refused(-201, "body is invalid") from None
    elif "data" in request.query:
        body = orjson.loads(request.query["data"])
    else:
        body = dict(request.query)
    if not isinstance(body, dict):
        raise Refused(-201, "body is invalid")
    return body
