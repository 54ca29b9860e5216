"""Live hints between processes: Redis pub/sub behind the bus inside each of them.

Publishing never waits: followers of the same process hear at once, the others as soon as Redis takes it, and what it
does not take is forgotten, since pages read the ledger anyway when they open and every few seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final

import orjson
import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from lanes.memory import FOLLOWER_MEMORY, MemoryBus
from lanes.redis_link import Gone, Link, told_to_end

log = structlog.get_logger(__name__)

LISTEN_SECONDS: Final = 1.0
"""Longest look at the line before the next ping is considered."""
PING_SECONDS: Final = 5.0
"""After so long a silence the line is tried; without an answer for as long again it is made anew."""
PAUSE_AFTER_ERROR_SECONDS: Final = 0.5


class RedisBus:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._own = MemoryBus()
        self._out: deque[bytes] = deque(maxlen=FOLLOWER_MEMORY)
        self._some = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def _channel(self) -> str:
        return f"{self._link.prefix}bus"

    def publish(self, topic: str, event: dict[str, Any]) -> None:
        self._own.publish(topic, event)
        if self._link.up:
            self._out.append(orjson.dumps([self._link.owner, topic, event]))
            self._some.set()

    def follow(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        return self._own.follow(*topics)

    def start(self) -> None:
        """Once the link was opened."""
        self._tasks = [
            asyncio.create_task(self._speak(), name="bus-speak"),
            asyncio.create_task(self._listen(), name="bus-listen"),
        ]

    async def stop(self) -> None:
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _speak(self) -> None:
        while not self._stopping:
            await self._some.wait()
            self._some.clear()
            while self._out:
                with suppress(Gone):
                    await self._link.call("PUBLISH", self._channel, self._out.popleft())

    async def _listen(self) -> None:
        while not (self._stopping or told_to_end()):
            await self._link.wait_up()
            client = self._link.client()
            try:
                async with client.pubsub() as heard:
                    await heard.subscribe(self._channel)
                    await self._hear(heard)
            except (RedisError, OSError, TimeoutError) as failed:
                log.debug("bus_line_lost", error=type(failed).__name__)
            except Exception:
                log.exception("bus_failed")
            finally:
                with suppress(RedisError, OSError, TimeoutError):
                    await client.aclose()
            await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)

    async def _hear(self, heard: PubSub) -> None:
        """Until the line is dead. Raises what redis-py raises, and TimeoutError."""
        clock = asyncio.get_running_loop().time
        last, asked = clock(), False
        while True:
            said = await heard.get_message(timeout=LISTEN_SECONDS)
            if said is not None:
                last, asked = clock(), False
                if said["type"] == "message":
                    self._pass_on(said["data"])
            elif clock() - last > 2 * PING_SECONDS:
                raise TimeoutError
            elif clock() - last > PING_SECONDS and not asked:
                asked = True
                await heard.ping()

    def _pass_on(self, data: bytes) -> None:
        try:
            owner, topic, event = orjson.loads(data)
        except ValueError:
            return  # of a version that writes otherwise
        if owner != self._link.owner:
            self._own.publish(topic, event)
