"""The side of Zalo that calls us: signed events, repeated on Zalo's schedule, the address switched off in the end."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from simulators.journal import Journal
from simulators.zalo import limits
from simulators.zalo.faults import Faults
from simulators.zalo.oauth import App
from simulators.zalo.world import Json

REORDER_SECONDS = 0.05
"""An event held back to be overtaken goes after this at the latest."""


@dataclass(frozen=True, slots=True)
class Event:
    """As it is posted, each time anew. `number` is ours."""

    number: int
    body: bytes
    headers: dict[str, str]


class WebhookSender:
    """Posts events to one address. `counts`: sent, repeated, refused, given_up, unwanted."""

    def __init__(self, app: App, faults: Callable[[], Faults], journal: Journal | None = None) -> None:
        self._journal = journal or Journal()
        self._number = 0
        self.url = ""
        self.enabled = True
        self.counts: Counter[str] = Counter()
        self._app = app
        self._faults = faults
        self._at_once = asyncio.Semaphore(limits.WEBHOOK_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: Event | None = None
        self._session: aiohttp.ClientSession | None = None

    async def register(self, url: str) -> bool:
        """Save the address: an unsigned `{}` must be answered with 200. Switches a disabled webhook on again."""
        self.url = url
        status = await self._attempt(b"{}", {}, 0)
        self.enabled = status == 200
        self._journal.write("hook", url=url)
        return self.enabled

    def remember(self) -> None:
        """The address of an earlier life, and the events that had no answer in it: they begin anew."""
        waiting: dict[int, Event] = {}
        for one in self._journal.read():
            if one["what"] == "hook":
                self.url = one["url"]
            elif one["what"] == "event":
                waiting[one["number"]] = Event(one["number"], one["body"].encode(), one["headers"])
            elif one["what"] == "over":
                del waiting[one["number"]]
                self.counts[one["how"]] += 1
            self._number = max(self._number, one.get("number", 0))
        for event in waiting.values():
            self._spawn(self._in_order(event))

    @property
    def under_way(self) -> int:
        """Events that the receiver has not answered yet, repeats that are waited for included."""
        return len(self._tasks)

    def send(self, event: Json, zns: bool = False) -> asyncio.Task[None] | None:
        """Under way at once; the task ends when the receiver has answered or Zalo has given up."""
        if not self.url or not self.enabled:
            self.counts["unwanted"] += 1
            return None
        faults = self._faults()
        text = str(event.get("message", {}).get("text", ""))
        if faults.webhook_hash_filter and event["event_name"].endswith("_text") and not text.startswith("#"):
            self.counts["filtered"] += 1
            return None
        body = orjson.dumps(event)
        headers = {"X-ZEvent-Signature": self._signature(body, str(event["timestamp"]), faults)}
        if zns:
            headers["X-ZEvent-Server"] = "ZNS"
        self._number += 1
        self._journal.write("event", number=self._number, body=body.decode(), headers=headers)
        return self._spawn(self._in_order(Event(self._number, body, headers)))

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _signature(self, body: bytes, timestamp: str, faults: Faults) -> str:
        identity: str = getattr(self._app, faults.webhook_identity)
        key: str = "wrong" if faults.webhook_wrong_key else getattr(self._app, faults.webhook_key)
        mac = hashlib.sha256(identity.encode() + body + timestamp.encode() + key.encode()).hexdigest()
        return faults.webhook_prefix + mac

    async def _in_order(self, event: Event) -> None:
        faults = self._faults()
        if faults.webhook_reorder and self._held is None:
            self._held = event
            await asyncio.sleep(REORDER_SECONDS)
            if self._held is None:
                return
            event, self._held = self._held, None
            await self._deliver(event)
            return
        overtaken, self._held = self._held, None
        await self._deliver(event)
        if overtaken is not None:
            await self._deliver(overtaken)

    async def _deliver(self, event: Event) -> None:
        how = await self._told(event.body, event.headers)
        self.counts[how] += 1
        self._journal.write("over", number=event.number, how=how)
        if how == "given_up":
            self.enabled = False

    async def _told(self, body: bytes, headers: dict[str, str]) -> str:
        """How it ended."""
        faults = self._faults()
        for number, pause in enumerate((0.0, *limits.WEBHOOK_RETRIES)):
            await asyncio.sleep(pause * faults.webhook_time_scale)
            if not self.enabled:
                return "unwanted"
            async with self._at_once:
                status = await self._attempt(body, headers, number)
            if status == 200:
                if faults.webhook_duplicate:
                    await self._attempt(body, headers, number)
                return "sent"
            if status and not (status >= 500 and faults.webhook_retry_5xx):
                return "refused"
            self.counts["repeated"] += 1
        return "given_up"

    async def _attempt(self, body: bytes, headers: dict[str, str], number: int) -> int:
        """HTTP status, 0 when nothing came in time."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limits.WEBHOOK_SECONDS))
        sent = {"Content-Type": "application/json", **headers} | ({"num_retry": str(number)} if number else {})
        try:
            async with self._session.post(self.url, data=body, headers=sent) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0
