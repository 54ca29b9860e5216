"""What web processes stored a short while ago: a provider that repeats a call is answered without a second write."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from lanes.redis_link import Gone, Link, Script

REMEMBER_MS: Final = 600_000
"""Ten minutes: providers repeat within seconds to minutes. Short, since after a ledger was restored from a backup these
are events that it no longer has."""

NOTE: Final = Script(
    """
for i = 1, #KEYS do redis.call('SET', KEYS[i], '1', 'PX', ARGV[1]) end
return redis.status_reply('OK')
"""
)


class RedisRemembered:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        if not keys:
            return frozenset()
        try:
            found = await self._link.call("MGET", *map(self._key, keys))
        except Gone:
            return frozenset()
        return frozenset(key for key, there in zip(keys, found, strict=True) if there is not None)

    async def note(self, keys: Sequence[str]) -> None:
        if keys:
            try:
                await self._link.run(NOTE, [self._key(key) for key in keys], REMEMBER_MS)
            except Gone:
                return

    def _key(self, key: str) -> str:
        """Hashed: event ids may hold what people wrote or who they are."""
        return f"{self._link.prefix}seen:{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"
