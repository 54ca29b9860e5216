"""What an idle service on one machine takes: memory, and CPU over half a minute."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from tests.processes import LOA

SETTLE_SECONDS: Final = 8.0
"""After the ready line: first ticks, first probes."""
LOOK_SECONDS: Final = float(os.environ.get("LOA_BENCH_SECONDS", "30"))


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        settings = {"LOA_STORE__URL": f"sqlite:///{Path(folder) / 'loa.db'}", "LOA_WEB__PORT": "0"}
        process = await asyncio.create_subprocess_exec(
            *LOA, "run", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=os.environ | settings,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            assert json.loads(await process.stdout.readline())["ready"]
            await asyncio.sleep(SETTLE_SECONDS)
            service, began = psutil.Process(process.pid), time.perf_counter()
            used = sum(service.cpu_times()[:2])
            await asyncio.sleep(LOOK_SECONDS)
            share = (sum(service.cpu_times()[:2]) - used) / (time.perf_counter() - began)
            memory = service.memory_info().rss / 1e6
        finally:
            process.terminate()
            await process.wait()
    print(f"idle:   {memory:.0f} MB resident, {share:.2%} of a core over {LOOK_SECONDS:.0f} s (one process, SQLite)")
