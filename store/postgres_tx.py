"""A transaction on PostgreSQL, with the statements of `store/` as they stand: `?` for a parameter, rows as tuples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
import structlog

from store.engine import Overtaken
from store.postgres_batch import array_literal, change, insertion
from store.postgres_link import Link

log = structlog.get_logger(__name__)

PARTITION_WAIT: Final = "2s"
"""How long readers of a table are waited for to give it a partition; meanwhile new ones wait, too."""
COPY_FROM: Final = 20
"""Rows from which COPY is faster than one INSERT of arrays."""
NUL: Final = "\x00"
INSTEAD_OF_NUL: Final = "\ufffd"
"""PostgreSQL's text takes every character but U+0000 (postgresql.org/docs/15, 8.3). Nobody types one; a provider that
sends one gets the sign for "no character" in its place, and looking for such a text finds it."""
_ROWS: Final = re.compile(r"\s*(SELECT|WITH|VALUES)\b|.*\bRETURNING\b", re.IGNORECASE | re.DOTALL)


class Found:
    """`store.engine.Rows`"""

    __slots__ = ("_next", "_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self._next = 0
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchall(self) -> list[Any]:
        rest, self._next = self._rows[self._next :], len(self._rows)
        return rest

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


class PostgresTx:
    """`store.engine.Tx`; `copies`: rows that may meet others (`insert_many`) are first thought not to."""

    def __init__(self, link: Link, *, writes: bool, copies: bool = True) -> None:
        self._link = link
        self._copies = copies
        self.met = False
        """Rows met others in a COPY, which has no ON CONFLICT: the transaction is to be run again without."""
        self.for_update = " FOR UPDATE" if writes else ""

    def clock(self) -> float:
        return float(self.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()[0])

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Found:
        text, gives_rows = _prepared(sql)
        link = self._link
        if gives_rows:
            rows = [tuple(row) for row in link.run(link.connection.fetch(text, *_cleaned(parameters)))]
            return Found(rows, len(rows))
        return Found([], _count(link.run(link.connection.execute(text, *_cleaned(parameters)))))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> object:
        rows = [_cleaned(one) for one in parameters]
        if rows:
            self._link.run(self._link.connection.executemany(_prepared(sql)[0], rows))
        return None

    def insert_many(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], on_conflict: str = ""
    ) -> int:
        given = _all_cleaned(rows)
        if not given:
            return 0
        run, connection = self._link.run, self._link.connection
        if len(given) >= COPY_FROM and (self._copies or not on_conflict):
            try:
                return _count(run(connection.copy_records_to_table(table, records=given, columns=list(columns))))
            except asyncpg.UniqueViolationError as met:
                if not on_conflict:
                    raise
                self.met = True
                raise Overtaken(table) from met
        text, parameters = insertion(table, columns, given, on_conflict, self._types)
        return _count(run(connection.execute(text, *parameters)))

    def update_many(
        self, table: str, changes: Sequence[str], rows: Iterable[Sequence[Any]], seen: Sequence[str] = ()
    ) -> None:
        given = _all_cleaned(rows)
        if not given:
            return
        text, parameters = change(table, changes, given, seen, self._types)
        done = _count(self._link.run(self._link.connection.execute(text, *parameters)))
        if seen and done != len(given):
            raise Overtaken(table)

    def among(self, sql: str, values: Sequence[Any], parameters: Sequence[Any] = ()) -> list[Any]:
        if not values:
            return []
        head, tail = sql.split("IN (?*)")
        before = head.count("?")
        kind = "int8" if isinstance(values[0], int) else "bytea" if isinstance(values[0], bytes) else ""
        literal = array_literal(values, kind)
        mark, given = ("?", list(_cleaned(values))) if literal is None else (f"?::text::{kind}[]", literal)
        text = f"{head}= ANY({mark}){tail}"
        return self.execute(text, (*parameters[:before], given, *parameters[before:])).fetchall()

    def add_partition(self, table: str, name: str, values: str, options: str = "") -> bool:
        stored = f" WITH ({options})" if options else ""
        made = f"CREATE TABLE IF NOT EXISTS {table}_{name} PARTITION OF {table} FOR VALUES {values}{stored}"
        return self._at_leisure(made, table, name)

    def set_partition(self, table: str, name: str, options: str) -> bool:
        return self._at_leisure(f"ALTER TABLE IF EXISTS {table}_{name} SET ({options})", table, name)

    def _at_leisure(self, statement: str, table: str, name: str) -> bool:
        """Change a partition, or leave it where the tables are in use for too long."""
        run, connection = self._link.run, self._link.connection
        run(connection.execute(f"SAVEPOINT part; SET LOCAL lock_timeout = '{PARTITION_WAIT}'"))
        try:
            run(connection.execute(statement))
        except (asyncpg.LockNotAvailableError, asyncpg.CheckViolationError) as refused:
            run(connection.execute("ROLLBACK TO part; RELEASE part"))
            log.info("partition_left", table=table, name=name, why=type(refused).__name__)
            return False
        run(connection.execute("RELEASE part; SET LOCAL lock_timeout = 0"))
        return True

    def _types(self, statement: str) -> list[str]:
        """What the server takes each mark of a statement for."""
        link = self._link
        known = link.types.get(statement)
        if known is None:
            prepared = link.run(link.connection.prepare(statement, name=""))
            known = link.types[statement] = [one.name for one in prepared.get_parameters()]
        return known


@lru_cache(maxsize=4_096)
def _prepared(sql: str) -> tuple[str, bool]:
    """(with `$1`, `$2` … for `?`, whether it gives rows)"""
    first, *rest = sql.split("?")
    return first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1)), _ROWS.match(sql) is not None


def _cleaned(parameters: Sequence[Any]) -> Sequence[Any]:
    for one in parameters:
        if type(one) is str and NUL in one:
            return [each.replace(NUL, INSTEAD_OF_NUL) if type(each) is str else each for each in parameters]
    return parameters


def _all_cleaned(rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """Looks at texts only where the first row has any."""
    given = list(rows)
    if not given or not any(isinstance(one, str) for one in given[0]):
        return given
    return [_cleaned(one) for one in given]


def _count(status: str) -> int:
    """Of a status message: `UPDATE 3`, `INSERT 0 3`, `COPY 3`; 0 where it counts nothing."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
