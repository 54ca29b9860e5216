"""Who goes next: slots in flight and requests a minute, handed out by priority.

All routes of one account share a gate. The minute is a sliding one, so it holds wherever the provider's minute begins.
A share of both is kept for higher priorities, so that bulk never makes `life` wait.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Mapping
from itertools import count

from adapters.contract import Now, Priority
from adapters.zalo import limits

_SHARES = {Priority.LIFE: 1.0, Priority.URGENT: limits.URGENT_SHARE}


class Gate:
    """`enter` before a request, `leave` after it."""

    def __init__(self, in_flight: int, per_minute: int, now: Now) -> None:
        self.per_minute = per_minute
        self._now = now
        self._slots = in_flight
        self._open = min(in_flight, max(1, in_flight - limits.RESERVED_IN_FLIGHT))
        self._taken = 0
        self._sent: deque[float] = deque()
        self._held_until = 0.0
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    async def enter(self, priority: Priority) -> float:
        """0.0: go, and `leave` afterwards. Otherwise the seconds until the budget allows it; nothing was taken."""
        await self._take_slot(priority)
        wait = self.wait(priority)
        if 0.0 < wait <= limits.GATE_PATIENCE_SECONDS:
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                self.leave()
                raise
            wait = self.wait(priority)
        if wait > 0.0:
            self.leave()
            return wait
        self._sent.append(self._now())
        return 0.0

    def leave(self) -> None:
        self._taken -= 1
        while self._queue:
            priority, _, waiter = self._queue[0]
            if not waiter.done() and self._taken >= self._slots_for(Priority(priority)):
                return
            heapq.heappop(self._queue)
            if not waiter.done():
                self._taken += 1
                waiter.set_result(None)

    def wait(self, priority: Priority) -> float:
        """Seconds until one more request of this priority fits the minute."""
        now = self._now()
        while self._sent and self._sent[0] <= now - limits.RATE_WINDOW_SECONDS:
            self._sent.popleft()
        budget = max(1, int(self.per_minute * _SHARES.get(priority, limits.BULK_SHARE)))
        over = len(self._sent) - budget
        until = self._sent[over] + limits.RATE_WINDOW_SECONDS if over >= 0 else now
        return max(0.0, until - now, self._held_until - now)

    def hold(self) -> float:
        """The provider says the minute is used up: nothing until the next one. Returns the seconds to it."""
        now = self._now()
        self._held_until = now - now % limits.RATE_WINDOW_SECONDS + limits.RATE_WINDOW_SECONDS
        return self._held_until - now

    def hold_for(self, seconds: float) -> None:
        """The provider named a pause."""
        self._held_until = max(self._held_until, self._now() + seconds)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take the limit and what is left of it from the provider's answer (`X-RateLimit-*`)."""
        limit, remain = headers.get("X-RateLimit-Limit", ""), headers.get("X-RateLimit-Remain", "")
        if limit.isdigit() and int(limit) > 0:
            self.per_minute = int(limit)
        if remain.isdigit() and int(remain) == 0:
            self.hold()

    def _slots_for(self, priority: Priority) -> int:
        return self._slots if priority is Priority.LIFE else self._open

    async def _take_slot(self, priority: Priority) -> None:
        if self._taken < self._slots_for(priority) and not self._queue:
            self._taken += 1
            return
        if priority is Priority.LIFE and self._taken < self._slots:
            self._taken += 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (int(priority), next(self._order), waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave()
            raise
