"""Which engine keeps the ledger: its URL says so."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from store.engine import Ledger, LedgerError
from store.sqlite import SqliteLedger

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
