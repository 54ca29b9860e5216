"""The connections to one aggregator, with its own patience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from adapters import http
from adapters.http import Ending, NoAnswer, NotSent, Reply

__all__ = ["Caller", "Ending", "NoAnswer", "NotSent", "Reply"]


class Caller:
    """`fresh`: a new connection for each request, for aggregators that cannot be asked again."""

    def __init__(self, connect_seconds: float, answer_seconds: float, connections: int, *, fresh: bool = False) -> None:
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._connections = connections
        self._fresh = fresh
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        if self._session is None:
            self._session = http.open_session(self._connections, fresh=self._fresh)

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
        """See `adapters.http.call`; `NotSent("closed")` before `open` and after `close`."""
        if self._session is None:
            return NotSent("closed")
        return await http.call(
            self._session, method, url, connect_seconds=self._connect_seconds, answer_seconds=self._answer_seconds,
            params=params, json=json, headers=headers,
        )  # fmt: skip
