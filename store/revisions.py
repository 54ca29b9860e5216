"""Which schema this program was written for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory

_SCRIPTS: Final = Path(__file__).parent / "migrations"


@cache
def own_revision() -> str:
    """Of the newest migration that it knows: four digits that rise by one."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None  # there are migrations
    return head
