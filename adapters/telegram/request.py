"""The HTTP side of python-telegram-bot, on aiohttp.

Its own transport logs each URL, and the token is part of the URL. Here no URL reaches a log or an exception text, and
the three endings of a request that decide about a resend stay apart: refused, never left, left without an answer.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
from telegram import Bot
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

from adapters.contract import Now
from adapters.telegram import limits

MAX_SHOWN = 200
"""Characters of a provider's description that we keep."""


class NotSent(NetworkError):
    """No connection: nothing left us."""


class NoAnswer(TimedOut):
    """The request left; no usable answer came back."""


class BotApiFault(TelegramError):
    """An answer other than 2xx. python-telegram-bot's own exceptions drop the status and rewrite the words.

    `retry_after` is in seconds; `migrate_to` is the new id of a group that became a supergroup.
    """

    def __init__(self, status: int, says: str, retry_after: float | None = None, migrate_to: int | None = None) -> None:
        super().__init__(f"{status} {says}")
        self.status = status
        self.says = says
        self.retry_after = retry_after
        self.migrate_to = migrate_to


class AiohttpRequest(BaseRequest):
    """One connection pool. `proxy` is an HTTP proxy's URL or ""."""

    def __init__(
        self, *, connect_seconds: float, answer_seconds: float, connections: int, proxy: str, now: Now
    ) -> None:
        self._now = now
        self.answered_at: float | None = None
        """When the service last answered with success, epoch seconds."""
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._connections = connections
        self._proxy = proxy or None
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return self._answer_seconds

    async def initialize(self) -> None:
        if self._session is None:
            pool = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=limits.KEEPALIVE_SECONDS)
            self._session = aiohttp.ClientSession(connector=pool)

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise NotSent("closed")
        answer_seconds = self._answer_seconds if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds, sock_read=answer_seconds)
        try:
            async with self._session.request(
                method, url, data=_body(request_data), timeout=timeout, proxy=self._proxy, allow_redirects=False
            ) as response:
                payload = await response.read()
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientHttpProxyError,
            aiohttp.InvalidURL,
        ) as broken:
            raise NotSent(type(broken).__name__) from None  # the cause's text may hold the URL
        except (aiohttp.ClientError, TimeoutError, OSError) as broken:
            raise NoAnswer(type(broken).__name__) from None
        if not 200 <= response.status < 300:
            raise _fault(response.status, payload)
        self.answered_at = self._now()
        return response.status, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Only answers of 2xx come here: one that holds no result leaves open what the server did."""
        try:
            answer = orjson.loads(payload)
        except orjson.JSONDecodeError:
            raise NoAnswer("answer is not JSON") from None
        if not isinstance(answer, dict) or "result" not in answer:
            raise NoAnswer("answer without a result")
        return answer


class QuietBot(Bot):
    """python-telegram-bot's `Bot` whose `repr` keeps the token to itself, and that hands updates over unparsed:
    one update of an unknown shape must not hold up the ones behind it."""

    def __repr__(self) -> str:
        return "QuietBot"

    async def raw_updates(
        self, *, offset: int | None, wait: int, kinds: list[str], answer_seconds: float
    ) -> list[dict[str, Any]]:
        asked = {"offset": offset, "timeout": wait, "limit": limits.POLL_BATCH, "allowed_updates": kinds}
        updates: list[dict[str, Any]] = await self._post("getUpdates", asked, read_timeout=wait + answer_seconds)
        return updates


def _body(data: RequestData | None) -> aiohttp.FormData | None:
    if data is None:
        return None
    form = aiohttp.FormData(quote_fields=False)  # else people read percent signs where a name has accents
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in (data.multipart_data or {}).items():
        form.add_field(name, content, filename=filename.replace('"', "'"), content_type=mime)
    return form


def _fault(status: int, payload: bytes) -> BotApiFault:
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        return BotApiFault(status, "")
    parameters = answer.get("parameters") or {}
    return BotApiFault(
        status,
        str(answer.get("description", ""))[:MAX_SHOWN],
        retry_after=parameters.get("retry_after"),
        migrate_to=parameters.get("migrate_to_chat_id"),
    )
