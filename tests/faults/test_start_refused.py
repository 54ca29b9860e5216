"""What each role is not started on: a ledger that is somebody else's, read-only, of another age; a Redis of somebody
else's. One sentence, exit 1, and nothing of theirs is touched; what is merely old is brought up to date."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from store.migrate import _in_its_words, migrate, upgrade
from store.postgres_link import Address
from store.revisions import own_revision
from tests.keeping_stand import Databases, databases
from tests.processes import LOA, Process, loa
from tests.redis_stand import RedisServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

ROLES = ("web", "worker", "listener", "scheduler", "all")
OLD = "0014"


@pytest.fixture(scope="module")
def server() -> Iterator[Databases]:
    with databases() as found:
        yield found


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    made = RedisServer()
    yield made
    made.end()


def config_of(folder: Path, ledger: str, lanes: str) -> Path:
    path = folder / "config.toml"
    path.write_text(
        f'[store]\nurl = "{ledger}"\nfiles = "{folder}/files"\n[lanes]\nurl = "{lanes}"\n[web]\nport = 0\n'
        "[roles]\nhealth_port = 0\nnotice = 0\n"
    )
    return path


def refused(folder: Path, ledger: str, lanes: str, role: str) -> str:
    """The one sentence that it left."""
    done = loa("run", "--role", role, "--config", str(config_of(folder, ledger, lanes)))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("timestamp=")]
    assert len(said) == 1, done.stderr
    return said[0]


def tables(server: Databases, database: str) -> set[str]:
    rows = server.sql(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace", database
    )
    return {row[0] for row in rows}


@pytest.mark.parametrize("role", ["web", "worker", "all"])
def test_somebody_elses_database(server: Databases, redis: RedisServer, tmp_path: Path, role: str) -> None:
    database = server.new()
    server.sql("CREATE TABLE customers (id int)", database)
    said = refused(tmp_path, server.url(database), redis.url(1), role)
    assert "customers" in said
    assert tables(server, database) == {"customers"}


def test_somebody_elses_file(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    with closing(sqlite3.connect(theirs)) as connection, connection:
        connection.execute("CREATE TABLE customers (id int)")
    before = theirs.read_bytes()
    assert "customers" in refused(tmp_path, f"sqlite:///{theirs}", "memory://", "all")
    assert theirs.read_bytes() == before


def test_another_programs_migrations(server: Databases, redis: RedisServer, tmp_path: Path) -> None:
    """It keeps its own number in a table of the same name."""
    database = server.new()
    server.sql("CREATE TABLE alembic_version (version_num varchar(32))", database)
    server.sql("INSERT INTO alembic_version VALUES ('ae1027a6acf2') RETURNING 1", database)
    for role in ("worker", "all"):
        said = refused(tmp_path, server.url(database), redis.url(1), role)
        assert "127.0.0.1" in said
    assert tables(server, database) == {"alembic_version"}


@pytest.mark.parametrize("role", ROLES)
def test_a_database_that_takes_no_writes(server: Databases, redis: RedisServer, tmp_path: Path, role: str) -> None:
    made, empty = server.new(), server.new()
    migrate(server.url(made))
    for database in (made, empty):
        server.sql(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        assert "read-only" in refused(tmp_path, server.url(database), redis.url(2), role)
    assert tables(server, empty) == set()


def test_an_old_schema_is_brought_up_to_date_by_whoever_starts_first(
    server: Databases, redis: RedisServer, tmp_path: Path
) -> None:
    database = server.new()
    asyncio.run(_made_by_then(server.url(database)))
    assert server.sql("SELECT version_num FROM alembic_version", database) == [(OLD,)]
    config = config_of(tmp_path, server.url(database), redis.url(3))
    running = Process((*LOA, "run", "--role", "worker", "--config", str(config)), tmp_path / "worker.log")
    try:
        assert running.ready()["role"] == "worker"
        assert server.sql("SELECT version_num FROM alembic_version", database) == [(own_revision(),)]
        assert running.stop() == 0
    finally:
        running.end()


async def _made_by_then(url: str) -> None:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=Address.of(url).connect)
    event.listen(engine.sync_engine, "before_cursor_execute", _in_its_words, retval=True)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "then", OLD)
    await engine.dispose()


def test_a_newer_schema_is_not_for_one_that_does_all(server: Databases, tmp_path: Path) -> None:
    """It may go on beside it where the newer one says so; a schema that has outgrown it ends it."""
    database = server.new()
    migrate(server.url(database))
    server.sql("UPDATE alembic_version SET version_num = '9999' RETURNING 1", database)
    server.sql("UPDATE schema_floor SET revision = '9999' RETURNING 1", database)
    assert "too old for the ledger" in refused(tmp_path, server.url(database), "memory://", "all")


def foreign(client: Any) -> str:
    client.set("celery:queue", "1")
    return "celery:queue"


def other_office(client: Any) -> str:
    client.set("loa:owner", '{"installation": "other", "office": "Quảng Ninh"}')
    return "Quảng Ninh"


@pytest.mark.parametrize("role", ["web", "worker", "scheduler"])
@pytest.mark.parametrize("whose", [foreign, other_office], ids=lambda one: one.__name__)
def test_somebody_elses_redis(
    server: Databases, redis: RedisServer, tmp_path: Path, role: str, whose: Callable[[Any], str]
) -> None:
    client = redis.client(9)
    client.flushdb()
    name = whose(client)
    before = {key: client.get(key) for key in client.scan_iter()}
    database = server.new()
    assert name in refused(tmp_path, server.url(database), redis.url(9), role)
    assert {key: client.get(key) for key in client.scan_iter()} == before
    assert _alive(server.url(database)) == 0, "it has not even said that it is there"


def _alive(url: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM worker"))
        finally:
            await connection.close()

    return asyncio.run(ask())
