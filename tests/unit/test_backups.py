"""A backup of either engine comes back on either, whole and of one moment; what is no good is refused, and why."""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from loa import backups, moving
from loa.backups import BadBackup
from store import alarms, audit, transfer
from store.engine import LedgerError, Tx
from store.migrate import migrate, upgrade
from store.opening import SQLITE, ledger_at, reading
from store.sqlite import FILES as FOLDER
from store.sqlite import Connection, connect_writer, hold_lock
from tests.keeping_stand import FILES, ROWS, Databases, contents, databases, fill, with_log
from tests.processes import LOA, ROOT, environment, loa

MEGABYTE = 1 << 20
BY = "quantri@may-chu"


@pytest.fixture(scope="module")
def server() -> Iterator[Databases]:
    with databases() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path) -> Callable[[str], str]:
    """URLs of new ledgers of one engine, by name."""
    if request.param == "sqlite":
        return lambda name: f"{SQLITE}{tmp_path / name / 'loa.db'}"
    server = request.getfixturevalue("server")
    made: dict[str, str] = {}

    def database(name: str) -> str:
        if name not in made:
            made[name] = server.new()
        return server.url(made[name])

    return database


@pytest.fixture
def full(place, tmp_path) -> str:
    """A ledger with rows in every table; its attachments lie in `tmp_path`/files."""
    made = tmp_path / "made" / "loa.db"
    made.parent.mkdir()
    fill(made, tmp_path / "files")
    url = place("full")
    if url.startswith(SQLITE):
        moving.path_of(url).parent.mkdir()
    asyncio.run(moving.move(f"{SQLITE}{made}", url, tmp_path / "files", tmp_path / "files", silent, BY))
    return url


def silent(table: str, done: int, total: int) -> None:
    pass


def back_up(url: str, files: Path, to: Path) -> backups.Packed:
    return asyncio.run(backups.back_up(url, files, to, silent))


def restore(backup: Path, url: str, files: Path, *, replace: bool = False) -> backups.Packed:
    return asyncio.run(backups.restore(backup, url, files, silent, replace=replace, by=BY))


def carried(url: str) -> dict:
    """What comes back as it was; the log gets a line more."""
    found = asyncio.run(contents(url))
    return {name: one for name, one in found.items() if name not in (*transfer.OF_PROCESSES, "audit")}


def files_in(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_comes_back_whole(full, place, tmp_path):
    copy = tmp_path / "copy.loa"
    made = back_up(full, tmp_path / "files", copy)
    assert (made.rows, made.attachments, made.missing) == (ROWS, 2, 0)
    target, files = place("new"), tmp_path / "new-files"
    back = restore(copy, target, files)
    assert (back.rows, back.attachments) == (ROWS, 2)
    assert carried(target) == carried(full)
    assert files_in(files) == set(FILES)
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.loa"], (
        "nothing is left beside it"
    )


def log_of(url: str) -> list[audit.AuditLine]:
    """The lines, oldest first, of a log that must be whole."""
    with reading(url) as tx:
        assert audit.verify(tx).whole
        return audit.lines(tx)[::-1]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_log_says_who_restored_what_and_goes_on(place, tmp_path):
    old, copy, target = tmp_path / "old.db", tmp_path / "dem-20.loa", place("new")
    with_log(old)
    before = log_of(f"{SQLITE}{old}")
    back_up(f"{SQLITE}{old}", tmp_path / "files", copy)
    restore(copy, target, tmp_path / "files")
    *kept, line = log_of(target)
    assert kept == before
    assert (line.id, line.actor, line.action) == (3, BY, "ledger_restored")
    assert line.detail == {"file": "dem-20.loa", "sha256": digest(copy), "deliveries": 0, "attachments": 0}


