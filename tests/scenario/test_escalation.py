"""The silent unit gets the next step; the one that confirmed gets nothing more."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.contract import ReceiptState, RejectClass, Rejected, Unknown
from broadcasts.acknowledge import Acknowledgements
from broadcasts.routes import Route
from broadcasts.steps import Step, chosen_steps
from store import rollcalls
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, accept, leader

STEPS = (
    Step(after=0, channels=("zalo",), roles=("chairman",)),
    Step(after=300, channels=("sms",), roles=("chairman",), unless="delivered"),
)
LONGER = (*STEPS, Step(after=600, channels=("sms",), roles=("deputy", "duty")), Step(after=900, call=True))
UNITS = ("14758", "14797", "14812", "14818")


class Clock:
    def __init__(self):
        self.at = 1_790_000_000.0

    def __call__(self):
        return self.at


class Town:
    """Zalo and SMS to a few leaders, and a clock that the test moves."""

    def __init__(self, folder, zalo=accept, sms=accept, steps=STEPS, group=False, **leaders):
        self.clock = Clock()
        self.zalo = ScriptedChannel("zalo.user", zalo, buttons=True)
        self.group = ScriptedChannel("zalo.group", accept, group=True)
        self.sms = ScriptedChannel("sms.one", sms, unaccented=True)
        routes = [Route(self.zalo, "zalo"), Route(self.sms, "sms")]
        if group:
            routes.append(Route(self.group, "zalo", "the-group"))
        self.room = EngineRoom(folder, *routes, now=self.clock)
        self.acks = Acknowledgements(self.room.ledger, self.room.bus)
        self.steps = steps
        self.members = [
            member
            for place, unit in enumerate(UNITS)
            for member in (
                leader(unit, place * 10 + 1, "zalo", f"z{unit}"),
                leader(unit, place * 10 + 1, "sms", f"849000{unit}"),
                leader(unit, place * 10 + 2, "sms", f"849001{unit}", "deputy"),
            )
            if leaders.get("no_zalo") != unit or member.channel != "zalo"
        ]

    async def begin(self, **values):
        await self.room.start()
        self.no = await self.room.approved(members=self.members, steps=self.steps, **values)
        await self.room.clockwork.fire(self.no)

    async def wait(self, seconds):
        self.clock.at += seconds
        await self.room.clockwork.tick_escalation()
        await self.room.clockwork.tick_broadcasts()

    async def seen(self, unit, state=ReceiptState.DELIVERED):
        envelope = next(one for one in self.zalo.left if one.to == f"z{unit}")
        await self.zalo.sink.receipts([self.zalo.receipt(envelope, state)])

    async def confirms(self, unit, via="zalo.user"):
        at = datetime.fromtimestamp(self.clock.at, UTC)
        return await self.acks.confirm(self.no, unit, 1, "Chủ tịch", via, at)

    async def row(self, unit):
        return await self.room.ledger.read(lambda tx: rollcalls.one(tx, self.no, unit))

    async def settled(self):
        """Every delivery that was planned is with its channel and in the ledger."""

        async def idle():
            counts = await self.room.counts(self.no)
            return not any(counts.get(state) for state in ("queued", "sending"))

        await self.room.until(idle)


@pytest.fixture
async def town(tmp_path):
    town = Town(tmp_path)
    yield town
    await town.room.stop()


async def test_zalo_at_once_then_sms_only_to_the_unreached(town):
    await town.begin()
    await town.settled()
    assert {one.to for one in town.zalo.left} == {f"z{unit}" for unit in UNITS}
    assert [button.payload for button in town.zalo.left[0].buttons] == ["ACK TB1126-01"]
    await town.seen(UNITS[0])
    await town.confirms(UNITS[1])
    await town.wait(299)
    assert not town.sms.left
    await town.wait(2)
    await town.settled()
    assert {one.to for one in town.sms.left} == {f"849000{unit}" for unit in UNITS[2:]}
    assert {one.text for one in town.sms.left} == {"chao lanh dao"}
    for _ in range(3):
        await town.wait(30)
    await town.settled()
    assert len(town.sms.left) == 2


async def test_a_confirmation_counts_once_and_stops_the_next_step(town):
    await town.begin()
    await town.settled()
    first = await town.confirms(UNITS[0])
    again = await town.confirms(UNITS[0], "sms.one")
    assert (first.result, again.result, again.by) == ("acknowledged", "already", "Chủ tịch")
    await town.wait(10_000)
    await town.settled()
    assert f"849000{UNITS[0]}" not in {one.to for one in town.sms.left}
    row = await town.row(UNITS[0])
    assert (row.state, row.via, row.level) == ("acknowledged", "zalo.user", 0)


async def test_a_unit_without_zalo_gets_sms_at_once(tmp_path):
    town = Town(tmp_path, no_zalo=UNITS[0])
    await town.begin()
    await town.wait(1)
    await town.settled()
    assert {one.to for one in town.sms.left} == {f"849000{UNITS[0]}"}
    await town.room.stop()


@pytest.mark.parametrize(
    "outcome",
    [
        Rejected("blocked", RejectClass.RECIPIENT, "-217"),
        Unknown("timeout"),
        Rejected("auth", RejectClass.CONFIG, "-216"),
    ],
)
async def test_a_way_that_failed_or_is_in_doubt_starts_the_next_step_early(tmp_path, outcome):
    town = Town(tmp_path, zalo=lambda envelope, times: outcome)
    await town.begin()
    await town.settled()
    await town.wait(1)
    await town.settled()
    assert len(town.sms.left) == len(UNITS)
    await town.room.stop()


async def test_a_group_post_is_one_delivery_and_every_unit_awaits(tmp_path):
    town = Town(tmp_path, group=True)
    await town.begin()
    await town.settled()
    assert [one.to for one in town.group.left] == ["the-group"]
    assert not town.group.left[0].buttons
    states = await town.room.ledger.read(lambda tx: rollcalls.counts(tx, town.no))
    assert states == {"awaiting": len(UNITS)}
    await town.room.stop()


async def test_when_no_way_reaches_a_unit_it_is_unreachable_and_a_late_word_corrects_it(tmp_path):
    refuse = lambda envelope, times: Rejected("invalid_recipient", RejectClass.RECIPIENT, "x")  # noqa: E731
    town = Town(tmp_path, zalo=refuse, sms=refuse)
    await town.begin()
    for _ in range(4):
        await town.settled()
        await town.wait(61)
    assert (await town.row(UNITS[0])).state == "unreachable"
    assert (await town.confirms(UNITS[0], "zalo.group")).result == "acknowledged"
    states = await town.room.ledger.read(lambda tx: rollcalls.counts(tx, town.no))
    assert states == {"unreachable": len(UNITS) - 1, "acknowledged": 1}
    await town.room.stop()


async def test_steps_go_on_to_deputies_and_the_call_list(tmp_path):
    town = Town(tmp_path, steps=LONGER)
    await town.begin()
    await town.settled()
    await town.seen(UNITS[0])
    await town.wait(301)
    await town.settled()
    await town.wait(300)
    await town.settled()
    deputies = {one.to for one in town.sms.left if one.to.startswith("849001")}
    assert deputies == {f"849001{unit}" for unit in UNITS}
    assert f"849000{UNITS[0]}" not in {one.to for one in town.sms.left}
    await town.wait(300)
    assert {(await town.row(unit)).level for unit in UNITS} == {3}
    await town.room.stop()


async def test_a_restart_in_the_middle_takes_no_step_twice_and_skips_none(tmp_path):
    town = Town(tmp_path)
    await town.begin()
    await town.settled()
    await town.confirms(UNITS[0])
    await town.room.crash()
    town.clock.at += 301
    sms = ScriptedChannel("sms.one", accept, unaccented=True)
    room = EngineRoom(tmp_path, Route(town.zalo, "zalo"), Route(sms, "sms"), now=town.clock, owner="two")
    await room.start()
    await room.clockwork.tick_escalation()
    await room.clockwork.tick_escalation()
    await room.until(lambda: len(sms.left) == len(UNITS) - 1)
    await room.clockwork.tick_escalation()
    assert {one.to for one in sms.left} == {f"849000{unit}" for unit in UNITS[1:]}
    assert len(town.zalo.left) == len(UNITS)
    await room.stop()


async def test_a_newer_broadcast_stops_the_older_ones_urging(town):
    await town.begin()
    await town.settled()
    old = town.no
    newer = await town.room.approved(members=town.members, steps=STEPS, code="TB1126-02", supersedes=old, kind="update")
    await town.room.clockwork.fire(newer)
    said = await town.acks.confirm(old, UNITS[0], 1, "Chủ tịch", "sms.one", datetime.fromtimestamp(town.clock.at, UTC))
    assert (said.result, said.superseded_by) == ("superseded", "TB1126-02")
    town.no = newer
    await town.settled()
    await town.wait(301)
    await town.room.until(lambda: len(town.sms.left) == len(UNITS))
    assert {one.delivery_id >> 24 for one in town.sms.left} == {newer}


async def test_an_officer_marks_by_hand_and_takes_a_mark_back(town):
    from broadcasts.model import Actor, Refusal, Role

    await town.begin()
    officer = Actor("canbo", Role.OFFICER)
    await town.acks.mark("TB1126-01", UNITS[0], "acknowledged", "đã gọi điện", officer, town.clock.at)
    row = await town.row(UNITS[0])
    assert (row.state, row.by_staff, row.note) == ("acknowledged", "canbo", "đã gọi điện")
    with pytest.raises(Refusal):
        await town.acks.mark("TB1126-01", UNITS[0], "acknowledged_late", "", officer, town.clock.at)
    with pytest.raises(Refusal):
        await town.acks.mark("TB1126-01", "99999", "acknowledged", "", officer, town.clock.at)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["delivered", "seen", "failed", "confirm", "help", "wait", "tick"]), st.sampled_from(UNITS[:2])
    ),
    max_size=14,
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
async def test_whatever_the_order_nobody_is_written_to_after_a_word(tmp_path_factory, events):
    town = Town(tmp_path_factory.mktemp("town"), steps=LONGER)
    await town.begin()
    await town.settled()
    said: dict[str, int] = {}
    for event, unit in events:
        if event in ("confirm", "help"):
            act = town.acks.confirm if event == "confirm" else town.acks.needs_help
            await act(town.no, unit, 1, "Chủ tịch", "zalo.user", datetime.fromtimestamp(town.clock.at, UTC))
            said.setdefault(unit, len(town.sms.left))
        elif event in ("wait", "tick"):
            await town.wait(200 if event == "wait" else 0)
            await town.settled()
        else:
            await town.seen(unit, ReceiptState(event))
    for _ in range(8):
        await town.wait(150)
        await town.settled()
    sent = [one.to for one in town.sms.left]
    assert len(sent) == len(set(sent))
    for unit, before in said.items():
        assert not [to for to in sent[before:] if to.endswith(unit)]
    for unit in UNITS:
        row = await town.row(unit)
        assert row.state != "awaiting" or row.level == 3
    await town.room.stop()


def test_the_first_chosen_step_is_at_once():
    only_sms = chosen_steps(LONGER, ["sms"])
    assert [(step.after, step.roles) for step in only_sms] == [
        (0.0, ("chairman",)),
        (300.0, ("deputy", "duty")),
        (600.0, ()),
    ]
    assert chosen_steps(LONGER, ["telegram"]) == ()
    assert chosen_steps(LONGER, ["zalo", "sms"])[0].channels == ("zalo",)
