"""A ledger in another database is the same ledger, row by row; and what cannot be moved is refused in one sentence."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import pwd
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from broadcasts.archive import blob_path
from loa import moving
from store import audit, broadcasts, transfer
from store.engine import LedgerError
from store.migrate import migrate
from store.opening import SQLITE, ledger_at, reading
from store.sqlite import hold_lock
from store.transfer_postgres import PostgresSide
from store.transfer_sqlite import SqliteSide
from tests.keeping_stand import FILES, ROWS, Databases, contents, databases, fill, with_log
from tests.processes import LOA, ROOT, environment, loa

BY = "quantri@may-chu"


@pytest.fixture(scope="module")
def server() -> Iterator[Databases]:
    with databases() as found:
        yield found


@pytest.fixture
def old(tmp_path) -> Path:
    """A ledger in a file, with rows in every table and two attachments beside it."""
    path = tmp_path / "old" / "loa.db"
    path.parent.mkdir()
    fill(path, path.parent / "attachments")
    return path


def told(table: str, done: int, total: int) -> None:
    assert 0 < done <= total, table


def move(source: str, target: str, files_from: Path, files_to: Path) -> moving.Moved:
    return asyncio.run(moving.move(source, target, files_from, files_to, told, BY))


def refused(source: str, target: str, folder: Path) -> LedgerError:
    with pytest.raises(LedgerError) as wrong:
        move(source, target, folder / "a", folder / "b")
    return wrong.value


def carried(found: dict) -> dict:
    """What comes over as it was; the log gets a line more."""
    return {table: one for table, one in found.items() if table not in (*transfer.OF_PROCESSES, "audit")}


def test_every_table_comes_over_and_back(server, old, tmp_path):
    database, files = server.url(server.new()), tmp_path / "files"
    before = asyncio.run(contents(f"{SQLITE}{old}"))
    moved = move(f"{SQLITE}{old}", database, old.parent / "attachments", files)
    assert (moved.attachments, moved.missing) == (2, 0)
    assert {path.read_bytes() for path in files.rglob("*") if path.is_file()} == set(FILES)
    there = asyncio.run(contents(database))
    assert carried(there) == carried(before)
    assert moved.what.rows == sum(one.rows for one in carried(there).values()) + ROWS > 40 * ROWS
    assert all(one.rows for table, one in carried(there).items() if table != "broadcast_attachment")
    back = tmp_path / "back.db"
    move(database, f"{SQLITE}{back}", files, tmp_path / "attachments")
    assert carried(asyncio.run(contents(f"{SQLITE}{back}"))) == carried(before)
    assert asyncio.run(contents(f"{SQLITE}{old}")) == before, "what was moved stays as it is"


def test_new_rows_are_counted_on(server, old, tmp_path):
    """No id is given twice, in any table that counts by itself."""
    database = server.new()
    move(f"{SQLITE}{old}", server.url(database), old.parent / "attachments", tmp_path / "files")
    counters = server.sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE is_identity = 'YES'", database
    )
    assert len(counters) > 10
    for table, column in counters:
        ((highest,),) = server.sql(f"SELECT coalesce(max({column}), 0) FROM {table}", database)
        ((next_one,),) = server.sql(f"SELECT nextval(pg_get_serial_sequence('{table}', '{column}'))", database)
        assert next_one > highest or highest == 2**63 - 1, table

    async def use() -> int:
        ledger = ledger_at(server.url(database), tmp_path / "files")
        ledger.open()
        row = {"code": "TB1126-77", "state": "draft", "mode": "actual", "kind": "alert", "urgency": "khan"}
        row |= {
            "title": "Thử",
            "content": "{}",
            "audience": "",
            "valid_until": 0.0,
            "created_by": "a",
            "created_at": 0.0,
        }
        try:
            return await ledger.write(lambda tx: broadcasts.insert(tx, row))
        finally:
            await ledger.close()

    assert asyncio.run(use()) > ROWS


def log_of(url: str) -> list[audit.AuditLine]:
    """The lines, oldest first, of a log that must be whole."""
    with reading(url) as tx:
        assert audit.verify(tx).whole
        return audit.lines(tx)[::-1]


def test_the_log_of_the_target_says_who_moved_it_and_goes_on(server, tmp_path):
    """What was in it stays as it is, digests and all; back and forth is two lines more."""
    old, database, back = tmp_path / "old.db", server.url(server.new()), tmp_path / "back.db"
    with_log(old)
    before, began = log_of(f"{SQLITE}{old}"), time.time()
    moved = move(f"{SQLITE}{old}", database, tmp_path / "a", tmp_path / "b")
    *kept, line = log_of(database)
    assert kept == before
    assert (line.id, line.actor, line.action) == (len(before) + 1, BY, "ledger_moved")
    assert began <= line.at <= time.time()
    assert line.detail == {
        "source": f"{SQLITE}{old}", "target": moving.shown(database), "tables": moved.what.tables,
        "rows": moved.what.rows, "attachments": 0, "attachments_missing": 0,
    }  # fmt: skip
    move(database, f"{SQLITE}{back}", tmp_path / "b", tmp_path / "c")
    assert [one.action for one in log_of(f"{SQLITE}{back}")] == ["sign_in", "set_mode", "ledger_moved", "ledger_moved"]
    assert log_of(f"{SQLITE}{old}") == before, "what was moved stays as it is"


def test_the_log_is_verified_by_the_command_after_a_move(server, tmp_path):
    old, database = tmp_path / "old.db", server.url(server.new())
    with_log(old)
    noted = log_of(f"{SQLITE}{old}")[-1].chain
    done = loa("move", f"{SQLITE}{old}", database.replace("loa@", "loa:rat-bi-mat@"), "--files-to", str(tmp_path / "b"))
    assert done.returncode == 0, done.stderr
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "{database}"\nfiles = "{tmp_path / "b"}"\n')
    verified = loa("audit", "verify", "--head", noted, "--config", str(config))
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout) | {"head": ""} == {"whole": True, "lines": 3, "head": "", "broken_at": None}
    line = log_of(database)[-1]
    assert line.actor == f"{pwd.getpwuid(os.getuid()).pw_name}@{platform.node()}"
    assert "rat-bi-mat" not in str(line)


def test_the_command_says_what_it_did(server, old, tmp_path):
    database = server.url(server.new())
    done = loa("move", f"{SQLITE}{old}", database, "--files-to", str(tmp_path / "files"))
    assert done.returncode == 0, done.stderr
    (said,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (said["attachments"], said["attachments_missing"]) == (2, 0)
    assert said["rows"] > 40 * ROWS
    assert f"delivery: {ROWS}/{ROWS}" in done.stderr
    again = loa("move", f"{SQLITE}{old}", database, "--files-to", str(tmp_path / "files"))
    assert (again.returncode, again.stdout) == (1, "")
    assert len(again.stderr.strip().splitlines()) == 1, "one sentence"


def test_no_password_is_shown(old):
    target = "postgresql://loa:rat-bi-mat@127.0.0.1:1/loa"
    done = loa("move", f"{SQLITE}{old}", target)
    assert done.returncode == 1
    assert "rat-bi-mat" not in done.stdout + done.stderr
    assert moving.shown(target) == "postgresql://127.0.0.1:1/loa"


def test_what_is_in_use_is_not_moved(server, old, tmp_path):
    with hold_lock(old):
        assert refused(f"{SQLITE}{old}", server.url(server.new()), tmp_path).key == "ledger_in_use"
    database = server.new()
    migrate(server.url(database))
    server.sql(
        "INSERT INTO worker (id, name, role, machine, pid, born, version, state, clock_off, started_at, expires_at)"
        " VALUES ('1', 'w', 'worker', 'm', 1, '', '0', 'ready', 0, 0, extract(epoch FROM now()) + 60) RETURNING id",
        database,
    )
    assert refused(f"{SQLITE}{old}", server.url(database), tmp_path).key == "ledger_served"


def test_only_an_empty_ledger_takes_another(server, old, tmp_path):
    database = server.new()
    migrate(server.url(database))
    server.sql("INSERT INTO alarm (at, kind, subject) VALUES (1, 'rescue', '1') RETURNING id", database)
    wrong = refused(f"{SQLITE}{old}", server.url(database), tmp_path)
    assert (wrong.key, wrong.params) == ("transfer_not_empty", {"table": "alarm"})
    assert server.sql("SELECT count(*) FROM delivery", database) == [(0,)]
    assert refused(f"{SQLITE}{old}", f"{SQLITE}{old}", tmp_path).key in ("transfer_file_exists", "ledger_in_use")


def test_an_empty_migrated_database_is_as_good_as_a_new_one(server, old, tmp_path):
    database = server.url(server.new())
    migrate(database)
    assert move(f"{SQLITE}{old}", database, old.parent / "attachments", tmp_path).what.rows > ROWS


@pytest.mark.parametrize(("revision", "key"), [("0009", "ledger_too_old"), ("9999", "ledger_too_new")])
def test_another_release_is_refused(server, old, tmp_path, revision, key):
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    assert refused(f"{SQLITE}{old}", server.url(server.new()), tmp_path).key == key


def test_what_is_no_ledger_is_refused(server, old, tmp_path):
    target = server.url(server.new())
    text = tmp_path / "text.db"
    text.write_text("đây không phải sổ cái" * 100)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE x (a)")
    cut = tmp_path / "cut.db"
    cut.write_bytes(old.read_bytes()[:20_000])
    assert refused(f"{SQLITE}{tmp_path}/nowhere.db", target, tmp_path).key == "no_ledger"
    for path in (text, other, cut):
        assert refused(f"{SQLITE}{path}", target, tmp_path).key == "not_a_ledger", path
    assert list(tmp_path.glob("*.lock")) == [], "nothing is left beside what is not ours"
    foreign = server.new()
    server.sql("CREATE TABLE customers (id int)", foreign)
    assert refused(f"{SQLITE}{old}", server.url(foreign), tmp_path).key == "not_a_ledger"
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", foreign) == [(1,)]


def test_no_right_and_no_server(server, old, tmp_path):
    database = server.new()
    server.sql("DROP ROLE IF EXISTS guest")
    server.sql("CREATE ROLE guest LOGIN")
    poor = server.url(database).replace("loa@", "guest@")
    done = loa("move", f"{SQLITE}{old}", poor)
    assert done.returncode == 1
    assert "permission denied" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert refused(f"{SQLITE}{old}", "postgresql://loa@127.0.0.1:1/loa", tmp_path).key == "ledger_unreachable"
    assert loa("move", "mysql://x", poor).returncode == 1
    assert loa("move", f"{SQLITE}{old}").returncode == 2


def test_a_row_that_the_target_refuses_is_named(server, old, tmp_path):
    """A file that another program wrote into: a second hand of the schema would not."""
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE address SET person_id = 99 WHERE id = 1")
    database = server.new()
    wrong = refused(f"{SQLITE}{old}", server.url(database), tmp_path)
    assert (wrong.key, wrong.params["table"]) == ("transfer_row", "address")
    assert server.sql("SELECT count(*) FROM person", database) == [(0,)]


def test_a_server_without_room_keeps_nothing(server, old, tmp_path, monkeypatch):
    real = PostgresSide.insert

    async def insert(self, table, columns, rows):
        if table == "rollcall":
            raise asyncpg.DiskFullError("could not extend file: No space left on device")
        await real(self, table, columns, rows)

    monkeypatch.setattr(PostgresSide, "insert", insert)
    database = server.new()
    assert refused(f"{SQLITE}{old}", server.url(database), tmp_path).key == "disk_full"
    assert server.sql("SELECT count(*) FROM person", database) == [(0,)]


class Careless(SqliteSide):
    """A target that loses a letter on its way."""

    async def insert(self, table, columns, rows):
        if table == "person":
            rows = [tuple(f"{one}!" if one == "0thường" or one == "thường" else one for one in row) for row in rows]
        await super().insert(table, columns, rows)


async def test_what_did_not_come_over_whole_is_not_kept(old, tmp_path, monkeypatch):
    monkeypatch.setattr("store.transfer_sqlite.SqliteSide", Careless)
    target = tmp_path / "new.db"
    with pytest.raises(LedgerError) as wrong:
        await moving.move(f"{SQLITE}{old}", f"{SQLITE}{target}", tmp_path, tmp_path, told, BY)
    assert (wrong.value.key, wrong.value.params["table"]) == ("transfer_not_the_same", "person")
    assert not target.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("new")] == []


def test_attachments_that_are_not_there_are_counted(server, old, tmp_path):
    files = old.parent / "attachments"
    first = next(path for path in sorted(files.rglob("*")) if path.is_file())
    first.write_bytes(first.read_bytes()[::-1])
    moved = move(f"{SQLITE}{old}", server.url(server.new()), files, tmp_path / "files")
    assert (moved.attachments, moved.missing) == (1, 1)
    assert not blob_path(tmp_path / "files", first.name).exists()


def test_killed_on_its_way_it_leaves_nothing_and_begins_again(server, old, tmp_path):
    with closing(sqlite3.connect(old)) as connection, connection:
        rows = ((n, 84_900_000_000 + n) for n in range(1_000, 60_000))
        connection.executemany("INSERT INTO delivery (id, recipient) VALUES (?, ?)", rows)
    database = server.new()
    command = (*LOA, "move", f"{SQLITE}{old}", server.url(database), "--files-to", str(tmp_path / "files"))
    running = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    line = running.stderr.readline()
    running.kill()
    running.wait()
    assert "/" in line, "it was under way"
    assert server.sql("SELECT count(*) FROM person", database) == [(0,)]
    done = loa(*command[len(LOA) :], seconds=110)
    assert done.returncode == 0, done.stderr
    assert server.sql("SELECT count(*) FROM delivery", database) == [(59_000 + ROWS,)]


def test_the_sum_of_a_table_sees_every_difference():
    rows = [(1, "a", None), (2, "b", 1.0)]
    whole = transfer.Content().plus(rows)
    assert transfer.Content().plus(reversed(rows)) == whole, "the order is none of it"
    for other in (
        [(1, "a", None), (2, "b", 1.5)],
        [(1, "a", None)],
        [(1, "a", None), (2, "b", 1.0), (2, "b", 1.0)],
        [(1, "a", ""), (2, "b", 1.0)],
        [(1, "a", None), (2, b"b", 1.0)],
        [(1, "b", None), (2, "a", 1.0)],
    ):
        assert transfer.Content().plus(other) != whole
