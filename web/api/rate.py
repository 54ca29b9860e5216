"""How fast one key may ask. A token bucket per key, in memory: it guards the service against a runaway script."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from web.context import services_of
from web.problems import Trouble

PER_SECOND: Final = 200.0
"""Requests a second that one key may make for long."""
BURST: Final = 1_000.0
"""Requests that one key may make at once."""

BUCKETS: Final = web.AppKey("buckets", dict[str, tuple[float, float]])


def spend(request: web.Request, owner: str) -> None:
    """Take one token. Raises `Trouble` 429 with the seconds until there is one."""
    now = services_of(request).now()
    buckets = request.app[BUCKETS]
    tokens, at = buckets.get(owner, (BURST, now))
    tokens = min(BURST, tokens + max(0.0, now - at) * PER_SECOND)
    if tokens < 1.0:
        raise Trouble(429, "too_many_requests", retry_after=(1.0 - tokens) / PER_SECOND)
    buckets[owner] = (tokens - 1.0, now)
