"""A list's import is killed in the middle: its name still means the old version, and the next start clears up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from directory.number_lists import discard_incomplete
from store import number_lists
from tests.ledgers import ledger_of, ledger_url

SCRIPT = """
import asyncio, sys
from pathlib import Path
from directory import importing, number_lists
from store.opening import ledger_at

importing.BATCH = 500
append = number_lists.NewVersion.append

async def tell(self, batch):
    await append(self, batch)
    print("stored", self.digest.size, flush=True)

async def main(url, old, new):
    ledger = ledger_at(url, Path(old).parent)
    ledger.open()
    await importing.import_numbers(ledger, Path(old), "dan", 1.0)
    number_lists.NewVersion.append = tell
    await importing.import_numbers(ledger, Path(new), "dan", 2.0)
    print("whole", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


ROOT = Path(__file__).resolve().parents[2]


def import_and_kill(url: str, folder: Path, batches: int) -> int:
    """Import a small list, then start a large one and kill it after so many batches; how many numbers were stored."""
    old, new = folder / "old.csv", folder / "new.csv"
    old.write_text("0900000001\n0900000002\n", "utf-8")
    new.write_text("".join(f"{84_910_000_000 + n}\n" for n in range(40_000)), "utf-8")
    command = [sys.executable, "-c", SCRIPT, url, str(old), str(new)]
    stored = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            assert line != "whole\n"
            if line.startswith("stored "):
                stored = int(line.split()[1])
                batches -= 1
            if batches == 0:
                os.kill(running.pid, signal.SIGKILL)
                break
    assert running.returncode == -signal.SIGKILL
    return stored


@pytest.mark.faults
@pytest.mark.parametrize("batches", [1, 7, 30])
async def test_killed_in_the_middle(tmp_path: Path, batches: int) -> None:
    stored = import_and_kill(ledger_url(tmp_path), tmp_path, batches)

    ledger = ledger_of(tmp_path)
    ledger.open()
    try:
        row = await ledger.read(lambda tx: number_lists.current(tx, "dan"))
        assert row is not None
        assert row.size == 2
        assert len(await ledger.read(lambda tx: number_lists.incomplete(tx, time.time()))) == 1
        half = await ledger.read(lambda tx: tx.execute("SELECT count(*) FROM number_list_entry").fetchone())
        assert half[0] >= 2 + stored  # what was said to be stored is stored
        assert await discard_incomplete(ledger) == 1
        left = await ledger.read(lambda tx: tx.execute("SELECT count(*) FROM number_list_entry").fetchone())
        assert left == (2,)
    finally:
        await ledger.close()
