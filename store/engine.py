"""The ledger's engine: one writer thread, read-only readers, group commit (docs/decisions/0002).

A caller sends the writer a whole transaction as one closure, `await ledger.write(lambda tx: …)`; the closure runs on
the writer thread and the call returns after the commit. Closures that wait together share one commit, each behind its
own savepoint, so that one that raises does not undo the others. A caller that is cancelled leaves its closure to end.

SQLite: exactly one connection of one process may write or checkpoint; readers open `mode=ro`, which cannot
(sqlite.org/wal.html#walreset; versions before 3.51.3 can otherwise lose committed pages). A lock file keeps a second
service out.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import structlog

from store import commits

T = TypeVar("T")
log = structlog.get_logger(__name__)

READER_THREADS = 3
"""Cold reads at once; measured enough for a console (2 cores)."""
CHECKPOINT_PAGES = 16_000
"""WAL pages between checkpoints: 45.5k lives/s against 26.5k at SQLite's default of 1,000 (measured, 2 cores)."""
CACHE_KIB = 40 * 1024
"""Of the writer. With a million recipients it fills up, and the process is to stay below 250 MB (`sms-list`)."""
BUSY_TIMEOUT_MS = 5_000
CLOSURES_PER_COMMIT = 64
"""Most closures that share one commit."""


class Rows(Protocol):
    """What a statement gives back."""

    @property
    def rowcount(self) -> int: ...

    @property
    def lastrowid(self) -> int | None: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Any: ...


class Tx(Protocol):
    """One open transaction. Rows come as tuples. `?` marks a parameter."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows: ...


class LedgerError(Exception):
    """The ledger cannot be used; `key` names the sentence in `locale/` (`error.<key>`)."""

    def __init__(self, key: str, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class LedgerWriteError(LedgerError):
    """A transaction could not be committed: nothing of it is stored."""


class _Job:
    __slots__ = ("fn", "future", "loop")

    def __init__(self, fn: Callable[[Any], Any], future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.fn = fn
        self.future = future
        self.loop = loop


class Ledger:
    """The SQLite ledger of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="ledger-read")
        self._local = threading.local()
        self._writer: threading.Thread | None = None
        self._lock_file: IO[str] | None = None
        self._closed = False
        self.commits = 0

    def open(self) -> None:
        """Take the lock and start the writer. Raises `LedgerError` (`ledger_in_use`, `ledger_not_writable`)."""
        self._lock_file = hold_lock(self.path)
        connection = connect_writer(self.path)
        self._writer = threading.Thread(target=self._write_loop, args=(connection,), name="ledger-write", daemon=True)
        self._writer.start()

    async def close(self) -> None:
        """Finish what was sent, then close."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.join)
        self._readers.shutdown(wait=True)
        if self._lock_file is not None:
            self._lock_file.close()

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction; returns its value after the commit, raises what it raised after its undoing."""
        if self._closed:
            raise LedgerWriteError("ledger_closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(fn, future, loop))
        return await asyncio.shield(future)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a read-only connection, beside the writer, on the last committed state."""
        if self._closed:
            raise LedgerError("ledger_closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    def _read(self, fn: Callable[[Tx], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect_reader(self.path)
            self._local.connection = connection
        connection.execute("BEGIN")
        try:
            return fn(connection)
        finally:
            connection.execute("ROLLBACK")

    def _write_loop(self, connection: sqlite3.Connection) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                break
            jobs = [job]
            ending = False
            while len(jobs) < CLOSURES_PER_COMMIT:
                try:
                    more = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    ending = True
                    break
                jobs.append(more)
            began = time.perf_counter()
            results = _commit_together(connection, [job.fn for job in jobs])
            commits.committed(len(jobs), time.perf_counter() - began)
            _answer(jobs, results)
            self.commits += 1
            if ending:
                break
        connection.close()


Result = tuple[bool, Any]


def _commit_together(connection: sqlite3.Connection, closures: Sequence[Callable[[Tx], Any]]) -> list[Result]:
    """One transaction for all; each closure behind a savepoint. (ok, value or exception) per closure."""
    results: list[Result] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for closure in closures:
            results.append(_run_one(connection, closure, alone=len(closures) == 1))
        connection.execute("COMMIT")
    except Exception as failed:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        error = write_error(failed)
        if isinstance(error, LedgerError):
            log.error("ledger_commit_failed", reason=error.key, closures=len(closures))
            commits.failed(error.key)
        return [result if not result[0] else (False, error) for result in results] + [(False, error)] * (
            len(closures) - len(results)
        )
    return results


def _run_one(connection: sqlite3.Connection, closure: Callable[[Tx], Any], *, alone: bool) -> Result:
    if not alone:
        connection.execute("SAVEPOINT one")
    try:
        value = closure(connection)
    except Exception as raised:
        if not connection.in_transaction or alone:
            # Disk-full and I/O errors undo the whole transaction by themselves (sqlite.org/lang_transaction.html).
            raise
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return False, raised
    if not alone:
        connection.execute("RELEASE one")
    return True, value


def _answer(jobs: Sequence[_Job], results: Sequence[Result]) -> None:
    """Wake the callers, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Result]]] = {}
    for job, result in zip(jobs, results, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, result))
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set_results, answers)
        except RuntimeError:  # the loop is gone; so is whoever waited
            continue


def _set_results(answers: list[tuple[asyncio.Future[Any], Result]]) -> None:
    for future, (ok, value) in answers:
        if future.done():
            continue
        if ok:
            future.set_result(value)
        else:
            future.set_exception(value)


def write_error(raised: Exception) -> Exception:
    """The engine's own failures in our words; a closure's own exception stays what it is."""
    if not isinstance(raised, sqlite3.Error):
        return raised
    if isinstance(raised, sqlite3.IntegrityError):
        return raised
    text = str(raised)
    if "full" in text:
        return LedgerWriteError("disk_full")
    if "readonly" in text or "read-only" in text:
        return LedgerWriteError("ledger_read_only")
    return LedgerWriteError("ledger_write_failed", detail=text)


def hold_lock(path: Path) -> IO[str]:
    """An advisory lock beside the ledger, freed by the kernel when the process ends however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = open(path.with_name(path.name + ".lock"), "a+")  # noqa: SIM115  held for the process's life
    except OSError as refused:
        raise LedgerError("ledger_not_writable", path=str(path.parent)) from refused
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as taken:
        lock_file.close()
        raise LedgerError("ledger_in_use", path=str(path)) from taken
    lock_file.truncate(0)
    lock_file.write(str(os.getpid()))
    lock_file.flush()
    return lock_file


def connect_writer(path: Path) -> sqlite3.Connection:
    """The only connection that may write. `synchronous=FULL`: a commit survives power loss."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    except sqlite3.Error as refused:
        raise LedgerError("ledger_not_writable", path=str(path.parent)) from refused
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A handle that can neither write nor checkpoint."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    return connection
