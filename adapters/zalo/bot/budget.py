"""The month's messages of a bot: counted before they leave, with a reserve that only urgent ones may touch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import orjson

from adapters.contract import DurableState, Now, Priority
from adapters.zalo import limits

LOCAL = timezone(timedelta(hours=limits.LOCAL_UTC_OFFSET_HOURS))


@dataclass(frozen=True, slots=True)
class Used:
    month: str
    """`2026-10`, in Asia/Ho_Chi_Minh."""
    count: int


class Budget:
    """`limit` messages a month, the last `reserve` of them for URGENT and LIFE. Shared by processes through the ledger.

    LIFE is never refused here: whether the platform takes one more rescue answer is for the platform to say.
    """

    def __init__(self, state: DurableState, now: Now, limit: int, reserve: int) -> None:
        self.limit = limit
        self.reserve = reserve
        self._state = state
        self._now = now
        self._key = "zalo.bot.budget"

    async def take(self, priority: Priority) -> bool:
        """Count one message. False: it must not leave."""
        async with self._state.lock(self._key):
            used = await self.used()
            if priority is not Priority.LIFE and used.count >= self._most(priority):
                return False
            await self._put(Used(used.month, used.count + 1))
            return True

    async def give_back(self) -> None:
        """One counted message did not leave after all."""
        async with self._state.lock(self._key):
            used = await self.used()
            await self._put(Used(used.month, max(0, used.count - 1)))

    async def used(self) -> Used:
        month = datetime.fromtimestamp(self._now(), UTC).astimezone(LOCAL).strftime("%Y-%m")
        raw = await self._state.get(self._key)
        stored = orjson.loads(raw) if raw else {}
        return Used(month, int(stored.get("count", 0)) if stored.get("month") == month else 0)

    def _most(self, priority: Priority) -> int:
        return self.limit if priority is Priority.URGENT else max(0, self.limit - self.reserve)

    async def _put(self, used: Used) -> None:
        await self._state.put(self._key, orjson.dumps({"month": used.month, "count": used.count}))
