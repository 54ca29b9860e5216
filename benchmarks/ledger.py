"""(c) The ledger alone: lives a second. A life is planned, accepted with a provider id, and delivered by a receipt.

The same transactions as in service (`broadcasts.record.Flush`, `broadcasts.plan`), in batches of 1,000, receipts in
random order; on SQLite, and on PostgreSQL with two at a time where a server can be started. Commits reach the disk.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from adapters.contract import Accepted, Receipt, ReceiptState
from broadcasts.record import ChunkRanges, Flush
from broadcasts.recorded import Came, Sent
from store import broadcasts, chunks, deliveries, number_lists, partitions
from store.chunks import CHUNK_SIZE, ORDINAL_BITS
from store.engine import Ledger, Tx
from store.migrate import migrate
from store.opening import ledger_at
from tests.cluster import Cluster, NoServer

LIVES = int(os.environ.get("LOA_BENCH_LIVES", "100000"))
PLANNED = int(os.environ.get("LOA_BENCH_PLANNED", "300000"))
"""Numbers of the list whose planning is timed; 3000000 is the storm."""
BATCH = 1_000
ACCOUNT = 1
AT_ONCE = 2
"""Transactions of the hot path at a time; SQLite puts them one after the other."""
FIRST_NUMBER = 84_900_000_000
SERVER = {"shared_buffers": "1GB", "max_wal_size": "4GB", "wal_compression": "lz4"}
SIZE_SQLITE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
SIZE = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
    " WHERE relkind = 'r' AND (relname LIKE 'delivery%' OR relname LIKE 'receipt%' OR relname = 'chunk')"
)
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"

Work = Callable[[Tx], object]


@dataclass(slots=True)
class Figures:
    took: float = 0.0
    """Seconds of all three steps."""
    cpu: float = 0.0
    """Seconds of ours and of the server's."""
    steps: dict[str, float] = field(default_factory=dict)
    """Deliveries a second."""
    size: float = 0.0
    """Bytes a delivery."""


def plan(tx: Tx, first: int) -> None:
    deliveries.insert_numbers(tx, first, range(FIRST_NUMBER + first % (1 << ORDINAL_BITS), 85_000_000_000)[:BATCH])
    chunks.insert(tx, first, first + BATCH - 1, first >> ORDINAL_BITS, "sms", 0, 3, 0.0)


def flush(tx: Tx, ranges: ChunkRanges, sent: Sequence[Sent], came: Sequence[Came]) -> None:
    work = Flush(tx, ranges, {}, time.time())
    work.outcomes(sent, orphans_wait=False)
    work.receipts(came)
    work.close()


def steps(ids: Sequence[int]) -> dict[str, Callable[[ChunkRanges], Iterator[Work]]]:
    """Name → the transactions of that step, in batches."""
    at = datetime.now(UTC)
    outcomes = [Sent(one, ACCOUNT, Accepted((f"{one:016x}",))) for one in ids]
    receipts = [Came(ACCOUNT, Receipt("sms", (f"{one:016x}",), ReceiptState.DELIVERED, "", at)) for one in ids]
    random.Random(1).shuffle(receipts)
    begins = range(0, len(ids), BATCH)

    def planned(_: ChunkRanges) -> Iterator[Work]:
        return (partial(plan, first=ids[n]) for n in begins)

    def accepted(ranges: ChunkRanges) -> Iterator[Work]:
        return (partial(flush, ranges=ranges, sent=outcomes[n : n + BATCH], came=()) for n in begins)

    def delivered(ranges: ChunkRanges) -> Iterator[Work]:
        return (partial(flush, ranges=ranges, sent=(), came=receipts[n : n + BATCH]) for n in begins)

    return {"planned": planned, "accepted": accepted, "delivered": delivered}


