"""The side of a simulated SMS aggregator that calls us: requests one after the other, repeated as the provider does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp

CALL_SECONDS = 5.0
"""Longest wait for our answer; after it the provider counts a timeout."""
HELD_SECONDS = 0.1
"""A call that is held back to be overtaken goes after this at the latest."""
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Call:
    """`tries` in all, with `pause` seconds between them, while the answer is not one of `done`; on a timeout only, if
    `only_timeouts`."""

    method: str
    url: str
    params: dict[str, str] = field(default_factory=dict)
    json: Any = None
    tries: int = 1
    pause: float = 0.0
    only_timeouts: bool = False


@dataclass(slots=True)
class Heard:
    """What we answered; status 0: nothing in time."""

    status: int
    body: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Calling:
    """`counts`: called, repeated, refused, given_up."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._held: Call | None = None
        self._at_once = asyncio.Semaphore(AT_ONCE)

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def out_of_order(self, call: Call) -> None:
        """This call waits for the next one and follows it."""
        if self._held is None:
            self._held = call
            await asyncio.sleep(HELD_SECONDS)
            if self._held is not call:
                return
            self._held = None
            await self.make(call)
            return
        overtaken, self._held = self._held, None
        await self.make(call)
        await self.make(overtaken)

    async def make(self, call: Call) -> Heard:
        heard = Heard(0)
        for turn in range(call.tries):
            if turn:
                self.counts["repeated"] += 1
                await asyncio.sleep(call.pause)
            heard = await self._once(call)
            if heard.ok:
                self.counts["called"] += 1
                return heard
            if heard.status and call.only_timeouts:
                self.counts["refused"] += 1
                return heard
        self.counts["given_up"] += 1
        return heard

    async def _once(self, call: Call) -> Heard:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
        try:
            async with (
                self._at_once,
                self._session.request(call.method, call.url, params=call.params, json=call.json) as answer,
            ):
                return Heard(answer.status, await answer.text())
        except (aiohttp.ClientError, OSError, TimeoutError):
            return Heard(0)
