"""Ledgers for tests, of the setting in force (`LOA_TEST_LEDGER`): an empty one of today's schema is made once a
process, then copied."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from store.engine import Ledger
from store.migrate import migrate
from store.opening import ledger_at


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="loa-test-")) / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


def ledger_url(folder: Path) -> str:
    """The URL of the ledger that belongs to a folder: a new one of today's schema where there is none yet."""
    path = folder / "loa.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


def ledger_of(folder: Path) -> Ledger:
    """The ledger that belongs to a folder, not yet opened."""
    return ledger_at(ledger_url(folder), folder / "attachments")


async def opened(folder: Path) -> Ledger:
    ledger = ledger_of(folder)
    ledger.open()
    return ledger
