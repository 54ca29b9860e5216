"""The ports that lanes and bus fill, in-process or on Redis.

A lane entry is only a wake-up: SQL decides a claim. So entries may be lost, doubled or late without harm; the
reconciler announces again what the ledger still holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from adapters.contract import Priority


class Lanes(Protocol):
    async def announce(self, channel: str, priority: Priority, chunk: int, not_before: float = 0.0) -> None:
        """There is work on `chunk`, not before that time (epoch seconds). Doubled announcements are one."""

    async def next(self, channel: str, priorities: Sequence[Priority]) -> int:
        """Wait for the next chunk of a channel, most urgent first, oldest first among equals."""

    async def depth(self, channel: str) -> int:
        """How many chunks wait."""

    async def close(self) -> None: ...


class Bus(Protocol):
    """Live hints to pages. Never the truth: whoever misses one reads the ledger."""

    def publish(self, topic: str, event: dict[str, Any]) -> None: ...

    def follow(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """Events published from now on, each with its `topic`. A follower that is too slow loses the oldest."""
