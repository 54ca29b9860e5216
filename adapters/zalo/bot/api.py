"""Calls to the Zalo Bot Platform. The token is part of the address, so an address never leaves this module.

Envelope `{ok, result?, description?, error_code?}`; a 2xx may carry `ok: false`. Source: Zalo Bot docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from adapters.contract import Now
from adapters.zalo import http, limits
from adapters.zalo.settings import BotSettings

TOO_MANY = 429
TIMED_OUT = 408
NOT_FOUND = 404


@dataclass(slots=True)
class Result:
    """`ok: true`. `value` is the method's `result`, None where it has none."""

    value: Any


@dataclass(slots=True)
class BotError:
    """`ok: false`, or an HTTP error without the envelope (`spoken` False: a gateway's word, not the platform's)."""

    code: int
    spoken: bool
    retry_after: float | None = None


Called = Result | BotError | http.NotSent | http.NoAnswer


class BotApi:
    """One bot. `bot_id` is the public half of the token."""

    def __init__(self, settings: BotSettings, now: Now) -> None:
        self.proven_at: float | None = None
        """Epoch seconds of the platform's last word."""
        self._root = f"{settings.base_url}/bot{settings.token.get_secret_value()}/"
        self._answer_seconds = settings.answer_seconds
        self._now = now
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, method: str, body: Mapping[str, Any], answer_seconds: float | None = None) -> Called:
        if self._session is None or self._session.closed:
            self._session = http.open_session(limits.BOT_IN_FLIGHT)
        ending = await http.call(
            self._session,
            "POST",
            self._root + method,
            json=dict(body),
            answer_seconds=answer_seconds or self._answer_seconds,
        )
        if not isinstance(ending, http.Reply):
            return ending
        return self._read(ending)

    def _read(self, reply: http.Reply) -> Called:
        ok = reply.body.get("ok")
        if ok is True:
            self.proven_at = self._now()
            return Result(reply.body.get("result"))
        if ok is None and reply.status < 400:
            return http.NoAnswer("not_understood", reply.status)
        if ok is False and reply.status != TOO_MANY:
            self.proven_at = self._now()
        code = str(reply.body.get("error_code", reply.status))
        wait = str(reply.headers.get("Retry-After", ""))
        return BotError(int(code) if code.isdigit() else 0, ok is False, float(wait) if wait.isdigit() else None)
