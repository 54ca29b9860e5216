"""Messages that a provider took and whose end we still have to ask for: when to ask, and a list that outlives us.

The list is written down every few seconds, not with each message: what is lost with a kill is only the question, and
the provider's own report usually comes anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Final

import orjson
import structlog

from adapters.contract import DurableState, LedgerUnavailable, Now

log = structlog.get_logger(__name__)

FACTOR: Final = 3.0
"""Each pause is so much longer than the one before: 1, 3, 9 … minutes."""
SNAPSHOT_SECONDS: Final = 10.0
"""How often the list is written down."""
LEDGER_SECONDS: Final = 1.0
"""Pause after the ledger refused a receipt."""


@dataclass(slots=True)
class Awaited:
    """`about` is whatever the channel needs to know; `since`, `due` are epoch seconds."""

    key: str
    about: list[str]
    since: float
    due: float
    pause: float
    tries: int = 0


class Awaiting:
    """`first`: seconds until the first question. `longest`: the longest pause. `keep`: seconds after which nobody asks
    any more. `most`: entries; the oldest give way."""

    def __init__(
        self, state: DurableState, key: str, now: Now, *, first: float, longest: float, keep: float, most: int
    ) -> None:
        self._state = state
        self._key = key
        self._now = now
        self._first = first
        self._longest = longest
        self._keep = keep
        self._most = most
        self._entries: dict[str, Awaited] = {}
        self._heap: list[tuple[float, str]] = []
        self._changed = False
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Awaited | None:
        return self._entries.get(key)

    def add(self, key: str, about: Iterable[str] = (), first: float | None = None, pause: float | None = None) -> None:
        """Ask about `key` after `first` seconds, then after `pause` and longer ones."""
        known = self._entries.pop(key, None)
        now = self._now()
        due = now + (self._first if first is None else first)
        since = now if known is None else known.since
        self._put(Awaited(key, list(about), since, due, self._first if pause is None else pause))
        while len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]

    def _put(self, entry: Awaited) -> None:
        self._entries[entry.key] = entry
        heapq.heappush(self._heap, (entry.due, entry.key))
        self._changed = True
        if self._heap[0][1] == entry.key:
            self._wake.set()

    def due(self, most: int) -> list[Awaited]:
        """Up to `most` entries whose time has come; each is put off until its next turn."""
        now = self._now()
        found: list[Awaited] = []
        while self._heap and self._heap[0][0] <= now and len(found) < most:
            due, key = heapq.heappop(self._heap)
            entry = self._entries.get(key)
            if entry is None or entry.due != due:
                continue  # gone, or asked for at another time since
            if now - entry.since > self._keep:
                self.done(key)
                continue
            entry.due = now + entry.pause
            entry.pause = min(entry.pause * FACTOR, self._longest)
            entry.tries += 1
            self._put(entry)
            found.append(entry)
        return found

    def done(self, key: str) -> None:
        self._changed |= self._entries.pop(key, None) is not None

    def wait(self) -> float:
        """Seconds until the next one is due, at most a day."""
        while self._heap:
            due, key = self._heap[0]
            entry = self._entries.get(key)
            if entry is not None and entry.due == due:
                return max(0.0, due - self._now())
            heapq.heappop(self._heap)
        return 86_400.0

    async def run(self, ask: Callable[[Awaited], Awaitable[None]], at_once: int) -> None:
        """Ask about what is due, `at_once` at a time, and keep the list on record: a task, until cancelled."""
        loop = asyncio.get_running_loop()
        saved_at = loop.time()
        while True:
            due = self.due(at_once)
            if due:
                await asyncio.gather(*(self._guarded(ask, entry) for entry in due))
            if loop.time() - saved_at >= SNAPSHOT_SECONDS:
                saved_at = loop.time()
                await self.save()
            if not due:
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(self.wait(), SNAPSHOT_SECONDS)):
                        await self._wake.wait()

    async def _guarded(self, ask: Callable[[Awaited], Awaitable[None]], entry: Awaited) -> None:
        try:
            await ask(entry)
        except LedgerUnavailable:
            log.warning("receipt_not_stored", list=self._key)
            self.add(entry.key, entry.about, first=LEDGER_SECONDS, pause=LEDGER_SECONDS)
        except Exception as wrong:  # one answer of a strange shape must not end the task
            log.error("status_question_failed", list=self._key, error=type(wrong).__name__)

    async def load(self) -> None:
        """A list that cannot be read costs questions, never the channel."""
        try:
            raw = await self._state.get(self._key)
            for fields in orjson.loads(raw) if raw else ():
                entry = Awaited(**fields)
                if entry.key not in self._entries:
                    self._put(entry)
        except Exception as wrong:
            log.error("waiting_list_not_read", list=self._key, error=type(wrong).__name__)
        self._changed = False

    async def save(self) -> None:
        """Where the ledger refuses, the list stays to be saved."""
        if not self._changed:
            return
        self._changed = False
        try:
            await self._state.put(self._key, orjson.dumps([asdict(entry) for entry in self._entries.values()]))
        except LedgerUnavailable:
            self._changed = True
