"""Bring the ledger's schema up to date, at start, before the writer opens."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import create_engine

from store.engine import LedgerError, hold_lock

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(path: Path) -> str:
    """Upgrade to the newest revision and return it.

    Raises `LedgerError`: `ledger_in_use`, `ledger_not_writable`, `ledger_too_new` (made by a newer version).
    """
    with hold_lock(path):
        engine = create_engine(f"sqlite:///{path}")
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        scripts = ScriptDirectory.from_config(config)
        try:
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                revision = MigrationContext.configure(connection).get_current_revision()
        except CommandError as unknown:
            raise LedgerError("ledger_too_new", path=str(path)) from unknown
        except Exception as refused:
            raise LedgerError("ledger_not_usable", path=str(path), detail=str(refused).splitlines()[0]) from refused
        finally:
            engine.dispose()
    head = scripts.get_current_head()
    if revision is None or revision != head:
        raise LedgerError("ledger_not_usable", path=str(path), detail=f"revision {revision}")
    return revision