async def live(ledger: Ledger) -> Figures:
    """All lives of one broadcast."""
    figures, ids = Figures(), [(1 << ORDINAL_BITS) + n for n in range(LIVES)]
    await ledger.write(lambda tx: partitions.make_room(tx, 1, LIVES, time.time()))
    prepared = steps(ids)
    before = await cpu_of(ledger)
    for name, transactions in prepared.items():
        begin, waiting = time.perf_counter(), transactions(ChunkRanges())

        async def work(waiting: Iterator[Work] = waiting) -> None:
            for transaction in waiting:
                await ledger.write(transaction, beside=True)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        if name == "planned":
            await ledger.write(lambda tx: partitions.filled(tx, 1, LIVES))
        figures.steps[name] = LIVES / (time.perf_counter() - begin)
        figures.took += time.perf_counter() - begin
    figures.cpu = await cpu_of(ledger) - before
    counts = await ledger.read(lambda tx: chunks.counts(tx, 1))
    assert counts[5] == LIVES, counts
    return figures


async def cpu_of(ledger: Ledger) -> float:
    """Seconds of CPU: ours, and those of the database's processes that work for us."""
    used = time.process_time()
    if ledger.url.startswith("postgresql"):
        pids = await ledger.read(lambda tx: [row[0] for row in tx.execute(BACKENDS)])
        used += sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)
    return used


async def planning(ledger: Ledger) -> float:
    """Seconds in which a list of `PLANNED` numbers becomes deliveries, as when a broadcast starts."""

    def numbers(tx: Tx, first: int, count: int) -> None:
        number_lists.append(tx, 1, range(FIRST_NUMBER + first, FIRST_NUMBER + first + count))

    for first in range(0, PLANNED, 100_000):
        await ledger.write(lambda tx, first=first: numbers(tx, first, min(100_000, PLANNED - first)), beside=True)  # type: ignore[misc]
    begin = time.perf_counter()
    await ledger.write(lambda tx: partitions.make_room(tx, 2, PLANNED, time.time()))
    after = 0
    for chunk in range(0, PLANNED, 10 * CHUNK_SIZE):
        after = await ledger.write(lambda tx, chunk=chunk, after=after: _ten_chunks(tx, chunk, after), beside=True)  # type: ignore[misc]
    return time.perf_counter() - begin


def _ten_chunks(tx: Tx, ordinal: int, after: int) -> int:
    """As `broadcasts.plan` writes them; the last number."""
    for first in range(ordinal, min(ordinal + 10 * CHUNK_SIZE, PLANNED), CHUNK_SIZE):
        some = broadcasts.listed_numbers(tx, [1], after, CHUNK_SIZE)
        begin = (2 << ORDINAL_BITS) + first
        deliveries.insert_numbers(tx, begin, some)
        chunks.insert(tx, begin, begin + len(some) - 1, 2, "sms", 0, 3, 0.0)
        after = some[-1]
    return after


async def measure(name: str, url: str, folder: Path) -> None:
    migrate(url)
    ledger = ledger_at(url, folder)
    ledger.open()
    try:
        figures = await live(ledger)
        asked = SIZE if url.startswith("postgresql") else SIZE_SQLITE
        figures.size = await ledger.read(lambda tx: tx.execute(asked).fetchone()[0]) / LIVES
        planned_in = await planning(ledger)
    finally:
        await ledger.close()
    said = ", ".join(f"{step} {rate / 1000:.0f}k/s" for step, rate in figures.steps.items())
    print(
        f"ledger on {name}: {LIVES / figures.took:,.0f} lives/s, {figures.cpu / LIVES * 1e6:.0f} µs CPU a life", end=""
    )
    print(f", {figures.size:.0f} bytes a delivery ({said}; batches of {BATCH}, {LIVES:,} lives);")
    print(
        f"        {PLANNED:,} recipients planned in {planned_in:.1f} s, 3,000,000 in {planned_in * 3e6 / PLANNED:.0f} s"
    )


async def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="loa-bench-"))
    try:
        await measure("SQLite", f"sqlite:///{folder / 'loa.db'}", folder)
    finally:
        shutil.rmtree(folder)
    try:
        cluster = Cluster(safe=True, **SERVER)
        cluster.start()
    except NoServer as missing:
        print(f"ledger on PostgreSQL: no server ({str(missing).splitlines()[0]})")
        return
    try:
        await measure("PostgreSQL", cluster.url(), cluster.folder)
    finally:
        cluster.remove()