def test_the_log_says_what_became_of_the_ledger_before(place, tmp_path):
    """In a file it is kept beside; in a database it is gone, and whoever noted its newest digest finds that here."""
    old, copy, target = tmp_path / "old.db", tmp_path / "copy.loa", place("new")
    with_log(old)
    back_up(f"{SQLITE}{old}", tmp_path / "files", copy)
    restore(copy, target, tmp_path / "files")
    given_up = log_of(target)[-1]
    restore(copy, target, tmp_path / "files", replace=True)
    *kept, line = log_of(target)
    assert kept == log_of(f"{SQLITE}{old}")
    if target.startswith(SQLITE):
        (before,) = moving.path_of(target).parent.glob("loa.before-*")
        assert line.detail["kept"] == before.name
        assert log_of(f"{SQLITE}{before}")[-1] == given_up
    else:
        assert (line.detail["given_up_lines"], line.detail["given_up_head"]) == (3, given_up.chain)


def test_the_log_of_an_older_release_goes_on_too(place, tmp_path):
    copy, target = tmp_path / "old.loa", place("new")
    older(copy, "0004")
    with closing(sqlite3.connect(copy, factory=Connection)) as connection, connection:
        audit.record(connection, 1.0, "an", "sign_in")
    restore(copy, target, tmp_path / "files")
    assert [one.action for one in log_of(target)] == ["sign_in", "ledger_restored"]


def test_a_backup_of_one_engine_comes_back_on_the_other(server, full, tmp_path):
    copy = tmp_path / "copy.loa"
    back_up(full, tmp_path / "files", copy)
    other = server.url(server.new()) if full.startswith(SQLITE) else f"{SQLITE}{tmp_path / 'other' / 'loa.db'}"
    restore(copy, other, tmp_path / "other-files")
    assert carried(other) == carried(full)


def test_it_is_of_one_moment_while_the_ledger_is_written(full, tmp_path):
    """Each commit raises an alarm and numbers it in two tables: a backup has both or none of every pair."""
    ledger = ledger_at(full, tmp_path / "files")
    ledger.open()
    stop, begun, written = threading.Event(), asyncio.Event(), []

    async def keep_writing() -> None:
        while not stop.is_set():
            await ledger.write(lambda tx: pair(tx, len(written)))
            written.append(1)
            if len(written) == 20:
                begun.set()

    async def both() -> None:
        writing = asyncio.create_task(keep_writing())
        await begun.wait()
        for n in range(3):
            await asyncio.to_thread(back_up, full, tmp_path / "files", tmp_path / f"copy-{n}.loa")
        stop.set()
        await writing
        await ledger.close()

    asyncio.run(both())
    seen = []
    for n in range(3):
        with closing(sqlite3.connect(tmp_path / f"copy-{n}.loa")) as copy:
            ((alarmed,),) = copy.execute("SELECT count(*) FROM alarm WHERE kind = 'pair'").fetchall()
            ((noted,),) = copy.execute("SELECT count(*) FROM opt_out WHERE source = 'pair'").fetchall()
        assert alarmed == noted
        seen.append(alarmed)
    assert 20 <= seen[0] < seen[2] <= len(written)


def pair(tx: Tx, n: int) -> None:
    alarms.raise_again(tx, "pair", str(n), {}, 1.0)
    tx.execute("INSERT INTO opt_out (msisdn, at, source) VALUES (?, 1.0, 'pair')", (84_911_000_000 + n,))


def test_a_ledger_in_a_file_is_kept_beside_the_restored_one(tmp_path):
    old = tmp_path / "loa.db"
    fill(old, tmp_path / FOLDER)
    copy = tmp_path / "copy.loa"
    back_up(f"{SQLITE}{old}", tmp_path / FOLDER, copy)
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("DELETE FROM delivery")
    restore(copy, f"{SQLITE}{old}", tmp_path / FOLDER)
    (before,) = tmp_path.glob("loa.before-*")
    with closing(sqlite3.connect(before)) as connection:
        assert connection.execute("SELECT count(*) FROM delivery").fetchone() == (0,)


