"""One HTTP call to Zalo, with every ending as a value.

The question that matters for a send is whether it may have left: `NotSent` says it did not, `NoAnswer` that it may.
Addresses may hold a token, so neither they nor an exception's own text ever leaves this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from adapters.zalo import limits

NO_SUCH_SERVICE = 503
"""RFC 9110 15.6.4: the server is not handling requests now, so this one was not handled."""
SERVER_ERRORS = 500


@dataclass(slots=True)
class Reply:
    """A JSON object came back, whatever the HTTP status."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(slots=True)
class NotSent:
    """Nothing reached the provider. `why` is a key (`connect`, `tls`, `bad_url`, `unavailable`)."""

    why: str


@dataclass(slots=True)
class NoAnswer:
    """It left, and what came back says nothing. `why` is a key; `status` the HTTP status, 0 if none."""

    why: str
    status: int = 0


Ending = Reply | NotSent | NoAnswer


def open_session(in_flight: int) -> aiohttp.ClientSession:
    """A session that never waits for a free connection, so that a connect timeout always means "not sent"."""
    connector = aiohttp.TCPConnector(limit=in_flight * 2, keepalive_timeout=limits.KEEPALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


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
    """Call once; follow no redirect (a POST would lose its body, and a token its host)."""
    data: Any = form
    send_headers = dict(headers or {})
    if json is not None:
        data = orjson.dumps(json)
        send_headers["Content-Type"] = "application/json"
    timeout = aiohttp.ClientTimeout(
        total=limits.CONNECT_SECONDS + answer_seconds,
        connect=limits.CONNECT_SECONDS,
        sock_connect=limits.CONNECT_SECONDS,
        sock_read=answer_seconds,
    )
    try:
        async with session.request(
            method, url, headers=send_headers, params=params, data=data, timeout=timeout, allow_redirects=False
        ) as response:
            raw = await response.read()
            return _read(response.status, raw, response.headers)
    except aiohttp.ConnectionTimeoutError:
        return NotSent("connect")
    except aiohttp.ClientSSLError:
        return NotSent("tls")
    except aiohttp.ClientConnectorError:
        return NotSent("connect")
    except (aiohttp.InvalidURL, ValueError):
        return NotSent("bad_url")
    except TimeoutError:
        return NoAnswer("timeout")
    except (aiohttp.ClientError, OSError):
        return NoAnswer("connection_lost")


def _read(status: int, raw: bytes, headers: Mapping[str, str]) -> Ending:
    """Gateways answer HTML, an empty body or a bare 401; only a JSON object is Zalo's own word."""
    try:
        body = orjson.loads(raw) if raw.strip() else None
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return Reply(status, body, headers)
    if status == NO_SUCH_SERVICE:
        return NotSent("unavailable")
    if status >= SERVER_ERRORS or status < 300:
        return NoAnswer("empty_answer" if not raw.strip() else "not_json", status)
    return Reply(status, {}, headers)
