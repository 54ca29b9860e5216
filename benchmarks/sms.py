"""(a) A list by SMS, whole: 20,000 one-part messages with receipts, over SMPP, window 100, ledger on SQLite FULL.

The service runs in this process, so that its CPU can be told; the carrier is a process of its own. The bare session
(`benchmarks.smpp_session`, no ledger, no dispatcher) is measured beside it: what the service costs on top is a ratio
that does not depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from adapters.contract import HealthState
from benchmarks import smpp_session
from benchmarks.smpp_session import TEXT
from broadcasts.model import Actor, BroadcastState, DeliveryState, Draft, Role
from directory import importing
from loa.service import Service
from loa.settings import Settings, load_settings
from simulators import smsc
from store import chunks
from store.chunks import ORDINAL_BITS
from store.engine import Tx

MESSAGES: Final = 20_000
WINDOW: Final = 100
FIRST_NUMBER: Final = 900_000_000
WAIT_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.01
OFFICER: Final = Actor("bench-officer", Role.OFFICER)
APPROVER: Final = Actor("bench-approver", Role.APPROVER)
D = DeliveryState


@dataclass(slots=True)
class Figures:
    """Seconds and CPU seconds of one run; `planning` is from approval to the first submit_sm."""

    planning: float
    sending: float
    cpu: float
    commits: int
    peak_mb: float
    counts: dict[str, int]


async def main() -> None:
    bare = await smpp_session.measure(argparse.Namespace(messages=MESSAGES, window=WINDOW, split="udh", parts=1))
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        async with carrier() as address:
            whole, received = await _run(Path(folder), address)
    rate, cost = MESSAGES / whole.sending, whole.cpu / MESSAGES * 1e6
    assert whole.counts == {"delivered": MESSAGES}, whole.counts
    assert received == {"messages": MESSAGES, "destinations": MESSAGES, "parts": MESSAGES, "duplicates": 0}, received
    share, on_top = rate / bare["messages_per_second"], cost / bare["client_cpu_us"]
    batch = MESSAGES / whole.commits
    print(f"sms:    {rate:,.0f} messages/s from the first submit_sm to the last receipt in the ledger,")
    print(
        f"        {cost:.0f} µs CPU a message, peak {whole.peak_mb:.0f} MB ({MESSAGES:,} of one part, window {WINDOW});"
    )
    print(
        f"        {share:.2f} of the bare session's pace for {on_top:.1f} times its CPU, {batch:.0f} messages a commit,"
    )
    print(f"        {whole.planning:.2f} s from the approval to the first submit_sm")


@asynccontextmanager
async def carrier() -> AsyncIterator[dict[str, Any]]:
    """The simulated carrier in a process of its own: its ready line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.smsc", "--until-stdin-closes",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def settings(folder: Path, address: dict[str, Any], **more: Any) -> Settings:
    """`more`: of the SMPP account."""
    host, _, port = str(address["smsc"]).partition(":")
    account: dict[str, Any] = {
        "name": "bench", "host": host, "port": int(port), "system_id": smsc.SYSTEM_ID, "password": smsc.PASSWORD,
        "window": WINDOW, "sender": smsc.SHORT_CODE,
    }  # fmt: skip
    return load_settings(
        None,
        {
            "office": {"short_code": smsc.SHORT_CODE},
            "store": {"url": f"sqlite:///{folder / 'loa.db'}"},
            "web": {"port": 0},
            "adapters": {"sms": {"accounts": [account | more]}},
        },
    )


async def _run(folder: Path, address: dict[str, Any]) -> tuple[Figures, dict[str, int]]:
    service = Service(settings(folder, address))
    await service.start()
    try:
        while (await service.routes.all[0].channel.probe()).state is not HealthState.OK:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        numbers = folder / "numbers.csv"
        numbers.write_text("".join(f"0{FIRST_NUMBER + n}\n" for n in range(MESSAGES)), "utf-8")
        await importing.import_numbers(service.ledger, numbers, "bench", time.time())
        figures = await _send(service)
        async with ClientSession() as http, http.get(f"{address['control']}/_sim/received") as answer:
            return figures, await answer.json()
    finally:
        await service.stop()


async def _send(service: Service) -> Figures:
    draft = Draft(text=TEXT, audience="list:bench", channels=["sms"])
    no = (await service.desk.draft(draft, OFFICER)).id
    content_hash = (await service.desk.submit(str(no), OFFICER)).content_hash
    commits, cpu, approved = service.ledger.commits, time.process_time(), time.perf_counter()
    first = asyncio.create_task(_first_submit(service, no))
    await service.desk.approve(str(no), content_hash, APPROVER)
    while not await service.ledger.read(lambda tx: _is_over(tx, no)):
        assert time.perf_counter() - approved < WAIT_SECONDS, await service.desk.view(str(no))
        await asyncio.sleep(LOOK_SECONDS)
    ended = time.perf_counter()
    began = await first
    view = await service.desk.view(str(no))
    assert view.state in (BroadcastState.SENT, BroadcastState.CLOSED), view.state
    return Figures(
        began - approved,
        ended - began,
        time.process_time() - cpu,
        service.ledger.commits - commits,
        peak_mb(),
        view.counts,
    )


async def _first_submit(service: Service, no: int) -> float:
    """When the first window's mark was committed: right before its first submit_sm."""
    first = no << ORDINAL_BITS
    while not await service.ledger.read(lambda tx: _has_begun(tx, first)):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS / 10)
    return time.perf_counter()


def _has_begun(tx: Tx, first: int) -> bool:
    chunk = chunks.one(tx, first)
    return chunk is not None and chunk.hwm > first


def _is_over(tx: Tx, no: int) -> bool:
    """Every receipt is in the ledger."""
    counts = chunks.counts(tx, no)
    open_still = (D.QUEUED, D.SENDING, D.RETRYING, D.ACCEPTED)
    return sum(counts) == MESSAGES and not any(counts[state] for state in open_still)


def peak_mb(process: int | str = "self") -> float:
    """Most memory that a process ever held (VmHWM of proc(5))."""
    line = next(one for one in Path(f"/proc/{process}/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
