"""The ledger on PostgreSQL when its server fails: a lost connection, a restart, a commit whose answer never came, a
read-only server, statements that take too long, two services that start at once."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.together import Together
from store import delivery_pages, partitions, receipts
from store.chunks import ORDINAL_BITS
from store.engine import Ledger, LedgerError, LedgerWriteError, Overtaken, Tx
from store.migrate import migrate
from store.opening import ledger_at
from store.postgres import BESIDE_THREADS
from store.postgres_link import Address
from store.postgres_tx import INSTEAD_OF_NUL
from tests.cluster import Cluster, NoServer
from tests.ledgers import execute_at

NOW = 1_795_000_000.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server of our own: it is stopped and started here."""
    try:
        made = Cluster()
        made.start()
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT") == "1":
            raise
        pytest.skip(str(missing))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> str:
    migrate(cluster.url())
    return cluster.url()


@pytest.fixture
async def ledger(cluster: Cluster, url: str, tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = ledger_at(url, tmp_path)
    opened.open()
    await opened.write(lambda tx: tx.execute("DELETE FROM cause"))
    yield opened
    await opened.close()


def add(reason: str) -> Callable[[Tx], object]:
    return lambda tx: tx.execute("INSERT INTO cause (reason, code) VALUES (?, '')", (reason,))


def reasons(tx: Tx) -> list[str]:
    return [row[0] for row in tx.execute("SELECT reason FROM cause ORDER BY id")]


def end_my_session(tx: Tx) -> None:
    tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")


OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"


@pytest.mark.parametrize("beside", [False, True])
async def test_a_connection_that_was_lost_while_nobody_used_it(ledger: Ledger, beside: bool) -> None:
    await ledger.write(add("before"), beside=beside)
    await ledger.read(reasons)
    await ledger.write(lambda tx: tx.execute(OTHERS), beside=not beside)
    await ledger.write(add("after"), beside=beside)
    assert await ledger.read(reasons) == ["before", "after"]


async def test_a_connection_that_is_lost_in_the_middle_is_nobodys_fault(ledger: Ledger) -> None:
    """The closure is run again on a new one, and is stored once."""
    runs: list[int] = []

    def once_cut(tx: Tx) -> None:
        runs.append(1)
        add("cut")(tx)
        if len(runs) == 1:
            end_my_session(tx)
        add("whole")(tx)

    await asyncio.gather(ledger.write(add("with it")), ledger.write(once_cut))
    assert len(runs) == 2
    assert sorted(await ledger.read(reasons)) == ["cut", "whole", "with it"]


async def test_readers_that_share_a_snapshot_are_run_again_when_it_is_lost(ledger: Ledger) -> None:
    await ledger.write(add("there"))
    together: Together[list[str]] = Together(ledger.read, apart=True)
    cuts = iter([True])

    def cut_once(tx: Tx) -> list[str]:
        if next(cuts, False):
            end_my_session(tx)
        return reasons(tx)

    assert await asyncio.gather(together(reasons), together(cut_once), together(reasons)) == [["there"]] * 3
    with pytest.raises(LedgerError) as refused:
        await together(end_my_session)  # type: ignore[arg-type]
    assert refused.value.key == "ledger_unreachable"


async def test_a_closure_that_always_costs_the_connection_is_given_up(ledger: Ledger) -> None:
    with pytest.raises(LedgerWriteError) as refused:
        await ledger.write(end_my_session)
    assert refused.value.key == "ledger_unreachable"
    await ledger.write(add("goes on"))


async def test_an_error_of_the_closures_own_is_not_taken_for_a_loss(ledger: Ledger) -> None:
    runs: list[int] = []

    def broken(tx: Tx) -> None:
        runs.append(1)
        raise ConnectionResetError("of something else")

    with pytest.raises(ConnectionResetError):
        await ledger.write(broken)
    assert len(runs) == 1


@pytest.mark.parametrize("stored", [True, False])
async def test_a_commit_whose_answer_is_lost(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, stored: bool) -> None:
    """The server is asked what became of it: stored, it is not done again; undone, it is."""
    from store.postgres import PostgresWriter

    run, cuts = PostgresWriter._run, iter([True])

    def cut(self: PostgresWriter, script: str) -> str:
        if script == "COMMIT" and next(cuts, False):
            if stored:
                run(self, script)
            self._link.run(_end(self._link.connection))
        return run(self, script)

    monkeypatch.setattr(PostgresWriter, "_run", cut)
    runs: list[int] = []

    def write(tx: Tx) -> int:
        runs.append(1)
        add("told twice?")(tx)
        return 7

    assert await ledger.write(write) == 7
    assert len(runs) == (1 if stored else 2)
    assert await ledger.read(reasons) == ["told twice?"]


async def _end(connection: object) -> None:
    connection.terminate()  # type: ignore[attr-defined]
    await asyncio.sleep(0)


async def test_a_server_that_is_away_and_comes_back(cluster: Cluster, ledger: Ledger) -> None:
    await ledger.write(add("before"))
    await ledger.read(reasons)
    await asyncio.to_thread(cluster.stop, "immediate")
    began = time.monotonic()
    for call in (ledger.write(add("while away")), ledger.write(add("beside"), beside=True), ledger.read(reasons)):
        with pytest.raises(LedgerError) as refused:
            await call
        assert refused.value.key == "ledger_unreachable"
    with pytest.raises(LedgerError):
        async with ledger.lock("key"):
            pytest.fail("held without a server")
    assert time.monotonic() - began < 30
    await asyncio.to_thread(cluster.start)
    async with asyncio.timeout(20):
        while True:
            try:
                await ledger.write(add("again"))
                break
            except LedgerWriteError:
                await asyncio.sleep(0.1)
    await asyncio.sleep(1.1)  # the other threads ask once a second
    await ledger.write(add("beside again"), beside=True)
    assert await ledger.read(reasons) == ["before", "again", "beside again"]


async def test_a_restart_is_waited_for(cluster: Cluster, ledger: Ledger) -> None:
    """A second or two: nobody is told."""
    await ledger.write(add("before"))

    def restart() -> None:
        cluster.stop()
        cluster.start()

    restarting = asyncio.create_task(asyncio.to_thread(restart))
    while not restarting.done():
        await asyncio.sleep(0.05)
        break
    await restarting
    await ledger.write(add("after"))
    assert await ledger.read(reasons) == ["before", "after"]


async def test_a_server_that_is_read_only(ledger: Ledger) -> None:
    def forbid(tx: Tx) -> None:
        tx.execute("SET TRANSACTION READ ONLY")
        add("no")(tx)

    with pytest.raises(LedgerWriteError) as refused:
        await ledger.write(forbid)
    assert refused.value.key == "ledger_read_only"


def test_a_full_disk_is_said() -> None:
    import asyncpg

    from store.postgres_link import in_our_words

    said = in_our_words(asyncpg.DiskFullError("no space left"), Address.of("postgresql://a/b"))
    assert isinstance(said, LedgerWriteError)
    assert said.key == "disk_full"


async def test_a_report_that_takes_too_long_is_stopped(ledger: Ledger) -> None:
    def slow(tx: Tx) -> None:
        tx.execute("SET LOCAL statement_timeout = '100ms'")
        tx.execute("SELECT pg_sleep(10)")

    began = time.monotonic()
    with pytest.raises(LedgerError) as refused:
        await ledger.read(slow)
    assert refused.value.key == "ledger_too_slow"
    assert time.monotonic() - began < 5
    assert await ledger.read(reasons) == []


async def test_a_closure_that_goes_on_after_a_refusal_is_not_believed(ledger: Ledger) -> None:
    def careless(tx: Tx) -> None:
        add("lost")(tx)
        try:
            tx.execute("SELECT 1 / 0")
        except Exception:
            return

    with pytest.raises(LedgerWriteError):
        await ledger.write(careless)
    assert await ledger.read(reasons) == []


async def test_an_ordinary_transaction_is_alone_in_the_installation(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Of two processes: neither sees the other half done, and what the hot path does goes on beside itself."""
    other = ledger_at(url, tmp_path)
    other.open()
    inside, most = [0, 0], [0, 0]
    guard, both = threading.Lock(), threading.Barrier(2, timeout=10)

    def visit(kind: int) -> Callable[[Tx], None]:
        def closure(tx: Tx) -> None:
            with guard:
                inside[kind] += 1
                most[kind] = max(most[kind], inside[kind])
                assert not (inside[0] and inside[1])
                assert inside[0] <= 1
            time.sleep(0.005)
            with guard:
                inside[kind] -= 1

        return closure

    def meet(tx: Tx) -> None:
        both.wait()

    try:
        await asyncio.gather(ledger.write(meet, beside=True), other.write(meet, beside=True))
        await asyncio.gather(
            *(one.write(visit(kind), beside=bool(kind)) for _ in range(8) for one in (ledger, other) for kind in (0, 1))
        )
    finally:
        await other.close()
    assert most[0] == 1


async def test_a_transaction_that_another_overtook_is_run_again(ledger: Ledger) -> None:
    runs: list[int] = []

    def overtaken(tx: Tx) -> str:
        runs.append(1)
        add(f"run {len(runs)}")(tx)
        if len(runs) < 3:
            raise Overtaken("delivery")
        return "done"

    assert await ledger.write(overtaken, beside=True) == "done"
    assert await ledger.read(reasons) == ["run 3"]


async def test_a_deadlock_costs_nobody_his_work(ledger: Ledger, url: str, tmp_path: Path) -> None:
    other = ledger_at(url, tmp_path)
    other.open()
    for name in ("a", "b"):
        await ledger.write(add(name))
    both = threading.Barrier(2)
    first = {"a": True, "b": True}

    def crosswise(mine: str, others: str) -> Callable[[Tx], None]:
        def closure(tx: Tx) -> None:
            tx.execute("UPDATE cause SET code = code || ? WHERE reason = ?", (mine, mine))
            if first[mine]:
                first[mine] = False
                both.wait(10)
            tx.execute("UPDATE cause SET code = code || ? WHERE reason = ?", (mine, others))

        return closure

    await asyncio.gather(ledger.write(crosswise("a", "b"), beside=True), other.write(crosswise("b", "a"), beside=True))
    await other.close()
    codes = await ledger.read(lambda tx: [row[0] for row in tx.execute("SELECT code FROM cause")])
    assert [sorted(one) for one in codes] == [["a", "b"], ["a", "b"]]


async def test_a_character_that_postgresql_does_not_take(ledger: Ledger) -> None:
    await ledger.write(add("a\x00b"))
    await ledger.write(lambda tx: tx.insert_many("cause", ("reason", "code"), [("c\x00", "1"), ("d", "\x00")]))
    assert await ledger.read(reasons) == [f"a{INSTEAD_OF_NUL}b", f"c{INSTEAD_OF_NUL}", "d"]
    found = await ledger.read(lambda tx: tx.execute("SELECT 1 FROM cause WHERE reason = ?", ("a\x00b",)).fetchone())
    assert found == (1,)


async def test_partitions_are_made_before_their_rows_and_only_once(ledger: Ledger) -> None:
    def plan(tx: Tx) -> list[tuple[str, int]]:
        partitions.make_room(tx, 77, 20_000, NOW)
        partitions.make_room(tx, 77, 20_000, NOW)
        partitions.make_room(tx, 78, 100, NOW)
        tx.insert_many("delivery", ("id", "recipient"), [((77 << 24) + 1, 1), ((78 << 24) + 1, 1)])
        return [tuple(row) for row in tx.execute("SELECT tableoid::regclass::text, id >> 24 FROM delivery ORDER BY id")]

    assert await ledger.write(plan) == [("delivery_77", 77), ("delivery_rest", 78)]


async def test_pages_keep_room_for_changes_until_all_rows_are_there(ledger: Ledger) -> None:
    def options(tx: Tx) -> list[str]:
        row = tx.execute("SELECT reloptions FROM pg_class WHERE oid = to_regclass('delivery_79')").fetchone()
        return list(row[0])

    await ledger.write(lambda tx: partitions.make_room(tx, 79, 20_000, NOW))
    assert await ledger.read(options) == [partitions.FILLED_BY_HALF.replace(" ", "")]
    await ledger.write(lambda tx: partitions.filled(tx, 79, 20_000))
    assert await ledger.read(options) == [partitions.FILLED.replace(" ", "")]
    await ledger.write(lambda tx: partitions.filled(tx, 80, 20_000))  # it got none


async def test_provider_ids_are_found_by_their_index_on_a_day_without_statistics(ledger: Ledger) -> None:
    """The planner knows nothing of a night's partition but how large it is."""
    no, rows = 79, 60_000
    first = no << ORDINAL_BITS

    def plans(tx: Tx) -> list[str]:
        partitions.make_room(tx, no, rows, NOW)
        receipts.map_receipts(tx, ((f"{n:016x}", 1, first + n, 0) for n in range(rows)), NOW)
        watched = Explained(tx)
        sent = [(first + n, int(NOW)) for n in (0, 1, rows // 2, rows - 1)]
        delivery_pages.provider_ids(watched, sent)  # type: ignore[arg-type]
        assert delivery_pages.provider_ids(tx, sent) == {one: f"{one - first:016x}" for one, _ in sent}
        return watched.plans

    found = await ledger.write(plans)
    assert len(found) == 3
    table = f"receipt_day_{partitions.day_of(NOW)}"
    assert all(f"Index Scan on {table}" in plan and f"Seq Scan on {table}" not in plan for plan in found)


async def test_a_plan_of_a_table_that_was_small_does_not_read_all_of_it_when_it_is_not(ledger: Ledger) -> None:
    """A night's tables grow within minutes, and the plan of a statement that was run six times is kept."""

    def take(tx: Tx) -> int:
        for n in range(10):
            receipts.insert_orphans(tx, [receipts.Orphan(1, (f"{n}-{m}",), "x", "", 1.0) for m in range(n * 30)], NOW)
            assert len(receipts.take_orphans(tx, 1, [f"{n}-{m}" for m in range(0, n * 30, 2)])) == n * 15
        row = tx.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'receipt_orphan'").fetchone()
        return int(row[0])

    assert await ledger.write(take, beside=True) == 0


class Explained:
    """A transaction that tells how the server would find what is asked, and finds nothing."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.plans: list[str] = []

    def execute(self, sql: str, parameters: Sequence[int] = ()) -> tuple[()]:
        for value in parameters:
            sql = sql.replace("?", str(value), 1)
        body = f"BEGIN RETURN QUERY EXECUTE $q$EXPLAIN {sql}$q$; END"
        self._tx.execute(f"CREATE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE plpgsql AS $f${body}$f$")
        self.plans.append("\n".join(row[0] for row in self._tx.execute("SELECT pg_temp.plan()")))
        self._tx.execute("DROP FUNCTION pg_temp.plan()")
        return ()


async def test_a_table_that_is_in_use_gets_no_partition_and_the_broadcast_goes_on(ledger: Ledger) -> None:
    loop = asyncio.get_running_loop()

    def look(tx: Tx) -> int:
        tx.execute("SELECT count(*) FROM delivery")
        write = ledger.write(lambda tx: (partitions.make_room(tx, 90, 20_000, NOW), add("planned")(tx)))
        asyncio.run_coroutine_threadsafe(write, loop).result(30)
        return 1

    assert await ledger.read(look) == 1
    assert await ledger.read(reasons) == ["planned"]
    made = await ledger.read(lambda tx: tx.execute("SELECT to_regclass('delivery_90')::text").fetchone())
    assert made == (None,)


def test_two_services_that_start_at_once_migrate_once(cluster: Cluster) -> None:
    execute_at(cluster.url(), "CREATE DATABASE fresh")
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(migrate, [cluster.url("fresh")] * 4))
    assert len(found) == 1


def test_a_ledger_of_a_newer_version_is_refused(cluster: Cluster) -> None:
    execute_at(cluster.url(), "CREATE DATABASE newer")
    migrate(cluster.url("newer"))
    execute_at(cluster.url("newer"), "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError) as refused:
        migrate(cluster.url("newer"))
    assert refused.value.key == "ledger_too_new"


def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    for call in (migrate, lambda url: ledger_at(url, tmp_path).open()):
        with pytest.raises(LedgerError) as refused:
            call("postgresql://loa:secret@127.0.0.1:1/loa")
        assert refused.value.key == "ledger_unreachable"
        assert "secret" not in str(refused.value.params)


def test_what_is_shown_of_an_address_has_no_password() -> None:
    address = Address.of("postgresql://loa:secret@db.example.vn:5433/loa?sslmode=verify-full&statement_cache_size=0")
    assert address.shown == "postgresql://db.example.vn:5433/loa"
    assert address.dsn.endswith("/loa?sslmode=verify-full")
    assert address.cached == 0


async def test_without_prepared_statements_as_behind_pgbouncer(url: str, tmp_path: Path) -> None:
    ledger = ledger_at(f"{url}?statement_cache_size=0", tmp_path)
    ledger.open()
    try:
        await ledger.write(lambda tx: tx.execute("DELETE FROM cause"))
        rows = [(f"r{n}", str(n)) for n in range(3)]
        await ledger.write(lambda tx: tx.insert_many("cause", ("reason", "code"), rows, "DO NOTHING"))
        assert await ledger.read(reasons) == ["r0", "r1", "r2"]
        async with ledger.lock("a"):
            pass
    finally:
        await ledger.close()


async def test_hot_closures_that_wait_at_once_hold_no_rows_for_each_other(ledger: Ledger) -> None:
    """In one transaction the rows of one would be held until the other has its own: two such transactions wait for each
    other, and the server looks for that only after a second."""
    for reason in ("a", "b"):
        await ledger.write(add(reason))
    runs: list[str] = []
    both = threading.Barrier(BESIDE_THREADS)

    def touch(reason: str) -> Callable[[Tx], object]:
        def change(tx: Tx) -> None:
            runs.append(reason)
            tx.execute("UPDATE cause SET code = code WHERE reason = ?", (reason,))

        return change

    busy = [asyncio.ensure_future(ledger.write(lambda tx: both.wait(20.0), beside=True)) for _ in range(BESIDE_THREADS)]
    order = ["a", "b", "b", "a"] * 20
    await asyncio.gather(*busy, *(ledger.write(touch(reason), beside=True) for reason in order))
    assert sorted(runs) == sorted(order), "none was undone and run again"
