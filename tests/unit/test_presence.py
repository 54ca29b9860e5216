"""The presence of processes is kept past whatever waits to be written: a ledger that is busy moves no session."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from loa.roles.homes import Group
from loa.roles.identity import own_identity
from loa.roles.membership import Membership
from store import workers
from store.engine import Ledger, LedgerError, Tx
from store.migrate import migrate
from store.opening import ledger_at
from store.postgres import LOCK_SPACE, WRITE_LOCK
from tests.cluster import Cluster, NoServer
from tests.ledgers import ledger_of
from tests.membership_stand import Sessions, nothing

HOMES = ("sms.a", "sms.b", "telegram", "zalo.oa")
LEASE = 1.5
ROUND = 0.2
BLOCKED = 4.0
"""Longer than two leases."""
QUEUED = 300


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of our own: what is shown here is how PostgreSQL's locks are used."""
    try:
        made = Cluster()
        made.start()
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT") == "1":
            raise
        pytest.skip(str(missing))
    migrate(made.url())
    yield made.url()
    made.remove()


@pytest.fixture
async def two(url: str, tmp_path: Path) -> AsyncIterator[tuple[Ledger, Ledger]]:
    """The ledgers of two processes."""
    both = ledger_at(url, tmp_path), ledger_at(url, tmp_path)
    for one in both:
        one.open()
    await both[0].write_presence(forget_all)
    yield both
    for one in both:
        await one.close()


def forget_all(tx: Tx) -> None:
    for table in ("worker", "lease", "light"):
        tx.execute(f"DELETE FROM {table}")


@asynccontextmanager
async def nobody_writes(url: str) -> AsyncIterator[None]:
    """Somebody has the installation's lock: no ordinary transaction begins, and no hot one."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({LOCK_SPACE}, {WRITE_LOCK})")
        yield
    finally:
        await connection.close()


def process(ledger: Ledger) -> tuple[Membership, Sessions]:
    sessions = Sessions()
    group = Group(frozenset({"worker"}), HOMES, sessions)
    return Membership(ledger, "worker", "1", LEASE, [group], identity=own_identity()), sessions


def cause(n: int, code: str = "") -> Callable[[Tx], object]:
    return lambda tx: tx.execute("INSERT INTO cause (reason, code) VALUES (?, ?)", (f"queued {n}", code))


def queued(tx: Tx) -> int:
    return int(tx.execute("SELECT count(*) FROM cause WHERE reason LIKE 'queued %'").fetchone()[0])


async def test_it_is_stored_like_any_other(tmp_path: Path) -> None:
    """On either engine: what the closure gives back, what it raises, and nothing of one that raised."""
    ledger = ledger_of(tmp_path)
    ledger.open()

    def broken(tx: Tx) -> None:
        tx.execute("INSERT INTO lease (name, owner, token, expires_at) VALUES ('b', 'x', 1, 1)")
        raise KeyError("mine")

    def kept(tx: Tx) -> str:
        tx.execute("INSERT INTO lease (name, owner, token, expires_at) VALUES ('a', 'x', 1, 1)")
        return "kept"

    try:
        assert await ledger.write_presence(kept) == "kept"
        with pytest.raises(KeyError, match="mine"):
            await ledger.write_presence(broken)
        assert await ledger.read(lambda tx: [row[0] for row in tx.execute("SELECT name FROM lease")]) == ["a"]
    finally:
        await ledger.close()
    with pytest.raises(LedgerError) as refused:
        await ledger.write_presence(kept)
    assert refused.value.key == "ledger_closed"


async def test_it_goes_past_a_queue_that_stands(url: str, two: tuple[Ledger, Ledger]) -> None:
    async with nobody_writes(url):
        waiting = [asyncio.create_task(two[0].write(cause(n), beside=bool(n % 2))) for n in range(QUEUED)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(20):
            assert await two[0].write_presence(workers.everyone) == []
        assert not any(one.done() for one in waiting)
    await asyncio.gather(*waiting)
    assert await two[0].read(queued) == QUEUED
    await two[0].write(lambda tx: tx.execute("DELETE FROM cause"))


async def test_no_session_moves_while_nothing_can_be_written(
    url: str, two: tuple[Ledger, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes share sessions; the ledger stands still for longer than two leases, with a long queue."""
    monkeypatch.setattr("loa.roles.membership.ROUND_SECONDS", ROUND)
    monkeypatch.setattr("loa.roles.membership.SETTLED_SECONDS", 0.0)
    (one, at_one), (other, at_other) = process(two[0]), process(two[1])
    for each in (one, other):
        await each.enter(nothing)
        await each.join()
    for _ in range(200):
        if (len(at_one.live), len(at_other.live)) == (2, 2):
            break
        await asyncio.sleep(0.05)
    before = list(at_one.taken), list(at_other.taken), set(at_one.live), set(at_other.live)
    async with nobody_writes(url):
        waiting = [
            asyncio.create_task(each.write(cause(n, by)))
            for n in range(QUEUED)
            for by, each in zip("ab", two, strict=True)
        ]
        until = time.monotonic() + BLOCKED
        while time.monotonic() < until:
            await asyncio.sleep(0.05)
            assert (one.behind(), other.behind()) == ("", "")
        assert not any(each.done() for each in waiting)
    await asyncio.gather(*waiting)
    assert (at_one.taken, at_other.taken, at_one.live, at_other.live) == before, "nothing was lost and begun again"
    for each in (one, other):
        await each.drain()
        await each.leave()
    await two[0].write(lambda tx: tx.execute("DELETE FROM cause"))


async def test_it_is_alone_among_its_kind(two: tuple[Ledger, Ledger]) -> None:
    """Of two processes that do everything, one must see the other."""
    guard, inside, most = threading.Lock(), [0], [0]

    def visit(tx: Tx) -> None:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.005)
        with guard:
            inside[0] -= 1

    await asyncio.gather(*(each.write_presence(visit) for _ in range(20) for each in two))
    assert most == [1]


async def test_one_that_is_stopped_in_the_middle_costs_the_others_no_lease(two: tuple[Ledger, Ledger]) -> None:
    """As SIGSTOP does, or a machine that is moved: the server ends its transaction, and nothing of it is kept."""
    go_on = threading.Event()
    runs: list[int] = []

    def stopped(tx: Tx) -> None:
        runs.append(1)
        tx.execute("INSERT INTO lease (name, owner, token, expires_at) VALUES ('a', 'stopped', 1, 1)")
        if len(runs) == 1:
            go_on.wait(30)

    standing = asyncio.create_task(two[0].write_presence(stopped))
    await asyncio.sleep(0.2)
    async with asyncio.timeout(10):
        found = await two[1].write_presence(lambda tx: tx.execute("SELECT owner FROM lease").fetchall())
    assert found == []
    go_on.set()
    await standing
    assert len(runs) == 2, "run again on a new connection, as after any loss of one"
