"""Lanes, bus, shared rates and short memory from one address: `memory://`, or a Redis.

Built at once and usable at once, as inside one process; `start` makes the way to Redis. So a Redis that is away at the
start keeps nothing from starting, while one that is not ours, too old or locked does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from adapters.contract import Now
from adapters.rates import Rates
from lanes.memory import Forgetful, MemoryBus, MemoryLanes
from lanes.memory_rates import MemoryRates
from lanes.port import Away, Bus, Lanes, Remembered

MEMORY = "memory://"


@dataclass(slots=True)
class OpenedLanes:
    """What one process keeps for itself; `lanes.redis_opened` shares it with others."""

    lanes: Lanes
    bus: Bus
    remembered: Remembered
    rates: Rates

    @property
    def shared(self) -> bool:
        """With other processes."""
        return False

    @property
    def away(self) -> Away | None:
        """The shared lanes do not answer, since when and why; None: they do, or there are none."""
        return None

    async def start(self, installation: str, office: str) -> None:
        """`installation` is the ledger's own name. Raises `LanesError` with what is to be mended."""

    async def stop(self) -> None:
        """After the workers."""
        await self.lanes.close()


def opened(url: str, owner: str, now: Now = time.time) -> OpenedLanes:
    """`owner` names this process among the others. Raises `LanesError` for an address that cannot be read."""
    if url == MEMORY:
        return OpenedLanes(MemoryLanes(now), MemoryBus(), Forgetful(), MemoryRates())
    from lanes.redis_opened import on_redis  # its client takes memory that one machine has no use for

    return on_redis(url, owner, now)
