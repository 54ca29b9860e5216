"""(c) A storm of signed Zalo events at one service: how soon each is answered, that none is lost and none kept twice.

Events come at a steady rate whatever the answers take, from a process of its own: what people write in the group and to
the account, confirmations among them, and receipts; every tenth comes twice, as after a connection that broke. Answered
means stored. `LOA_BENCH_SECONDS` sets how long (60 for the figure of the README).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from adapters.zalo.webhook import signature
from loa.service import Service
from loa.settings import load_settings
from simulators import zalo
from store.engine import Tx

RATE: Final = 500
"""Events a second."""
SECONDS: Final = 10
CONNECTIONS: Final = 256
TWICE_EVERY: Final = 10
DRAIN_SECONDS: Final = 120.0
CHATTER: Final = ("mưa to quá", "đê tràn chưa các bác", "đã nhận", "xã tôi mất điện rồi", "mực nước")
NOBODY: Final = "http://127.0.0.1:9"
"""The provider itself is not asked anything here."""


async def main() -> None:
    seconds = int(os.environ.get("LOA_BENCH_SECONDS", SECONDS))
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        service = Service(_settings(Path(folder)))
        await service.start()
        cpu = time.process_time()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.webhooks", f"{service.url}/hooks/zalo.oa", str(seconds),
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert process.stdout is not None
            found = json.loads(await process.stdout.read())
            cpu = time.process_time() - cpu
            kept = await service.ledger.read(_kept)
            began = time.perf_counter()
            while await service.ledger.read(_waiting) and time.perf_counter() - began < DRAIN_SECONDS:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            drained = time.perf_counter() - began
            left = await service.ledger.read(_waiting)
        finally:
            await service.stop()
    _say(found, kept, seconds, cpu, drained, left)


def _say(found: dict[str, Any], kept: int, seconds: int, cpu: float, drained: float, left: int) -> None:
    lost = max(0, found["messages"] - kept)
    print(f"webhooks: {found['events']:,} events in {seconds} s ({RATE}/s), {found['twice']:,} of them twice;")
    print(f"        answered p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms, longest {found['max']:.0f} ms;")
    print(f"        answers {found['answers']}; {kept:,} messages kept, {lost} answered and lost;")
    print(f"        {cpu / seconds * 100:.0f} % of a core; all handled {drained:.1f} s after the last, {left} left")


def _settings(folder: Path) -> Any:
    account = {"base_url": NOBODY, "oauth_url": NOBODY, **asdict(zalo.APP)}
    sections = {
        "oa": account,
        "oa_user": {"enabled": True},
        "oa_group": {"enabled": True, "group_id": zalo.GROUP_ID, "catch_up_seconds": 0},
    }
    store = {"url": f"sqlite:///{folder / 'loa.db'}"}
    return load_settings(None, {"store": store, "web": {"port": 0}, "adapters": {"zalo": sections}})


def _kept(tx: Tx) -> int:
    return int(tx.execute("SELECT count(*) FROM inbox").fetchone()[0])


def _waiting(tx: Tx) -> int:
    return int(tx.execute("SELECT count(*) FROM inbox WHERE state = 'new'").fetchone()[0])


def event(n: int, now: float) -> dict[str, Any]:
    """The n-th: three of five are said in the group, one to the account, one is a receipt."""
    stamp, user = str(int(now * 1000)), str(8_000_000_000_000_000_000 + n % 5_000)
    kind = n % 5
    head = {"app_id": zalo.APP.app_id, "oa_id": zalo.APP.oa_id, "timestamp": stamp}
    if kind == 4:
        message: dict[str, Any] = {"msg_id": f"{n:020x}"}
        oa, person = {"id": zalo.APP.oa_id}, {"id": user}
        return head | {"event_name": "user_received_message", "sender": oa, "recipient": person, "message": message}
    name, to = ("user_send_text", zalo.APP.oa_id) if kind == 3 else ("user_send_group_text", zalo.GROUP_ID)
    message = {"text": CHATTER[n % len(CHATTER)], "msg_id": f"{n:020x}"}
    return head | {"event_name": name, "sender": {"id": user}, "recipient": {"id": to}, "message": message}


async def drive(url: str, seconds: int) -> dict[str, Any]:
    """The sender: each event at its time, whether or not the ones before were answered."""
    took: list[float] = []
    answers: Counter[str] = Counter()
    heard: set[int] = set()
    """Messages that were answered with 200 and therefore must be kept."""
    pool = TCPConnector(limit=CONNECTIONS, keepalive_timeout=60)
    async with ClientSession(connector=pool, timeout=ClientTimeout(total=30)) as session:

        async def post(n: int, body: bytes, headers: dict[str, str]) -> None:
            began = time.perf_counter()
            try:
                async with session.post(url, data=body, headers=headers) as answer:
                    await answer.read()
                    answers[str(answer.status)] += 1
                    if answer.status == 200 and n % 5 != 4:
                        heard.add(n)
            except (ClientError, OSError, TimeoutError) as broken:
                answers[type(broken).__name__] += 1
            took.append((time.perf_counter() - began) * 1000)

        tasks, began, total = set(), time.perf_counter(), seconds * RATE
        for n in range(total):
            wait = began + n / RATE - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            body = orjson.dumps(event(n, time.time()))
            stamp = orjson.loads(body)["timestamp"]
            mac = signature(zalo.APP.app_id, body, stamp, zalo.APP.oa_secret_key)
            headers = {"X-ZEvent-Signature": f"mac={mac}", "Content-Type": "application/json"}
            for _ in range(2 if n % TWICE_EVERY == 0 else 1):
                task = asyncio.create_task(post(n, body, headers))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    took.sort()
    return {
        "events": total,
        "twice": len(took) - total,
        "messages": len(heard),
        "answers": dict(answers),
        "p50": took[len(took) // 2],
        "p99": took[int(len(took) * 0.99)],
        "max": took[-1],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(drive(sys.argv[1], int(sys.argv[2])))))
