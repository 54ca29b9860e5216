"""S6 (and S8 at the timer). Half an hour before the deadline just the units that are missing are urged, the group gets
one list, and who reports in between hears nothing more."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from adapters.contract import ReceiptState
from broadcasts.damage_reports import DamageReports
from broadcasts.model import Actor, Refusal, Role
from broadcasts.steps import Step
from broadcasts.templates import load_templates
from broadcasts.urging import URGE_TEMPLATE, Urging, UrgingRoom
from store import alarms, urging
from tests.scenario.bot_office import GROUP, UNITS, Contact, Office, code_of
from tests.scenario.night import FACTS
from text.dates import OFFICE_ZONE
from text.segments import measure

OFFICER = Actor("trucban", Role.OFFICER)
MISSING = 37
STEPS = (Step(after=0, channels=("zalo",)), Step(after=300, channels=("sms",), unless="delivered"))


def at(hour: int, minute: int = 0) -> float:
    return datetime(2025, 8, 26, hour, minute, tzinfo=OFFICE_ZONE).timestamp()


class Afternoon(Office):
    """26 August, 166 units with Zalo and a telephone; a round that closes at 16:00."""

    async def open(self) -> None:
        await self.begin()
        self.clock.at = at(13)
        room = self.room
        self.reports = DamageReports(room.ledger, room.bus, UNITS, self.clock)
        chain = UrgingRoom(FACTS, STEPS, load_templates().find(URGE_TEMPLATE))
        self.urging = Urging(room.ledger, room.lanes, room.bus, room.routes, UNITS, chain, self.clock)
        for unit in UNITS.all:
            await self.register(unit.name)
        self.by_unit = {one.unit: one for one in self.contacts}
        self.round = await self.reports.open_round("chiều 26/8", self.clock.at, at(16), OFFICER)

    async def all_but(self, missing: list[str]) -> None:
        for unit in UNITS.all:
            if unit.code not in missing:
                await self.report(unit.code)

    async def report(self, unit: str) -> None:
        await self.reports.give(unit, {}, nil=True, person=(None, "x"), via="sms", at=self.clock.at)

    async def tick(self, when: float) -> None:
        self.clock.at = when
        await self.urging.tick()
        await self.settled()

    async def arrives(self, contact: Contact) -> None:
        for one in [one for one in self.zalo.left if one.to == contact.zalo]:
            await self.zalo.sink.receipts([self.zalo.receipt(one, ReceiptState.DELIVERED)])

    def urged_by(self, channel) -> Counter[str]:
        return Counter(one.to for one in channel.left)


@pytest.fixture
async def afternoon(tmp_path: Path):
    office = Afternoon(tmp_path)
    await office.open()
    yield office
    await office.end()


async def test_s06_urge_only_the_late(afternoon: Afternoon) -> None:
    lam = code_of("Xã Mậu Lâm")
    missing = [lam, *(unit.code for unit in UNITS.all if unit.code != lam)][:MISSING]
    late = {afternoon.by_unit[code].zalo for code in missing}
    await afternoon.all_but(missing)
    await afternoon.tick(at(15, 29))
    assert not afternoon.zalo.left
    await afternoon.tick(at(15, 30))
    assert afternoon.urged_by(afternoon.zalo) == Counter(late)
    (posted,) = afternoon.group.left
    assert posted.to == GROUP
    assert "37 đơn vị" in posted.text
    assert "Mậu Lâm" in posted.text
    said = next(one.text for one in afternoon.zalo.left if one.to == afternoon.by_unit[lam].zalo)
    assert "Xã Mậu Lâm" in said
    assert "16:00 ngày 26/8" in said
    assert "còn 37" in said

    for code in missing[5:]:
        await afternoon.arrives(afternoon.by_unit[code])
    await afternoon.tick(at(15, 36))
    silent = {afternoon.by_unit[code].phone for code in missing[:5]}
    assert afternoon.urged_by(afternoon.sms) == Counter(silent)
    text = next(one.text for one in afternoon.sms.left if one.to == afternoon.by_unit[lam].phone)
    assert "Xa Mau Lam chua gui bao cao nhanh ky chieu 26/8, han 16:00 ngay 26/8" in text
    assert len(measure(text).parts) == 1

    afternoon.clock.at = at(15, 40)
    reporter = afternoon.by_unit[lam]
    assert await afternoon.hears("BC TM12 LUA30", reporter.phone)
    nil = afternoon.by_unit[missing[1]]
    assert await afternoon.hears("bc khong co thiet hai", nil.phone)
    before = len(afternoon.zalo.left), len(afternoon.sms.left)
    await afternoon.tick(at(16))
    await afternoon.tick(at(16, 6))
    again = {one.to for one in afternoon.zalo.left[before[0] :]} | {one.to for one in afternoon.sms.left[before[1] :]}
    assert {reporter.zalo, reporter.phone, nil.zalo, nil.phone} & again == set()
    assert {afternoon.by_unit[code].zalo for code in missing[2:]} <= again
    assert len(afternoon.group.left) == 2
    assert "35 đơn vị" in afternoon.group.left[1].text


async def test_a_ward_is_no_commune(afternoon: Afternoon) -> None:
    await afternoon.tick(at(15, 30))
    ward = next(unit for unit in UNITS.all if unit.type == "Phường")
    said = next(one.text for one in afternoon.zalo.left if one.to == afternoon.by_unit[ward.code].zalo)
    assert ward.name in said
    assert f"Xã {ward.short_name}" not in said
    assert len(afternoon.group.left[0].text) <= afternoon.group.traits.text_limit


async def test_each_moment_happens_once_whoever_asks(afternoon: Afternoon) -> None:
    for _ in range(3):
        await afternoon.tick(at(15, 30))
    chain = UrgingRoom(FACTS, STEPS, None)
    room = afternoon.room
    other = Urging(room.ledger, room.lanes, room.bus, room.routes, UNITS, chain, afternoon.clock)
    await other.tick()
    afternoon.clock.at = at(15, 20)
    await afternoon.urging.tick()
    await afternoon.settled()
    assert set(afternoon.urged_by(afternoon.zalo).values()) == {1}
    assert len(afternoon.group.left) == 1


async def test_a_moment_that_nobody_was_there_for_is_noted_and_the_next_one_urges(afternoon: Afternoon) -> None:
    await afternoon.tick(at(16, 2))
    states = [one.state for one in await afternoon.room.ledger.read(lambda tx: urging.moments(tx, afternoon.round.id))]
    assert states == ["missed", "done", "due"]
    assert len(afternoon.zalo.left) == len(UNITS)
    await afternoon.tick(at(20))
    states = [one.state for one in await afternoon.room.ledger.read(lambda tx: urging.moments(tx, afternoon.round.id))]
    assert states == ["missed", "done", "missed"]
    ringing = await afternoon.room.ledger.read(alarms.ringing)
    assert [one.kind for one in ringing] == ["urging_missed"]


async def test_a_report_takes_back_what_did_not_leave_yet(afternoon: Afternoon) -> None:
    afternoon.clock.at = at(15, 30)
    await afternoon.urging.tick()
    first = afternoon.contacts[0]
    await afternoon.report(first.unit)
    await afternoon.settled()
    await afternoon.tick(at(15, 36))
    assert first.phone not in afternoon.urged_by(afternoon.sms)


@pytest.mark.parametrize(("opens", "closes"), [((16,), (15,)), ((16,), (16,)), ((8,), (9,))])
async def test_a_round_that_closes_before_it_opens_or_in_the_past_is_refused(afternoon, opens, closes) -> None:
    with pytest.raises(Refusal) as refused:
        await afternoon.reports.open_round("khác", at(*opens), at(*closes), OFFICER)
    assert [problem.key for problem in refused.value.problems] == ["round_times"]


async def test_a_round_that_is_opened_late_urges_only_when_there_is_time_to_answer(afternoon: Afternoon) -> None:
    afternoon.clock.at = at(15, 50)
    made = await afternoon.reports.open_round("gấp 26/8", at(15, 50), at(16, 10), OFFICER)
    moments = await afternoon.room.ledger.read(lambda tx: urging.moments(tx, made.id))
    assert [one.due for one in moments] == [at(16, 10), at(16, 40)]
