"""(e) The console with a full ledger: every page while 3,000,000 deliveries lie in it, and how soon 20 open roll-calls
show that a unit confirmed.

`LOA_BENCH_DELIVERIES` sets how many. The service is `loa demo`; the list is put into its ledger while it is stopped.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, CookieJar

from store.chunks import CHUNK_SIZE, ORDINAL_BITS

DELIVERIES: Final = 3_000_000
LIST_NO: Final = 900_000
LIST_CODE: Final = "TB0126-99"
ROUNDS: Final = 10
"""Times that each page is asked for."""
CONSOLES: Final = 20
EVENTS: Final = 10
FAILED_OF_CHUNK, UNKNOWN_OF_CHUNK = 15, 5
FIRST_NUMBER: Final = 84_900_000_000
PLAIN: Final = (
    "/", "/broadcasts", "/broadcasts/new", "/inbox", "/directory", "/reports", "/content", "/carrier-orders",
    "/schedules", "/roster", "/watch", "/audit", "/account",
)  # fmt: skip
OF_ONE: Final = ("?all", "/rollcall", "/rollcall?show=map", "/rollcall?show=calls", "/rollcall?show=deliveries",
                 "/rollcall?show=deliveries&state=failed", "/report", "/people")  # fmt: skip


async def main() -> None:
    count = int(os.environ.get("LOA_BENCH_DELIVERIES", DELIVERIES))
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        process, ready = await _started(folder)
        code = await _sent(ready)
        await _stopped(process)
        _fill(Path(folder) / "loa.db", code, count)
        process, ready = await _started(folder)
        try:
            async with ClientSession(ready["console"], cookie_jar=CookieJar(unsafe=True)) as browser:
                await _sign_in(browser, ready["approver"])
                await _pages(browser, code, count)
                await _consoles(browser, ready, code)
        finally:
            await _stopped(process)


async def _started(folder: str) -> tuple[Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from loa.cli import main; main()",
        "demo", "--port", "0", "--data", folder, "--no-people-reply", "--speed", "50",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())


async def _stopped(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    await process.wait()


async def _sent(ready: dict[str, Any]) -> str:
    """A broadcast to every unit, sent: what the roll-call pages show."""
    async with ClientSession() as http:
        officer, approver = ({"Authorization": f"Bearer {ready[key]}"} for key in ("api_key", "approver_key"))
        draft = {"text": "Kiểm tra liên lạc", "audience": "all-units", "channels": ["zalo"]}
        at = f"{ready['api']}/broadcasts"
        made = await (await http.post(at, json=draft, headers=officer)).json()
        asked = await (await http.post(f"{at}/{made['code']}/submit", headers=officer)).json()
        body = {"content_hash": asked["content_hash"]}
        await http.post(f"{at}/{made['code']}/approve", json=body, headers=approver)
        await asyncio.sleep(3)
    return str(made["code"])


def _fill(path: Path, code: str, count: int) -> None:
    """A second broadcast, to a list of numbers, as it lies there the morning after."""
    began = time.perf_counter()
    db = sqlite3.connect(path)
    columns = [row[1] for row in db.execute("PRAGMA table_info(broadcast)")]
    changed = {"no": LIST_NO, "code": f"'{LIST_CODE}'", "state": "'sent'"}
    values = ", ".join(str(changed.get(name, name)) for name in columns)
    db.execute(f"INSERT INTO broadcast SELECT {values} FROM broadcast WHERE code = ?", (code,))  # noqa: S608
    first = LIST_NO << ORDINAL_BITS
    now = int(time.time())
    db.executemany(
        "INSERT INTO chunk (id, last_id, broadcast_no, channel, step, priority, state, hwm, c_delivered, c_failed,"
        " c_unknown) VALUES (?, ?, ?, 'sms', 0, 3, 2, ?, ?, ?, ?)",
        (
            (at, at + CHUNK_SIZE - 1, LIST_NO, at + CHUNK_SIZE, CHUNK_SIZE - FAILED_OF_CHUNK - UNKNOWN_OF_CHUNK,
             FAILED_OF_CHUNK, UNKNOWN_OF_CHUNK)
            for at in range(first, first + count, CHUNK_SIZE)
        ),
    )  # fmt: skip
    db.execute("INSERT INTO cause (id, reason, code) VALUES (900, 'not_reachable', '0x0b') ON CONFLICT DO NOTHING")
    db.executemany(
        "INSERT INTO delivery (id, recipient, status, cause, parts, parts_done, sent_at, done_at)"
        " VALUES (?, ?, ?, ?, 1, 1, ?, ?)",
        (
            (first + n, FIRST_NUMBER + n, *_fate(n % CHUNK_SIZE), now, now)
            for n in range(count)
        ),
    )  # fmt: skip
    db.commit()
    db.close()
    size = path.stat().st_size / 2**20
    print(f"console: {count:,} deliveries put into the ledger in {time.perf_counter() - began:.0f} s, {size:.0f} MB")


def _fate(place: int) -> tuple[int, int]:
    """(status, cause): failed, unknown, else delivered."""
    if place < FAILED_OF_CHUNK:
        return 7, 900
    return (3, 0) if place < FAILED_OF_CHUNK + UNKNOWN_OF_CHUNK else (5, 0)


async def _sign_in(browser: ClientSession, person: dict[str, str]) -> None:
    form = {"name": person["user"], "password": person["password"]}
    answer = await browser.post("/sign-in", data=form)
    assert answer.status == 200, answer.status


async def _pages(browser: ClientSession, code: str, count: int) -> None:
    worst: list[tuple[float, int, str]] = []
    for path in (*PLAIN, *(f"/broadcasts/{one}{end}" for one in (code, LIST_CODE) for end in OF_ONE)):
        times, size = [], 0
        for _ in range(ROUNDS):
            began = time.perf_counter()
            async with browser.get(path, auto_decompress=False) as answer:
                size = len(await answer.read())
                assert answer.status == 200, (path, answer.status)
            times.append((time.perf_counter() - began) * 1000)
        worst.append((_p95(times), size, path))
    over = [path for ms, _, path in worst if ms >= 150]
    slow, large = max(worst), max(worst, key=lambda one: one[1])
    print(f"        {len(worst)} pages × {ROUNDS}: p95 of all {_p95([ms for ms, _, _ in worst]):.0f} ms; slowest")
    print(f"        {slow[2]} p95 {slow[0]:.0f} ms; largest {large[2]} {large[1] / 1000:.0f} kB sent;")
    print(f"        over 150 ms: {', '.join(over) or 'none'}")


async def _consoles(browser: ClientSession, ready: dict[str, Any], code: str) -> None:
    """20 roll-calls stand open; an officer records a call; how long until the last of them has the tile."""
    headers = {"Authorization": f"Bearer {ready['api_key']}"}
    async with ClientSession(timeout=ClientTimeout(total=None)) as http:
        rows = (await (await http.get(f"{ready['api']}/broadcasts/{code}/rollcall", headers=headers)).json())["items"]
        streams = [
            await browser.get(f"/live?broadcast={code}", timeout=ClientTimeout(total=None)) for _ in range(CONSOLES)
        ]
        heard: list[asyncio.Queue[bytes]] = [asyncio.Queue() for _ in streams]
        tasks = [asyncio.create_task(_listen(stream, queue)) for stream, queue in zip(streams, heard, strict=True)]
        await asyncio.sleep(2)
        times = []
        for row in rows[:EVENTS]:
            wanted = re.compile(rb'"u-%s".*?s-acknowledged' % row["unit"].encode())
            began = time.perf_counter()
            at = f"{ready['api']}/broadcasts/{code}/rollcall/{row['unit']}"
            await http.post(at, json={"state": "acknowledged", "note": ""}, headers=headers)
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


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, int(len(values) * 0.95) - 1)]
