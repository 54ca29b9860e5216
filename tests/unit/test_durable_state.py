"""The channels' durable memory: what is stored is stored, and one key's lock is held by one process at a time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters.contract import LedgerUnavailable
from loa.durable import LedgerState
from loa.settings_sections import ROOT
from store.engine import Ledger
from store.opening import ledger_at
from tests.ledgers import ledger_of, ledger_url

OTHER = """
import asyncio, sys
from pathlib import Path
from store.opening import ledger_at
async def main():
    async with ledger_at(sys.argv[1], Path()).lock("zalo.oa.1.tokens"):
        print("held", flush=True)
        sys.stdin.readline()
asyncio.run(main())
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_of(tmp_path)


async def test_two_processes_never_hold_one_lock(ledger: Ledger, tmp_path: Path) -> None:
    state = LedgerState(ledger)
    command = [sys.executable, "-c", OTHER, ledger_url(tmp_path)]
    other = subprocess.Popen(  # noqa: ASYNC220
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdin is not None
    assert other.stdout.readline() == b"held\n"

    async def take() -> float:
        async with state.lock("zalo.oa.1.tokens"):
            return time.monotonic()

    waiting = asyncio.create_task(take())
    async with asyncio.timeout(20), state.lock("zalo.oa.2.tokens"):
        await asyncio.sleep(0.1)  # another key is another lock
    assert not waiting.done()
    other.kill()  # however it ends, the lock is free
    other.wait()
    await asyncio.wait_for(waiting, 20)
    other.stdin.close()
    other.stdout.close()


async def test_one_process_queues_in_order(ledger: Ledger) -> None:
    state, order = LedgerState(ledger), []

    async def one(n: int) -> None:
        async with state.lock("key"):
            order.append(n)
            await asyncio.sleep(0)
            order.append(n)

    await asyncio.gather(*(one(n) for n in range(4)))
    assert order == [0, 0, 1, 1, 2, 2, 3, 3]


async def test_a_folder_that_takes_no_file_is_the_ledgers_trouble(tmp_path: Path) -> None:
    (tmp_path / "loa.db.locks").write_text("in the way")
    state = LedgerState(ledger_at(f"sqlite:///{tmp_path / 'loa.db'}"))
    with pytest.raises(LedgerUnavailable):
        async with state.lock("key"):
            pytest.fail("taken without a lock")
