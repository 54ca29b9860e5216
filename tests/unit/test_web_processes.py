"""The board shows the processes of an installation; where one does everything, it shows none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store import leases, workers
from store.engine import Tx
from store.workers import DRAINING, READY, Worker
from tests.web_stand import Stand


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


def furnish(tx: Tx) -> None:
    now = tx.clock()
    alive = (
        ("w1", "worker", READY, 0.0, 60.0),
        ("w2", "worker", DRAINING, 0.2, 60.0),
        ("s1", "scheduler", READY, -4.0, 60.0),
    )
    for one, role, state, off, left in (
        *alive,
        ("w3", "worker", READY, 0.0, -60.0),
        ("w4", "worker", READY, 0.0, -7_000.0),
    ):
        workers.register(
            tx, Worker(one, f"{role}@may-{one}", role, "", 1, "1", "0.1.0", state, off, now - 100.0, now + left)
        )
    leases.take(tx, "sms.vt", "w1", now, 60.0)
    leases.take(tx, "scheduler", "s1", now, 60.0)


async def page(stand: Stand) -> str:
    browser = await stand.browser()
    answer = await browser.get("/")
    assert answer.status == 200
    return await answer.text()


async def test_one_process_shows_none(stand: Stand) -> None:
    assert "may-w1" not in await page(stand)


async def test_who_is_alive_and_what_each_holds(stand: Stand) -> None:
    await stand.room.ledger.write(furnish)
    shown = await page(stand)
    assert "worker@may-w1 · 0.1.0 · sms.vt" in shown
    assert "scheduler@may-s1 · 0.1.0 · scheduler" in shown
    assert "Đang dừng" in shown
    assert "Mất tín hiệu" in shown
    assert "Đồng hồ lệch -4 giây so với sổ cái: chỉnh lại." in shown
    assert "may-w4" not in shown, "long gone"
