"""Ledgers for tests, of the setting in force: `LOA_TEST_LEDGER` is `sqlite` (as without it) or `postgresql`.

No test asks which. An empty ledger of today's schema is made once and then copied; every folder has a ledger of its
own. On PostgreSQL a ledger is a database of the server that `tests/conftest.py` starts for the whole run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg

from store.engine import Ledger, Tx
from store.migrate import migrate
from store.opening import ledger_at
from store.postgres_link import Address, Link
from store.postgres_tx import PostgresTx
from store.sqlite import FILES, connect_writer
from tests import folders

T = TypeVar("T")
SETTING: Final = "LOA_TEST_LEDGER"
SERVER: Final = "LOA_TEST_POSTGRESQL"
"""URL of the server's own database; set by `tests/conftest.py`, or by whoever has a server for it."""
ON_POSTGRESQL: Final = os.environ.get(SETTING) == "postgresql"
TEMPLATE: Final = "loa_template"
COPY_TRIES: Final = 50

made: list[str] = []
"""Databases of this process, in the order in which they were made."""
asked = 0
"""How often a test asked for the address of a ledger or of lanes."""


def note_use() -> None:
    """Somebody's ledger, or lanes: in another setting they are others."""
    global asked
    asked += 1


def ledger_url(folder: Path) -> str:
    """The URL of the ledger that belongs to a folder: a new one of today's schema where there is none yet."""
    note_use()
    return _database_url(folder) if ON_POSTGRESQL else _file_url(folder)


def address(folder: Path) -> str:
    """The URL of a folder's ledger for a process that will make it, if nobody did."""
    note_use()
    return _database_url(folder) if ON_POSTGRESQL else f"sqlite:///{folder / 'loa.db'}"


def environment(folder: Path) -> dict[str, str]:
    """Settings by which a process keeps its ledger in that of a folder; nothing where it does so anyway."""
    return {"LOA_STORE__URL": address(folder), "LOA_STORE__FILES": str(folder / FILES)} if ON_POSTGRESQL else {}


def size_of(folder: Path) -> int:
    """Bytes of a folder's ledger."""
    if ON_POSTGRESQL:
        return int(rows(folder, "SELECT pg_database_size(current_database())")[0][0])
    return (folder / "loa.db").stat().st_size


def ledger_of(folder: Path) -> Ledger:
    """The ledger that belongs to a folder, not yet opened."""
    return ledger_at(ledger_url(folder), folder / FILES)


def keep(folder: Path) -> str:
    """What a folder's ledger holds now, for `furnish`; it may be open."""
    if ON_POSTGRESQL:
        return _copied(_name(folder), f"kept_{_name(folder)}")
    kept = folders.folder("kept") / "kept.db"
    with closing(sqlite3.connect(folder / "loa.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(kept),))
    return str(kept)


def furnish(folder: Path, kept: str) -> None:
    """The folder's ledger begins with what was kept."""
    note_use()
    if ON_POSTGRESQL:
        made.append(_copied(kept, _name(folder)))
    else:
        shutil.copyfile(kept, folder / "loa.db")


def rows(folder: Path, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """What a statement finds in the ledger of a folder, from outside of whoever uses it; changes are stored."""
    if not ON_POSTGRESQL:
        with closing(sqlite3.connect(folder / "loa.db")) as connection, connection:
            return connection.execute(sql, parameters).fetchall()
    marked = "".join(f"{part}${n}" for n, part in enumerate(sql.split("?")[:-1], 1)) + sql.split("?")[-1]
    return _on(ledger_url(folder), lambda link: link.run(link.connected().fetch(marked, *parameters)))


@contextmanager
def transaction(folder: Path) -> Iterator[Tx]:
    """An open transaction on a folder's ledger, undone at the end; for tests without an event loop."""
    if ON_POSTGRESQL:
        link = Link(Address.of(ledger_url(folder)))
        try:
            link.run(link.connected().execute("BEGIN"))
            yield PostgresTx(link, writes=True)
        finally:
            link.close()
    else:
        ledger_url(folder)
        with closing(connect_writer(folder / "loa.db")) as connection:
            connection.execute("BEGIN")
            yield connection


def drop_since(count: int) -> None:
    """Databases that were made after the first `count`."""
    while len(made) > count:
        _on_server(f'DROP DATABASE IF EXISTS "{made.pop()}" WITH (FORCE)')


# -- SQLite ----------------------------------------------------------------------------------------------------------


@cache
def _template() -> Path:
    path = folders.folder("empty") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


def _file_url(folder: Path) -> str:
    path = folder / "loa.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


# -- PostgreSQL ------------------------------------------------------------------------------------------------------


def _name(folder: Path) -> str:
    return "t_" + hashlib.sha256(str(folder).encode()).hexdigest()[:24]


def _database_url(folder: Path) -> str:
    name = _name(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if name not in made:
        _make_template()
        made.append(_copied(TEMPLATE, name))
    return _at(name)


def _at(database: str) -> str:
    return f"{os.environ[SERVER].rpartition('/')[0]}/{database}"


@cache
def _make_template() -> None:
    """One process makes it; the others wait."""

    def make(link: Link) -> None:
        link.run(link.connected().execute("SELECT pg_advisory_lock(1)"))
        if not link.run(link.connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE)):
            link.run(link.connection.execute(f"CREATE DATABASE {TEMPLATE}_new"))
            migrate(_at(f"{TEMPLATE}_new"))
            link.run(link.connection.execute(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}"))

    _on(os.environ[SERVER], make)


def _copied(source: str, name: str) -> str:
    """A copy of a database that nobody is connected to for a moment: its ledgers find their connections again."""
    for _ in range(COPY_TRIES):
        if source != TEMPLATE:
            _on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'")
        try:
            _on_server(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        except asyncpg.ObjectInUseError:
            time.sleep(0.05)
        else:
            return name
    raise AssertionError(f"{source} is always in use")


def _on_server(sql: str) -> None:
    """On a connection that stays."""
    thread, link = _server()
    thread.submit(lambda: link.run(link.connected().execute(sql))).result()


@cache
def _server() -> tuple[ThreadPoolExecutor, Link]:
    return ThreadPoolExecutor(1, thread_name_prefix="test-ledgers"), Link(Address.of(os.environ[SERVER]))


def execute_at(url: str, sql: str) -> None:
    """One statement in a database."""
    _on(url, lambda link: link.run(link.connected().execute(sql)))


def _on(url: str, work: Callable[[Link], T]) -> T:
    """On a thread of its own, since the caller's may run an event loop."""

    def run() -> T:
        link = Link(Address.of(url))
        try:
            return work(link)
        finally:
            link.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()
