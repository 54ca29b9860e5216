"""The one file of a backup: the bytes of all attachments that are needed ride in it and come out of it again."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from broadcasts.archive import blob_path, store_bytes
from store import attachments, audit
from store.engine import Tx
from store.sqlite import Connection, connect_reader


def pack(backup: Path, folder: Path) -> tuple[int, int]:
    """Put the files that `backup`, a copy of a ledger, speaks of into it. (how many, how many were not in `folder`)"""
    packed, missing = 0, 0
    with closing(sqlite3.connect(backup, isolation_level=None, factory=Connection)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        attachments.make_room_in_backup(connection)
        for sha256, size in list(attachments.wanted(connection)):
            path = blob_path(folder, sha256)
            content = path.read_bytes() if path.is_file() else b""
            if len(content) != size:
                missing += 1
                continue
            attachments.put_in_backup(connection, sha256, content)
            packed += 1
        connection.execute("COMMIT")
    return packed, missing


def unpack(backup: Path, folder: Path) -> int | None:
    """Put the files of `backup` in their place in `folder`; how many. None: one of them is not what it claims."""
    with closing(connect_reader(backup)) as connection:
        found = attachments.in_backup(connection)
        for sha256 in found:
            if not store_bytes(folder, sha256, attachments.out_of_backup(connection, sha256)):
                return None
    return len(found)


def lighten(ledger: Path) -> None:
    """A restored ledger without the bytes that rode in it."""
    with closing(sqlite3.connect(ledger, isolation_level=None, factory=Connection)) as connection:
        attachments.drop_from_backup(connection)
        connection.execute("VACUUM")


def digest(backup: Path) -> str:
    """SHA-256, so that the log can say which file it was."""
    with open(backup, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def note(ledger: Path, at: float, actor: str, action: str, detail: dict[str, object]) -> None:
    """One more line in the audit log of a ledger of today's schema that nobody uses yet."""
    with closing(sqlite3.connect(ledger, isolation_level=None, factory=Connection)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        audit.record(connection, at, actor, action, **detail)
        connection.execute("COMMIT")


def lost(tx: Tx, folder: Path) -> tuple[int, int]:
    """(files that the ledger speaks of, how many of them are not in `folder` or not whole)"""
    sizes = list(attachments.wanted(tx))
    bad = sum(1 for sha256, size in sizes if not _is_there(blob_path(folder, sha256), size))
    return len(sizes), bad


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
