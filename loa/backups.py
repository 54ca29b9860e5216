"""Backups of either engine are one SQLite file with the attachments in it, so that one is good for both.

A backup is one snapshot, whatever goes on meanwhile. On SQLite a copy of the file is made by SQLite itself; from
PostgreSQL the rows are carried, and compared, one by one.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loa import backup_files, moving
from store import transfer_postgres, transfer_sqlite
from store.engine import LedgerError
from store.migrate import migrate
from store.opening import SQLITE
from store.revisions import own_revision
from store.sqlite import connect_reader, hold_lock
from store.transfer import Told, note, transfer

RESTORED: Final = "ledger_restored"
"""In the audit log."""
Detail = dict[str, object]
JOURNALS: Final = ("-wal", "-shm")
"""Beside an SQLite file (sqlite.org/tempfiles.html, 2.2 and 2.3)."""
SPACE_FACTOR: Final = 1.2
"""A restored ledger needs the room of its backup, and some for its journal."""


class BadBackup(Exception):
    """It cannot be restored; `key` names the sentence (`cli.<key>`)."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Packed:
    rows: int
    """Deliveries."""
    attachments: int
    missing: int


async def back_up(url: str, files: Path, to: Path, told: Told) -> Packed:
    """`to` is there, whole, or not at all. Raises `LedgerError`, `OSError`, `sqlite3.Error`."""
    fresh = to.with_name(to.name + ".packing")
    moving.clear_away(fresh)
    try:
        if url.startswith(SQLITE):
            with closing(connect_reader(moving.path_of(url))) as connection:
                connection.execute("VACUUM INTO ?", (str(fresh),))
        else:
            async with moving.reading(url) as source, moving.new_file(fresh) as copy:
                moving.check_age(await source.revision(), moving.shown(url))
                await transfer(source, copy, told)
        packed, missing = backup_files.pack(fresh, files)
        rows = deliveries(fresh)
        fresh.replace(to)
        return Packed(rows, packed, missing)
    finally:
        moving.clear_away(fresh)


async def restore(backup: Path, url: str, files: Path, told: Told, *, replace: bool, by: str) -> Packed:
    """Put a backup in the ledger's place; its audit log says so. Raises `BadBackup`, `LedgerError`, `OSError`.

    A ledger in a file is kept beside it. In PostgreSQL it must be empty, or be given up by `replace`.
    """
    rows = check(backup)
    told_of = {"file": backup.name, "sha256": backup_files.digest(backup), "deliveries": rows}
    if url.startswith(SQLITE):
        return Packed(rows, _into_file(backup, moving.path_of(url), files, by, told_of), 0)
    return Packed(rows, await _into_database(backup, url, files, told, by, told_of, replace=replace), 0)


def check(backup: Path) -> int:
    """How many deliveries it holds. Raises `BadBackup`: no backup at all, not whole, or of a newer release."""
    try:
        with backup.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise BadBackup("not_a_backup")
    except OSError as unreadable:
        raise BadBackup("backup_unreadable") from unreadable
    try:
        with closing(connect_reader(backup)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BadBackup("backup_unsound")
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
                raise BadBackup("not_a_backup")
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        if revision > own_revision():
            raise BadBackup("backup_too_new")
        return deliveries(backup)
    except sqlite3.Error as broken:
        raise BadBackup("backup_unsound") from broken


_MAGIC: Final = b"SQLite format 3\x00"
"""sqlite.org/fileformat2.html, 1.3"""


def _into_file(backup: Path, target: Path, files: Path, by: str, told_of: Detail) -> int:
    """A backup of an older release is brought up to date, so that its log can be gone on with."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with hold_lock(target):
        if shutil.disk_usage(target.parent).free < backup.stat().st_size * SPACE_FACTOR:
            raise LedgerError("disk_full")
        unpacked = backup_files.unpack(backup, files)
        if unpacked is None:
            raise BadBackup("backup_unsound")
        fresh = target.with_name(target.name + ".restoring")
        try:
            shutil.copyfile(backup, fresh)
            backup_files.lighten(fresh)
            migrate(f"{SQLITE}{fresh}")
            before = target.with_suffix(f".before-{int(time.time())}") if target.exists() else None
            kept = {"kept": before.name} if before is not None else {}
            backup_files.note(fresh, time.time(), by, RESTORED, {**told_of, "attachments": unpacked, **kept})
            if before is not None:
                _put_aside(target, before)
            for ending in JOURNALS:  # of a file that somebody took away
                target.with_name(target.name + ending).unlink(missing_ok=True)
            fresh.replace(target)
        finally:
            moving.clear_away(fresh)
    return unpacked


def _put_aside(ledger: Path, before: Path) -> None:
    """With what a killed service has left in its journal: those are transactions, too."""
    for ending in JOURNALS:
        journal = ledger.with_name(ledger.name + ending)
        if journal.exists():
            journal.replace(before.with_name(before.name + ending))
    ledger.replace(before)


async def _into_database(
    backup: Path, url: str, files: Path, told: Told, by: str, told_of: Detail, *, replace: bool
) -> int:
    """A backup of an older release is brought up to date first, in a copy of its own."""
    await transfer_postgres.is_new(url)
    with tempfile.TemporaryDirectory(prefix="loa-restore-") as folder:
        copy = Path(folder) / "backup.db"
        shutil.copyfile(backup, copy)
        migrate(f"{SQLITE}{copy}")
        migrate(url)
        async with transfer_postgres.writing(url) as target:
            given_up = await target.last_line()
            with transfer_sqlite.reading(copy) as source:
                await transfer(source, target, told, replace=replace)
            unpacked = backup_files.unpack(backup, files)
            if unpacked is None:
                raise BadBackup("backup_unsound")
            lost = {"given_up_lines": given_up.id, "given_up_head": given_up.chain} if given_up.id else {}
            await note(target, time.time(), by, RESTORED, **told_of, attachments=unpacked, **lost)
    return unpacked


def deliveries(path: Path) -> int:
    with closing(connect_reader(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM delivery").fetchone()[0])
