"""How much our SMPP session costs: messages a second and CPU per message, adapter and carrier in their own processes.

    python -m benchmarks.smpp_session [--messages 20000] [--window 100] [--split udh] [--parts 1]

The ledger is left out: receipts go to a sink that only counts. Printed: messages a second from the first submit_sm to
the last receipt, CPU microseconds per message of the client process (submit, response, receipt and its answer) and of
the carrier, and what the carrier says that it received. Nothing here passes or fails on a time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import psutil  # type: ignore[import-untyped]
from aiohttp import ClientSession

from adapters.contract import Accepted, Envelope, HealthState, Incoming, Outcome, Priority, Receipt
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp.channel import SmppChannel

TEXT: Final = "PCTT Thanh Hoa: bao so 5 vao dem nay, chu dong chang chong nha cua, khong ra khoi. Can cuu giup goi 112."
FIRST_NUMBER: Final = 84_900_000_000
MOST_MESSAGES: Final = 200_000
WAIT_SECONDS: Final = 60.0


class CountingSink:
    """Stores nothing."""

    def __init__(self) -> None:
        self.receipts_seen = 0
        self.batches = 0

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        self.receipts_seen += len(batch)
        self.batches += 1

    async def incoming(self, batch: Sequence[Incoming]) -> None:
        raise AssertionError("nobody writes in this benchmark")


class NoState:
    """`DurableState` that has nothing to keep."""

    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes) -> None: ...

    async def delete(self, *keys: str) -> None: ...

    async def items(self, prefix: str) -> Mapping[str, bytes]:
        return {}

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        raise NotImplementedError


async def measure(arguments: argparse.Namespace) -> dict[str, float | int]:
    carrier = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.smsc", "--until-stdin-closes",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert carrier.stdout is not None
    ready = json.loads(await carrier.stdout.readline())
    host, _, port = ready["smsc"].partition(":")
    account = SmppAccount(
        name="bench", host=host, port=int(port), system_id="loa", password="loa-pass", sender="PCTT", dlr_ids="same",
        window=arguments.window, split=arguments.split,
    )  # fmt: skip
    sink, channel = CountingSink(), SmppChannel(account, NoState())
    await channel.start(sink)
    while (await channel.probe()).state is not HealthState.OK:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        before = _carrier_cpu(carrier.pid)
        figures = await _send(channel, sink, arguments)
        figures["carrier_cpu_us"] = (_carrier_cpu(carrier.pid) - before) * 1e6 / arguments.messages
        async with ClientSession() as http, http.get(f"{ready['control']}/_sim/received") as answer:
            figures |= {f"carrier_{name}": value for name, value in (await answer.json()).items()}
    finally:
        await channel.stop()
        assert carrier.stdin is not None
        carrier.stdin.close()
        await carrier.wait()
    return figures


async def _send(channel: SmppChannel, sink: CountingSink, arguments: argparse.Namespace) -> dict[str, float | int]:
    total, window = arguments.messages, arguments.window
    text = " ".join([TEXT] * arguments.parts)[: 160 if arguments.parts == 1 else 153 * arguments.parts]
    envelopes = [Envelope(n, str(FIRST_NUMBER + n), text, Priority.BULK) for n in range(total)]
    accepted = parts = 0

    def report(_: int, outcome: Outcome) -> None:
        nonlocal accepted, parts
        assert isinstance(outcome, Accepted), outcome
        accepted += 1
        parts += len(outcome.provider_ids)

    began, cpu = time.perf_counter(), time.process_time()
    for at in range(0, total, window):
        await channel.send(envelopes[at : at + window], report)
    deadline = time.perf_counter() + WAIT_SECONDS
    while (accepted < total or sink.receipts_seen < parts) and time.perf_counter() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "messages": total,
        "parts": parts,
        "receipts": sink.receipts_seen,
        "receipt_batches": sink.batches,
        "seconds": round(took, 3),
        "messages_per_second": round(total / took),
        "client_cpu_us": round(cpu * 1e6 / total, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _carrier_cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--split", choices=("udh", "sar", "payload"), default="udh")
    parser.add_argument("--parts", type=int, default=1)
    arguments = parser.parse_args()
    arguments.messages = min(arguments.messages, MOST_MESSAGES)
    for name, value in asyncio.run(measure(arguments)).items():
        print(f"{name:22} {value:,.1f}" if isinstance(value, float) else f"{name:22} {value:,}")


if __name__ == "__main__":
    main()
