"""A whole ledger from one database into another, verified row by row before anything of it is kept.

Everything goes in one transaction of the target and is read again there, and once more at the source, before the
commit: whatever stops it on its way, the target is as empty as before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Protocol

from store import audit
from store.engine import LedgerError

BATCH: Final = 5_000
"""Rows that are in memory at once."""
REVISION: Final = "alembic_version"
MADE_BY_MIGRATIONS: Final = ("schema_floor",)
"""Tables that hold something in a new ledger: the target's rows give way to the source's."""
OF_PROCESSES: Final = ("worker", "lease", "light")
"""What lives only as long as the processes that wrote it: left behind."""
_SPACE: Final = 1 << 128

Told = Callable[[str, int, int], None]
"""(table, rows so far, rows in all)"""


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds, whatever the order: how many rows, and the sum of their hashes."""

    rows: int = 0
    digest: int = 0

    def plus(self, some: Iterable[Sequence[Any]]) -> Content:
        rows, digest = self.rows, self.digest
        for row in some:
            rows += 1
            digest += int.from_bytes(blake2b(repr(row).encode(), digest_size=16).digest(), "big")
        return Content(rows, digest % _SPACE)


class RowRefused(Exception):
    """A row breaks a rule of the schema; the words are the engine's, without the row itself."""


class Source(Protocol):
    async def revision(self) -> str:
        """Of its schema; "" where it has none."""

    async def tables(self) -> dict[str, tuple[str, ...]]:
        """Table → its columns, without those of the engine; every table before those that refer to it."""

    async def count(self, table: str) -> int: ...

    def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[tuple[Any, ...]]]:
        """`BATCH` rows at a time: whole numbers, floats, texts, bytes and None."""


class Target(Source, Protocol):
    """Its changes are kept by whoever opened it, after `transfer` returned."""

    async def empty(self, tables: Sequence[str]) -> None: ...

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Raises `RowRefused`."""

    async def last_line(self) -> audit.Head:
        """Of its audit log."""

    async def go_on_counting(self) -> None:
        """New rows get ids above those that came."""


@dataclass(frozen=True, slots=True)
class Transferred:
    tables: int
    rows: int


async def transfer(source: Source, target: Target, told: Told, *, replace: bool = False) -> Transferred:
    """Raises `LedgerError`: `transfer_schema` (they differ), `transfer_not_empty`, `transfer_row` (the target refuses
    one), `transfer_not_the_same` (what came is not what left)."""
    tables = await check(source, target, replace=replace)
    await target.empty([table for table in tables if replace or table in MADE_BY_MIGRATIONS])
    rows = 0
    for table, columns in tables.items():
        rows += (await _carry(source, target, table, columns, told)).rows
    await target.go_on_counting()
    return Transferred(len(tables), rows)


async def note(target: Target, at: float, actor: str, action: str, /, **detail: object) -> None:
    """One more line in the target's audit log, kept or undone with all that came."""
    line = audit.following(await target.last_line(), at, actor, action, detail)
    await target.insert("audit", audit.COLUMNS, [line])
    await target.go_on_counting()


async def check(source: Source, target: Target, *, replace: bool) -> dict[str, tuple[str, ...]]:
    """What will be carried, in the order of the target."""
    here, there = await source.revision(), await target.revision()
    theirs, ours = await source.tables(), await target.tables()
    missing = sorted(set(theirs) ^ set(ours))
    if here != there or missing:
        raise LedgerError("transfer_schema", source=here or "–", target=there or "–", table=", ".join(missing[:3]))
    for table, columns in ours.items():
        if set(columns) != set(theirs[table]):
            raise LedgerError("transfer_schema", source=here, target=there, table=table)
        if not replace and table not in MADE_BY_MIGRATIONS + OF_PROCESSES and await target.count(table):
            raise LedgerError("transfer_not_empty", table=table)
    return {table: columns for table, columns in ours.items() if table not in OF_PROCESSES}


async def _carry(source: Source, target: Target, table: str, columns: Sequence[str], told: Told) -> Content:
    total, left = await source.count(table), Content()
    async for some in source.rows(table, columns):
        left = left.plus(some)
        try:
            await target.insert(table, columns, some)
        except RowRefused as refused:
            raise LedgerError("transfer_row", table=table, detail=str(refused)) from refused
        told(table, left.rows, total)
    came, again = await content(target, table, columns), await content(source, table, columns)
    if not came == left == again:
        raise LedgerError("transfer_not_the_same", table=table, left=str(left.rows), came=str(came.rows))
    return came


async def content(side: Source, table: str, columns: Sequence[str]) -> Content:
    """As it is read now."""
    found = Content()
    async for some in side.rows(table, columns):
        found = found.plus(some)
    return found
