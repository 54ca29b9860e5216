"""Schedules: when they fall due, that each time is fired once, and that nothing due is skipped in silence."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcasts.model import Actor, Refusal, Role
from broadcasts.schedules.firing import Firing
from broadcasts.schedules.kinds import Kind, Kinds, no_payload
from broadcasts.schedules.office import ScheduleDesk
from broadcasts.schedules.overdue import Overdue
from broadcasts.schedules.rules import between, next_after, problems_of
from lanes.memory import MemoryBus
from store import alarms, schedules
from tests.ledgers import ledger_of
from text.dates import OFFICE_ZONE

OFFICER = Actor("canbo", Role.OFFICER)
START = datetime(2026, 8, 25, 6, 0, tzinfo=OFFICE_ZONE).timestamp()
DAILY = {"every": "day", "times": ["07:00", "16:00"]}


def at(day: int, hour: int, minute: int = 0) -> float:
    return datetime(2026, 8, day, hour, minute, tzinfo=OFFICE_ZONE).timestamp()


class Room:
    """Schedules over a ledger, a clock that the test moves, and a kind that only counts."""

    def __init__(self, folder):
        self.now = START
        self.ledger = ledger_of(folder)
        self.ledger.open()
        self.made: list[float] = []
        self.run: list[float] = []
        self.broken = False
        kinds = Kinds()
        kinds.register(Kind("count", check=no_payload, make=self._make))
        kinds.register(Kind("path_test", check=no_payload, run=self._run))
        self.bus = MemoryBus()
        self.desk = ScheduleDesk(self.ledger, self.bus, kinds, lambda: self.now)
        self.kinds = kinds
        self.restart()

    def restart(self):
        self.firing = Firing(self.ledger, self.bus, self.kinds, lambda: self.now)
        self.overdue = Overdue(self.ledger, self.bus, lambda: self.now)

    def _make(self, tx, what):
        if self.broken:
            raise RuntimeError("broken")
        self.made.append(what.due)
        return {"n": len(self.made)}

    async def _run(self, what):
        if self.broken:
            raise RuntimeError("broken")
        self.run.append(what.due)
        return {}

    async def tick(self, now: float) -> int:
        self.now = now
        return await self.firing.tick()

    async def states(self, schedule_id: int) -> dict[float, str]:
        rows = await self.ledger.read(lambda tx: schedules.fires(tx, schedule_id, 1000))
        return {row.due: row.state for row in rows}

    async def ringing(self) -> list[str]:
        return sorted(one.kind for one in await self.ledger.read(alarms.ringing))


@pytest.fixture
async def room(tmp_path):
    room = Room(tmp_path)
    yield room
    await room.ledger.close()


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        (DAILY, at(25, 6), at(25, 7)),
        (DAILY, at(25, 7), at(25, 16)),
        (DAILY, at(25, 16), at(26, 7)),
        ({"every": "week", "days": ["sun"], "times": ["08:00"]}, at(25, 6), at(30, 8)),
        ({"every": "week", "days": ["tue"], "times": ["08:00"]}, at(25, 6), at(25, 8)),
        ({"every": "month", "day": 1, "times": ["09:00"]}, at(25, 6), at(25, 6) + 7 * 86_400 + 3 * 3600),
        ({"every": "month", "day": "last", "times": ["09:00"]}, at(25, 6), at(31, 9)),
        ({"every": "once", "at": "2026-08-25T07:00:00+07:00"}, at(25, 6), at(25, 7)),
        ({"every": "once", "at": "2026-08-25T07:00:00+07:00"}, at(25, 7), None),
    ],
)
def test_the_next_time_is_on_the_offices_clock(rule, after, expected):
    """Sunday is Sunday, whatever the number of a weekday, and 07:00 is Vietnam's, whatever the machine's zone."""
    assert problems_of(rule, START) == []
    assert next_after(rule, after) == expected


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ({}, "not_a_choice"),
        ({"every": "hour", "times": ["07:00"]}, "not_a_choice"),
        ({"every": "day"}, "schedule_times"),
        ({"every": "day", "times": ["7h"]}, "schedule_time"),
        ({"every": "day", "times": ["24:00"]}, "schedule_time"),
        ({"every": "day", "times": [7]}, "schedule_time"),
        ({"every": "day", "times": ["07:00"], "days": ["mon"]}, "unknown_field"),
        ({"every": "week", "times": ["07:00"], "days": [0]}, "schedule_days"),
        ({"every": "week", "times": ["07:00"], "days": []}, "schedule_days"),
        ({"every": "month", "times": ["07:00"], "day": 31}, "schedule_day"),
        ({"every": "month", "times": ["07:00"], "day": True}, "schedule_day"),
        ({"every": "once", "at": "tomorrow"}, "not_a_time"),
        ({"every": "once", "at": "2026-08-25T07:00:00"}, "time_without_zone"),
        ({"every": "once", "at": "2026-08-25T05:00:00+07:00"}, "time_past"),
        ({"every": "once", "at": "2036-08-25T05:00:00+07:00"}, "schedule_too_far"),
    ],
)
async def test_a_rule_that_never_or_wrongly_falls_due_is_refused(room, rule, key):
    with pytest.raises(Refusal) as refused:
        await room.desk.add("x", "count", rule, {}, OFFICER)
    assert key in {problem.key for problem in refused.value.problems}


async def test_a_time_fires_once_whoever_ticks_and_however_often(room):
    made = await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)
    assert await room.tick(at(25, 7) - 1) == 0
    assert await room.tick(at(25, 7)) == 1
    room.restart()
    for _ in range(3):
        assert await room.tick(at(25, 7) + 2) == 0
    assert room.made == [at(25, 7)]
    assert (await room.desk.view(made.row.id)).row.next_fire == at(25, 16)


async def test_what_fell_into_a_short_pause_of_the_machine_is_made_up_for_once(room):
    made = await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)
    assert await room.tick(at(25, 7, 20)) == 1
    assert await room.states(made.row.id) == {at(25, 7): "done"}
    assert await room.ringing() == ["fired_late"]


async def test_what_is_too_late_is_noted_and_rings(room):
    made = await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)
    assert await room.tick(at(27, 9)) == 0
    missed = [at(25, 7), at(25, 16), at(26, 7), at(26, 16), at(27, 7)]
    assert await room.states(made.row.id) == dict.fromkeys(missed, "missed")
    assert room.made == []
    assert await room.ringing() == ["schedule_missed"]
    assert (await room.desk.view(made.row.id)).row.next_fire == at(27, 16)


async def test_a_clock_that_jumps_back_makes_nothing_twice(room):
    await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)
    await room.tick(at(25, 7))
    await room.tick(at(25, 6, 30))
    await room.tick(at(25, 7, 1))
    await room.tick(at(25, 16))
    assert room.made == [at(25, 7), at(25, 16)]


async def test_a_clock_that_ran_ahead_and_came_back_skips_nothing(room):
    made = await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)
    await room.tick(at(25, 7))
    await room.tick(at(30, 12))
    await room.tick(at(25, 8))
    assert (await room.desk.view(made.row.id)).row.next_fire == at(25, 16)
    await room.tick(at(25, 16))
    await room.tick(at(26, 7))
    assert room.made == [at(25, 7), at(25, 16), at(26, 7)]


async def test_due_and_not_started_rings_though_nothing_fires(room):
    await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)
    room.now = at(25, 7) + 59
    assert await room.overdue.tick() == 0
    room.now = at(25, 7) + 61
    assert await room.overdue.tick() == 1
    assert await room.overdue.tick() == 0
    assert await room.ringing() == ["not_started"]


async def test_what_breaks_while_it_is_made_leaves_nothing_and_rings(room):
    made = await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)
    room.broken = True
    await room.tick(at(25, 7))
    assert await room.states(made.row.id) == {at(25, 7): "failed"}
    assert await room.ringing() == ["schedule_failed"]
    room.broken = False
    await room.tick(at(25, 16))
    assert room.made == [at(25, 16)]


async def test_work_outside_the_ledger_is_tried_again_until_it_reports_back(room):
    made = await room.desk.add("kiểm tra", "path_test", DAILY, {}, OFFICER)
    room.broken = True
    await room.tick(at(25, 7))
    await room.firing.tick_outside()
    assert await room.states(made.row.id) == {at(25, 7): "running"}
    room.broken = False
    await room.firing.tick_outside()
    assert room.run == []
    room.now += 121
    room.restart()
    await room.firing.tick_outside()
    assert room.run == [at(25, 7)]
    room.now += 1000
    await room.firing.tick_outside()
    assert room.run == [at(25, 7)]
    assert await room.states(made.row.id) == {at(25, 7): "done"}


async def test_work_that_always_breaks_is_given_up_and_rings(room):
    made = await room.desk.add("kiểm tra", "path_test", DAILY, {}, OFFICER)
    room.broken = True
    await room.tick(at(25, 7))
    for _ in range(8):
        await room.firing.tick_outside()
        room.now += 121
    assert await room.states(made.row.id) == {at(25, 7): "failed"}
    assert await room.ringing() == ["schedule_failed"]


async def test_pause_go_on_and_delete(room):
    made = (await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)).row.id
    await room.desk.pause(made, OFFICER)
    await room.tick(at(25, 7, 30))
    assert room.made == []
    gone_on = await room.desk.go_on(made, OFFICER)
    assert gone_on.row.next_fire == at(25, 16)
    await room.desk.remove(made, OFFICER)
    await room.tick(at(25, 16))
    assert room.made == []
    assert await room.desk.listed() == []
    with pytest.raises(Refusal):
        await room.desk.pause(made, OFFICER)
    with pytest.raises(Refusal):
        await room.desk.remove(99, OFFICER)


async def test_a_viewer_changes_nothing_and_an_unknown_kind_is_refused(room):
    with pytest.raises(Refusal):
        await room.desk.add("x", "count", DAILY, {}, Actor("khach", Role.VIEWER))
    with pytest.raises(Refusal) as refused:
        await room.desk.add("", "rain", DAILY, {}, OFFICER)
    assert {problem.key for problem in refused.value.problems} == {"schedule_name", "not_a_choice"}


CLOCK = st.lists(
    st.one_of(st.integers(1, 30_000), st.integers(-90_000, -1), st.sampled_from([200_000, 86_400, -7200])), max_size=25
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CLOCK, st.data())
async def test_whatever_the_clock_does_no_time_is_made_twice_and_none_is_lost(tmp_path_factory, jumps, data):
    """Jumps ahead and back, restarts in between: each time that lies behind us was made, or is noted as missed."""
    room = Room(tmp_path_factory.mktemp("room"))
    made = (await room.desk.add("gọi trực", "count", DAILY, {}, OFFICER)).row.id
    now = highest = START
    for jump in jumps:
        now = max(START, now + jump)
        highest = max(highest, now)
        await room.tick(now)
        if data.draw(st.booleans()):
            room.restart()
    assert len(room.made) == len(set(room.made))
    states = await room.states(made)
    # from here on the clock is right, and runs on minute by minute over everything that may have been noted
    while now < highest + 90_000:
        now += 1200
        await room.tick(now)
    states = await room.states(made)
    due = set(between(DAILY, START, now, 10_000))
    assert due <= set(states)
    assert {one for one, state in states.items() if state == "done"} == set(room.made)
    assert len(room.made) == len(set(room.made))
    await room.ledger.close()
