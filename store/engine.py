"""The ledger as everybody sees it: transactions as closures, and the words for what can go wrong.

A caller sends a whole transaction as one closure, `await ledger.write(lambda tx: …)`; the closure runs on a thread of
the ledger and the call returns after the commit. Closures that wait together for one thread share one commit
(`store.group_commit`). A caller that is cancelled leaves its closure to end. Which database keeps the ledger is decided
by its URL (`store.opening`): SQLite (`store.sqlite`) or PostgreSQL (`store.postgres`).

`write` runs its closure as if nothing else wrote at that time: on SQLite because one connection writes, on PostgreSQL
under a lock that all ordinary transactions of the installation take alone (docs/decisions/0017). `write(beside=True)`
is for the hot path: such closures run beside each other, never beside an ordinary one, and have to lock the rows that
they read and then write (`Tx.for_update`). `write_presence` is for the leases of processes, which must not run out
because others have much to write.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

READER_THREADS: Final = 3
"""Cold reads at once; measured enough for a console (2 cores)."""


class Rows(Protocol):
    """What a statement gives back. `rowcount` counts the rows that a change met; a SELECT's is not to be used."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Tx(Protocol):
    """One open transaction. Rows come as tuples. `?` marks a parameter."""

    @property
    def for_update(self) -> str:
        """Ends a SELECT whose rows are written later in the same `beside` transaction; ask in ascending order."""
        ...

    def clock(self) -> float:
        """Seconds since the epoch, as the machine of the ledger has them; of an SQLite file that is this machine."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> object:
        """One after the other, in order."""
        ...

    def insert_many(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], on_conflict: str = ""
    ) -> int:
        """Insert many rows as fast as the engine can; how many were. `on_conflict`: the clause after ON CONFLICT; no
        row may meet another one of the same call."""
        ...

    def update_many(
        self, table: str, changes: Sequence[str], rows: Iterable[Sequence[Any]], seen: Sequence[str] = ()
    ) -> None:
        """Change many rows by `id`. `changes`: `"column = ?"` or an expression with one mark; a row holds their values
        in order, then the id, then what the columns in `seen` held when they were read. Every id comes once; where
        several write, rows are changed in the order of their ids.

        Where one of them holds something else by now the transaction is undone and run again: for `beside`
        transactions that read rows without locking them."""
        ...

    def among(self, sql: str, values: Sequence[Any], parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a statement with `IN (?*)`, for any number of `values`. `parameters` are its other marks."""
        ...

    def add_partition(self, table: str, name: str, values: str, options: str = "") -> bool:
        """Make `<table>_<name>` for these values, where the engine parts tables and nobody else has made it. False:
        there is none."""
        ...

    def set_partition(self, table: str, name: str, options: str) -> bool:
        """Give `<table>_<name>` other options, where the engine parts tables and has that one. False: it is as it
        was."""
        ...


class LedgerError(Exception):
    """The ledger cannot be used; `key` names the sentence in `locale/` (`error.<key>`)."""

    def __init__(self, key: str, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class Overtaken(Exception):
    """A `beside` transaction changed a row that this one had read: nothing of this one is stored, and it is run
    again."""


class LedgerWriteError(LedgerError):
    """A transaction could not be committed: nothing of it is stored."""


class Ledger(ABC):
    """A ledger of one process. `url` is without a password; `files` is the folder of the attachments' bytes."""

    def __init__(self, url: str, files: Path) -> None:
        self.url = url
        self.files = files
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="ledger-read")
        self._local = threading.local()
        self._closed = False

    @property
    @abstractmethod
    def commits(self) -> int:
        """Since it was opened."""

    @abstractmethod
    def open(self) -> None:
        """Connect and start the threads. Raises `LedgerError` (`ledger_in_use`, `ledger_not_writable`,
        `ledger_unreachable`)."""

    async def close(self) -> None:
        """Finish what was sent, then close."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._end)

    async def write(self, fn: Callable[[Tx], T], *, beside: bool = False) -> T:
        """Run `fn` in a transaction; returns its value after the commit, raises what it raised after its undoing. It
        may be run again after an undoing that was not its own fault, so it changes nothing but its transaction."""
        if self._closed:
            raise LedgerWriteError("ledger_closed")
        value: T = await self._send(fn, beside)
        return value

    async def write_presence(self, fn: Callable[[Tx], T]) -> T:
        """`write` for what lives only as long as the process that wrote it (`worker`, `lease`, `light`), for nothing
        else: on PostgreSQL past whatever waits to be written, and alone among its kind only."""
        if self._closed:
            raise LedgerWriteError("ledger_closed")
        value: T = await self._send_presence(fn)
        return value

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction that cannot write, on the last committed state, beside all writers."""
        if self._closed:
            raise LedgerError("ledger_closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    @abstractmethod
    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """Held by one task of one process at a time, of all that use this ledger; free when its process ends however it
        ends. Raises `LedgerError` (`ledger_lock`)."""

    @abstractmethod
    async def _send(self, fn: Callable[[Tx], Any], beside: bool) -> Any:
        """To the thread that writes."""

    async def _send_presence(self, fn: Callable[[Tx], Any]) -> Any:
        """With all others, where no other process shares the ledger."""
        return await self._send(fn, False)

    @abstractmethod
    def _read(self, fn: Callable[[Tx], T]) -> T:
        """On a thread of the readers, each of which keeps a connection in `_local`."""

    @abstractmethod
    def _end(self) -> None:
        """Run what was sent and let go of everything, the readers too. May block."""
