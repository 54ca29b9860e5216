"""The row of updates that wait for the bot, taken by getUpdates or pushed to its webhook."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from simulators.journal import Journal

FIRST_UPDATE_ID = 700_000_001
WEBHOOK_TIMEOUT_SECONDS = 10.0
WEBHOOK_RETRY_SECONDS = 0.5
"""Pause after a webhook call that failed. Telegram's own pauses are longer and not documented."""

Json = dict[str, Any]


@dataclass(slots=True)
class Hook:
    url: str = ""
    secret: str = ""
    last_error_at: int = 0
    last_error: str = ""
    calls: int = 0


class Updates:
    """First in, first out; an update leaves only when the bot confirmed it."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.waiting: deque[Json] = deque()
        self.hook = Hook()
        self.duplicate = False
        self.polls = 0
        self._next = FIRST_UPDATE_ID
        self._changed = asyncio.Event()
        self._pusher: asyncio.Task[None] | None = None
        self._journal = journal or Journal()

    def add(self, kind: str, content: Json) -> Json:
        update = {"update_id": self._next, kind: content}
        self._next += 1
        self._journal.write("update", update=update)
        self.waiting.append(update)
        self._changed.set()
        return update

    async def poll(self, offset: int, limit: int, wait: float) -> list[Json] | None:
        """getUpdates. None: another poll took over meanwhile (409)."""
        self.polls += 1
        mine = self.polls
        self._changed.set()  # wakes an older poll, which then ends
        while self.waiting and self.waiting[0]["update_id"] < offset:
            self._done(self.waiting[0])
        deadline = time.monotonic() + wait
        while not self.waiting and (left := deadline - time.monotonic()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                break
            if mine != self.polls:
                return None
        found = list(self.waiting)[:limit]
        return [update for update in found for _ in range(2 if self.duplicate else 1)]

    async def set_hook(self, url: str, secret: str) -> None:
        """ "" takes the webhook away."""
        await self.close()
        self.hook = Hook(url, secret)
        if url:
            self._pusher = asyncio.create_task(self._push(), name="telegram-sim-webhook")

    async def close(self) -> None:
        if self._pusher is not None:
            self._pusher.cancel()
            await asyncio.gather(self._pusher, return_exceptions=True)
            self._pusher = None

    async def _push(self) -> None:
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                while not self.waiting:
                    self._changed.clear()
                    await self._changed.wait()
                update = self.waiting[0]
                error = await self._call(session, update)
                if error:
                    self.hook.last_error, self.hook.last_error_at = error, int(time.time())
                    await asyncio.sleep(WEBHOOK_RETRY_SECONDS)
                    continue
                if self.duplicate:
                    await self._call(session, update)
                if self.waiting and self.waiting[0] is update:
                    self._done(update)

    def _done(self, update: Json) -> None:
        self.waiting.popleft()
        self._journal.write("done", update_id=update["update_id"])

    def remember(self, added: Iterable[Json], done: Container[int]) -> None:
        """Updates of an earlier life, and the numbers of those that the bot confirmed."""
        for update in added:
            self._next = update["update_id"] + 1
            if update["update_id"] not in done:
                self.waiting.append(update)

    async def _call(self, session: aiohttp.ClientSession, update: Json) -> str:
        """One webhook call. Returns Telegram's words for what went wrong, "" for a 2xx."""
        headers = {"Content-Type": "application/json"}
        if self.hook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.hook.secret
        self.hook.calls += 1
        try:
            async with session.post(self.hook.url, data=orjson.dumps(update), headers=headers) as response:
                good = 200 <= response.status < 300
                return "" if good else f"Wrong response from the webhook: {response.status} {response.reason}"
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientError:
            return "Connection refused"
