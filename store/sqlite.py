"""The ledger in one SQLite file: one writer thread, read-only readers (docs/decisions/0002).

Exactly one connection of one process may write or checkpoint; readers open `mode=ro`, which cannot
(sqlite.org/wal.html#walreset; versions before 3.51.3 can otherwise lose committed pages). A lock file keeps a second
service out.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from store.engine import Ledger, LedgerError, LedgerWriteError, Tx
from store.group_commit import WritingThreads

T = TypeVar("T")

FILES: Final = "attachments"
"""The folder of attachments beside the ledger's file."""
CHECKPOINT_PAGES: Final = 16_000
"""WAL pages between checkpoints: 45.5k lives/s against 26.5k at SQLite's default of 1,000 (measured, 2 cores)."""
CACHE_KIB: Final = 40 * 1024
"""Of the writer. With a million recipients it fills up, and the process is to stay below 250 MB (`sms-list`)."""
BUSY_TIMEOUT_MS: Final = 5_000
IN_LIST: Final = 500
"""Parameters of one IN list; SQLite allows 32,766, a short list keeps the statement cache small."""
LOCK_LOOK_SECONDS: Final = 0.02
"""How often a lock that another process holds is tried again; one is held for one exchange with a provider."""


class Connection(sqlite3.Connection):
    """A `Tx` of SQLite. One connection writes, so no row has to be locked."""

    for_update: Final = ""

    def clock(self) -> float:
        return time.time()

    def insert_many(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], on_conflict: str = ""
    ) -> int:
        marks, clause = ", ".join("?" * len(columns)), f" ON CONFLICT {on_conflict}" if on_conflict else ""
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}){clause}"  # noqa: S608  names are ours
        return self.executemany(sql, rows).rowcount

    def update_many(
        self, table: str, changes: Sequence[str], rows: Iterable[Sequence[Any]], seen: Sequence[str] = ()
    ) -> None:
        still = " AND ".join(["id = ?", *(f"{name} = ?" for name in seen)])  # always true: one connection writes
        self.executemany(f"UPDATE {table} SET {', '.join(changes)} WHERE {still}", rows)  # noqa: S608  names are ours

    def among(self, sql: str, values: Sequence[Any], parameters: Sequence[Any] = ()) -> list[Any]:
        head, tail = sql.split("?*")
        before = head.count("?")
        found: list[Any] = []
        for start in range(0, len(values), IN_LIST):
            some = values[start : start + IN_LIST]
            marks = ",".join("?" * len(some))
            found += self.execute(f"{head}{marks}{tail}", (*parameters[:before], *some, *parameters[before:]))
        return found

    def add_partition(self, table: str, name: str, values: str, options: str = "") -> bool:
        return False

    def set_partition(self, table: str, name: str, options: str) -> bool:
        return False


class SqliteLedger(Ledger):
    """The SQLite ledger of one process."""

    def __init__(self, path: Path, files: Path | None = None) -> None:
        super().__init__(f"sqlite:///{path}", files or path.parent / FILES)
        self.path = path
        self._writer = WritingThreads("ledger-write")
        self._lock_file: IO[str] | None = None
        self._lock_folder = path.with_name(f"{path.name}.locks")

    @property
    def commits(self) -> int:
        return self._writer.commits

    def open(self) -> None:
        self._lock_file = hold_lock(self.path)
        self._writer.start(SqliteWriter(connect_writer(self.path)))

    def _end(self) -> None:
        self._writer.end()
        self._writer.join()
        self._readers.shutdown(wait=True)
        if self._lock_file is not None:
            self._lock_file.close()

    async def _send(self, fn: Callable[[Tx], Any], beside: bool) -> Any:
        return await self._writer.send(fn)

    def _read(self, fn: Callable[[Tx], T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect_reader(self.path)
            self._local.connection = connection
        connection.execute("BEGIN")
        try:
            return fn(connection)
        finally:
            connection.execute("ROLLBACK")

    @asynccontextmanager
    async def lock(self, key: str) -> AsyncIterator[None]:
        """By files beside the ledger that the kernel frees however a process ends."""
        held = await _hold(self._lock_folder / hashlib.sha256(key.encode()).hexdigest()[:16])
        try:
            yield
        finally:
            held.close()


class SqliteWriter:
    """`store.group_commit.Writer`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self) -> Tx:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def savepoint(self) -> None:
        self._connection.execute("SAVEPOINT one")

    def undo(self) -> bool:
        """Disk-full and I/O errors undo the whole transaction by themselves (sqlite.org/lang_transaction.html)."""
        if not self._connection.in_transaction:
            return False
        self._connection.execute("ROLLBACK TO one")
        self._connection.execute("RELEASE one")
        return True

    def release(self) -> None:
        self._connection.execute("RELEASE one")

    def undone_by_others(self, raised: Exception) -> bool:
        return False

    def in_our_words(self, raised: Exception) -> Exception:
        return write_error(raised)

    def close(self) -> None:
        self._connection.close()


def write_error(raised: Exception) -> Exception:
    """The engine's own failures in our words; a closure's own exception stays what it is."""
    if not isinstance(raised, sqlite3.Error) or isinstance(raised, sqlite3.IntegrityError):
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


async def _hold(path: Path) -> IO[str]:
    """Wait for the lock and take it; closing the file gives it back."""
    try:
        file = _opened(path)
    except OSError as refused:
        raise LedgerError("ledger_lock") from refused
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


def connect_writer(path: Path) -> Connection:
    """The only connection that may write. `synchronous=FULL`: a commit survives power loss."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    except sqlite3.Error as refused:
        raise LedgerError("ledger_not_writable", path=str(path.parent)) from refused
    return connection


def connect_reader(path: Path) -> Connection:
    """A handle that can neither write nor checkpoint."""
    connection = sqlite3.connect(
        f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, factory=Connection
    )
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    return connection
