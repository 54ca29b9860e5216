"""One HTTP call to Zalo: `adapters.http` with Zalo's limits, and with what its 503 means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from adapters import http
from adapters.http import Ending, NoAnswer, NotSent, Reply
from adapters.zalo import limits

__all__ = ["Ending", "NoAnswer", "NotSent", "Reply", "call", "open_session"]

NO_SUCH_SERVICE = 503
"""RFC 9110 15.6.4: the server is not handling requests now, so this one was not handled."""


def open_session(in_flight: int) -> aiohttp.ClientSession:
    """A session that never waits for a free connection, so that a connect timeout always means "not sent"."""
    return http.open_session(in_flight, keepalive=limits.KEEPALIVE_SECONDS)


async def call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: Any = None,
    form: Mapping[str, str] | aiohttp.FormData | None = None,
    answer_seconds: float = limits.ANSWER_SECONDS,
) -> Ending:
    """Call once; follow no redirect. Only a JSON object is Zalo's own word."""
    ending = await http.call(
        session, method, url, connect_seconds=limits.CONNECT_SECONDS, answer_seconds=answer_seconds,
        headers=headers, params=params, json=json, form=form,
    )  # fmt: skip
    if isinstance(ending, NoAnswer) and ending.status == NO_SUCH_SERVICE:
        return NotSent("unavailable")
    return ending
