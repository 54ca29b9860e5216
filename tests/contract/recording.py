"""What a channel is given in the contract tests: a sink that remembers, durable state in memory, a report book."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from adapters.contract import Accepted, Incoming, LedgerUnavailable, Outcome, Receipt, Rejected, Unknown

POLL_SECONDS = 0.005
EVENTUALLY = 20.0
"""Seconds: how long a loaded machine may take for what takes a moment. Only a failure ever waits so long."""


@dataclass(slots=True)
class RecordingSink:
    """A ledger in memory. `refuse` commits are refused first; every commit takes `delay` seconds and waits for `opened`
    where there is one."""

    refuse: int = 0
    delay: float = 0.0
    opened: asyncio.Event | None = None
    refused: int = 0
    handed: list[int] = field(default_factory=list)
    """Receipts of each batch that came, stored or not."""
    batches: list[int] = field(default_factory=list)
    all_receipts: list[Receipt] = field(default_factory=list)
    all_incoming: list[Incoming] = field(default_factory=list)
    inbox: dict[tuple[str, str], Incoming] = field(default_factory=dict)
    """What the ledger keeps: one row per (channel, event_id), as the core de-duplicates."""

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        self.handed.append(len(batch))
        await self._commit()
        self.batches.append(len(batch))
        self.all_receipts.extend(batch)

    async def incoming(self, batch: Sequence[Incoming]) -> None:
        await self._commit()
        for event in batch:
            self.all_incoming.append(event)
            self.inbox.setdefault((event.channel, event.event_id), event)

    async def _commit(self) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.opened is not None:
            await self.opened.wait()
        if self.refuse > 0:
            self.refuse -= 1
            self.refused += 1
            raise LedgerUnavailable("refused by the test")

    def receipts_for(self, outcome: Outcome) -> list[Receipt]:
        """Receipts that the ledger would match to a message, by the provider ids of its outcome."""
        ids = set() if isinstance(outcome, Rejected) else set(outcome.provider_ids)
        return [receipt for receipt in self.all_receipts if ids.intersection(receipt.keys)]


class MemoryState:
    """`DurableState` in memory; outlives a channel in a test as the database outlives a process.

    `journal` lists the writes in order ("put key", "delete key"), for tests of what was durable before what.
    """

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.journal: list[str] = []
        self.refuse = 0
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        await asyncio.sleep(0)
        if self.refuse > 0:
            self.refuse -= 1
            raise LedgerUnavailable("refused by the test")
        self.values[key] = value
        self.journal.append(f"put {key}")

    async def delete(self, *keys: str) -> None:
        await asyncio.sleep(0)
        for key in keys:
            self.values.pop(key, None)
            self.journal.append(f"delete {key}")

    async def items(self, prefix: str) -> Mapping[str, bytes]:
        return {key: value for key, value in self.values.items() if key.startswith(prefix)}

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        return self._held(self._locks.setdefault(key, asyncio.Lock()))

    @asynccontextmanager
    async def _held(self, lock: asyncio.Lock) -> AsyncIterator[None]:
        async with lock:
            yield


@dataclass(slots=True)
class ReportBook:
    """Every outcome reported, per delivery id, in order. A second report for one id is a broken promise."""

    outcomes: dict[int, list[Outcome]] = field(default_factory=dict)

    def __call__(self, delivery_id: int, outcome: Outcome) -> None:
        assert isinstance(outcome, Accepted | Rejected | Unknown)
        self.outcomes.setdefault(delivery_id, []).append(outcome)

    def one(self, delivery_id: int) -> Outcome:
        (outcome,) = self.outcomes[delivery_id]
        return outcome


async def until(true: Callable[[], bool], within: float = EVENTUALLY, what: str = "") -> None:
    """Wait until a fact holds; fails with `what` when it does not within so many seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while not true():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {within:g} s: {what or true}")
        await asyncio.sleep(POLL_SECONDS)
