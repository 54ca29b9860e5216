"""A ledger moved into another database, its attachments with it: for good (`loa move`), into a backup, out of one."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broadcasts.archive import blob_path, store_bytes
from store import transfer_postgres, transfer_sqlite
from store.engine import LedgerError
from store.migrate import migrate
from store.opening import POSTGRESQL, SQLITE
from store.postgres_link import Address
from store.revisions import own_revision
from store.sqlite import hold_lock
from store.transfer import Source, Target, Told, Transferred, note, transfer

MOVED: Final = "ledger_moved"
"""In the audit log."""
UNFINISHED: Final = ".unfinished"
"""Ending of a file that is not whole yet."""


@dataclass(frozen=True, slots=True)
class Moved:
    what: Transferred
    attachments: int
    missing: int
    """Attachments whose bytes were not there, or were not what their name says."""


def is_served(url: str) -> bool:
    """Whether a ledger can lie there."""
    return url.startswith((SQLITE, *POSTGRESQL))


def shown(url: str) -> str:
    """A URL without its password."""
    return Address.of(url).shown if url.startswith(POSTGRESQL) else url


async def move(source: str, target: str, files_from: Path, files_to: Path, told: Told, by: str) -> Moved:
    """Everything of one ledger into an empty one, whose audit log says so; neither may be in use. Raises
    `LedgerError`."""
    async with AsyncExitStack() as stack:
        if source.startswith(SQLITE):
            stack.enter_context(transfer_sqlite.reading(path_of(source)))  # says what it is before a lock is left there
            stack.enter_context(hold_lock(path_of(source)))
        here = await stack.enter_async_context(reading(source))
        check_age(await here.revision(), shown(source))
        wanted = [row async for some in here.rows("attachment", ("sha256", "size", "collected_at")) for row in some]
        there = await stack.enter_async_context(writing(target))
        what = await transfer(here, there, told)
        names = {sha256: size for sha256, size, collected in wanted if collected is None}
        brought = [_bring(files_from, files_to, sha256, size) for sha256, size in sorted(names.items())]
        moved = Moved(what, brought.count(True), brought.count(False))
        await note(
            there, time.time(), by, MOVED, source=shown(source), target=shown(target), tables=what.tables,
            rows=what.rows, attachments=moved.attachments, attachments_missing=moved.missing,
        )  # fmt: skip
    return moved


def _bring(files_from: Path, files_to: Path, sha256: str, size: int) -> bool:
    """A file's bytes, checked against their name. Where both folders are one they stay."""
    path = blob_path(files_from, sha256)
    if not path.is_file() or path.stat().st_size != size:
        return False
    if files_from.resolve() == files_to.resolve():
        return True
    return store_bytes(files_to, sha256, path.read_bytes())


def check_age(revision: str, name: str) -> None:
    """Raises `LedgerError` (`ledger_too_old`, `ledger_too_new`): only a program that knows a schema can carry it."""
    if revision < own_revision():
        raise LedgerError("ledger_too_old", path=name)
    if revision > own_revision():
        raise LedgerError("ledger_too_new", path=name)


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Source]:
    if url.startswith(SQLITE):
        with transfer_sqlite.reading(path_of(url)) as file:
            yield file
    else:
        await transfer_postgres.is_new(url)
        async with transfer_postgres.reading(url) as database:
            yield database


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[Target]:
    """A database of today's schema; what was not kept leaves none behind, or an empty one."""
    if url.startswith(SQLITE):
        async with new_file(path_of(url)) as file:
            yield file
        return
    await transfer_postgres.is_new(url)
    migrate(url)
    async with transfer_postgres.writing(url) as database:
        yield database


@asynccontextmanager
async def new_file(path: Path) -> AsyncIterator[Target]:
    """An SQLite file that is there, whole, when the block ends well. Raises `LedgerError` (`transfer_file_exists`)."""
    fresh = path.with_name(path.name + UNFINISHED)
    _begin(path, fresh)
    try:
        with transfer_sqlite.writing(fresh) as file:
            yield file
        _finish(fresh, path)
    finally:
        clear_away(fresh)


def _begin(path: Path, fresh: Path) -> None:
    if path.exists():
        raise LedgerError("transfer_file_exists", path=str(path))
    clear_away(fresh)
    migrate(f"{SQLITE}{fresh}")


def _finish(fresh: Path, path: Path) -> None:
    with open(fresh, "rb") as written:
        os.fsync(written.fileno())
    fresh.replace(path)


def clear_away(fresh: Path) -> None:
    """A file that did not become whole, and what SQLite laid beside it."""
    for leftover in ("", "-wal", "-shm", "-journal", ".lock"):
        fresh.with_name(fresh.name + leftover).unlink(missing_ok=True)


def path_of(url: str) -> Path:
    return Path(url.removeprefix(SQLITE))
