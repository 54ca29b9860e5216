"""The ledger behind a real PgBouncer in transaction mode: a connection of ours may be another one of the server's with
each transaction, so nothing may lean on what the one before left there."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from loa import moving
from loa.roles.homes import Group
from loa.roles.identity import own_identity
from loa.roles.membership import Membership
from store import audit
from store.engine import LedgerError, Tx
from store.migrate import migrate
from store.opening import SQLITE, ledger_at, reading
from tests.cluster import OWNER, Cluster, NoServer
from tests.keeping_stand import with_log
from tests.membership_stand import Sessions, nothing
from tests.ports import free_port

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
READY_SECONDS = 20.0
SERVERS = 3
"""Fewer than one ledger has connections: they are shared, or nothing works."""
CONFIG = """
[databases]
* = host=127.0.0.1 port={server} user=loa
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 200
query_wait_timeout = 30
"""


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    try:
        cluster = Cluster()
        cluster.start()
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT") == "1":
            raise
        pytest.skip(str(missing))
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def url(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a migrated ledger, by way of PgBouncer."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    folder, port = tmp_path_factory.mktemp("pgbouncer"), free_port()
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(server=server.port, port=port, servers=SERVERS))
    as_owner: tuple[str, ...] = ()
    if os.geteuid() == 0:  # whom it refuses
        as_owner = ("runuser", "-u", OWNER, "--")
        owner = pwd.getpwnam(OWNER)
        shutil.copy(config, server.folder / "pgbouncer.ini")
        config = server.folder / "pgbouncer.ini"
        os.chown(config, owner.pw_uid, owner.pw_gid)
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen((*as_owner, PROGRAM, str(config)), stdout=log, stderr=log)
    until = time.monotonic() + READY_SECONDS
    while not answers(port):
        assert running.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < until, (folder / "log").read_text()
        time.sleep(0.05)
    address = f"postgresql://loa@127.0.0.1:{port}/postgres?statement_cache_size=0"
    migrate(address)
    yield address
    running.terminate()
    running.wait(READY_SECONDS)


def cause(n: int) -> tuple[str, str]:
    return f"c{n}", ""


def causes(tx: Tx) -> int:
    return int(tx.execute("SELECT count(*) FROM cause").fetchone()[0])


async def test_every_kind_of_statement_many_at_once(url: str, tmp_path: Path) -> None:
    """Two processes, ordinary and hot, with COPY, arrays, savepoints and readers, over three connections."""
    both = ledger_at(url, tmp_path), ledger_at(url, tmp_path)
    for one in both:
        one.open()

    def insert(first: int, many: int):  # type: ignore[no-untyped-def]
        return lambda tx: tx.insert_many("cause", ("reason", "code"), [cause(n) for n in range(first, first + many)])

    def broken(tx: Tx) -> None:
        insert(90_000, 1)(tx)
        raise KeyError("mine")

    def change(tx: Tx) -> None:
        ids = [row[0] for row in tx.execute("SELECT id FROM cause ORDER BY id LIMIT 50" + tx.for_update)]
        tx.update_many("cause", ["code = ?"], [(str(one), one) for one in ids])
        assert len(tx.among("SELECT id FROM cause WHERE id IN (?*)", ids)) == len(ids)

    try:
        await both[0].write(lambda tx: tx.execute("DELETE FROM cause"))
        writes = [both[n % 2].write(insert(n * 100, 60 if n % 3 else 2), beside=bool(n % 4)) for n in range(60)]
        refused = [both[n % 2].write(broken) for n in range(10)]
        reads = [both[n % 2].read(causes) for n in range(30)]
        done = await asyncio.gather(*writes, *refused, *reads, return_exceptions=True)
        assert [type(one) for one in done if isinstance(one, Exception)] == [KeyError] * len(refused)
        await asyncio.gather(*(one.write(change) for one in both), *(one.write(change, beside=True) for one in both))
        assert await both[0].read(causes) == sum(60 if n % 3 else 2 for n in range(60))
    finally:
        for one in both:
            await one.close()


async def test_an_ordinary_transaction_is_alone(url: str, tmp_path: Path) -> None:
    """The lock is one of the transaction, not of the session that somebody else gets next."""
    both = ledger_at(url, tmp_path), ledger_at(url, tmp_path)
    for one in both:
        one.open()
    guard, inside, most = threading.Lock(), [0], [0]

    def visit(tx: Tx) -> None:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        tx.execute("SELECT 1")
        time.sleep(0.005)
        with guard:
            inside[0] -= 1

    try:
        await asyncio.gather(*(one.write(visit) for _ in range(10) for one in both))
    finally:
        for one in both:
            await one.close()
    assert most == [1]


async def test_a_named_lock_is_held_by_one_and_given_back(url: str, tmp_path: Path) -> None:
    both = ledger_at(url, tmp_path), ledger_at(url, tmp_path)
    order: list[str] = []

    async def hold(name: str, one: int) -> None:
        async with both[one].lock("token"):
            order.append(f"{name} in")
            await asyncio.sleep(0.1)
            order.append(f"{name} out")

    for one in both:
        one.open()
    try:
        await asyncio.gather(hold("a", 0), hold("b", 1), hold("c", 0))
    finally:
        for one in both:
            await one.close()
    assert [said.split()[1] for said in order] == ["in", "out"] * 3


async def test_nothing_of_ours_stays_on_a_connection(url: str, server: Cluster, tmp_path: Path) -> None:
    """Time-outs of a reader or a writer are those of its transaction."""
    ledger = ledger_at(url, tmp_path)
    ledger.open()
    await asyncio.gather(*(ledger.read(causes) for _ in range(9)), ledger.write(causes), ledger.write_presence(causes))
    await ledger.close()
    port = url.rpartition(":")[2].partition("/")[0]
    plain = await asyncpg.connect(f"postgresql://loa@127.0.0.1:{port}/postgres", statement_cache_size=0)
    try:
        for name in (
            "statement_timeout",
            "idle_in_transaction_session_timeout",
            "lock_timeout",
            "transaction_read_only",
        ):
            assert await plain.fetchval(f"SHOW {name}") in ("0", "off"), name
        assert await plain.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        assert await plain.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0
    finally:
        await plain.close()


async def test_processes_share_sessions(url: str, tmp_path: Path) -> None:
    ledgers = ledger_at(url, tmp_path), ledger_at(url, tmp_path)
    live = Sessions(), Sessions()
    made = [
        Membership(ledger, "worker", "1", 5.0, [Group(frozenset({"worker"}), ("a", "b"), one)], identity=own_identity())
        for ledger, one in zip(ledgers, live, strict=True)
    ]
    for ledger, one in zip(ledgers, made, strict=True):
        ledger.open()
        await one.enter(nothing)
        await one.join()
    assert (live[0].live, live[1].live) == ({"a", "b"}, set())
    await made[0].drain()
    await made[0].leave()
    await made[1].round()
    assert live[1].live == {"a", "b"}
    await made[1].leave()
    for ledger in ledgers:
        await ledger.close()


async def test_a_server_that_restarts_is_waited_for(url: str, server: Cluster, tmp_path: Path) -> None:
    """PgBouncer stays, what is behind it goes and comes back."""
    ledger = ledger_at(url, tmp_path)
    ledger.open()
    try:
        await ledger.write(lambda tx: tx.execute("DELETE FROM cause"))
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(40):
            while True:
                try:
                    await ledger.write(lambda tx: tx.execute("INSERT INTO cause (reason, code) VALUES ('after', '')"))
                    break
                except LedgerError:
                    await asyncio.sleep(0.2)
        assert await ledger.read(causes) == 1
    finally:
        await ledger.close()


def test_a_ledger_is_moved_through_it(url: str, server: Cluster, tmp_path: Path) -> None:
    old, target = tmp_path / "old.db", url.replace("/postgres?", "/moved?")
    with_log(old)
    asyncio.run(_create(server))
    asyncio.run(moving.move(f"{SQLITE}{old}", target, tmp_path, tmp_path, lambda *_: None, "an@may"))
    with reading(target) as tx:
        verdict = audit.verify(tx)
    assert (verdict.whole, verdict.lines) == (True, 3)


async def _create(server: Cluster) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE DATABASE moved")
    await connection.close()
