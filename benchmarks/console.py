"""(e) The console with a full ledger: every page while 3,000,000 deliveries lie in it, and how soon 20 open roll-calls
show that a unit confirmed. On SQLite (`loa demo`), and on PostgreSQL and Redis with a process for each role.

`LOA_BENCH_DELIVERIES` sets how many, `LOA_BENCH_CONSOLE=sqlite` or `postgresql` leaves the other one out.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import time
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, CookieJar

from benchmarks.console_stands import DELIVERIES, LIST_CODE, Stand, full_demo, full_office, look_through
from tests.cluster import NoServer

ROUNDS: Final = 10
"""Times that each page is asked for."""
CONSOLES: Final = 20
EVENTS: Final = 10
LIMIT_MS: Final = 150.0
LIMIT_BYTES: Final = 100_000
SHOWN: Final = 8
"""Slowest pages that are named."""
PLAIN: Final = (
    "/", "/broadcasts", "/broadcasts/new", "/inbox", "/directory", "/enrolment", "/unit-groups", "/number-lists",
    "/posters", "/roster", "/handovers", "/reports", "/content", "/schedules", "/carrier-orders", "/exercises",
    "/break-glass", "/watch", "/settings", "/audit", "/account",
)  # fmt: skip
OF_ONE: Final = ("?all", "/rollcall", "/rollcall?show=map", "/rollcall?show=calls", "/rollcall?show=deliveries",
                 "/rollcall?show=deliveries&state=failed", "/rollcall?show=deliveries&state=expired",
                 "/rollcall?show=deliveries&state=cancelled", "/report", "/people")  # fmt: skip


async def main() -> None:
    count = int(os.environ.get("LOA_BENCH_DELIVERIES", DELIVERIES))
    wanted = os.environ.get("LOA_BENCH_CONSOLE", "")
    if wanted != "postgresql":
        async with full_demo(count) as stand:
            await measure("SQLite", stand)
    if wanted != "sqlite":
        try:
            async with full_office(count) as stand:
                await measure("PostgreSQL and Redis", stand)
        except NoServer as missing:
            print(f"console on PostgreSQL: no server ({str(missing).splitlines()[0]})")


async def measure(name: str, stand: Stand) -> None:
    print(f"console on {name}: {stand.count:,} deliveries put into the ledger in {stand.filled_in:.0f} s,", end=" ")
    print(f"{stand.size / stand.count:.0f} bytes of ledger for each")
    async with ClientSession(stand.url, cookie_jar=CookieJar(unsafe=True)) as browser:
        form = {"name": stand.user, "password": stand.password}
        answer = await browser.post("/sign-in", data=form)
        assert answer.status == 200, answer.status
        await _pages(browser, stand)
        if stand.ledger:
            print("        those figures are of a night that the server has no statistics of; now it has:")
            await look_through(stand)
            await _pages(browser, stand)
        await _consoles(browser, stand)


async def _pages(browser: ClientSession, stand: Stand) -> None:
    found: list[tuple[float, int, str]] = []
    cold = 0.0
    for path in (*PLAIN, *(f"/broadcasts/{one}{end}" for one in (stand.code, LIST_CODE) for end in OF_ONE)):
        times, size = [], 0
        for _ in range(ROUNDS):
            began = time.perf_counter()
            async with browser.get(path, auto_decompress=False) as answer:
                size = len(await answer.read())
                assert answer.status == 200, (path, answer.status)
            times.append((time.perf_counter() - began) * 1000)
        found.append((_p95(times), size, path))
        cold = max(cold, times[0])
    found.sort(reverse=True)
    print(f"        {len(found)} pages × {ROUNDS}: p95 of all {_p95([ms for ms, _, _ in found]):.0f} ms; the slowest:")
    for ms, size, path in found[:SHOWN]:
        print(f"        {ms:6.0f} ms p95 {size / 1000:6.1f} kB sent  {path}")
    large = max(found, key=lambda one: one[1])
    over = [path for ms, size, path in found if ms >= LIMIT_MS or size >= LIMIT_BYTES]
    print(f"        slowest answer to a first request {cold:.0f} ms")
    print(f"        largest {large[2]} {large[1] / 1000:.0f} kB; over 150 ms or 100 kB: {', '.join(over) or 'none'}")


async def _consoles(browser: ClientSession, stand: Stand) -> None:
    """20 roll-calls stand open; an officer records a call; how long until the last of them has the tile."""
    headers = {"Authorization": f"Bearer {stand.officer_key}"}
    async with ClientSession(timeout=ClientTimeout(total=None)) as http:
        at = f"{stand.api}/broadcasts/{stand.code}/rollcall"
        rows = (await (await http.get(at, headers=headers)).json())["items"]
        streams = [
            await browser.get(f"/live?broadcast={stand.code}", timeout=ClientTimeout(total=None))
            for _ in range(CONSOLES)
        ]
        heard: list[asyncio.Queue[bytes]] = [asyncio.Queue() for _ in streams]
        tasks = [asyncio.create_task(_listen(stream, queue)) for stream, queue in zip(streams, heard, strict=True)]
        await asyncio.sleep(2)
        times = []
        for row in rows[:EVENTS]:
            wanted = re.compile(rb'"u-%s".*?s-acknowledged' % row["unit"].encode())
            began = time.perf_counter()
            await http.post(f"{at}/{row['unit']}", json={"state": "acknowledged", "note": ""}, headers=headers)
            await asyncio.gather(*(_until(queue, wanted) for queue in heard))
            times.append((time.perf_counter() - began) * 1000)
        for task in tasks:
            task.cancel()
        for stream in streams:
            stream.close()
    print(
        f"        {CONSOLES} open roll-calls show a confirmation after {statistics.median(times):.0f} ms in the middle,"
    )
    print(f"        {max(times):.0f} ms at most ({EVENTS} events)")


async def _listen(stream: Any, queue: asyncio.Queue[bytes]) -> None:
    async for line in stream.content:
        if line.startswith(b"data:"):
            queue.put_nowait(line)


async def _until(queue: asyncio.Queue[bytes], wanted: re.Pattern[bytes]) -> None:
    while not wanted.search(await queue.get()):
        pass


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, int(len(values) * 0.95) - 1)]
