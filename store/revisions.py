"""Which schema this program was written for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_DIGITS: Final = 4


@cache
def own_revision() -> str:
    """Of the newest migration that it knows: four digits that rise by one. By the names of the files, since the
    migrations' library is large and a running process has no other use for it."""
    return max(path.name[:_DIGITS] for path in _VERSIONS.glob("[0-9]*.py"))
