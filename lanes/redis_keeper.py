"""Lost property: entries that were given to a reader who died before it took them, and readers that are gone.

Taking an entry from a reader who is only slow costs nothing here, since the ledger decides who sends.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from lanes.redis_link import Gone, Link
from lanes.redis_scripts import GROUP, REVIVE, keys

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 5.0
IDLE_MS: Final = 10_000
"""Given and not taken for so long: a reader takes within a round trip."""
READER_GONE_MS: Final = 3_600_000
"""A consumer that nobody used for so long and that holds nothing is struck off the group."""


class Keeper:
    """`channels`: those that this process reads."""

    def __init__(self, link: Link) -> None:
        self.channels: set[str] = set()
        self._link = link
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="lane-keeper")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except Gone:
                continue
            except Exception:
                log.exception("lane_keeper_failed")

    async def tick(self, idle_ms: int = IDLE_MS) -> int:
        """How many entries were put back. One process does it for all that read the same channels. Raises `Gone`."""
        if not self._link.up:
            return 0
        revived = 0
        for channel in sorted(self.channels):
            turn = f"{self._link.prefix}keeper:{channel}"
            if await self._link.call("SET", turn, self._link.owner, "NX", "PX", int(TICK_SECONDS * 900)):
                found = await self._link.run(
                    REVIVE, keys(self._link, channel), GROUP, self._link.owner, idle_ms, READER_GONE_MS
                )
                revived += int(found)
        if revived:
            log.info("lane_entries_revived", entries=revived)
        return revived
