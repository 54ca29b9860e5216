"""One HTTP call to an aggregator, with every ending as a value.

What decides about a repeat is whether the request may have left: `NotSent` says it did not, `NoAnswer` that it may.
Addresses may hold keys, so neither they nor an exception's own text leaves this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

SERVER_ERRORS: Final = 500
KEEPALIVE_SECONDS: Final = 15.0
"""We close idle connections before a gateway does it under a request (75 s is usual there)."""


@dataclass(slots=True)
class Reply:
    """A JSON object came back, or a refusal by status alone (then `body` is empty)."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(slots=True)
class NotSent:
    """Nothing reached the provider. `why`: `connect`, `tls`, `bad_url`, `closed`."""

    why: str


@dataclass(slots=True)
class NoAnswer:
    """It left, and what came back says nothing. `status`: the HTTP status, 0 if none."""

    why: str
    status: int = 0


Ending = Reply | NotSent | NoAnswer


class Caller:
    """The connections to one aggregator. `fresh`: a new connection for each request, for providers that cannot be
    asked again: a kept one may be closed by the other side just as we write."""

    def __init__(self, connect_seconds: float, answer_seconds: float, connections: int, *, fresh: bool = False) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=connect_seconds + answer_seconds,
            connect=connect_seconds,
            sock_connect=connect_seconds,
            sock_read=answer_seconds,
        )
        self._connections = connections
        self._fresh = fresh
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """More connections than requests, so that waiting for one never looks like a connection that failed."""
        if self._session is None:
            keep: Any = {"force_close": True} if self._fresh else {"keepalive_timeout": KEEPALIVE_SECONDS}
            pool = aiohttp.TCPConnector(limit=self._connections * 2, **keep)
            self._session = aiohttp.ClientSession(connector=pool, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def call(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Ending:
        """Call once; follow no redirect (a POST would lose its body, and a key its host)."""
        if self._session is None:
            return NotSent("closed")
        data = orjson.dumps(json) if json is not None else None
        sent = {"Content-Type": "application/json"} if json is not None else {}
        try:
            async with self._session.request(
                method, url, params=params, data=data, headers={**sent, **(headers or {})}, timeout=self._timeout,
                allow_redirects=False,
            ) as response:  # fmt: skip
                return _read(response.status, await response.read(), response.headers)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as broken:
            return NotSent("tls" if isinstance(broken, aiohttp.ClientSSLError) else "connect")
        except (aiohttp.InvalidURL, ValueError):
            return NotSent("bad_url")
        except TimeoutError:
            return NoAnswer("timeout")
        except (aiohttp.ClientError, OSError):
            return NoAnswer("connection_lost")


def _read(status: int, raw: bytes, headers: Mapping[str, str]) -> Ending:
    """Gateways answer pages, nothing, or a bare 401; only a JSON object is the provider's own word."""
    try:
        body = orjson.loads(raw) if raw.strip() else None
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return Reply(status, body, headers)
    if status >= SERVER_ERRORS or status < 300:
        return NoAnswer("not_json" if raw.strip() else "empty_answer", status)
    return Reply(status, {}, headers)
