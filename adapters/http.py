"""One HTTP call to a provider, with every ending as a value.

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
    """A JSON object came back, whatever the HTTP status, or a refusal by status alone (then `body` is empty)."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(slots=True)
class NotSent:
    """Nothing reached the provider. `why` is a key: `connect`, `tls`, `bad_url`, `closed`, `unavailable`."""

    why: str


@dataclass(slots=True)
class NoAnswer:
    """It left, and what came back says nothing. `why` is a key; `status` the HTTP status, 0 if none."""

    why: str
    status: int = 0


Ending = Reply | NotSent | NoAnswer


def open_session(in_flight: int, *, keepalive: float = KEEPALIVE_SECONDS, fresh: bool = False) -> aiohttp.ClientSession:
    """A session that never waits for a free connection, so that a connect timeout always means "not sent".

    `fresh`: a new connection for each request, for providers that cannot be asked again: a kept one may be closed by
    the other side just as we write.
    """
    keep: Any = {"force_close": True} if fresh else {"keepalive_timeout": keepalive}
    connector = aiohttp.TCPConnector(limit=in_flight * 2, **keep)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    connect_seconds: float,
    answer_seconds: float,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: Any = None,
    form: Mapping[str, str] | aiohttp.FormData | None = None,
) -> Ending:
    """Call once; follow no redirect (a POST would lose its body, and a key its host)."""
    data: Any = form
    sent = dict(headers or {})
    if json is not None:
        data = orjson.dumps(json)
        sent["Content-Type"] = "application/json"
    timeout = aiohttp.ClientTimeout(
        total=connect_seconds + answer_seconds,
        connect=connect_seconds,
        sock_connect=connect_seconds,
        sock_read=answer_seconds,
    )
    try:
        async with session.request(
            method, url, headers=sent, params=params, data=data, timeout=timeout, allow_redirects=False
        ) as response:
            return _read(response.status, await response.read(), response.headers)
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as broken:
        return NotSent("tls" if isinstance(broken, aiohttp.ClientSSLError) else "connect")
    except aiohttp.ClientSSLError:
        return NotSent("tls")
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
