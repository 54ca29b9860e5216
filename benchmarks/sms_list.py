"""(b) A million recipients: the memory of the service while their list is imported, planned, sent and reported."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from benchmarks.sms import peak_mb
from benchmarks.sms_stand import D, bench

RECIPIENTS: Final = int(os.environ.get("LOA_BENCH_RECIPIENTS", "1000000"))
WAIT_SECONDS: Final = 1_200.0
MARKS: Final = (0.1, 0.5, 1.0)


def rss_mb() -> float:
    """What this process holds now (VmRSS of proc(5))."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def main() -> None:
    async with bench() as stand:
        await stand.faults(show_rate=0)
        at_rest = rss_mb()
        await stand.list_of(RECIPIENTS)
        imported = rss_mb()
        began, cpu = time.perf_counter(), time.process_time()
        no = await stand.approved()
        held: list[float] = []
        counts = await stand.until_over(
            no, RECIPIENTS, (D.QUEUED, D.SENDING, D.RETRYING, D.ACCEPTED), WAIT_SECONDS, lambda: held.append(rss_mb())
        )
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert counts[D.DELIVERED] == RECIPIENTS, counts
    grown = [held[max(0, int(len(held) * mark) - 1)] for mark in MARKS]
    print(f"sms list: {RECIPIENTS:,} recipients: peak {peak_mb():.0f} MB of 250; {at_rest:.0f} MB at rest,")
    steps = ", ".join(f"{mb:.0f}" for mb in grown)
    print(f"          {imported:.0f} after the import, then {steps} MB at 10, 50, 100 %;")
    print(
        f"          {RECIPIENTS / took:,.0f} messages/s, {cpu / RECIPIENTS * 1e6:.0f} µs CPU a message, with planning"
    )
