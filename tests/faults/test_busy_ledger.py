"""The ledger stands still for longer than a lease lasts, in the middle of a list: no process loses what it holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from store.postgres import LOCK_SPACE, WRITE_LOCK
from tests.faults.test_many_processes import NUMBERS, begin, check, held, send, under_way
from tests.living import Town, simulators
from tests.offices import LEASE_SECONDS, Many, many
from tests.processes import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

MOVES = ("home_taken", "home_handed_over", "home_lost", "leading", "round_failed")
PROCESSES = ("worker1", "worker2", "scheduler1")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


@pytest.fixture
def office(tmp_path: Path, town: Town) -> Iterator[Many]:
    with many(tmp_path, town, accounts=2, window=40, tps=150) as found:
        begin(found)
        yield found


def hold_still(office: Many, seconds: float) -> None:
    """Whatever wants to write waits, ordinary or hot; what is read goes on."""

    async def hold() -> None:
        connection = await asyncpg.connect(office.database)
        try:
            await connection.execute(f"SELECT pg_advisory_lock({LOCK_SPACE}, {WRITE_LOCK})")
            await asyncio.sleep(seconds)
        finally:
            await connection.close()

    asyncio.run(hold())


def said(office: Many, name: str, *events: str) -> list[str]:
    lines = (office.folder / f"{name}.log").read_text("utf-8", "replace").splitlines()
    return [line for line in lines if any(f"event='{event}'" in line for event in events)]


def test_no_session_moves(office: Many) -> None:
    until(lambda: bool(held(office, "worker1") and held(office, "worker2")), 40, "each has an account", pause=0.2)
    before = {name: (held(office, name), said(office, name, *MOVES)) for name in PROCESSES}
    no = send(office)
    under_way(office, 0.1)
    hold_still(office, 2 * LEASE_SECONDS)
    sent = office.received().total()
    assert sent < NUMBERS, "it stood while nothing could be written"
    view = check(office, no)
    assert view["counts"] == {"delivered": NUMBERS}
    assert office.received().total() == NUMBERS
    time.sleep(1.0)
    for name, so_far in before.items():
        assert (held(office, name), said(office, name, *MOVES)) == so_far, office.running[name].tail(30)
