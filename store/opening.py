"""Which engine keeps the ledger: its URL says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from store.engine import Ledger, LedgerError, Tx
from store.sqlite import SqliteLedger, connect_reader

SQLITE: Final = "sqlite:///"
POSTGRESQL: Final = ("postgresql://", "postgres://")


def ledger_at(url: str, files: Path | None = None) -> Ledger:
    """The ledger at `sqlite:///<path>` or `postgresql://…`, not yet opened. `files`: the folder of the attachments'
    bytes; beside the SQLite file where it is not given. Raises `LedgerError` (`ledger_url`, `ledger_files`)."""
    if url.startswith(SQLITE):
        return SqliteLedger(Path(url.removeprefix(SQLITE)), files)
    if url.startswith(POSTGRESQL):
        if files is None:
            raise LedgerError("ledger_files")
        from store.postgres import PostgresLedger  # its driver takes memory that one machine has no use for

        return PostgresLedger(url, files)
    raise LedgerError("ledger_url", value=url.partition(":")[0])


def is_made(url: str) -> bool:
    """Whether there is a ledger to look into: a file, or an address."""
    return not url.startswith(SQLITE) or Path(url.removeprefix(SQLITE)).exists()


@contextmanager
def reading(url: str) -> Iterator[Tx]:
    """A look into a ledger, served or not, for commands: no thread, no lock. Raises `LedgerError`, also where it is of
    an older release and has not what is asked for (`ledger_not_usable`)."""
    if url.startswith(SQLITE):
        path = Path(url.removeprefix(SQLITE))
        try:
            with closing(connect_reader(path)) as connection:
                yield connection
        except sqlite3.Error as refused:
            raise LedgerError("ledger_not_usable", path=str(path), detail=str(refused)) from refused
        return
    from store.postgres import reading as reading_postgresql

    with reading_postgresql(url) as tx:
        yield tx
