"""What a chain's words mean at night: repeats until reached, a channel that is down, calls that nobody answers."""

from __future__ import annotations

import pytest

from adapters.contract import ReceiptState, RejectClass, Rejected, Unknown
from broadcasts.acknowledge import Acknowledgements
from broadcasts.model import Actor, Role
from broadcasts.outages import is_down, works_again
from broadcasts.schedules.overdue import Overdue
from broadcasts.steps import Step, chosen_steps
from store import alarms, broadcasts, rollcalls
from tests.scenario.test_escalation import UNITS, Town

FAMILIES = ("zalo", "sms")
OFFICER = Actor("canbo", Role.OFFICER)


def chain(*steps: Step) -> tuple[Step, ...]:
    return chosen_steps(steps, FAMILIES)


ZALO = Step(after=0, channels=("zalo",), roles=("chairman",))
SMS = Step(after=300, channels=("sms",), roles=("chairman",), unless="delivered")
DEPUTY = Step(after=600, channels=("sms",), roles=("deputy",))
CALL = Step(after=900, call=True)


async def events(town: Town, name: str):
    found = await town.room.ledger.read(lambda tx: broadcasts.timeline(tx, town.no, 0))
    return [detail for _, _, _, event, detail in found if event == name]


async def test_a_step_is_repeated_until_the_unit_was_reached(tmp_path):
    steps = chain(ZALO, Step(after=60, channels=("sms",), roles=("chairman",), repeat=60, times=3), CALL)
    town = Town(tmp_path, steps=steps)
    await town.begin()
    await town.settled()
    for place in range(3):
        await town.wait(61)
        await town.settled()
        if place == 0:
            await town.seen(UNITS[0])
    tries = [sum(one.to == f"849000{unit}" for one in town.sms.left) for unit in UNITS]
    assert tries == [1, 3, 3, 3]
    await town.wait(10_000)
    await town.settled()
    assert [sum(one.to == f"849000{unit}" for one in town.sms.left) for unit in UNITS] == tries
    await town.room.stop()


@pytest.mark.parametrize("duplicate_ok", [0, 1])
async def test_what_is_in_doubt_is_repeated_only_where_a_duplicate_is_better_than_silence(tmp_path, duplicate_ok):
    steps = chain(Step(after=0, channels=("sms",), roles=("chairman",), repeat=60, times=2))
    town = Town(tmp_path, steps=steps, sms=lambda envelope, times: Unknown("timeout"))
    await town.begin(duplicate_ok=duplicate_ok)
    await town.settled()
    await town.wait(61)
    await town.settled()
    assert len(town.sms.left) == len(UNITS) * (2 if duplicate_ok else 1)
    await town.room.stop()


async def test_a_failure_goes_on_to_other_people_not_to_the_same_number_again(tmp_path):
    refuse = Rejected("invalid_recipient", RejectClass.RECIPIENT, "x")
    steps = chain(Step(after=0, channels=("sms",), roles=("chairman",), repeat=120, times=3), DEPUTY)
    town = Town(tmp_path, steps=steps, sms=lambda envelope, times: refuse)
    await town.begin()
    await town.settled()
    await town.wait(1)
    await town.settled()
    assert sum(one.to.startswith("849001") for one in town.sms.left) == len(UNITS)
    assert sum(one.to.startswith("849000") for one in town.sms.left) == len(UNITS)
    await town.room.stop()


@pytest.mark.parametrize(("state", "asked"), [(ReceiptState.DELIVERED, 4), (ReceiptState.SEEN, 3)])
async def test_seen_is_more_than_delivered(tmp_path, state, asked):
    steps = chain(ZALO, Step(after=300, channels=("sms",), roles=("chairman",), unless="seen"))
    town = Town(tmp_path, steps=steps)
    await town.begin()
    await town.settled()
    await town.seen(UNITS[0], state)
    await town.wait(301)
    await town.settled()
    assert len(town.sms.left) == asked
    await town.room.stop()


async def test_a_channel_that_is_down_when_it_begins_is_not_waited_for_and_that_is_said(tmp_path):
    town = Town(tmp_path, steps=chain(ZALO, SMS, DEPUTY, CALL))
    since = town.clock.at - 600
    await town.room.ledger.write(lambda tx: is_down(tx, "zalo.user", since, "link_down", town.clock.at))
    await town.begin()
    for _ in range(20):  # seconds, far from the step's own 300
        await town.wait(1)
        await town.settled()
        if town.sms.left:
            break
    assert {one.to for one in town.sms.left} == {f"849000{unit}" for unit in UNITS}
    assert await events(town, "channel_down") == [{"channel": "zalo.user", "since": since, "units": len(UNITS)}]
    await town.wait(60)
    await town.settled()
    assert len(town.sms.left) == len(UNITS), "SMS works and is given its time"
    await town.room.ledger.write(lambda tx: works_again(tx, "zalo.user", town.clock.at))
    await town.wait(540)
    await town.settled()
    assert {one.to for one in town.sms.left[len(UNITS) :]} == {f"849001{unit}" for unit in UNITS}
    await town.room.stop()


