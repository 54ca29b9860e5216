"""Everything that processes share on one Redis, opened and closed together."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from redis.exceptions import RedisError

from adapters.contract import Now
from lanes.opening import OpenedLanes
from lanes.port import Away, LanesError
from lanes.redis_address import address, refusal, why
from lanes.redis_bus import RedisBus
from lanes.redis_lanes import RedisLanes
from lanes.redis_link import COMMAND_SECONDS, Link, client
from lanes.redis_owner import Owner, check_version
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


async def look(url: str) -> str:
    """The version of the Redis there, for an operator's check. Raises `LanesError`, also where nobody answers."""
    where = address(url)
    redis = client(where, COMMAND_SECONDS)
    try:
        return await check_version(redis, where)
    except (RedisError, OSError, TimeoutError, LanesError) as failed:
        refused = refusal(failed, where)
        raise refused or LanesError("lanes_unreachable", where=where.shown, why=why(failed)) from None
    finally:
        with suppress(RedisError, OSError):
            await redis.aclose()
