"""A list by SMS over several processes: PostgreSQL (fsync on), Redis, a web process, a scheduler and 1, 2 or 4 workers.

Each worker has an SMPP account of its own at one simulated carrier. All of it shares this machine's cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from benchmarks.smpp_session import TEXT
from simulators import smsc
from tests.cluster import Cluster, NoServer
from tests.processes import LOA, Http, Process, until
from tests.redis_stand import RedisServer

MESSAGES: Final = int(os.environ.get("LOA_BENCH_MESSAGES", "40000"))
WORKERS: Final = (1, 2, 4)
FIRST_NUMBER: Final = 900_000_000
WAIT_SECONDS: Final = 180.0
SERVER: Final = {"shared_buffers": "512MB", "max_wal_size": "4GB", "wal_compression": "lz4"}
ENDED: Final = {"delivered", "failed", "unknown", "expired"}

OFFICE: Final = """
[office]
short_code = {short_code}
[store]
url = "{store}"
files = "{files}"
[lanes]
url = "{lanes}"
[web]
port = 0
[roles]
notice = 0
"""
ACCOUNT: Final = """
[[adapters.sms.accounts]]
name = "sim{number}"
host = "{host}"
port = {port}
system_id = "{system_id}"
password = "{password}"
sender = {sender}
window = 100
"""


async def main() -> None:
    for workers in WORKERS:
        try:
            await asyncio.to_thread(_run, workers)
        except NoServer as missing:
            print(f"machines: left out, {missing}")
            return


def _run(workers: int) -> None:
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="loa-bench-")))
        cluster = held.enter_context(_cluster())
        redis = RedisServer()
        held.callback(redis.end)
        carrier = _begin(held, folder, (sys.executable, "-m", "simulators.smsc", "--until-stdin-closes"), "smsc")
        said = carrier.ready()
        config = _config(folder, cluster.url(), f"unix://{redis.socket}?db=0", said["smsc"], workers)
        web = _role(held, folder, config, "web", "web")
        address = web.ready()
        sending = [_role(held, folder, config, "worker", f"worker{n}") for n in range(workers)]
        for one in (*sending, _role(held, folder, config, "scheduler", "scheduler")):
            one.ready()
        word = json.loads((folder / "data" / "service.json").read_bytes())
        admin = Http(address["api"], word["admin_key"])
        until(lambda: _bound(admin, workers), 60, "every account is bound", pause=0.2)
        _measure(admin, [psutil.Process(one.popen.pid) for one in sending], Http(said["control"]))


def _measure(admin: Http, workers: list[psutil.Process], carrier: Http) -> None:
    keys = {role: admin.post("/keys", {"name": f"bench-{role}", "role": role}) for role in ("officer", "approver")}
    officer, approver = (Http(admin.url, keys[role]["api_key"]) for role in ("officer", "approver"))
    lines = "".join(f"0{FIRST_NUMBER + n}\n" for n in range(MESSAGES))
    officer.call("POST", "/lists", lines.encode(), query={"name": "bench"})
    key = {"Idempotency-Key": str(uuid.uuid4())}
    draft = {"text": TEXT, "audience": "list:bench", "channels": ["sms"]}
    made = officer.call("POST", "/broadcasts", json.dumps(draft).encode(), headers=key)
    frozen = officer.post(f"/broadcasts/{made['id']}/submit")
    used = _cpu(workers)
    approver.post(f"/broadcasts/{made['id']}/approve", {"content_hash": frozen["content_hash"]})
    until(lambda: _parts(carrier) > 0, 60, "the first message has left", pause=0.01)
    began = time.perf_counter()
    view = until(lambda: _over(officer, made["id"]), WAIT_SECONDS, lambda: officer.get(f"/broadcasts/{made['id']}"))
    took, cpu = time.perf_counter() - began, _cpu(workers) - used
    assert view["counts"] == {"delivered": MESSAGES}, view["counts"]
    received = carrier.get("/_sim/received")
    assert (received["messages"], received["duplicates"]) == (MESSAGES, 0), received
    peak = max(one.memory_info().rss for one in workers) / 1e6
    print(f"machines: {len(workers)} worker(s), {MESSAGES / took:,.0f} messages/s from the first submit_sm to the last")
    print(f"        receipt in the ledger, PostgreSQL with fsync and Redis; {cpu / MESSAGES * 1e6:.0f} µs CPU of the")
    print(f"        workers a message, the largest of them {peak:.0f} MB ({MESSAGES:,} of one part)")


@contextmanager
def _cluster() -> Iterator[Cluster]:
    cluster = Cluster(safe=True, **SERVER)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def _begin(held: ExitStack, folder: Path, command: tuple[str, ...], name: str) -> Process:
    process = Process(command, folder / f"{name}.log")
    held.callback(process.end)
    return process


def _role(held: ExitStack, folder: Path, config: Path, role: str, name: str) -> Process:
    return _begin(held, folder, (*LOA, "run", "--role", role, "--config", str(config)), name)


def _config(folder: Path, store: str, lanes: str, carrier: str, accounts: int) -> Path:
    (folder / "data").mkdir()
    host, _, port = carrier.rpartition(":")
    account = {
        "host": host, "port": port, "system_id": smsc.SYSTEM_ID, "password": smsc.PASSWORD,
        "sender": json.dumps(smsc.SHORT_CODE),
    }  # fmt: skip
    path = folder / "config.toml"
    path.write_text(
        OFFICE.format(
            short_code=json.dumps(smsc.SHORT_CODE), store=store, lanes=lanes, files=folder / "data" / "attachments"
        )
        + "".join(ACCOUNT.format(number=n, **account) for n in range(accounts)),
        "utf-8",
    )
    return path


def _bound(admin: Http, accounts: int) -> bool:
    lights: dict[str, str] = {one["name"]: one["state"] for one in admin.get("/channels")["items"]}
    return sum(name.startswith("sms.") and state == "ok" for name, state in lights.items()) >= accounts


def _parts(carrier: Http) -> int:
    return int(carrier.get("/_sim/received")["parts"])


def _over(api: Http, no: int) -> Mapping[str, Any] | None:
    view: dict[str, Any] = api.get(f"/broadcasts/{no}")
    return view if sum(view["counts"].get(state, 0) for state in ENDED) == MESSAGES else None


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)
