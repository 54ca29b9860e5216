"""A PostgreSQL database as one side of a transfer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from graphlib import TopologicalSorter
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]

from store import audit
from store.engine import LedgerError
from store.postgres import LOCK_SPACE, PRESENCE_LOCK, WRITE_LOCK
from store.postgres_link import CONNECT_SECONDS, Address, in_our_words, not_let_in
from store.transfer import BATCH, REVISION, RowRefused

LONG_SECONDS: Final = 3_600.0
"""For a statement that reads a whole table."""
_COLUMNS: Final = (
    "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    " AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> $1 ORDER BY c.relname, a.attnum"
)
_REFERENCES: Final = (
    "SELECT c.relname, r.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
    " JOIN pg_class r ON r.oid = k.confrelid WHERE k.contype = 'f' AND c.relname <> r.relname"
)
_COUNTERS: Final = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND is_identity = 'YES'"
)


class PostgresSide:
    """`store.transfer.Source` and `Target` on one connection, inside its open transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def revision(self) -> str:
        there = await self._connection.fetchval("SELECT to_regclass($1) IS NOT NULL", REVISION)
        found = await self._connection.fetchval(f"SELECT version_num FROM {REVISION}") if there else None  # noqa: S608
        return str(found or "")

    async def tables(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for table, column in await self._connection.fetch(_COLUMNS, REVISION):
            found.setdefault(table, []).append(column)
        references = await self._connection.fetch(_REFERENCES)
        return {table: tuple(found[table]) for table in ordered(found, ((one[0], one[1]) for one in references))}

    async def count(self, table: str) -> int:
        return int(await self._connection.fetchval(f"SELECT count(*) FROM {table}", timeout=LONG_SECONDS))  # noqa: S608

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[tuple[Any, ...]]]:
        cursor = await self._connection.cursor(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608
        while some := await cursor.fetch(BATCH):
            yield [tuple(row) for row in some]

    async def empty(self, tables: Sequence[str]) -> None:
        if tables:  # at once, for they refer to each other
            await self._connection.execute(f"TRUNCATE {', '.join(tables)}", timeout=LONG_SECONDS)

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            await self._connection.copy_records_to_table(table, records=rows, columns=list(columns))
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, OverflowError) as refused:
            raise RowRefused(str(refused).splitlines()[0]) from refused

    async def last_line(self) -> audit.Head:
        return audit.head_of(await self._connection.fetchrow(audit.NEWEST))

    async def go_on_counting(self) -> None:
        for table, column in await self._connection.fetch(_COUNTERS):
            await self._connection.execute(
                f"SELECT setval(pg_get_serial_sequence($1, $2), (SELECT max({column}) FROM {table}))"  # noqa: S608
                f" WHERE EXISTS (SELECT 1 FROM {table})",
                table,
                column,
                timeout=LONG_SECONDS,
            )


def ordered(tables: Mapping[str, object], references: Iterable[tuple[str, str]]) -> list[str]:
    """Every table after those that it refers to."""
    sorter: TopologicalSorter[str] = TopologicalSorter({table: () for table in sorted(tables)})
    for table, to in references:
        if table in tables and to in tables:
            sorter.add(table, to)
    return list(sorter.static_order())


async def is_new(url: str) -> bool:
    """Nobody has made a table there yet. Raises `LedgerError` (`not_a_ledger`) for somebody else's database."""
    async with _connected(url) as connection:
        names = {row[0] for row in await connection.fetch(_COLUMNS, "")}
        if names and REVISION not in names:
            raise LedgerError("not_a_ledger", path=Address.of(url).shown, detail=", ".join(sorted(names)[:3]))
        return not names


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[PostgresSide]:
    """One snapshot of a ledger that may be in use. Raises `LedgerError`."""
    async with _connected(url) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield PostgresSide(connection)


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[PostgresSide]:
    """Alone in the installation; everything is kept at the end of the block, or nothing. Raises `LedgerError`:
    `ledger_served` while a process of Loa is alive there."""
    async with _connected(url) as connection, connection.transaction():
        for lock in (WRITE_LOCK, PRESENCE_LOCK):
            await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {lock})")
        alive = await connection.fetchval(
            "SELECT count(*) FROM worker WHERE expires_at >= extract(epoch FROM clock_timestamp())"
        )
        if alive:
            raise LedgerError("ledger_served", count=str(alive))
        yield PostgresSide(connection)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    """Not behind a pool: a transfer is one long transaction on a connection of its own."""
    address = Address.of(url)
    try:
        connection = await address.connect()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as refused:
        raise not_let_in(address, refused) from refused
    try:
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as failed:
        raise in_our_words(failed, address) from failed
    finally:
        with suppress(Exception):
            await connection.close(timeout=CONNECT_SECONDS)
        connection.terminate()
