"""The ledger on PostgreSQL, for many processes on many machines (docs/decisions/0017).

An ordinary transaction takes the installation's lock alone, so that it reads and writes as if nobody else did, which is
what SQLite gives; a `beside` transaction shares it with others of its kind. The presence of processes has a lock of its
own, so that no lease runs out while the other one is waited for. Readers take no lock: each sees one snapshot.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg  # type: ignore[import-untyped]

from store.engine import Ledger, LedgerError, LedgerWriteError, Overtaken, Tx
from store.group_commit import WritingThreads
from store.postgres_link import AGAIN, CONNECT_SECONDS, Address, Link, Lost, in_our_words, unreachable
from store.postgres_tx import PostgresTx

T = TypeVar("T")

BESIDE_THREADS: Final = 2
"""Hot transactions of one process at once; two fill two cores of the server."""
READ_SECONDS: Final = 20
"""Longest statement of a reader: a report that takes longer holds the clean-up of all rows back (HOT updates fall from
96 % to 50 %, measured)."""
IDLE_SECONDS: Final = 60
"""Longest silence inside a transaction: a process that hangs does not hold the lock for ever."""
LOCK_SPACE: Final = 0x4C6F61
"""First half of the advisory locks that are no named ones ("Loa")."""
WRITE_LOCK: Final = 1
MIGRATE_LOCK: Final = 2
PRESENCE_LOCK: Final = 3
PRESENCE_IDLE_SECONDS: Final = 3
"""Longest silence inside a transaction about presence: a process that is stopped in the middle of one must not cost the
others their leases (`[roles] lease`, 15 s)."""
PRESENCE_WAIT_SECONDS: Final = 10
"""Longest wait of such a transaction for a lock; its caller tries again."""
BEGIN: Final = f"BEGIN; SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
BEGIN_READING: Final = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    f" SET LOCAL statement_timeout = '{READ_SECONDS}s';"
    f" SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
)
BEGIN_BESIDE: Final = f"{BEGIN}; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
"""All that is asked there is asked by a key. A plan that was made while a night's table was small reads all of it, and
is kept until somebody collects statistics (postgresql.org/docs/15, PREPARE, notes). Through the index alone, rows are
changed in its order, so that two who change the same ones seldom wait for each other both (11.2 there)."""
BEGIN_PRESENCE: Final = (
    f"BEGIN; SET LOCAL idle_in_transaction_session_timeout = '{PRESENCE_IDLE_SECONDS}s';"
    f" SET LOCAL lock_timeout = '{PRESENCE_WAIT_SECONDS}s'"
)
ALONE: Final = f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {WRITE_LOCK}), pg_current_xact_id()::text"
BESIDE: Final = f"SELECT pg_advisory_xact_lock_shared({LOCK_SPACE}, {WRITE_LOCK}), pg_current_xact_id()::text"
PRESENT: Final = f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {PRESENCE_LOCK}), pg_current_xact_id()::text"
NAMED_LOCK: Final = (
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
    " SET LOCAL idle_in_transaction_session_timeout = 0"
)
"""A named lock is held by an open transaction, so that it holds behind PgBouncer, too."""
DOUBT_SECONDS: Final = 15.0
"""How long we try to learn whether a commit whose answer was lost is there."""
DOUBT_LOOK_SECONDS: Final = 0.1


class PostgresLedger(Ledger):
    """One process's part in a ledger on PostgreSQL."""

    def __init__(self, url: str, files: Path) -> None:
        self._address = Address.of(url)
        super().__init__(self._address.shown, files)
        self._alone = WritingThreads("ledger-write")
        self._beside = WritingThreads("ledger-beside")
        self._presence = WritingThreads("ledger-presence")
        self._links: list[Link] = []

    @property
    def commits(self) -> int:
        return sum(threads.commits for threads in self._writing)

    @property
    def _writing(self) -> tuple[WritingThreads, ...]:
        return self._alone, self._beside, self._presence

    def open(self) -> None:
        first = Link(self._address)
        # On a thread of its own: the caller's may run an event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(first.connected).result()
        self._alone.start(PostgresWriter(first, ALONE))
        for _ in range(BESIDE_THREADS):
            self._beside.start(PostgresWriter(Link(self._address), BESIDE, BEGIN_BESIDE))
        self._presence.start(PostgresWriter(Link(self._address), PRESENT, BEGIN_PRESENCE))

    def _end(self) -> None:
        for threads in self._writing:
            threads.end()
        for threads in self._writing:
            threads.join()
        self._readers.shutdown(wait=True)
        for link in self._links:
            link.close()

    async def _send(self, fn: Callable[[Tx], Any], beside: bool) -> Any:
        return await (self._beside if beside else self._alone).send(fn)

    async def _send_presence(self, fn: Callable[[Tx], Any]) -> Any:
        return await self._presence.send(fn)

    def _read(self, fn: Callable[[Tx], T]) -> T:
        link: Link | None = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = Link(self._address)
            self._links.append(link)
        try:
            return read_once(link, fn)
        except Lost:  # while nobody used the connection, or just now: once more on a new one
            pass
        except Exception as failed:
            raise in_our_words(failed, self._address) from failed
        try:
            return read_once(link, fn)
        except Exception as failed:
            raise in_our_words(failed, self._address) from failed

    @asynccontextmanager
    async def lock(self, key: str) -> AsyncIterator[None]:
        """On a connection of its own, which the server frees when its process is gone."""
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
        connection = None
        try:
            try:
                connection = await self._address.connect()
                await connection.execute(NAMED_LOCK)
                await connection.execute("SELECT pg_advisory_xact_lock($1)", number, timeout=None)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as refused:
                raise LedgerError("ledger_lock") from refused
            yield
        finally:
            if connection is not None:
                with suppress(Exception):
                    await connection.close(timeout=CONNECT_SECONDS)
                connection.terminate()


