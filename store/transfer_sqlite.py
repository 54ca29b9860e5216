"""An SQLite file as one side of a transfer."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from store import audit
from store.engine import LedgerError, LedgerWriteError
from store.postgres_tx import INSTEAD_OF_NUL, NUL
from store.transfer import BATCH, REVISION, RowRefused

BACKUP_FILES = "backup_file"
"""The table of a backup that a ledger does not have."""


class SqliteSide:
    """`store.transfer.Source` and `Target` on one connection, inside its open transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def revision(self) -> str:
        row = self._connection.execute(f"SELECT version_num FROM {REVISION}").fetchone()  # noqa: S608  a name of ours
        return str(row[0]) if row else ""

    async def tables(self) -> dict[str, tuple[str, ...]]:
        """In the order in which they were made: foreign keys are not looked at here."""
        names = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " AND name NOT IN (?, ?) ORDER BY rowid",
            (REVISION, BACKUP_FILES),
        ).fetchall()
        return {name: self._columns(name) for (name,) in names}

    def _columns(self, table: str) -> tuple[str, ...]:
        rows = self._connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,))
        return tuple(row[0] for row in rows)

    async def count(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[tuple[Any, ...]]]:
        cursor = self._connection.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608
        types = dict(self._connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall())
        has_texts = any(types[column] == "TEXT" for column in columns)
        while some := cursor.fetchmany(BATCH):
            yield [tuple(map(_storable, row)) for row in some] if has_texts else some

    async def empty(self, tables: Sequence[str]) -> None:
        for table in tables:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.IntegrityError as refused:
            raise RowRefused(str(refused)) from refused

    async def last_line(self) -> audit.Head:
        return audit.head_of(self._connection.execute(audit.NEWEST).fetchone())

    async def go_on_counting(self) -> None:
        """SQLite counts on from the highest id by itself."""


def _storable(value: Any) -> Any:
    """As PostgreSQL takes it (`store.postgres_tx.NUL`), on both sides alike."""
    return value.replace(NUL, INSTEAD_OF_NUL) if type(value) is str and NUL in value else value


@contextmanager
def reading(path: Path) -> Iterator[SqliteSide]:
    """A ledger's or a backup's file, on one snapshot. Raises `LedgerError` (`no_ledger`, `not_a_ledger`)."""
    if not path.is_file():
        raise LedgerError("no_ledger", path=str(path))
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute(f"SELECT 1 FROM {REVISION}").fetchone()  # noqa: S608
            yield SqliteSide(connection)
    except sqlite3.DatabaseError as wrong:
        raise LedgerError("not_a_ledger", path=str(path), detail=str(wrong)) from wrong


@contextmanager
def writing(path: Path) -> Iterator[SqliteSide]:
    """A migrated file; everything is kept at the end of the block, or nothing. Raises `LedgerWriteError`."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            yield SqliteSide(connection)
            connection.execute("COMMIT")
    except sqlite3.Error as wrong:
        if "full" in str(wrong):
            raise LedgerWriteError("disk_full") from wrong
        raise LedgerWriteError("ledger_write_failed", detail=str(wrong)) from wrong
