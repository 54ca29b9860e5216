"""(c) The ledger alone: lives a second. A life is planned, accepted with a provider id, and delivered by a receipt.

The same transactions as in service (`broadcasts.record.Flush`), in batches of 1,000, receipts in random order.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from adapters.contract import Accepted, Receipt, ReceiptState
from broadcasts.record import Came, ChunkRanges, Flush, Sent
from store import chunks, deliveries
from store.chunks import ORDINAL_BITS
from store.engine import Tx
from store.migrate import migrate
from store.opening import ledger_at

LIVES = 100_000
BATCH = 1_000
ACCOUNT = 1


def plan(tx: Tx, first: int) -> None:
    deliveries.insert_numbers(tx, first, range(84_900_000_000 + first % (1 << ORDINAL_BITS), 85_000_000_000)[:BATCH])
    chunks.insert(tx, first, first + BATCH - 1, first >> ORDINAL_BITS, "sms", 0, 3, 0.0)


def flush(tx: Tx, ranges: ChunkRanges, sent: list[Sent], came: list[Came]) -> None:
    work = Flush(tx, ranges, {}, time.time())
    work.outcomes(sent, orphans_wait=False)
    work.receipts(came)
    work.close()


async def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="loa-bench-"))
    path = folder / "loa.db"
    url = f"sqlite:///{path}"
    migrate(url)
    ledger = ledger_at(url)
    ledger.open()
    ranges, at = ChunkRanges(), datetime.now(UTC)
    ids = [(1 << ORDINAL_BITS) + n for n in range(LIVES)]
    receipts = [Came(ACCOUNT, Receipt("sms", (f"{one:016x}",), ReceiptState.DELIVERED, "", at)) for one in ids]
    random.Random(1).shuffle(receipts)
    figures = {}
    try:
        started, cpu = time.perf_counter(), time.process_time()
        for name in ("planned", "accepted", "delivered"):
            begin = time.perf_counter()
            for n in range(0, LIVES, BATCH):
                if name == "planned":
                    await ledger.write(lambda tx, n=n: plan(tx, ids[n]))  # type: ignore[misc]
                elif name == "accepted":
                    sent = [Sent(one, ACCOUNT, Accepted((f"{one:016x}",))) for one in ids[n : n + BATCH]]
                    await ledger.write(lambda tx, sent=sent: flush(tx, ranges, sent, []))  # type: ignore[misc]
                else:
                    came = receipts[n : n + BATCH]
                    await ledger.write(lambda tx, came=came: flush(tx, ranges, [], came))  # type: ignore[misc]
            figures[name] = LIVES / (time.perf_counter() - begin)
        took, used = time.perf_counter() - started, time.process_time() - cpu
        counts = await ledger.read(lambda tx: chunks.counts(tx, 1))
    finally:
        await ledger.close()
    size = path.stat().st_size
    shutil.rmtree(folder)
    assert counts[5] == LIVES, counts
    steps = ", ".join(f"{name} {rate / 1000:.0f}k/s" for name, rate in figures.items())
    print(f"ledger: {LIVES / took:,.0f} lives/s, {used / LIVES * 1e6:.0f} µs CPU a life, {size / LIVES:.0f} bytes a ")
    print(f"        delivery ({steps}; batches of {BATCH}, {LIVES:,} lives)")
