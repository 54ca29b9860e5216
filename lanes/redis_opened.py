"""Everything that processes share on one Redis, opened and closed together."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.contract import Now
from lanes.opening import OpenedLanes
from lanes.port import Away
from lanes.redis_address import address
from lanes.redis_bus import RedisBus
from lanes.redis_lanes import RedisLanes
from lanes.redis_link import Link
from lanes.redis_owner import Owner
from lanes.redis_rates import RedisRates
from lanes.redis_remembered import RedisRemembered


@dataclass(slots=True)
class OnRedis(OpenedLanes):
    lanes: RedisLanes
    bus: RedisBus
    rates: RedisRates
    link: Link

    @property
    def shared(self) -> bool:
        return True

    @property
    def away(self) -> Away | None:
        return self.link.away

    async def start(self, installation: str, office: str) -> None:
        await self.link.open(Owner(installation, office))
        self.lanes.start()
        self.bus.start()
        await self.rates.start()

    async def stop(self) -> None:
        await self.lanes.close()
        await self.bus.stop()
        await self.rates.stop()
        await self.link.close()


def on_redis(url: str, owner: str, now: Now) -> OnRedis:
    """Raises `LanesError` for an address that cannot be read."""
    link = Link(address(url), owner, now)
    return OnRedis(RedisLanes(link, now), RedisBus(link), RedisRemembered(link), RedisRates(link), link)
