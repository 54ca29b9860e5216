"""Lanes on Redis Streams, with a lane of our own behind them for the time when Redis is away.

Workers always wait at the own lane. A reader for each channel and set of priorities brings entries there, one for each
worker that waits: first the most urgent one that is there (a script reads the streams in order of priority and takes
the entry out), then by a blocking read that the server ends with the next announcement. A blocking read is never
cancelled: `CLIENT UNBLOCK` ends it. An entry whose reader died in between is found by XAUTOCLAIM
(`lanes.redis_keeper`); one that died with its process after it was taken is announced again by the reconciler.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from adapters.contract import Now, Priority
from lanes.memory import MemoryLanes
from lanes.port import Work
from lanes.redis_keeper import Keeper
from lanes.redis_link import COMMAND_SECONDS, Gone, Link, told_to_end
from lanes.redis_scripts import ANNOUNCE, GROUP, LATER_AT_ONCE, TAKE, TAKEN, keys

log = structlog.get_logger(__name__)

BLOCK_SECONDS: Final = 2.0
"""Longest blocking read: entries whose time comes are looked at so often."""
SHORTEST_BLOCK_SECONDS: Final = 0.005
ANNOUNCED_AT_ONCE: Final = 500
"""Chunks in one call: about 1 ms of the server."""
UNBLOCK_SECONDS: Final = 0.05
"""How often a stop asks the server to end reads that wait."""
PAUSE_AFTER_ERROR_SECONDS: Final = 1.0


@dataclass(slots=True)
class Reader:
    """Of one channel and set of priorities, with a connection of its own."""

    channel: str
    priorities: tuple[Priority, ...]
    waiting: int = 0
    """Workers at the own lane."""
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    client: Redis | None = None
    blocked: int | None = None
    """The connection's id on the server, while it reads blocking."""
    task: asyncio.Task[None] | None = None


