"""(b) One directive to 166 leaders on Zalo: from the approval to the last one that Zalo took, and Loa's share of it.

The simulated Zalo, in a process of its own, answers each call after `PROVIDER_SECONDS`. With so many calls in flight as
we allow ourselves, that alone takes `ceil(166 / in flight)` answers one after the other; what is beyond it is ours.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from adapters.contract import HealthState
from broadcasts.model import Actor, DeliveryState, Draft, Role
from directory import importing
from loa.demo import SAMPLE
from loa.service import Service
from loa.settings import Settings, load_settings
from simulators import zalo
from store import chunks
from store.engine import Tx

LEADERS: Final = 166
PROVIDER_SECONDS: Final = 0.1
"""Seconds before each answer of the simulated provider; set, not measured."""
TEXT: Final = "Bão số 5 vào đêm nay. Xã, phường báo cáo quân số ứng trực và số hộ phải sơ tán trước 9 giờ."
WAIT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.005
RUNS: Final = 3
OFFICER: Final = Actor("bench-officer", Role.OFFICER)
APPROVER: Final = Actor("bench-approver", Role.APPROVER)
TAKEN: Final = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.SEEN)


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        async with simulated_zalo() as url:
            service = Service(_settings(Path(folder), url))
            await service.start()
            try:
                window = service.routes.all[0].traits.window
                runs = await _run(service, url)
            finally:
                await service.stop()
    provider = math.ceil(LEADERS / window) * PROVIDER_SECONDS
    took, cpu = sorted(runs)[len(runs) // 2]
    lag, ms = took - provider, cpu / LEADERS * 1e3
    print(f"zalo:   {LEADERS} leaders in {took:.2f} s from the approval to the last accepted (median of {len(runs)});")
    print(
        f"        the provider's {PROVIDER_SECONDS * 1000:.0f} ms with {window} in flight make {provider:.2f} s of it,"
    )
    print(f"        ours are {lag:.2f} s: {took / provider:.2f} times the provider's time; {ms:.1f} ms CPU a leader")


@asynccontextmanager
async def simulated_zalo() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", "--no-people-reply", "--until-stdin-closes",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield str(json.loads(await process.stdout.readline())["zalo"])
    finally:
        process.stdin.close()
        await process.wait()


def _settings(folder: Path, url: str) -> Settings:
    account = {"base_url": url, "oauth_url": url, **asdict(zalo.APP)}
    return load_settings(
        None,
        {
            "store": {"url": f"sqlite:///{folder / 'loa.db'}"},
            "web": {"port": 0},
            "adapters": {"zalo": {"oa": account, "oa_user": {"enabled": True}}},
        },
    )


async def _run(service: Service, url: str) -> list[tuple[float, float]]:
    """(seconds, CPU seconds) of each run."""
    await importing.import_people(service.ledger, service.units, SAMPLE / "people.csv", time.time())
    async with ClientSession() as http:
        for path, body in (
            ("faults", {"slow_seconds": PROVIDER_SECONDS}),
            ("webhook", {"url": f"{service.url}/hooks/zalo.oa"}),
        ):
            async with http.post(f"{url}/_sim/{path}", json=body) as answer:
                answer.raise_for_status()
    channel: Any = service.routes.all[0].channel
    while (await channel.probe()).state is not HealthState.OK:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)
    return [await _send(service) for _ in range(RUNS)]


async def _send(service: Service) -> tuple[float, float]:
    desk = service.desk
    no = (await desk.draft(Draft(text=TEXT, audience="all-units", channels=["zalo"], urgency="hoa-toc"), OFFICER)).id
    content_hash = (await desk.submit(str(no), OFFICER)).content_hash
    began, cpu = time.perf_counter(), time.process_time()
    await desk.approve(str(no), content_hash, APPROVER)
    while await service.ledger.read(lambda tx: _taken(tx, no)) < LEADERS:
        assert time.perf_counter() - began < WAIT_SECONDS, (await desk.view(str(no))).counts
        await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter() - began, time.process_time() - cpu


def _taken(tx: Tx, no: int) -> int:
    counts = chunks.counts(tx, no)
    return sum(counts[state] for state in TAKEN)
