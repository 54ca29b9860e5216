"""Where the pages of a full ledger are measured: a service, a broadcast to every unit, and a long list beside it as it
lies there the morning after."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
from aiohttp import ClientSession

from benchmarks.several import SERVER, several
from store import chunks, deliveries, number_lists, partitions, receipts
from store.chunks import CHUNK_SIZE, ORDINAL_BITS
from store.engine import Ledger, Tx
from store.opening import ledger_at
from tests.processes import ROOT

DELIVERIES: Final = 3_000_000
LIST_NO: Final = 900_000
LIST_CODE: Final = "TB0126-99"
FIRST_NUMBER: Final = 84_900_000_000
FAILED_OF_CHUNK, UNKNOWN_OF_CHUNK, EXPIRED_OF_CHUNK = 15, 5, 1
"""A page of the rarest state has a row of each of 200 chunks."""
NEW: Final = {"autovacuum": "off"}
"""A night's partitions are new: nobody has looked at them yet, until somebody does (`look_through`)."""
AT_ONCE: Final = 100_000
"""Deliveries of one transaction."""
SETTLE_SECONDS: Final = 3.0
PEOPLE: Final = ROOT / "data" / "sample" / "people.csv"
SIZE: Final = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
        " WHERE relkind = 'r' AND (relname LIKE 'delivery%' OR relname LIKE 'receipt%' OR relname = 'chunk')"
    ),
}


@dataclass(slots=True)
class Stand:
    """`code`: the broadcast to every unit. `size`: bytes of what was put into the ledger, which is at
    `ledger`."""

    url: str
    api: str
    officer_key: str
    user: str
    password: str
    code: str
    count: int
    filled_in: float
    size: int
    ledger: str


@asynccontextmanager
async def full_demo(count: int) -> AsyncIterator[Stand]:
    """`loa demo`; the list is put into its ledger while it is stopped."""
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        process, ready = await _demo(folder)
        code = await _sent(ready["api"], ready["api_key"], ready["approver_key"])
        await _stopped(process)
        filled_in, size = await _filled(f"sqlite:///{folder}/loa.db", Path(folder), code, count)
        process, ready = await _demo(folder)
        person = ready["approver"]
        try:
            yield Stand(
                ready["console"], ready["api"], ready["api_key"], person["user"], person["password"], code, count,
                filled_in, size, "",
            )  # fmt: skip
        finally:
            await _stopped(process)


@asynccontextmanager
async def full_office(count: int) -> AsyncIterator[Stand]:
    """A web process, a worker and a scheduler on PostgreSQL and Redis. Raises `NoServer`."""
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder = Path(name)
        with several(folder, channels=("zalo", "sms"), people=PEOPLE, server={**SERVER, **NEW}) as office:
            await asyncio.to_thread(office.import_people, PEOPLE)
            person = await asyncio.to_thread(office.admin.post, "/staff", {"name": "lanhdao", "role": "approver"})
            code = await _sent(office.api.url, office.api.key, office.approver.key)
            filled_in, size = await _filled(office.database, folder / "data", code, count)
            yield Stand(
                office.url, office.api.url, office.api.key, person["user"], person["password"], code, count,
                filled_in, size, office.database,
            )  # fmt: skip


async def look_through(stand: Stand) -> None:
    """Let PostgreSQL make its statistics, as it does by itself within minutes."""
    connection = await asyncpg.connect(stand.ledger)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _demo(folder: str) -> tuple[Process, dict[str, Any]]:
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


async def _sent(api: str, officer_key: str, approver_key: str) -> str:
    """A broadcast to every unit, sent: what the roll-call pages show."""
    async with ClientSession() as http:
        officer, approver = ({"Authorization": f"Bearer {key}"} for key in (officer_key, approver_key))
        draft = {"text": "Kiểm tra liên lạc", "audience": "all-units", "channels": ["zalo"]}
        at = f"{api}/broadcasts"
        made = await (await http.post(at, json=draft, headers=officer)).json()
        asked = await (await http.post(f"{at}/{made['code']}/submit", headers=officer)).json()
        body = {"content_hash": asked["content_hash"]}
        await http.post(f"{at}/{made['code']}/approve", json=body, headers=approver)
        await asyncio.sleep(SETTLE_SECONDS)
    return str(made["code"])


