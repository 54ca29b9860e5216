"""Lanes, bus, shared rates and short memory from one address: `memory://`, or a Redis.

Built at once and usable at once, as inside one process; `start` makes the way to Redis. So a Redis that is away at the
start keeps nothing from starting, while one that is not ours, too old or locked does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from adapters.contract import Now
from adapters.rates import Rates
from lanes.memory import Forgetful, MemoryBus, MemoryLanes
from lanes.memory_rates import MemoryRates
from lanes.port import Away, Bus, Lanes, Remembered
from lanes.redis_address import address
from lanes.redis_bus import RedisBus
from lanes.redis_lanes import RedisLanes
from lanes.redis_link import Link
from lanes.redis_owner import Owner
from lanes.redis_rates import RedisRates
from lanes.redis_remembered import RedisRemembered

MEMORY = "memory://"


@dataclass(slots=True)
class OpenedLanes:
    """What one process shares with others, or with nobody."""

    lanes: Lanes
    bus: Bus
    remembered: Remembered
    rates: Rates
    link: Link | None = field(default=None, repr=False)

    @property
    def shared(self) -> bool:
        """With other processes."""
        return self.link is not None

    @property
    def away(self) -> Away | None:
        """The shared lanes do not answer, since when and why; None: they do, or there are none."""
        return None if self.link is None else self.link.away

    async def start(self, installation: str, office: str) -> None:
        """`installation` is the ledger's own name. Raises `LanesError` with what is to be mended."""
        if self.link is not None and isinstance(self.lanes, RedisLanes) and isinstance(self.bus, RedisBus):
            await self.link.open(Owner(installation, office))
            self.lanes.start()
            self.bus.start()
            if isinstance(self.rates, RedisRates):
                await self.rates.start()

    async def stop(self) -> None:
        """After the workers."""
        await self.lanes.close()
        if self.link is not None and isinstance(self.bus, RedisBus):
            await self.bus.stop()
            if isinstance(self.rates, RedisRates):
                await self.rates.stop()
            await self.link.close()


def opened(url: str, owner: str, now: Now = time.time) -> OpenedLanes:
    """`owner` names this process among the others. Raises `LanesError` for an address that cannot be read."""
    if url == MEMORY:
        return OpenedLanes(MemoryLanes(now), MemoryBus(), Forgetful(), MemoryRates())
    link = Link(address(url), owner, now)
    return OpenedLanes(RedisLanes(link, now), RedisBus(link), RedisRemembered(link), RedisRates(link), link)
