"""(e) Answers during a bulk SMS: 20 residents a second text a short code while a list goes out by the same account.

From the moment when a phone sends to the moment when it shows the answer: carrier, session, understanding and ledger
included (goals: p99 under 2 s, a cry for help always under 5 s). The service runs in this process, the carrier in one
of its own. `make bench` runs for `SECONDS`; `python -m benchmarks.answers --seconds 300` gives the whole figure.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout

from adapters.contract import HealthState
from benchmarks.inbound import CRIES, QUESTIONS
from benchmarks.smpp_session import TEXT
from benchmarks.sms import APPROVER, FIRST_NUMBER, LOOK_SECONDS, OFFICER, carrier, settings
from broadcasts.model import Draft
from directory import importing
from directory.units import Unit
from directory.units import load as load_units
from loa.service import Service

SECONDS: Final = 30.0
RATE: Final = 20.0
"""Messages a second from residents: what the office is asked to carry."""
BULK_RATE: Final = 200.0
"""Messages a second of the list, held by the account's own pace, so that it lasts as long as the residents write."""
CRY_EVERY: Final = 25
FIRST_RESIDENT: Final = 84_933_000_000
PATIENCE: Final = 30.0  # seconds after the last message


@dataclass(slots=True)
class Town:
    """What phones sent and when, what they showed and when; `bulk` counts the list's messages."""

    sent: dict[str, float] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    cries: set[str] = field(default_factory=set)
    bulk: int = 0

    def shows(self, line: dict[str, Any]) -> None:
        number = line["address"]
        if line["sender"] != "loa":
            return
        if number in self.sent:
            self.waits.setdefault(number, time.perf_counter() - self.sent[number])
        else:
            self.bulk += 1


async def main(seconds: float = SECONDS) -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        async with carrier() as address:
            town, cpu = await _run(Path(folder), address, seconds)
    others = sorted(wait for number, wait in town.waits.items() if number not in town.cries)
    cries = sorted(wait for number, wait in town.waits.items() if number in town.cries)
    lost = len(town.sent) - len(town.waits)
    print(f"answers: {len(town.sent):,} texts in {seconds:.0f} s beside {town.bulk:,} of a list, {lost} unanswered;")
    print(f"        p50 {_at(others, 0.5):.2f} s, p99 {_at(others, 0.99):.2f} s, slowest {_at(others, 1):.2f} s;")
    print(
        f"        {len(cries)} cries for help, slowest {_at(cries, 1):.2f} s; {cpu / seconds * 100:.0f} % of one core"
    )


async def _run(folder: Path, address: dict[str, Any], seconds: float) -> tuple[Town, float]:
    service, town = Service(settings(folder, address, tps=BULK_RATE)), Town()
    await service.start()
    try:
        while (await service.routes.all[0].channel.probe()).state is not HealthState.OK:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        await _bulk(service, folder, int(seconds * BULK_RATE))
        async with ClientSession(timeout=ClientTimeout(total=None)) as http:
            watching = asyncio.create_task(_watch(http, address["control"], town))
            cpu = time.process_time()
            await _write(http, address["control"], town, seconds)
            cpu = time.process_time() - cpu
            ends = time.perf_counter() + PATIENCE
            while len(town.waits) < len(town.sent) and time.perf_counter() < ends:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        return town, cpu
    finally:
        await service.stop()


async def _bulk(service: Service, folder: Path, count: int) -> None:
    numbers = folder / "numbers.csv"
    numbers.write_text("".join(f"0{FIRST_NUMBER + n}\n" for n in range(count)), "utf-8")
    await importing.import_numbers(service.ledger, numbers, "bench", time.time())
    made = await service.desk.draft(Draft(text=TEXT, audience="list:bench", channels=["sms"]), OFFICER)
    asked = await service.desk.submit(made.code, OFFICER)
    await service.desk.approve(made.code, asked.content_hash, APPROVER)


async def _watch(http: ClientSession, control: str, town: Town) -> None:
    async with http.get(f"{control}/_sim/events") as stream:
        async for line in stream.content:
            if line.startswith(b"data: "):
                town.shows(json.loads(line[6:]))


async def _write(http: ClientSession, control: str, town: Town, seconds: float) -> None:
    """At an even pace, whatever the answers do; every person writes once."""
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n, text in enumerate(_texts(int(seconds * RATE))):
            await asyncio.sleep(max(0.0, begun + n / RATE - time.perf_counter()))
            number = str(FIRST_RESIDENT + n)
            if n % CRY_EVERY == 0:
                town.cries.add(number)
            town.sent[number] = time.perf_counter()
            group.create_task(_say(http, control, number, text))


async def _say(http: ClientSession, control: str, number: str, text: str) -> None:
    async with http.post(f"{control}/_sim/say", json={"sender": number, "text": text}) as answer:
        answer.raise_for_status()


def _texts(count: int) -> list[str]:
    chance, units = random.Random(5), load_units().all
    questions, cries = itertools.cycle(QUESTIONS), itertools.cycle(CRIES)
    return [_about(next(cries if n % CRY_EVERY == 0 else questions), chance.choice(units)) for n in range(count)]


def _about(template: str, unit: Unit) -> str:
    return template.format(unit=unit.name, ascii=unit.ascii)


def _at(waits: Sequence[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * share))] if waits else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asyncio.run(main(parser.parse_args().seconds))