async def _filled(url: str, folder: Path, code: str, count: int) -> tuple[float, int]:
    """(seconds, bytes)"""
    ledger = ledger_at(url, folder / "attachments")
    ledger.open()
    try:
        asked = SIZE["sqlite" if url.startswith("sqlite") else "postgresql"]
        before = await ledger.read(lambda tx: int(tx.execute(asked).fetchone()[0]))
        began = time.perf_counter()
        await _fill(ledger, code, count)
        took = time.perf_counter() - began
        return took, await ledger.read(lambda tx: int(tx.execute(asked).fetchone()[0])) - before
    finally:
        await ledger.close()


async def _fill(ledger: Ledger, code: str, count: int) -> None:
    now = time.time()
    cause, account = await ledger.write(lambda tx: _begin(tx, code, count, now))
    for first in range(0, count, AT_ONCE):
        await ledger.write(
            lambda tx, first=first: _some(tx, range(first, min(first + AT_ONCE, count)), cause, account, now)  # type: ignore[misc]
        )


def _begin(tx: Tx, code: str, count: int, now: float) -> tuple[int, int]:
    row = tx.execute("SELECT * FROM broadcast WHERE code = ?", (code,)).fetchone()
    names = _columns(tx)
    changed = {"no": LIST_NO, "code": LIST_CODE, "state": "sent"}
    marks = ", ".join("?" * len(names))
    values = [changed.get(name, value) for name, value in zip(names, row, strict=True)]
    tx.execute(f"INSERT INTO broadcast ({', '.join(names)}) VALUES ({marks})", values)  # noqa: S608  names are ours
    partitions.make_room(tx, LIST_NO, count, now)
    number_lists.finish(tx, number_lists.begin(tx, "residents", now), count, "0" * 64)
    return deliveries.cause_id(tx, "not_reachable", "0x0b"), deliveries.account_id(tx, "sms.bench")


def _columns(tx: Tx) -> list[str]:
    if tx.for_update:  # PostgreSQL
        asked = (
            "SELECT attname::text FROM pg_attribute WHERE attrelid = 'broadcast'::regclass AND attnum > 0"
            " ORDER BY attnum"
        )
    else:
        asked = "SELECT name FROM pragma_table_info('broadcast') ORDER BY cid"
    return [row[0] for row in tx.execute(asked)]


def _some(tx: Tx, ordinals: range, cause: int, account: int, now: float) -> None:
    first, at = LIST_NO << ORDINAL_BITS, int(now)
    columns = ("id", "recipient", "status", "cause", "parts", "parts_done", "sent_at", "done_at", "account")
    tx.insert_many("delivery", columns, (
        (first + n, FIRST_NUMBER + n, *_fate(n, cause), 1, 1, at, at, account) for n in ordinals
    ))  # fmt: skip
    tx.insert_many("chunk", _CHUNK, _chunks(first, ordinals))
    receipts.map_receipts(tx, ((f"{first + n:016x}", account, first + n, 0) for n in ordinals), now)


_CHUNK: Final = ("id", "last_id", "broadcast_no", "channel", "step", "priority", "state", "hwm", "c_delivered",
                 "c_failed", "c_unknown", "c_expired")  # fmt: skip


def _chunks(first: int, ordinals: range) -> Iterator[tuple[Any, ...]]:
    good = CHUNK_SIZE - FAILED_OF_CHUNK - UNKNOWN_OF_CHUNK - EXPIRED_OF_CHUNK
    for at in range(first + ordinals.start, first + ordinals.stop, CHUNK_SIZE):
        last = at + CHUNK_SIZE - 1
        yield (at, last, LIST_NO, "sms", 0, 3, chunks.DONE, last + 1, good, FAILED_OF_CHUNK, UNKNOWN_OF_CHUNK,
               EXPIRED_OF_CHUNK)  # fmt: skip


def _fate(n: int, cause: int) -> tuple[int, int]:
    """(status, cause): failed, unknown, expired, else delivered."""
    place = n % CHUNK_SIZE
    if place < FAILED_OF_CHUNK:
        return 7, cause
    if place < FAILED_OF_CHUNK + UNKNOWN_OF_CHUNK:
        return 3, 0
    return (8, 0) if place < FAILED_OF_CHUNK + UNKNOWN_OF_CHUNK + EXPIRED_OF_CHUNK else (5, 0)
