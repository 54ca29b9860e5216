"""Bring the ledger's schema up to date, at start, before the ledger opens."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from store.engine import LedgerError
from store.opening import POSTGRESQL, SQLITE
from store.postgres import LOCK_SPACE, MIGRATE_LOCK
from store.postgres_ddl import in_postgresql
from store.postgres_link import Address, not_let_in
from store.sqlite import hold_lock

REVISION: Final = "alembic_version"
OURS: Final = re.compile("[0-9]{4}")
"""How revisions of ours are numbered (`store.revisions`)."""
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str) -> str:
    """Upgrade to the newest revision and return it.

    Raises `LedgerError`: `ledger_in_use`, `ledger_not_writable`, `ledger_unreachable`, `ledger_read_only`, `disk_full`,
    `ledger_not_usable`, `not_a_ledger` (somebody else's database), `ledger_too_new` (made by a newer version).
    """
    if url.startswith(POSTGRESQL):
        with ThreadPoolExecutor(1) as thread:  # the caller's own may run an event loop
            return thread.submit(asyncio.run, _on_postgresql(Address.of(url))).result()
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


async def _on_postgresql(address: Address) -> str:
    """Several services may start at once: one migrates, the others wait for it and find nothing to do."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=address.connect)
    event.listen(engine.sync_engine, "before_cursor_execute", _in_its_words, retval=True)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {MIGRATE_LOCK})"))
            return await connection.run_sync(upgrade, address.shown)
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as refused:
        raise not_let_in(address, refused) from refused
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as refused:
        original = refused.orig if isinstance(refused, DBAPIError) else refused
        if getattr(original, "sqlstate", "") == asyncpg.ReadOnlySQLTransactionError.sqlstate:
            raise LedgerError("ledger_read_only") from refused
        if getattr(original, "sqlstate", "") == asyncpg.DiskFullError.sqlstate:
            raise LedgerError("disk_full") from refused
        detail = str(original).splitlines()[0]
        raise LedgerError("ledger_not_usable", path=address.shown, detail=detail) from refused
    finally:
        await engine.dispose()


def _in_its_words(_: Any, __: Any, statement: str, parameters: Any, ___: Any, ____: bool) -> tuple[str, Any]:
    return in_postgresql(statement), parameters


def upgrade(connection: Connection, path: str, to: str = "head") -> str:
    """In the transaction of `connection`; `path` is how people know the ledger."""
    _check_ours(connection, path)
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


def _check_ours(connection: Connection, path: str) -> None:
    """Before anything is made among tables of somebody else. Raises `LedgerError` (`not_a_ledger`)."""
    names = set(inspect(connection).get_table_names())
    revision = MigrationContext.configure(connection).get_current_revision() if REVISION in names else None
    if (names and REVISION not in names) or not OURS.fullmatch(revision or "0000"):
        others = ", ".join(sorted(names - {REVISION})[:3])
        raise LedgerError("not_a_ledger", path=path, detail=others or f"{REVISION} {revision}")


def main() -> int:
    """`python -m store.migrate`: the URL from standard input, for it may hold a password; what is wrong as JSON on
    standard output (`store.up_to_date`)."""
    try:
        migrate(sys.stdin.read())
    except LedgerError as wrong:
        sys.stdout.write(json.dumps({"key": wrong.key, "params": wrong.params}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
