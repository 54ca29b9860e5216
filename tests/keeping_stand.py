"""Ledgers with something in every table, and a PostgreSQL server for tests that need both engines at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from broadcasts.archive import blob_path
from loa import moving
from store import audit
from store.migrate import migrate
from store.opening import SQLITE
from store.sqlite import Connection
from store.transfer import MADE_BY_MIGRATIONS, OF_PROCESSES, Content, content
from tests.cluster import Cluster, NoServer

ROWS = 7
"""In each table."""
TEXTS = ("thường", "Đường Lê Lợi, “số 5”", "dòng\nhai\tcột", "\\N \\. ' \"", "🌊 bão", "", "x" * 3_000)
WHOLE = (1, 2, 84_900_000_001, -5, 2**62, 0, -(2**63))
PARTS = (0.0, 1 / 3, 1e300, -1.5, 1_790_000_000.123456, 5e-324, -0.25)
NARROW = ("delivery", "receipt")
"""Tables whose numbers PostgreSQL keeps in as few bytes as they need."""
BYTES = (b"", b"\x00\xff", b"pdf", bytes(range(256)), b"1", b"2", b"3")
FILES = (b"%PDF-1 mot", b"%PDF-2 hai")
"""The bytes of two attachments."""


def fill(path: Path, files: Path) -> None:
    """`ROWS` rows in every table of a new SQLite ledger, with whatever each column can hold; keys count up."""
    migrate(f"{SQLITE}{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in names:
            if table not in ("alembic_version", *MADE_BY_MIGRATIONS):
                _fill_table(connection, table)
        connection.execute("DELETE FROM attachment WHERE id > 2")
        connection.execute("UPDATE attachment SET collected_at = NULL")
        for n, made in enumerate(FILES, 1):
            digest = hashlib.sha256(made).hexdigest()
            connection.execute("UPDATE attachment SET sha256 = ?, size = ? WHERE id = ?", (digest, len(made), n))
            place = blob_path(files, digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(made)
        connection.execute("DELETE FROM broadcast_attachment")
        for table in OF_PROCESSES:
            connection.execute(f"DELETE FROM {table}")


def with_log(path: Path) -> None:
    """An empty ledger but for two lines in its audit log."""
    migrate(f"{SQLITE}{path}")
    with closing(sqlite3.connect(path, factory=Connection)) as connection, connection:
        audit.record(connection, 1_790_000_000.25, "an", "sign_in", address="127.0.0.1")
        audit.record(connection, 1_790_000_001.5, "bình", "set_mode", mode="exercise")


def _fill_table(connection: sqlite3.Connection, table: str) -> None:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    refers = {row[3]: (row[2], row[4] or "id") for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
    whole = range(1, ROWS + 1) if table in NARROW else WHOLE
    for n in range(ROWS):
        row = [
            _of_parent(connection, *refers[column[1]], n) if column[1] in refers else _value(column, n, whole[n])
            for column in columns
        ]
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _of_parent(connection: sqlite3.Connection, table: str, column: str, n: int) -> Any:
    return connection.execute(f"SELECT {column} FROM {table} LIMIT 1 OFFSET ?", (n,)).fetchone()[0]


def _value(column: tuple[Any, ...], n: int, whole: int) -> Any:
    """Of row `n`. Whole numbers that are keys, or meant to be one of a kind, count up; other columns take turns."""
    _, name, kind, needed, _, key = column
    if key and kind == "INTEGER":
        return n + 1
    if kind == "INTEGER":
        return None if not needed and n == 3 else n + 1 if name.endswith(("_id", "no")) else whole
    if kind == "REAL":
        return None if not needed and n == 3 else PARTS[n]
    if kind == "BLOB":
        return BYTES[n]
    return f"{n}{TEXTS[n]}" if key or n else TEXTS[n]


async def contents(url: str) -> dict[str, Content]:
    """What each table holds."""
    async with moving.reading(url) as side:
        return {table: await content(side, table, sorted(columns)) for table, columns in (await side.tables()).items()}


class Databases:
    """Databases of one server, one for each name."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._count = 0

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        async def run() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self._cluster.url(database))
            try:
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return asyncio.run(run())

    def new(self) -> str:
        """The name of an empty one."""
        self._count += 1
        name = f"loa_{self._count}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def url(self, database: str) -> str:
        return self._cluster.url(database)


@contextmanager
def databases() -> Iterator[Databases]:
    """Of a server of their own, whatever the setting of the run: what moves from one engine to the other needs both."""
    try:
        cluster = Cluster()
        cluster.start()
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT"):
            raise
        pytest.skip(str(missing))
    try:
        yield Databases(cluster)
    finally:
        cluster.remove()