async def test_with_every_channel_down_the_call_list_comes_at_once(tmp_path):
    busy = lambda envelope, times: Rejected("link_down", RejectClass.RETRY_LATER, after=600)  # noqa: E731
    town = Town(tmp_path, steps=chain(ZALO, SMS, DEPUTY, CALL), zalo=busy, sms=busy)
    for name in ("zalo.user", "sms.one"):
        await town.room.ledger.write(lambda tx, name=name: is_down(tx, name, town.clock.at, "link_down", town.clock.at))
    await town.begin()
    for _ in range(4):
        await town.wait(0)
    assert [len(one["units"]) for one in await events(town, "call_list")] == [len(UNITS)]
    await town.room.stop()


async def test_nobody_answered_the_call_so_the_steps_go_on(tmp_path):
    """Only an acknowledgement of the unit stops its steps."""
    town = Town(tmp_path, steps=chain(ZALO, SMS, DEPUTY, CALL))
    acks = Acknowledgements(town.room.ledger, town.room.bus)
    await town.begin()
    await town.settled()
    await acks.mark("TB1126-01", UNITS[0], "unreachable", "không nghe máy", OFFICER, town.clock.at)
    await acks.mark("TB1126-01", UNITS[1], "acknowledged", "", OFFICER, town.clock.at)
    await acks.mark("TB1126-01", UNITS[1], "awaiting", "ghi nhầm", OFFICER, town.clock.at)
    await acks.mark("TB1126-01", UNITS[2], "needs_help", "cần xuồng", OFFICER, town.clock.at)
    await town.wait(0)
    assert not town.sms.left, "Zalo is on its way, and is given its time"
    for _ in range(3):
        await town.wait(301)
        await town.settled()
    asked = {one.to for one in town.sms.left}
    assert {f"849000{UNITS[0]}", f"849001{UNITS[0]}", f"849000{UNITS[1]}", f"849001{UNITS[1]}"} <= asked
    assert not {to for to in asked if to.endswith(UNITS[2])}
    row = await town.row(UNITS[0])
    assert (row.state, row.by_staff, row.note, row.level) == ("unreachable", "canbo", "không nghe máy", 3)
    assert (await town.confirms(UNITS[0])).result == "acknowledged"
    await town.room.stop()


async def test_after_the_end_a_mark_starts_nothing(tmp_path):
    town = Town(tmp_path, steps=chain(ZALO, SMS))
    acks = Acknowledgements(town.room.ledger, town.room.bus)
    await town.begin()
    await town.settled()

    async def ended():
        return await town.room.ledger.write(lambda tx: broadcasts.update(tx, town.no, ("sent",), {"state": "closed"}))

    await town.room.until(ended)  # its last chunk may still be on its way back
    await acks.mark("TB1126-01", UNITS[0], "awaiting", "", OFFICER, town.clock.at)
    assert (await town.room.ledger.read(lambda tx: rollcalls.one(tx, town.no, UNITS[0]))).next_at is None
    await town.room.stop()


async def test_a_broadcast_that_cannot_go_on_keeps_no_other_one_back_and_rings(tmp_path):
    town = Town(tmp_path, steps=chain(ZALO, SMS, CALL))
    await town.begin()
    await town.settled()
    broken = await town.room.approved(members=town.members, steps=town.steps, code="TB1126-99")
    await town.room.clockwork.fire(broken)
    spoil = "UPDATE broadcast SET plan = '{}' WHERE no = ?"
    await town.room.ledger.write(lambda tx: tx.execute(spoil, (broken,)).rowcount)
    await town.wait(301)
    await town.settled()
    assert {one.to for one in town.sms.left} == {f"849000{unit}" for unit in UNITS}
    ringing = await town.room.ledger.read(alarms.ringing)
    assert [(one.kind, one.subject) for one in ringing] == [("escalation_stuck", "TB1126-99")]
    await town.room.stop()


@pytest.mark.parametrize(("late", "state", "rings"), [(1, "sending", []), (120, "sending", ["fired_late"]),
                                                      (7200, "expired", ["schedule_missed"])])  # fmt: skip
async def test_send_later_starts_late_while_it_is_valid_and_rings_where_it_is_not(tmp_path, late, state, rings):
    town = Town(tmp_path, steps=chain(ZALO))
    await town.room.start()
    at = town.clock.at + 600
    no = await town.room.approved(members=town.members, steps=town.steps, fire_at=at)
    await town.room.clockwork.tick_broadcasts()
    assert not town.zalo.left
    town.clock.at = at + late
    for _ in range(2):
        await town.room.clockwork.tick_broadcasts()
    row = await town.room.ledger.read(lambda tx: broadcasts.by_no(tx, no))
    assert row.state in (state, "sent")
    assert [one.kind for one in await town.room.ledger.read(alarms.ringing)] == rings
    await town.room.stop()


async def test_what_was_changed_after_its_approval_does_not_leave_and_that_is_said(tmp_path):
    town = Town(tmp_path, steps=chain(ZALO))
    await town.room.start()
    await town.room.approved(members=town.members, steps=town.steps, content_hash="other")
    overdue = Overdue(town.room.ledger, town.room.bus, town.clock)
    for _ in range(2):
        town.clock.at += 61
        await town.room.clockwork.tick_broadcasts()
        await overdue.tick()
    assert not town.zalo.left
    assert [one.kind for one in await town.room.ledger.read(alarms.ringing)] == ["content_changed"]
    await town.room.stop()