def test_what_a_killed_service_left_in_its_journal_is_kept_too(tmp_path):
    """It was committed; the file alone does not hold it yet."""
    old = tmp_path / "loa.db"
    fill(old, tmp_path / FOLDER)
    copy = tmp_path / "copy.loa"
    back_up(f"{SQLITE}{old}", tmp_path / FOLDER, copy)
    killed = tmp_path / "killed" / "loa.db"
    killed.parent.mkdir()
    with closing(connect_writer(old)) as running:
        running.execute("DELETE FROM delivery")
        for ending in ("", "-wal"):  # as they lie there when nothing was closed
            shutil.copyfile(old.with_name(old.name + ending), killed.with_name(killed.name + ending))
    restore(copy, f"{SQLITE}{killed}", tmp_path / FOLDER)
    assert carried(f"{SQLITE}{killed}")["delivery"].rows == ROWS
    (before,) = (path for path in killed.parent.glob("loa.before-*") if not path.name.endswith(("-wal", "-shm")))
    with closing(sqlite3.connect(before)) as connection:
        assert connection.execute("SELECT count(*) FROM delivery").fetchone() == (0,)


def test_a_database_that_holds_something_is_given_up_only_when_asked(server, tmp_path):
    old = tmp_path / "loa.db"
    fill(old, tmp_path / "files")
    copy = tmp_path / "copy.loa"
    back_up(f"{SQLITE}{old}", tmp_path / "files", copy)
    database = server.new()
    url = server.url(database)
    migrate(url)
    server.sql("INSERT INTO alarm (at, kind, subject) VALUES (1, 'rescue', 'mine') RETURNING id", database)
    with pytest.raises(LedgerError) as wrong:
        restore(copy, url, tmp_path / "files")
    assert wrong.value.key == "transfer_not_empty"
    assert server.sql("SELECT subject FROM alarm", database) == [("mine",)]
    restore(copy, url, tmp_path / "files", replace=True)
    assert carried(url) == carried(f"{SQLITE}{old}")


def test_neither_is_restored_while_it_is_used(server, tmp_path):
    old = tmp_path / "loa.db"
    fill(old, tmp_path / "files")
    copy = tmp_path / "copy.loa"
    back_up(f"{SQLITE}{old}", tmp_path / "files", copy)
    with hold_lock(old), pytest.raises(LedgerError) as wrong:
        restore(copy, f"{SQLITE}{old}", tmp_path / "files")
    assert wrong.value.key == "ledger_in_use"
    database = server.new()
    migrate(server.url(database))
    server.sql(
        "INSERT INTO worker (id, name, role, machine, pid, born, version, state, clock_off, started_at, expires_at)"
        " VALUES ('1', 'w', 'worker', 'm', 1, '', '0', 'ready', 0, 0, extract(epoch FROM now()) + 60) RETURNING id",
        database,
    )
    with pytest.raises(LedgerError) as served:
        restore(copy, server.url(database), tmp_path / "files", replace=True)
    assert served.value.key == "ledger_served"


def older(path: Path, revision: str) -> None:
    """A ledger as a release of then would have left it."""
    engine = create_engine(f"{SQLITE}{path}")
    with engine.begin() as connection:
        upgrade(connection, str(path), revision)
        connection.exec_driver_sql("INSERT INTO delivery (id, recipient) VALUES (1, 84900000001)")
    engine.dispose()


def test_a_backup_of_an_older_release_comes_back(place, tmp_path):
    copy = tmp_path / "old.loa"
    older(copy, "0012")
    target = place("new")
    assert restore(copy, target, tmp_path / "files").rows == 1
    migrate(target)  # as the next start does
    assert carried(target)["delivery"].rows == 1
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0012",), (
            "it stays as it was"
        )


