"""(c) A carrier that takes 500 messages a second: how much of that we use, and how often it says "too fast"."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from benchmarks.sms_stand import LOOK_SECONDS, D, bench

LIMIT: Final = 500
SECONDS: Final = 20
MESSAGES: Final = LIMIT * SECONDS


async def main() -> None:
    async with bench(tps=LIMIT) as stand:
        await stand.faults(throttle_tps=float(LIMIT))
        await stand.list_of(MESSAGES)
        no = await stand.approved()
        cpu = time.process_time()
        while not (await stand.asked("stats")).get("submits"):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        began = time.perf_counter()
        counts = await stand.until_over(no, MESSAGES, (D.QUEUED, D.SENDING, D.RETRYING), SECONDS * 3)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        answers = await stand.asked("stats")
    assert counts[D.FAILED] == counts[D.UNKNOWN] == 0, counts
    throttled = answers.get("throttled", 0)
    used, refused = MESSAGES / took / LIMIT, throttled / (MESSAGES + throttled)
    print(f"sms limit: {used:.1%} of a carrier's {LIMIT}/s used, {refused:.2%} of the answers")
    print(f"           throttled ({throttled} of {MESSAGES:,}), {cpu / MESSAGES * 1e6:.0f} µs CPU a message")
