"""Eight bulletins a day for three days to 166 units that never answer: three steps each, then the call list. Time is
compressed; each step is taken within two seconds of its time, no queue grows, and memory stays flat."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from broadcasts.routes import Route
from broadcasts.steps import Step, chosen_steps
from directory.units import load as load_units
from store import broadcasts, delivery_pages, rollcalls
from tests.ledgers import size_of
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, accept, leader

UNITS = [unit.code for unit in load_units().all]
DAYS, A_DAY = 3, 8
EVERY_SECONDS = 3 * 3600.0
TICK_SECONDS = 0.5
"""As the service ticks."""
STEPS = chosen_steps(
    (
        Step(after=0, channels=("zalo",), roles=("chairman",)),
        Step(after=300, channels=("sms",), roles=("chairman",), unless="delivered"),
        Step(after=600, channels=("sms",), roles=("deputy",)),
        Step(after=900, call=True),
    ),
    ("zalo", "sms"),
)
SENDING_STEPS = 3
LATE_MOST_SECONDS = 2.0
GROWTH_MOST_MIB = 24.0
"""Of the process's largest size from the end of the first day on."""


class Clock:
    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at


def largest_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Days:
    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.zalo = ScriptedChannel("zalo.user", self._answer, buttons=True)
        self.sms = ScriptedChannel("sms.one", self._answer, unaccented=True)
        self.room = EngineRoom(folder, Route(self.zalo, "zalo"), Route(self.sms, "sms"), now=self.clock)
        self.left = 0
        self.late: list[float] = []
        """Of the clock's time: how much later than planned each step was taken."""
        self.took: list[float] = []
        """Of the machine's time: from then until the last of its messages had left."""

    def _answer(self, envelope, times):
        self.left += 1
        return accept(envelope, times)

    async def bulletin(self, n: int) -> int:
        """One bulletin from its beginning to the call list."""
        members = [
            member
            for place, unit in enumerate(UNITS)
            for member in (
                leader(unit, place * 10 + 1, "zalo", f"z{unit}"),
                leader(unit, place * 10 + 1, "sms", f"849000{unit}"),
                leader(unit, place * 10 + 2, "sms", f"849001{unit}", "deputy"),
            )
        ]
        no = await self.room.approved(members=members, steps=STEPS, code=f"TB0926-{n:02}")
        began = self.clock.at
        await self.wave(began, self.room.clockwork.fire(no), len(UNITS))
        while (due := await self.room.ledger.read(rollcalls.next_due)) is not None and due < began + 1800:
            self.clock.at += TICK_SECONDS * max(1, round((due - self.clock.at) / TICK_SECONDS + 0.499))
            to_send = len(UNITS) if round(due - began) in (300, 600) else 0
            await self.wave(due, self.room.clockwork.tick_escalation(), to_send)
        self.clock.at = began + EVERY_SECONDS
        await self.room.clockwork.tick_broadcasts()
        self.zalo.left.clear()
        self.sms.left.clear()
        return no

    async def wave(self, due: float, work, to_send: int) -> None:
        started, before = time.perf_counter(), self.left
        await work
        await self.room.until(lambda: self.left >= before + to_send)
        if to_send:
            self.late.append(self.clock.at - due)
            self.took.append(time.perf_counter() - started)
        await self.room.until(lambda: self.room.ledger.read(_nothing_open))


def _nothing_open(tx):
    return tx.execute("SELECT COUNT(*) FROM chunk WHERE state < 2").fetchone()[0] == 0


@pytest.mark.timeout(170)
async def test_three_days_of_bulletins(tmp_path: Path) -> None:
    days = Days(tmp_path)
    await days.room.start()
    began, after_day_one = time.perf_counter(), 0.0
    numbers = []
    for n in range(DAYS * A_DAY):
        numbers.append(await days.bulletin(n))
        if n == A_DAY - 1:
            after_day_one = largest_mib()
    growth, seconds = largest_mib() - after_day_one, time.perf_counter() - began

    made = [await days.room.ledger.read(lambda tx, no=no: delivery_pages.page(tx, no, None, 0, 1000)) for no in numbers]
    assert [len(rows) for rows in made] == [len(UNITS) * SENDING_STEPS] * len(numbers)
    assert days.left == len(UNITS) * SENDING_STEPS * DAYS * A_DAY
    for no in numbers:
        rows = await days.room.ledger.read(lambda tx, no=no: rollcalls.of_broadcast(tx, no))
        assert {row.level for row in rows} == {SENDING_STEPS}
        assert {row.next_at for row in rows} == {None}
    assert await days.room.ledger.read(_nothing_open)
    open_still = await days.room.ledger.read(lambda tx: broadcasts.in_states(tx, ("scheduled", "sending", "sent")))
    assert [row.no for row in open_still] == []
    assert max(days.late) < LATE_MOST_SECONDS
    assert growth < GROWTH_MOST_MIB
    took = sorted(days.took)
    print(
        f"\n{len(numbers)} bulletins, {days.left:,} messages in {len(took)} waves, {seconds:.0f} s of machine time;"
        f" a step begins at most {max(days.late):.2f} s late and has left after {took[len(took) // 2]:.2f} s (median),"
        f" {took[-1]:.2f} s (most);"
        f" memory grew by {growth:.1f} MiB after the first day;"
        f" ledger {size_of(tmp_path) / 1024 / len(numbers):.0f} KiB a bulletin"
    )
    await days.room.stop()
