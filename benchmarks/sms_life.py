"""(d) Answers to cries for help while a list goes out: from the desk's order to the carrier's "taken", on record."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from adapters.contract import Priority
from benchmarks.sms import OFFICER
from benchmarks.sms_stand import bench
from broadcasts.recorded import Recorded

BULK: Final = 120_000
ANSWERS: Final = 200
PAUSE_SECONDS: Final = 0.05
WAIT_SECONDS: Final = 30.0
FIRST_WATCHED: Final = 84_960_000_000
LIMIT_MS: Final = 500
TEXT: Final = "Loa da nhan tin cuu giup. Luc luong dang den. Goi 112 neu lien lac duoc."


async def main() -> None:
    numbers = [str(FIRST_WATCHED + n) for n in range(ANSWERS)]
    async with bench() as stand:
        await stand.faults(show_rate=0)
        async with stand.http.post(f"{stand.address['control']}/_sim/watch", json=numbers) as answer:
            answer.raise_for_status()
        await stand.list_of(BULK)
        service = stand.service
        recorded: dict[int, float] = {}

        def heard(flushed: Recorded) -> None:
            recorded.update(dict.fromkeys(flushed.settled, time.time()))

        service.recorder.on_flushed(heard)
        no = await stand.approved()
        before = sum((await stand.counts(no))[4:6])
        asked: dict[str, tuple[float, int]] = {}
        for number in numbers:
            began = time.time()
            delivery = await service.desk.send_single("sms", number, TEXT, OFFICER, priority=Priority.LIFE)
            asked[number] = began, delivery
            await asyncio.sleep(PAUSE_SECONDS)
        bulk = sum((await stand.counts(no))[4:6]) - before
        shown: dict[str, float] = {}
        async with asyncio.timeout(WAIT_SECONDS):
            while len(shown) < ANSWERS or any(delivery not in recorded for _, delivery in asked.values()):
                await asyncio.sleep(PAUSE_SECONDS)
                for line in (await stand.asked("messages", limit="500"))["messages"]:
                    shown.setdefault(line["address"], float(line["at"]))
    assert bulk, "the list must go out meanwhile"
    taken = [shown[number] - began for number, (began, _) in asked.items()]
    on_record = [recorded[delivery] - began for began, delivery in asked.values()]
    print(f"sms life: {ANSWERS} rescue answers while {bulk:,} of a list left; from the order to the carrier")
    print(f"          {said(taken)}: p99 is {quantile(taken, 0.99) / LIMIT_MS:.2f} of the {LIMIT_MS} ms allowed;")
    print(f"          to its answer on our record {said(on_record)}")


def quantile(seconds: list[float], share: float) -> float:
    """Milliseconds."""
    return sorted(seconds)[max(0, int(len(seconds) * share) - 1)] * 1e3


def said(seconds: list[float]) -> str:
    return f"{quantile(seconds, 0.5):.0f} ms (p50), {quantile(seconds, 0.99):.0f} ms (p99)"
