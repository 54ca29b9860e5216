"""(b) One directive to 166 leaders and into the group, by Zalo and by Telegram: from the approval to the last one sent.

The simulated provider, in a process of its own, waits `PROVIDER_SECONDS` before each answer and enforces its rate. The
least time that allows is the provider's: so many answers one after the other as the calls in flight make necessary, or
as many full periods of the rate as the messages fill, whichever is longer. What is beyond it is Loa's, which shares the
processor with the simulator and with three events for each message; where the rate binds, that is hidden behind it.
"""

from __future__ import annotations

import asyncio
import csv
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from adapters.contract import HealthState
from broadcasts.model import Actor, DeliveryState, Draft, Role
from directory import importing
from loa.demo import SAMPLE
from loa.service import Service
from loa.settings import Settings, load_settings
from simulators import telegram, zalo
from store import chunks
from store.engine import Tx

LEADERS: Final = 166
MESSAGES: Final = LEADERS + 1
"""With the post into the group."""
PROVIDER_SECONDS: Final = 0.1
"""Seconds before each answer of the simulated provider; set, not measured."""
PACKAGE_A_MINUTE: Final = 100
"""Requests a minute of the smallest OA package of 2026; measured with `LOA_BENCH_LONG=1`, since it takes a minute."""
TEXT: Final = "Bão số 5 vào đêm nay. Xã, phường báo cáo quân số ứng trực và số hộ phải sơ tán trước 9 giờ."
GROUP: Final = "-100500"
WAIT_SECONDS: Final = 150.0
LOOK_SECONDS: Final = 0.005
RUNS: Final = 3
OFFICER: Final = Actor("bench-officer", Role.OFFICER)
APPROVER: Final = Actor("bench-approver", Role.APPROVER)
TAKEN: Final = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.SEEN)


@dataclass(frozen=True, slots=True)
class Provider:
    """How fast the provider lets us be: `a_period` messages in `seconds`, and so many calls in flight."""

    family: str
    in_flight: int
    a_period: int
    seconds: float

    def least(self) -> float:
        """Seconds that 167 messages take a client without any cost of its own."""
        by_flight = math.ceil(MESSAGES / self.in_flight) * PROVIDER_SECONDS
        by_rate = (math.ceil(MESSAGES / self.a_period) - 1) * self.seconds + PROVIDER_SECONDS
        return max(by_flight, by_rate)


async def main() -> None:
    await _measure("zalo", {}, runs=RUNS)
    await _measure("telegram", {}, runs=1)
    if os.environ.get("LOA_BENCH_LONG"):
        await _measure("zalo", {"rate_per_minute": PACKAGE_A_MINUTE}, runs=1)


async def _measure(family: str, faults: dict[str, Any], runs: int) -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder = Path(name)
        people = _leaders(folder)
        async with _simulated(people) as urls:
            service = Service(_settings(folder, urls, family))
            await service.start()
            try:
                await importing.import_people(service.ledger, service.units, people, time.time())
                await _prepare(service, urls, family, faults)
                took, cpu = sorted([await _send(service, family) for _ in range(runs)])[runs // 2]
                provider = _provider(service, family, faults)
            finally:
                await service.stop()
    _say(provider, took, cpu, runs)


def _provider(service: Service, family: str, faults: dict[str, Any]) -> Provider:
    in_flight = service.routes.all[0].traits.window
    if family == "zalo":
        return Provider(family, in_flight, faults.get("rate_per_minute", 4000), 60.0)
    return Provider(family, in_flight, 30, 1.0)


def _say(provider: Provider, took: float, cpu: float, runs: int) -> None:
    least = provider.least()
    rate = f"{provider.a_period} in {provider.seconds:.0f} s, {provider.in_flight} in flight"
    print(f"{provider.family}: {LEADERS} leaders and the group in {took:.2f} s (median of {runs});")
    print(f"        the provider's {PROVIDER_SECONDS * 1000:.0f} ms and {rate} make {least:.2f} s of it:")
    print(f"        {took / least:.3f} times the provider's time; {cpu / MESSAGES * 1e3:.1f} ms CPU a message")


def _leaders(folder: Path) -> Path:
    """The sample's chairmen, every one with an account on both."""
    path = folder / "leaders.csv"
    with (SAMPLE / "people.csv").open(encoding="utf-8") as file, path.open("w", encoding="utf-8") as out:
        rows = [row for row in csv.DictReader(file) if row["role"] == "chairman"]
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        for n, row in enumerate(rows):
            writer.writerow(row | {"telegram": str(7_800_000_000 + n)})
    assert len(rows) == LEADERS
    return path


@asynccontextmanager
async def _simulated(people: Path) -> AsyncIterator[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", "--no-people-reply", "--until-stdin-closes", "--people", str(people),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def _settings(folder: Path, urls: dict[str, Any], family: str) -> Settings:
    account = {"base_url": urls["zalo"], "oauth_url": urls["zalo"], **asdict(zalo.APP)}
    adapters: dict[str, Any] = {
        "zalo": {
            "oa": account,
            "oa_user": {"enabled": True},
            "oa_group": {"enabled": True, "group_id": zalo.GROUP_ID, "catch_up_seconds": 0},
        }
    }
    if family == "telegram":
        bot = {"base_url": urls["telegram"], "token": telegram.DEFAULT_TOKEN, "group_chat_id": GROUP}
        adapters = {"telegram": {"enabled": True, **bot}}
    store = {"url": f"sqlite:///{folder / 'loa.db'}"}
    return load_settings(None, {"store": store, "web": {"port": 0}, "adapters": adapters})


async def _prepare(service: Service, urls: dict[str, Any], family: str, faults: dict[str, Any]) -> None:
    async with ClientSession() as http:
        calls: list[tuple[str, Any]] = [("faults", {"slow_seconds": PROVIDER_SECONDS, **faults})]
        if family == "zalo":
            calls.append(("webhook", {"url": f"{service.url}/hooks/zalo.oa"}))
        else:
            calls[0][1]["enforce_limits"] = True
            calls.append(("chats", {"id": GROUP, "name": "Trực ban PCTT"}))
        for path, body in calls:
            async with http.post(f"{urls[family]}/_sim/{path}", json=body) as answer:
                answer.raise_for_status()
    for route in service.routes.all:
        while (await route.channel.probe()).state is not HealthState.OK:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)


async def _send(service: Service, family: str) -> tuple[float, float]:
    """Seconds and CPU seconds from the approval to the last message taken."""
    desk = service.desk
    no = (await desk.draft(Draft(text=TEXT, audience="all-units", channels=[family], urgency="khan"), OFFICER)).id
    content_hash = (await desk.submit(str(no), OFFICER)).content_hash
    began, cpu = time.perf_counter(), time.process_time()
    await desk.approve(str(no), content_hash, APPROVER)
    while await service.ledger.read(lambda tx: _taken(tx, no)) < MESSAGES:
        assert time.perf_counter() - began < WAIT_SECONDS, (await desk.view(str(no))).counts
        await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter() - began, time.process_time() - cpu


def _taken(tx: Tx, no: int) -> int:
    counts = chunks.counts(tx, no)
    return sum(counts[state] for state in TAKEN)