class RedisLanes:
    def __init__(self, link: Link, now: Now = time.time) -> None:
        self._link = link
        self._now = now
        self._own = MemoryLanes(now)
        self._readers: dict[tuple[str, tuple[Priority, ...]], Reader] = {}
        self._keeper = Keeper(link)
        self._returning: asyncio.Task[None] | None = None
        self._stopping = False
        link.on_back.append(self._back)

    @property
    def alone(self) -> bool:
        return not self._link.up

    def start(self) -> None:
        """Once the link was opened."""
        self._keeper.start()

    async def announce(self, channel: str, priority: Priority, chunk: int, not_before: float = 0.0) -> None:
        await self.announce_all([Work(channel, priority, chunk, not_before)])

    async def announce_all(self, work: Sequence[Work]) -> None:
        """What Redis does not take is announced in this process."""
        by_channel: dict[str, list[Work]] = {}
        for one in work:
            by_channel.setdefault(one.channel, []).append(one)
        for channel, mine in by_channel.items():
            for at in range(0, len(mine), ANNOUNCED_AT_ONCE):
                some = mine[at : at + ANNOUNCED_AT_ONCE]
                arguments = [part for one in some for part in (one.chunk, int(one.priority), one.not_before)]
                try:
                    await self._link.run(ANNOUNCE, keys(self._link, channel), self._now(), *arguments)
                except Gone:
                    await self._own.announce_all(some)

    async def next(self, channel: str, priorities: Sequence[Priority]) -> int:
        reader = self._reader(channel, tuple(priorities))
        reader.waiting += 1
        reader.wanted.set()
        try:
            return await self._own.next(channel, priorities)
        finally:
            reader.waiting -= 1

    async def depth(self, channel: str) -> int:
        own: int = await self._own.depth(channel)
        _, later, *streams = keys(self._link, channel)
        try:
            counts = [await self._link.call("XLEN", stream) for stream in streams]
            later_count = await self._link.call("ZCARD", later)
            return own + sum(map(int, counts)) + int(later_count)
        except Gone:
            return own

    async def close(self) -> None:
        """Reads that wait are ended by the server; what nobody here took goes back for another process."""
        self._stopping = True
        await self._keeper.stop()
        for reader in self._readers.values():
            reader.wanted.set()
        open_still = {reader.task for reader in self._readers.values() if reader.task is not None}
        deadline = time.monotonic() + BLOCK_SECONDS + COMMAND_SECONDS
        while open_still and time.monotonic() < deadline:
            await self._unblock()
            _, open_still = await asyncio.wait(open_still, timeout=UNBLOCK_SECONDS)
        await self._end(open_still)
        await self._give_back()
        await self._own.close()

    async def vanish(self) -> None:
        """Stop as a killed process would: lines are cut, nothing is said."""
        self._stopping = True
        await self._keeper.stop()
        await self._end({reader.task for reader in self._readers.values() if reader.task is not None})

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _back(self) -> None:
        self._returning = asyncio.create_task(self._give_back(), name="lanes-back")

    async def _give_back(self) -> None:
        """What was announced in this process while Redis was away is for all again."""
        if self._link.up:
            await self.announce_all(self._own.take_all())

    async def _unblock(self) -> None:
        for reader in self._readers.values():
            if reader.blocked is not None:
                with suppress(Gone):
                    await self._link.call("CLIENT", "UNBLOCK", reader.blocked)

    # Reading

    def _reader(self, channel: str, priorities: tuple[Priority, ...]) -> Reader:
        reader = self._readers.get((channel, priorities))
        if reader is None:
            reader = self._readers[channel, priorities] = Reader(channel, priorities)
            self._keeper.channels.add(channel)
            reader.task = asyncio.create_task(self._read(reader), name=f"lane-{channel}")
        return reader

    async def _read(self, reader: Reader) -> None:
        try:
            while not (self._stopping or told_to_end()):
                try:
                    await self._bring(reader)
                except Gone:
                    await self._away(reader)
                except Exception:
                    log.exception("lane_reader_failed", channel=reader.channel)
                    await self._away(reader)
                    await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)
        finally:
            await self._away(reader)

    async def _bring(self, reader: Reader) -> None:
        """One entry, or the end of one blocking read. Raises `Gone`."""
        if not self._link.up:
            waits = asyncio.ensure_future(self._link.wait_up())
            try:
                await asyncio.wait([waits], timeout=BLOCK_SECONDS)
            finally:
                waits.cancel()
            return
        if reader.waiting <= self._own.ready(reader.channel, reader.priorities):
            if reader.waiting:
                await asyncio.sleep(SHORTEST_BLOCK_SECONDS)  # they are about to take what is there
            elif not self._stopping:
                reader.wanted.clear()
                await reader.wanted.wait()
            return
        wanted = [int(priority) for priority in sorted(reader.priorities)]
        found, what = await self._link.run(
            TAKE, keys(self._link, reader.channel), self._now(), GROUP, self._link.owner, LATER_AT_ONCE, *wanted
        )
        if found:
            self._own.put(reader.channel, int(what), int(found), 0.0)
            return
        wait = min(BLOCK_SECONDS, max(SHORTEST_BLOCK_SECONDS, float(what) - self._now())) if what else BLOCK_SECONDS
        await self._block(reader, wanted, wait)

    async def _block(self, reader: Reader, wanted: Sequence[int], seconds: float) -> None:
        if self._stopping:
            return
        streams = [keys(self._link, reader.channel)[2 + priority] for priority in wanted]
        try:
            if reader.client is None:
                reader.client = self._link.client()
                reader.blocked = int(await reader.client.client_id())
            reading = reader.client.xreadgroup(
                GROUP, self._link.owner, dict.fromkeys(streams, ">"), count=1, block=max(1, int(seconds * 1000))
            )
            async with asyncio.timeout(seconds + COMMAND_SECONDS):  # ended only where the line is dead
                answer = await reading
        except ResponseError as refused:
            if "NOGROUP" not in str(refused) and "UNBLOCKED" not in str(refused):
                self._link.lost(refused)
                raise Gone from refused
            return  # emptied meanwhile: the next look makes the groups anew
        except (RedisError, OSError, TimeoutError) as failed:
            self._link.lost(failed)
            raise Gone from failed
        taken = _entries(answer)
        try:
            if taken:  # out of the lane before somebody works on it, who may announce it again
                flat = [part for one in taken for part in one]
                await self._link.run(TAKEN, keys(self._link, reader.channel), GROUP, *flat)
        finally:
            for priority, _, chunk in taken:
                self._own.put(reader.channel, priority, chunk, 0.0)

    async def _away(self, reader: Reader) -> None:
        made, reader.client, reader.blocked = reader.client, None, None
        if made is not None:
            with suppress(RedisError, OSError, TimeoutError):
                await made.aclose()


def _entries(answer: Any) -> list[tuple[int, str, int]]:
    """(priority, entry, chunk) of an XREADGROUP; an entry without its body was deleted meanwhile."""
    return [
        (int(stream.rpartition(b":")[2]), entry.decode(), int(fields[b"c"]))
        for stream, entries in answer or ()
        for entry, fields in entries
        if fields
    ]
