"""The ports that lanes and bus fill, in-process or on Redis.

A lane entry is only a wake-up: SQL decides a claim. So entries may be lost, doubled or late without harm; the
reconciler announces again what the ledger still holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.contract import Priority


class LanesError(Exception):
    """The lanes cannot be used as they are configured; `key` names the sentence in `locale/` (`settings.<key>`)."""

    def __init__(self, key: str, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


@dataclass(frozen=True, slots=True)
class Work:
    """A chunk with something to send, not before `not_before` (epoch seconds; 0: at once)."""

    channel: str
    priority: Priority
    chunk: int
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Away:
    """The shared lanes do not answer; this process works on from the ledger alone. `since` in epoch seconds."""

    since: float
    why: str
    """One of our words: unreachable, silent, password, full, read_only, loading, other_office, refused."""


class Lanes(Protocol):
    @property
    def alone(self) -> bool:
        """What is announced here is heard by this process only: whoever works must look into the ledger himself."""

    async def announce(self, channel: str, priority: Priority, chunk: int, not_before: float = 0.0) -> None:
        """There is work on `chunk`, not before that time (epoch seconds). Doubled announcements are one, due at the
        earlier of their times."""

    async def announce_all(self, work: Sequence[Work]) -> None:
        """Many at once, in this order."""

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


class Remembered(Protocol):
    """What was surely stored a short while ago, so that its repetition need not be stored again. A hint: whoever is
    not remembered is stored, and the ledger's own key keeps it from being twice."""

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of `keys` that were noted in the last minutes."""

    async def note(self, keys: Sequence[str]) -> None:
        """These are committed."""
