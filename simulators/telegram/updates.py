"""The row of updates that wait for the bot, taken by getUpdates or pushed to its webhook."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

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

    def __init__(self) -> None:
        self.waiting: deque[Json] = deque()
        self.hook = Hook()
        self.duplicate = False
        self.polls = 0
        self._next = FIRST_UPDATE_ID
        self._changed = asyncio.Event()
        self._pusher: asyncio.Task[None] | None = None

    def add(self, kind: str, content: Json) -> Json:
        update = {"update_id": self._next, kind: content}
        self._next += 1
        self.waiting.append(update)
        self._changed.set()
        return update

    async def poll(self, offset: int, limit: int, wait: float) -> list[Json] | None:
        """getUpdates. None: another poll took over meanwhile (409)."""
        self.polls += 1
        mine = self.polls
        self._changed.set()  # wakes an older poll, which then ends
        while self.waiting and self.waiting[0]["update_id"] < offset:
            self.waiting.popleft()
        deadline = time.monotonic() + wait
        while not self.waiting and (left := deadline - time.monotonic()) > 0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
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
                    self.waiting.popleft()

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
