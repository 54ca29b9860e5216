"""A list by SMS over several processes: PostgreSQL (fsync on), Redis, a web process, a scheduler and 1, 2 or 4 workers.

Each worker has an SMPP account of its own at one simulated carrier. All of it shares this machine's cores. A storm is
`LOA_BENCH_MESSAGES=3000000 LOA_BENCH_WORKERS=2 python -m benchmarks machines`.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from benchmarks.several import several
from benchmarks.smpp_session import TEXT
from benchmarks.sms import peak_mb
from store import leases
from store.opening import reading
from tests.cluster import NoServer
from tests.offices import Many
from tests.processes import Http, until

MESSAGES: Final = int(os.environ.get("LOA_BENCH_MESSAGES", "40000"))
WORKERS: Final = tuple(int(one) for one in os.environ.get("LOA_BENCH_WORKERS", "1,2,4").split(","))
FIRST_NUMBER: Final = 930_000_000
WAIT_SECONDS: Final = 180.0 + MESSAGES / 2_000
LIST_SIZE: Final = 500_000
"""Most numbers of one list: one request brings it."""
ENDED: Final = {"delivered", "failed", "unknown", "expired"}


async def main() -> None:
    for workers in WORKERS:
        try:
            await asyncio.to_thread(_run, workers)
        except NoServer as missing:
            print(f"machines: left out, {missing}")
            return


def _run(workers: int) -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder, several(Path(folder), workers=workers) as office:
        assert office.town is not None
        until(lambda: _shared(office.database) == workers, 60, "an account in every worker", pause=0.2)
        until(lambda: _bound(office.admin, workers), 60, "every account is bound", pause=0.2)
        sending = [psutil.Process(office.running[f"worker{n}"].popen.pid) for n in range(workers)]
        _measure(office, sending, office.town.smsc)


def _measure(office: Many, workers: list[psutil.Process], carrier: Http) -> None:
    officer, approver = (replace(one, seconds=WAIT_SECONDS) for one in (office.api, office.approver))
    audience = "+".join(f"list:{name}" for name in _lists(officer))
    key = {"Idempotency-Key": str(uuid.uuid4())}
    draft = {"text": TEXT, "audience": audience, "channels": ["sms"]}
    made = officer.call("POST", "/broadcasts", json.dumps(draft).encode(), headers=key)
    frozen = officer.post(f"/broadcasts/{made['id']}/submit")
    used = _cpu(workers)
    approved = time.perf_counter()
    approver.post(f"/broadcasts/{made['id']}/approve", {"content_hash": frozen["content_hash"]})
    until(lambda: _parts(carrier) > 0, 60, "the first message has left", pause=0.01)
    began = time.perf_counter()
    view = until(lambda: _over(officer, made["id"]), WAIT_SECONDS, lambda: officer.get(f"/broadcasts/{made['id']}"))
    took, cpu = time.perf_counter() - began, _cpu(workers) - used
    assert view["counts"] == {"delivered": MESSAGES}, view["counts"]
    received = carrier.get("/_sim/received")
    assert (received["messages"], received["duplicates"]) == (MESSAGES, 0), received
    peaks = {name: peak_mb(process.popen.pid) for name, process in office.running.items()}
    print(f"machines: {len(workers)} worker(s), {MESSAGES / took:,.0f} messages/s from the first submit_sm to the last")
    print(f"        receipt in the ledger, PostgreSQL with fsync and Redis; {cpu / MESSAGES * 1e6:.0f} µs CPU of the")
    print(f"        workers a message ({MESSAGES:,} of one part; the first {began - approved:.1f} s after approval)")
    print("        at most " + ", ".join(f"{mb:.0f} MB in {name}" for name, mb in peaks.items()))


def _lists(officer: Http) -> list[str]:
    names = []
    for first in range(0, MESSAGES, LIST_SIZE):
        names.append(f"bench{first // LIST_SIZE}")
        lines = "".join(f"0{FIRST_NUMBER + n}\n" for n in range(first, min(first + LIST_SIZE, MESSAGES)))
        officer.call("POST", "/lists", lines.encode(), query={"name": names[-1]})
    return names


def _shared(database: str) -> int:
    """Processes that accounts live in: the first that came up had all of them."""
    with reading(database) as tx:
        held = leases.held(tx, leases.ledger_clock(tx))
    return len({lease.owner for name, lease in held.items() if name.startswith("sms.")})


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
