"""A common rate kept by several processes over one Redis: how exact in the long run, and in the worst second."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from bisect import bisect_left
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

from lanes.opening import opened

PROCESSES = 4
SECONDS = 8.0
WARM_SECONDS = 1.0
RATES = (50.0, 500.0, 2_000.0)


async def main() -> None:
    await asyncio.to_thread(_run)


def _run() -> None:
    server = shutil.which("redis-server")
    if server is None:
        print("limiter: redis-server is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        socket = Path(folder) / "redis.sock"
        command = (server, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder)
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while not socket.exists():
                time.sleep(0.01)
            for database, rate in enumerate(RATES):
                _measure(f"unix://{socket}?db={database}", rate)
            _measure(f"unix://{socket}?db={len(RATES)}", 500.0, running.pid)
        finally:
            running.terminate()
            running.wait(10)


def _measure(url: str, rate: float, stall: int | None = None) -> None:
    """`stall`: the server's process, held still for two seconds in the middle."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(PROCESSES + 1)
    with ProcessPoolExecutor(PROCESSES, context, initializer=_meet_at, initargs=(together,)) as pool:
        asked = [pool.submit(spend, url, rate, n) for n in range(PROCESSES)]
        together.wait(60)
        begin = time.monotonic()
        if stall is not None:
            time.sleep(SECONDS / 2)
            os.kill(stall, signal.SIGSTOP)
            time.sleep(2.0)
            os.kill(stall, signal.SIGCONT)
        found = [one.result(60) for one in asked]
    left = sorted(at for moments in found for at in moments if begin + WARM_SECONDS <= at < begin + SECONDS)
    seconds = SECONDS - WARM_SECONDS
    worst = max(bisect_left(left, at + 1.0) - n for n, at in enumerate(left)) if left else 0
    shares = ", ".join(f"{100 * len(moments) / max(1, sum(map(len, found))):.0f} %" for moments in found)
    print(
        f"limiter, {PROCESSES} processes, {rate:,.0f}/s{', Redis still for 2 s' if stall else ''}: "
        f"{100 * len(left) / (rate * seconds):.1f} % of the rate in {seconds:.0f} s, "
        f"the worst second {100 * worst / rate:.1f} %; shares {shares}"
    )


_together: Barrier | None = None


def _meet_at(together: Barrier) -> None:
    global _together
    _together = together


def spend(url: str, rate: float, number: int) -> list[float]:
    """One process that always has something to send; when each message left."""
    return asyncio.run(_spend(url, rate, number))


async def _spend(url: str, rate: float, number: int) -> list[float]:
    house = opened(url, f"process-{number}")
    await house.start("benchmark", "benchmark")
    share = house.rates.share("contract", rate)
    left: list[float] = []
    assert _together is not None
    await asyncio.to_thread(_together.wait, 60)
    end = time.monotonic() + SECONDS + 0.2
    while (now := time.monotonic()) < end:
        allowed = share.allowance(1_000)
        share.spend(allowed)
        left.extend([now] * allowed)
        await asyncio.sleep(max(0.001, share.wait()))
    await house.stop()
    return left