@pytest.fixture(scope="module")
def backup(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("backup")
    fill(folder / "loa.db", folder / "files")
    back_up(f"{SQLITE}{folder / 'loa.db'}", folder / "files", folder / "copy.loa")
    return folder / "copy.loa"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scratch(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4_096] = b"\x00" * 4_096
    path.write_bytes(bytes(content))


def change(sql: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(sql)

    return run


def write(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        (cut, "backup_unsound"),
        (scratch, "backup_unsound"),
        (change("UPDATE alembic_version SET version_num = '9999'"), "backup_too_new"),
        (change("DROP TABLE alembic_version"), "not_a_backup"),
        (change("UPDATE backup_file SET content = x'00'"), "backup_unsound"),
        (write(b"PGDMP\x01\x0e\x00 a dump of PostgreSQL's own"), "not_a_backup"),
        (write(b""), "not_a_backup"),
        (write(b"PK\x03\x04 a zip"), "not_a_backup"),
    ],
    ids=["cut", "scratched", "newer", "other sqlite", "changed attachment", "pg_dump", "empty", "zip"],
)
def test_what_is_no_good_is_refused_and_changes_nothing(place, backup, tmp_path, spoil, key):
    bad = tmp_path / "bad.loa"
    bad.write_bytes(backup.read_bytes())
    spoil(bad)
    target = place("target")
    with pytest.raises(BadBackup) as wrong:
        restore(bad, target, tmp_path / "files")
    assert wrong.value.key == key
    if target.startswith(SQLITE):
        assert not moving.path_of(target).exists()
        assert not list(tmp_path.rglob("*.restoring"))
    else:
        assert all(one.rows == 0 for name, one in carried(target).items() if name not in transfer.MADE_BY_MIGRATIONS)


def test_the_commands_say_each_in_one_sentence(backup, tmp_path):
    ledger = tmp_path / "data" / "loa.db"
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "{SQLITE}{ledger}"\n')
    bad = tmp_path / "bad.loa"
    bad.write_bytes(b"no backup")
    for arguments in (
        ("backup", str(tmp_path / "x.loa")),
        ("restore", str(bad)),
        ("restore", str(tmp_path / "nowhere.loa")),
    ):
        done = loa(*arguments, "--config", str(config))
        assert (done.returncode, done.stdout) == (1, ""), arguments
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    done = loa("restore", str(backup), "--config", str(config))
    assert json.loads(done.stdout) == {"file": str(ledger), "rows": ROWS, "attachments": 2}
    done = loa("backup", str(tmp_path / "again.loa"), "--config", str(config))
    assert json.loads(done.stdout)["rows"] == ROWS


def test_no_room_for_a_backup_is_one_sentence_and_leaves_no_half(backup, tmp_path):
    ledger = tmp_path / "data" / "loa.db"
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "{SQLITE}{ledger}"\n')
    restore(backup, f"{SQLITE}{ledger}", tmp_path / "data" / FOLDER)
    with closing(sqlite3.connect(ledger)) as connection, connection:
        rows = ((n, 84_900_000_000 + n) for n in range(1_000, 60_000))
        connection.executemany("INSERT INTO delivery (id, recipient) VALUES (?, ?)", rows)
    done = subprocess.run(
        (*LOA, "backup", str(tmp_path / "copy.loa"), "--config", str(config)), cwd=ROOT, env=environment(),
        capture_output=True, text=True, check=False, preexec_fn=small_files,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "copy.loa" in done.stderr
    assert [path.name for path in tmp_path.glob("copy*")] == []


def small_files() -> None:
    """The kernel refuses what goes beyond, as it does on a disk without a free block."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE, MEGABYTE))


def test_no_room_for_a_restored_ledger(backup, tmp_path, monkeypatch):
    monkeypatch.setattr("loa.backups.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1_000})())
    with pytest.raises(LedgerError) as wrong:
        restore(backup, f"{SQLITE}{tmp_path / 'new' / 'loa.db'}", tmp_path / "files")
    assert wrong.value.key == "disk_full"


def test_a_restored_ledger_works(backup, place, tmp_path):
    url = place("new")
    restore(backup, url, tmp_path / "files")
    migrate(url)

    async def use() -> int | None:
        ledger = ledger_at(url, tmp_path / "files")
        ledger.open()
        try:
            return await ledger.write(lambda tx: alarms.raise_again(tx, "rescue", "new", {}, 1.0))
        finally:
            await ledger.close()

    made = asyncio.run(use())
    assert made is not None
    assert made > ROWS
