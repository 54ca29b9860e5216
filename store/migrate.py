"""Bring the ledger's schema up to date, at start, before the ledger opens."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine

from store.engine import LedgerError
from store.opening import SQLITE
from store.sqlite import hold_lock

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str) -> str:
    """Upgrade to the newest revision and return it.

    Raises `LedgerError`: `ledger_in_use`, `ledger_not_writable`, `ledger_not_usable`, `ledger_too_new` (made by a newer
    version).
    """
    path = Path(url.removeprefix(SQLITE))
    with hold_lock(path):
        engine = create_engine(url)
        try:
            with engine.begin() as connection:
                return upgrade(connection, str(path))
        except LedgerError:
            raise
        except Exception as refused:
            raise LedgerError("ledger_not_usable", path=str(path), detail=str(refused).splitlines()[0]) from refused
        finally:
            engine.dispose()


def upgrade(connection: Connection, path: str, to: str = "head") -> str:
    """In the transaction of `connection`; `path` is how people know the ledger."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as unknown:
        raise LedgerError("ledger_too_new", path=path) from unknown
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None or (to == "head" and revision != ScriptDirectory.from_config(config).get_current_head()):
        raise LedgerError("ledger_not_usable", path=path, detail=f"revision {revision}")
    return revision
