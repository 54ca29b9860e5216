"""Empty ledgers for tests: migrated once a process, then copied."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from store.migrate import migrate


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="loa-test-")) / "empty.db"
    migrate(path)
    return path


def migrated(folder: Path) -> Path:
    """The path of a new ledger of today's schema."""
    path = folder / "loa.db"
    shutil.copyfile(_template(), path)
    return path
