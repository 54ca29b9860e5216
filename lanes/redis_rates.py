"""Common rates of all processes: moments are handed out by a script, by the server's own clock.

Emptied, Redis knows of no moment: then everything up to the horizon counts as handed out, which is as far as anybody
may hold some. Away, each session goes on with its part, the rate divided by how many asked lately; and keeps to that
for a while after Redis is back, until the others have noticed, too. So the sum is never above the rate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from adapters.rates import Share
from lanes.redis_link import RETRY_SECONDS, Gone, Link, Script
from lanes.slots import HORIZON_SECONDS, SLACK_SECONDS, Grant, Purse, Slots

SHARER_SECONDS: Final = 60.0
"""Who asked within this counts as one who shares."""
SHOW_SECONDS: Final = 20.0
"""How often somebody who is idle says that he still shares."""
UNSEEN_SHARERS: Final = 4
"""Assumed by a process that started while Redis was away."""
RETURN_SECONDS: Final = RETRY_SECONDS[-1] + 2.0
"""After Redis is back, until every process has noticed."""

GRANT: Final = Script(
    """
local spacing, wanted, horizon = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))
local free = tonumber(redis.call('GET', KEYS[1]) or '')
local start
if not free or free > now + 4 * horizon + spacing then
  start = now + horizon + spacing
else
  start = math.max(free - tonumber(ARGV[6]) * spacing, now - tonumber(ARGV[7]))
end
local room = 0
if start <= now + horizon then room = math.floor((now + horizon - start) / spacing + 0.000000001) + 1 end
local count = math.max(0, math.min(wanted, room))
local retry = 0
if count == 0 then retry = math.max(0, start - now - horizon) end
if count > 0 or not free then redis.call('SET', KEYS[1], string.format('%.3f', start + count * spacing)) end
return {count, string.format('%.3f', start - now), string.format('%.3f', retry), redis.call('ZCARD', KEYS[2])}
"""
)
"""`lanes.slots.grant`, in microseconds. KEYS: the first free moment, who shares. ARGV: spacing, wanted, horizon, who,
how long one counts as sharing, lost, slack. Returns {count, first, retry, sharers}."""


class RedisRates:
    alone = False

    def __init__(self, link: Link, clock: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._clock = clock
        self._shares: list[RedisShare] = []
        self._back_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._saying: asyncio.Task[None] | None = None
        link.on_back.append(self._back)

    def share(self, key: str, per_second: float) -> Share:
        name = f"{self._link.owner}/{len(self._shares)}"
        made = RedisShare(self._link, self, key, name, per_second, self._clock)
        self._shares.append(made)
        return made.purse

    @property
    def settled(self) -> bool:
        """Redis is there, and was for long enough that nobody goes by himself any more."""
        return self._link.up and self._clock() - self._back_at >= RETURN_SECONDS

    async def start(self) -> None:
        """Others that go by themselves now have said so; without them, there is nothing to wait for."""
        try:
            if not await self._link.call("EXISTS", self._settling):
                self._back_at = float("-inf")
        except Gone:
            self._back_at = self._clock()
        self._task = asyncio.create_task(self._show(), name="rates")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for share in self._shares:
            await share.stop()

    @property
    def _settling(self) -> str:
        return f"{self._link.prefix}rate:settling"

    def _back(self) -> None:
        self._back_at = self._clock()
        if self._task is not None:
            self._saying = asyncio.create_task(self._say(), name="rates-settling")

    async def _say(self) -> None:
        with suppress(Gone):
            await self._link.call("SET", self._settling, self._link.owner, "PX", int(RETURN_SECONDS * 1000))

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(SHOW_SECONDS)
            for share in self._shares:
                if share.used and self.settled:
                    await share.fetch(0)


class RedisShare:
    """Fills one purse: from Redis, or from its own part while Redis is away."""

    def __init__(
        self, link: Link, rates: RedisRates, key: str, name: str, per_second: float, clock: Callable[[], float]
    ) -> None:
        self.purse = Purse(per_second, self._ask, clock)
        self.used = False
        self._link, self._rates, self._clock = link, rates, clock
        self._key, self._name, self._spacing = key, name, 1.0 / per_second
        self._sharers: int | None = None
        self._own: Slots | None = None
        """Since Redis is away: begins after everything that anybody may still hold."""
        self._asks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._asks:
            task.cancel()
        await asyncio.gather(*self._asks, return_exceptions=True)

    def _ask(self, wanted: int, lost: int) -> None:
        self.used = True
        if self._rates.settled:
            task = asyncio.get_running_loop().create_task(self._fetch_into(wanted, lost))
            self._asks.add(task)
            task.add_done_callback(self._asks.discard)
        else:
            self._by_itself(wanted)

    def _by_itself(self, wanted: int) -> None:
        sharers = self._sharers or UNSEEN_SHARERS
        if self._own is None:
            self._own = Slots(1.0 / self._spacing, self._clock, None)
        given = self._own.take(wanted, sharers=sharers)
        self.purse.add(Grant(given.first, given.spacing, given.count, given.retry, sharers), self._clock())

    async def _fetch_into(self, wanted: int, lost: int) -> None:
        began = self._clock()
        given = await self.fetch(wanted, lost)
        if given is None:
            self._by_itself(wanted)
        else:
            self._own = None
            self.purse.add(given, (began + self._clock()) / 2)

    async def fetch(self, wanted: int, lost: int = 0) -> Grant | None:
        """Ask the server; None: it is away."""
        prefix = f"{self._link.prefix}rate:{self._key}"
        try:
            count, first, retry, sharers = await self._link.run(
                GRANT, [f"{prefix}:free", f"{prefix}:who"], self._spacing * 1e6, wanted, int(HORIZON_SECONDS * 1e6),
                self._name, int(SHARER_SECONDS * 1e6), lost, int(SLACK_SECONDS * 1e6),
            )  # fmt: skip
        except Gone:
            return None
        self._sharers = int(sharers)
        return Grant(float(first) / 1e6, self._spacing, int(count), float(retry) / 1e6, int(sharers))
