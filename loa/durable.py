"""The channels' durable memory on the ledger (`adapters.contract.DurableState`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from adapters.contract import LedgerUnavailable, Now
from store import channel_state
from store.engine import Ledger, LedgerError, LedgerWriteError


class LedgerState:
    """Locks hold between all processes that use the ledger, and end with the process that holds them."""

    def __init__(self, ledger: Ledger, now: Now = time.time) -> None:
        self._ledger = ledger
        self._now = now
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str) -> bytes | None:
        return await self._ledger.read(lambda tx: channel_state.get(tx, key))

    async def put(self, key: str, value: bytes) -> None:
        try:
            await self._ledger.write(lambda tx: channel_state.put(tx, key, value, self._now()))
        except LedgerWriteError as failed:
            raise LedgerUnavailable(failed.key) from failed

    async def delete(self, *keys: str) -> None:
        try:
            await self._ledger.write(lambda tx: channel_state.delete(tx, keys))
        except LedgerWriteError as failed:
            raise LedgerUnavailable(failed.key) from failed

    async def items(self, prefix: str) -> Mapping[str, bytes]:
        return await self._ledger.read(lambda tx: channel_state.items(tx, prefix))

    @asynccontextmanager
    async def lock(self, key: str) -> AsyncIterator[None]:
        async with self._locks.setdefault(key, asyncio.Lock()), AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._ledger.lock(key))
            except LedgerError as refused:
                raise LedgerUnavailable(refused.key) from refused
            yield
