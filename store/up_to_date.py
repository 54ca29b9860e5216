"""A ledger of today's schema, before the service opens it.

The migrations' library takes 30 MB that a process never gives back. So where a SQLite ledger must be made or changed, a
process of its own does it; where it is as it should be, nobody loads the library.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from store.engine import LedgerError
from store.opening import SQLITE
from store.revisions import own_revision

ROOT = Path(__file__).resolve().parent.parent


def bring_up_to_date(url: str) -> None:
    """Raises `LedgerError` as `store.migrate.migrate` does."""
    if not url.startswith(SQLITE):
        from store.migrate import migrate

        migrate(url)
    elif _revision(Path(url.removeprefix(SQLITE))) != own_revision():
        _apart(url)


def _revision(path: Path) -> str | None:
    """None where there is no ledger yet, or something that is none."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
            row = ledger.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def _apart(url: str) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "store.migrate"),
        input=url,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    if done.returncode:
        try:
            wrong = json.loads(done.stdout)
        except ValueError:
            detail = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
            raise LedgerError("ledger_not_usable", path=url.removeprefix(SQLITE), detail=detail) from None
        raise LedgerError(wrong["key"], **wrong["params"])
