"""S14. The process dies after 80 of 166; then Zalo answers errors for two minutes: nothing is lost, nothing comes twice
on one channel, and the duty officer reads since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.contract import Accepted, Health, HealthState, RejectClass, Rejected
from broadcasts.acknowledge import Acknowledgements
from broadcasts.outages import OutageWatch
from broadcasts.routes import Route
from broadcasts.steps import Step
from directory.units import load as load_units
from store import alarms, broadcasts, rollcalls
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, accept, leader
from tests.scenario.night import Night

UNITS = [unit.code for unit in load_units().all]
STEPS = (
    Step(after=0, channels=("zalo", "telegram")),
    Step(after=300, channels=("sms",), unless="delivered"),
    Step(after=900, call=True),
)


class Clock:
    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at


def everybody(*families: str):
    return [leader(unit, n, family, f"{family}{n}") for n, unit in enumerate(UNITS, 1) for family in families]


async def test_s14_killed_after_80_of_166(tmp_path: Path) -> None:
    clock = Clock()

    def slow(envelope, times):
        return accept(envelope, times) if len(zalo.left) <= 80 else None

    zalo, sms = ScriptedChannel("zalo.user", slow), ScriptedChannel("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(zalo, "zalo"), Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(members=everybody("zalo", "sms"), steps=STEPS)
    await room.clockwork.fire(no)
    await room.until(lambda: len(zalo.left) > 80)
    await room.crash()

    zalo.answer = accept
    room = EngineRoom(tmp_path, Route(zalo, "zalo"), Route(sms, "sms"), now=clock, owner="two")
    await room.start()

    async def settled() -> bool:
        counts = await room.counts(no)
        return not any(counts.get(state) for state in ("queued", "sending", "retrying"))

    await room.until(settled)
    in_doubt = (await room.counts(no)).get("unknown", 0)
    left = Counter(one.to for one in zalo.left)
    assert set(left.values()) == {1}
    assert len(left) + in_doubt >= len(UNITS)
    await room.clockwork.tick_escalation()
    await room.until(settled)
    assert len(sms.left) == in_doubt, "who may not have it goes on to SMS at once"
    clock.at += 301
    await room.clockwork.tick_escalation()
    await room.until(lambda: len(sms.left) == len(UNITS))
    await room.until(settled)
    assert set(Counter(one.to for one in sms.left).values()) == {1}
    assert set(Counter(one.to for one in zalo.left).values()) == {1}
    rows = await room.ledger.read(lambda tx: rollcalls.of_broadcast(tx, no))
    assert len(rows) == len(UNITS)
    assert all(row.level == 1 for row in rows)
    await room.stop()


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.open()
    yield night
    await night.close()


async def test_s14_zalo_answers_errors_for_two_minutes(night: Night) -> None:
    """Through the simulators: the same Official Account, the same carrier."""
    leaders = [await night.leader(name) for name in ("Xã Xuân Chinh", "Xã Mậu Lâm", "Xã Sơn Điện")]
    night.zalo_sim.set_faults({"outage": "503"})
    since = night.clock.at
    code = await night.send(text="Bão số 5 vào bờ sớm 3 giờ")
    for _ in range(2):
        await night.outages.tick()
    (alarm,) = [one for one in await night.alarms() if one.kind == "channel_down"]
    assert alarm.subject.startswith("zalo")
    assert abs(alarm.detail["since"] - since) < 30
    await night.tick()
    for one in leaders:
        assert "Bao so 5" in (await one.sms.reads(0)).text
    no = (await night.desk.view(code)).id
    events = await night.room.ledger.read(lambda tx: broadcasts.timeline(tx, no, 0))
    (said,) = [detail for _, _, _, event, detail in events if event == "channel_down"]
    assert (said["channel"], said["units"]) == (alarm.subject, len(leaders))
    assert said["since"] == alarm.detail["since"]

    answer = await leaders[0].sms.says(f"DANHAN {code}")
    assert code in answer
    night.zalo_sim.set_faults({"outage": ""})
    await night.wait(120)
    await night.outages.tick()
    for one in leaders[1:]:
        await one.zalo.reads(0)
    (alarm,) = [one for one in await night.alarms() if one.kind == "channel_down"]
    assert [note["text"] for note in alarm.detail["notes"]] == ["works_again"]
    await night.wait(600)
    assert not leaders[0].zalo.shown(), "who has confirmed gets nothing more"
    for one in leaders[1:]:
        assert len(one.zalo.shown()) == 1
        assert len(one.sms.shown()) == 1


@pytest.mark.parametrize("blocked", [False, True])
async def test_s14_telegram_being_blocked_changes_nothing(tmp_path: Path, blocked: bool) -> None:
    clock = Clock()

    def refuse(envelope, times):
        return Rejected("blocked", RejectClass.CONFIG, "") if blocked else Accepted((f"id-{envelope.delivery_id}",))

    zalo, sms = ScriptedChannel("zalo.user"), ScriptedChannel("sms.one", unaccented=True)
    telegram = ScriptedChannel("telegram", refuse)
    room = EngineRoom(tmp_path, Route(zalo, "zalo"), Route(telegram, "telegram"), Route(sms, "sms"), now=clock)
    state = HealthState.DOWN if blocked else HealthState.OK

    async def probe():
        return [("telegram", Health(state, "link_down")), ("zalo.user", Health(HealthState.OK, "ok"))]

    watch = OutageWatch(room.ledger, room.bus, probe, clock)
    await room.start()
    for _ in range(2):
        await watch.tick()
    no = await room.approved(members=everybody("zalo", "telegram", "sms"), steps=STEPS)
    await room.clockwork.fire(no)
    await room.until(lambda: len(zalo.left) == len(UNITS))
    acks = Acknowledgements(room.ledger, room.bus)
    for unit in UNITS[:20]:
        await acks.confirm(no, unit, 1, "Chủ tịch", "zalo.user", datetime.fromtimestamp(clock.at, UTC))
    clock.at += 299
    await room.clockwork.tick_escalation()
    assert not sms.left
    clock.at += 2
    await room.clockwork.tick_escalation()
    await room.until(lambda: len(sms.left) == len(UNITS) - 20)
    found = await room.ledger.read(lambda tx: rollcalls.counts(tx, no))
    assert found == {"acknowledged": 20, "awaiting": len(UNITS) - 20}
    ringing = await room.ledger.read(alarms.ringing)
    assert [one.subject for one in ringing] == (["telegram"] if blocked else [])
    await room.stop()


async def test_a_channel_that_flickers_once_is_no_outage(tmp_path: Path) -> None:
    clock, states = Clock(), [HealthState.DOWN, HealthState.OK, HealthState.DOWN]
    room = EngineRoom(tmp_path, Route(ScriptedChannel("zalo.user"), "zalo"), now=clock)

    async def probe():
        return [("zalo.user", Health(states.pop(0), "link_down"))]

    watch = OutageWatch(room.ledger, room.bus, probe, clock)
    for _ in range(3):
        await watch.tick()
    assert await room.ledger.read(alarms.ringing) == []
    await room.ledger.close()
