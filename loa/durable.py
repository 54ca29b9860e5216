"""The channels' durable memory on the ledger (`adapters.contract.DurableState`)."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

from adapters.contract import LedgerUnavailable, Now
from store import channel_state
from store.engine import Ledger, LedgerWriteError

LOCK_LOOK_SECONDS: Final = 0.02
"""How often a lock that another process holds is tried again; one is held for one exchange with a provider."""


class LedgerState:
    """Locks hold between the processes of one machine, by files beside the ledger that the kernel frees however a
    process ends."""

    def __init__(self, ledger: Ledger, now: Now = time.time) -> None:
        self._ledger = ledger
        self._now = now
        self._locks: dict[str, asyncio.Lock] = {}
        self._lock_folder = ledger.path.with_name(f"{ledger.path.name}.locks")

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
        async with self._locks.setdefault(key, asyncio.Lock()):
            held = await hold(self._lock_folder / hashlib.sha256(key.encode()).hexdigest()[:16])
            try:
                yield
            finally:
                held.close()


async def hold(path: Path) -> IO[str]:
    """Wait for the lock and take it; closing the file gives it back. Raises `LedgerUnavailable` without a file."""
    try:
        file = _opened(path)
    except OSError as refused:
        raise LedgerUnavailable("lock") from refused
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOCK_LOOK_SECONDS)
            else:
                return file
    except BaseException:
        file.close()
        raise


def _opened(path: Path) -> IO[str]:
    try:
        return open(path, "a", opener=_private)
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True)
        return open(path, "a", opener=_private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