def read_once(link: Link, fn: Callable[[Tx], T]) -> T:
    """Run `fn` on one snapshot. Raises what went wrong, in the driver's words."""
    link.run(link.connected().execute(BEGIN_READING))
    try:
        return fn(PostgresTx(link, writes=False))
    finally:
        if not link.is_lost:
            with suppress(Exception):
                link.run(link.connection.execute("ROLLBACK"))


@contextmanager
def reading(url: str) -> Iterator[Tx]:
    """`store.opening.reading`"""
    link = Link(Address.of(url))
    try:
        link.run(link.connected().execute(BEGIN_READING))
        yield PostgresTx(link, writes=False)
    except (Lost, asyncpg.PostgresError) as refused:
        detail = str(refused).splitlines()[0] if str(refused) else type(refused).__name__
        raise LedgerError("ledger_not_usable", path=link.address.shown, detail=detail) from refused
    finally:
        link.close()


class PostgresWriter:
    """`store.group_commit.Writer`; `entry` takes the installation's lock, alone or shared, or the one of presence."""

    def __init__(self, link: Link, entry: str, begin: str = BEGIN) -> None:
        self._link = link
        self._entry = entry
        self._begin = begin
        self._xid: str | None = None
        self._marked = False
        """A savepoint is open; it is released with the next one, or by the commit, for one exchange less."""
        self._tx: PostgresTx | None = None

    def begin(self) -> Tx:
        self._marked = False
        self._link.run(self._link.connected().execute(self._begin))
        self._xid = self._link.run(self._link.connection.fetchval(self._entry, column=1))
        self._tx = PostgresTx(self._link, writes=True, copies=self._tx is None or not self._tx.met)
        return self._tx

    def commit(self) -> None:
        """Returns only when it is there, raises only when it is not, or nobody can tell."""
        try:
            said = self._run("COMMIT")
        except Lost:
            if not self._is_there():
                raise
        else:
            if said != "COMMIT":  # a closure went on after a statement that was refused
                raise LedgerWriteError("ledger_write_failed", detail=said)

    def _is_there(self) -> bool:
        """The answer to the commit was lost: ask the server what became of the transaction."""
        until = time.monotonic() + DOUBT_SECONDS
        while time.monotonic() < until:
            try:
                connection = self._link.connected(until - time.monotonic())
                status = self._link.run(connection.fetchval("SELECT pg_xact_status($1::text::xid8)", self._xid))
            except asyncpg.InvalidParameterValueError:
                return False  # another server took over, and never heard of it
            except (Lost, LedgerError):
                status = "in progress"
            if status != "in progress":
                return bool(status == "committed")
            time.sleep(DOUBT_LOOK_SECONDS)
        raise unreachable(self._link.address)

    def rollback(self) -> None:
        if not self._link.is_lost and self._link.connection.is_in_transaction():
            with suppress(Exception):
                self._run("ROLLBACK")
                return
            self._link.drop()

    def savepoint(self) -> None:
        self._run("RELEASE one; SAVEPOINT one" if self._marked else "SAVEPOINT one")
        self._marked = True

    def undo(self) -> bool:
        if self._link.is_lost:
            return False
        self._run("ROLLBACK TO one; RELEASE one")
        self._marked = False
        return True

    def release(self) -> None:
        """With the next savepoint, or with the commit."""

    def undone_by_others(self, raised: Exception) -> bool:
        return isinstance(raised, Lost | Overtaken) or getattr(raised, "sqlstate", "") in AGAIN

    def in_our_words(self, raised: Exception) -> Exception:
        error = in_our_words(raised, self._link.address)
        return LedgerWriteError(error.key, **error.params) if isinstance(error, LedgerError) else error

    def close(self) -> None:
        self._link.close()

    def _run(self, script: str) -> str:
        return str(self._link.run(self._link.connection.execute(script)))
