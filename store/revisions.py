"""Which schema this program was written for, and which one a ledger has."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from store.engine import Tx

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_DIGITS: Final = 4
_IN_FILE: Final = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
_ON_SERVER: Final = "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"


@cache
def own_revision() -> str:
    """Of the newest migration that it knows: four digits that rise by one. By the names of the files, since the
    migrations' library is large and a running process has no other use for it."""
    return max(path.name[:_DIGITS] for path in _VERSIONS.glob("[0-9]*.py"))


def ledger_revision(tx: Tx, *, in_a_file: bool) -> str:
    """Of the last migration that a ledger has seen; "" where nothing was ever made in it."""
    if not tx.execute(_IN_FILE if in_a_file else _ON_SERVER).fetchone():
        return ""
    row = tx.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])
