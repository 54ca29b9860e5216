"""Lanes and bus inside one process. The same state as a Redis that was just emptied: the reconciler fills it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from adapters.contract import Now, Priority
from lanes.port import Work

FOLLOWER_MEMORY = 1_000
"""Events kept for a follower that does not read."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    priority: int
    order: int
    """Of announcement: oldest first among equals."""
    due: float
    chunk: int


class MemoryLanes:
    alone = True

    def __init__(self, now: Now = time.time) -> None:
        self._now = now
        self._lanes: dict[str, dict[int, Entry]] = {}
        self._changed: dict[str, asyncio.Event] = {}
        self._announced = 0

    async def announce(self, channel: str, priority: Priority, chunk: int, not_before: float = 0.0) -> None:
        self.put(channel, priority, chunk, not_before)

    async def announce_all(self, work: Sequence[Work]) -> None:
        for one in work:
            self.put(one.channel, one.priority, one.chunk, one.not_before)

    def put(self, channel: str, priority: int, chunk: int, due: float) -> None:
        lane = self._lanes.setdefault(channel, {})
        known = lane.get(chunk)
        self._announced += 1
        if known is None:
            lane[chunk] = Entry(int(priority), self._announced, due, chunk)
        elif due < known.due:
            lane[chunk] = replace(known, due=due)
        self._event(channel).set()

    async def next(self, channel: str, priorities: Sequence[Priority]) -> int:
        wanted = frozenset(int(priority) for priority in priorities)
        while True:
            changed = self._event(channel)
            changed.clear()
            chunk, wait = self._pick(channel, wanted)
            if chunk is not None:
                return chunk
            try:
                async with asyncio.timeout(wait):
                    await changed.wait()
            except TimeoutError:
                continue

    def take_all(self) -> list[Work]:
        """Everything that waits, in the order in which it was announced; nothing waits any more."""
        entries = [(entry, channel) for channel, lane in self._lanes.items() for entry in lane.values()]
        self._lanes.clear()
        entries.sort(key=lambda one: one[0].order)
        return [Work(channel, Priority(entry.priority), entry.chunk, entry.due) for entry, channel in entries]

    def ready(self, channel: str, priorities: Sequence[Priority]) -> int:
        """How many entries of these priorities are due."""
        now = self._now()
        lane = self._lanes.get(channel)
        return sum(entry.due <= now and entry.priority in priorities for entry in lane.values()) if lane else 0

    def _pick(self, channel: str, wanted: frozenset[int]) -> tuple[int | None, float | None]:
        """The best due entry, or how long until the next one is."""
        lane = self._lanes.get(channel, {})
        now = self._now()
        mine = [entry for entry in lane.values() if entry.priority in wanted]
        due = [entry for entry in mine if entry.due <= now]
        if due:
            best = min(due)
            del lane[best.chunk]
            return best.chunk, None
        return None, max(0.001, min(entry.due for entry in mine) - now) if mine else None

    async def depth(self, channel: str) -> int:
        return len(self._lanes.get(channel, {}))

    async def close(self) -> None:
        self._lanes.clear()

    def _event(self, channel: str) -> asyncio.Event:
        return self._changed.setdefault(channel, asyncio.Event())


class _Follower:
    def __init__(self) -> None:
        self.events: deque[dict[str, Any]] = deque(maxlen=FOLLOWER_MEMORY)
        self.arrived = asyncio.Event()

    async def stream(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            await self.arrived.wait()
            while self.events:
                yield self.events.popleft()
            self.arrived.clear()


class MemoryBus:
    def __init__(self) -> None:
        self._followers: dict[str, set[_Follower]] = {}

    def publish(self, topic: str, event: dict[str, Any]) -> None:
        for follower in self._followers.get(topic, ()):
            follower.events.append({"topic": topic, **event})
            follower.arrived.set()

    @asynccontextmanager
    async def follow(self, *topics: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        follower = _Follower()
        for topic in topics:
            self._followers.setdefault(topic, set()).add(follower)
        try:
            yield follower.stream()
        finally:
            for topic in topics:
                self._followers[topic].discard(follower)


class Forgetful:
    """`Remembered` of a single process: its ledger tells as fast."""

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        return frozenset()

    async def note(self, keys: Sequence[str]) -> None:
        return None
