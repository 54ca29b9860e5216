"""The ledger in an SQLite file: its lock, a full disk, its schema. What holds of both engines is in test_ledger.py."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import textwrap

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from store.engine import LedgerError, LedgerWriteError
from store.migrate import SCRIPTS, migrate
from store.opening import ledger_at

pytestmark = pytest.mark.sqlite_file


@pytest.fixture
async def ledger(tmp_path):
    url = f"sqlite:///{tmp_path / 'loa.db'}"
    migrate(url)
    ledger = ledger_at(url)
    ledger.open()
    yield ledger
    await ledger.close()


def add(reason):
    return lambda tx: tx.execute("INSERT INTO cause (reason, code) VALUES (?, '')", (reason,))


def all_reasons(tx):
    return {row[0] for row in tx.execute("SELECT reason FROM cause")}


async def test_readers_can_neither_write_nor_checkpoint(ledger):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await ledger.read(add("by a reader"))


async def test_a_second_service_is_kept_out(ledger):
    with pytest.raises(LedgerError) as refused:
        ledger_at(ledger.url).open()
    assert refused.value.key == "ledger_in_use"
    with pytest.raises(LedgerError) as refused:
        migrate(ledger.url)
    assert refused.value.key == "ledger_in_use"


async def test_a_full_disk_is_said_and_nothing_is_half_stored(ledger):
    def no_room(tx):
        tx.execute("PRAGMA max_page_count = 1")
        for n in range(5_000):
            tx.execute("INSERT INTO cause (reason, code) VALUES (?, ?)", (f"full {n}", "x" * 500))

    first = ledger.write(add("before"))
    results = await asyncio.gather(first, ledger.write(no_room), return_exceptions=True)
    assert [type(one) for one in results[1:]] == [LedgerWriteError]
    assert results[1].key == "disk_full"
    await ledger.write(lambda tx: tx.execute("PRAGMA max_page_count = 1000000"))
    await ledger.write(add("after"))
    reasons = await ledger.read(all_reasons)
    assert "after" in reasons
    assert not any(reason.startswith("full") for reason in reasons)


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(LedgerError) as refused:
        migrate(f"sqlite:///{blocked / 'loa.db'}")
    assert refused.value.key == "ledger_not_writable"


def test_a_file_that_is_no_ledger_is_one_clear_error(tmp_path):
    path = tmp_path / "loa.db"
    path.write_bytes(os.urandom(8192))
    with pytest.raises(LedgerError) as refused:
        migrate(f"sqlite:///{path}")
    assert refused.value.key == "ledger_not_usable"


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "loa.db"
    migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError) as refused:
        migrate(f"sqlite:///{path}")
    assert refused.value.key == "ledger_too_new"


def test_migrating_twice_changes_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'loa.db'}"
    assert migrate(url) == migrate(url)


def test_a_killed_process_loses_no_acknowledged_commit(tmp_path):
    script = textwrap.dedent(
        """
        import asyncio, sys
        from store.migrate import migrate
        from store.opening import ledger_at

        async def main(url):
            migrate(url)
            ledger = ledger_at(url)
            ledger.open()
            n = 0
            while True:
                await ledger.write(lambda tx: tx.execute("INSERT INTO cause (reason, code) VALUES (?, '')", (str(n),)))
                print(n, flush=True)
                n += 1

        asyncio.run(main(sys.argv[1]))
        """
    )
    path = tmp_path / "loa.db"
    child = subprocess.Popen([sys.executable, "-c", script, f"sqlite:///{path}"], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(child.stdout.readline()) for _ in range(200)]
    child.kill()
    rest = child.stdout.read().split()
    child.wait()
    acknowledged += [int(line) for line in rest if line.isdigit()]
    with sqlite3.connect(path) as connection:
        stored = {int(row[0]) for row in connection.execute("SELECT reason FROM cause")}
    assert set(acknowledged) <= stored


def test_a_ledger_of_the_first_version_keeps_what_it_holds(tmp_path):
    path = tmp_path / "loa.db"
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with sqlite3.connect(path) as old:
        old.execute("INSERT INTO cause (reason, code) VALUES ('kept', '')")
    old.close()
    assert migrate(f"sqlite:///{path}") >= "0002"
    with sqlite3.connect(path) as new:
        assert new.execute("SELECT count(*) FROM carrier_order").fetchone() == (0,)
        assert new.execute("SELECT reason FROM cause").fetchall() == [("kept",)]
    new.close()
