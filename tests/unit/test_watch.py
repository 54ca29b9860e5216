"""The watch: what it finds, who hears of it and how often, real messages as proof, and a sign of life that means it."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.contract import ReceiptState, RejectClass, Rejected, Unknown
from broadcasts.model import Actor, Refusal, Role
from broadcasts.routes import Route
from broadcasts.watch.alarming import QUIET_SECONDS, REMIND_SECONDS, STEADY_SECONDS, take_note
from broadcasts.watch.auditor import IDLE_SECONDS, Limits, audit
from broadcasts.watch.findings import Finding, Weight
from broadcasts.watch.link_tests import WAIT_SECONDS, LinkTests
from broadcasts.watch.path_test import run_path_test
from broadcasts.watch.vitals import Vitals
from directory import units
from loa.heartbeat import Heartbeat
from loa.watch import newest_file
from store import alarms, outages, watch
from store.engine import LedgerError
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, accept
from tests.unit.test_desk import APPROVER, OFFICER, Office, codes, draft

UNITS = units.load()
LIMITS = Limits()


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path)
    await office.open()
    yield office
    await office.room.stop()


async def found(office):
    now = office.clock()
    return {one.kind: one for one in await office.room.ledger.read(lambda tx: audit(tx, now, LIMITS, UNITS))}


async def sent(office, **values):
    made = await office.desk.draft(draft(**{"audience": codes(office), **values}), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    return await office.desk.approve(made.code, asked.content_hash, APPROVER)


# -- the auditor ------------------------------------------------------------------------------------------------------


async def test_units_without_a_way_and_ways_that_nobody_proved_are_counted(office):
    seen = await found(office)
    assert seen["no_way"].params["count"] == len(UNITS) - 10
    assert seen["path_old"].params["count"] == 10
    assert seen["no_way"].weight is Weight.NOTE
    assert set(seen) == {"no_way", "path_old"}


async def test_work_that_nobody_touches_is_found_unless_its_channel_is_known_to_be_down(office):
    for dispatcher in office.room.dispatchers:
        await dispatcher.stop()
    view = await sent(office)
    assert "idle" not in await found(office)
    office.clock.at += IDLE_SECONDS + 1
    seen = (await found(office))["idle"]
    assert seen.params == {"code": view.code, "channel": "zalo.user", "count": 9}
    await office.room.ledger.write(lambda tx: outages.begin(tx, "zalo.user", office.clock(), "link_down"))
    seen = await found(office)
    assert "idle" not in seen
    assert seen["channel_down"].weight is Weight.TELL


async def test_sends_without_an_outcome_are_listed_with_the_way_to_their_list(office):
    office.zalo.answer = lambda envelope, times: Unknown("timeout")
    view = await sent(office)
    await office.room.until(lambda: office.room.ledger.read(lambda tx: watch.unknown_outcomes(tx, 0, 1e12)))
    office.clock.at += 601
    seen = (await found(office))["unknown"]
    assert seen.params["code"] == view.code
    assert "state=unknown" in seen.href


async def test_an_approval_that_waits_and_a_step_that_is_late_are_found(office):
    made = await office.desk.draft(draft(audience=codes(office)), OFFICER)
    await office.desk.submit(made.code, OFFICER)
    running = await sent(office)
    office.clock.at += 700
    seen = await found(office)
    assert seen["approval_waiting"].params["code"] == made.code
    assert "step_late" in seen
    await office.room.clockwork.tick_escalation()
    await office.desk.cancel(running.code, "thử", OFFICER)
    assert "step_late" not in await found(office)


# -- who hears, and how often -----------------------------------------------------------------------------------------


class Told:
    """Looks again and again at what a test says is wrong."""

    def __init__(self, ledger):
        self.ledger, self.now, self.begun, self.ended = ledger, 1_000_000.0, [], []

    async def look(self, *found, after=0.0):
        self.now += after
        news = await self.ledger.write(lambda tx: take_note(tx, found, self.now))
        self.begun += [one.kind for one in news.begun]
        self.ended += [one.kind for one in news.ended]

    async def ringing(self):
        return [one.subject for one in await self.ledger.read(alarms.ringing)]


DISK = Finding("disk_low", "disk", {"free": 1, "wanted": 2})


@pytest.fixture
async def told(office):
    return Told(office.room.ledger)


async def test_a_finding_is_told_once_it_lasts_and_once_when_it_is_over(told):
    await told.look(DISK)
    assert (told.begun, await told.ringing()) == ([], [])
    for _ in range(20):
        await told.look(DISK, after=30)
    assert told.begun == ["disk_low"]
    assert await told.ringing() == ["disk_low: disk"]
    await told.look(after=30)
    assert (told.ended, await told.ringing()) == (["disk_low"], [])
    await told.look(after=30)
    assert told.ended == ["disk_low"]


async def test_a_moment_is_no_alarm(told):
    for _ in range(10):
        await told.look(DISK, after=STEADY_SECONDS - 5)
        await told.look(after=5)
    assert (told.begun, told.ended) == ([], [])


async def test_what_comes_and_goes_makes_no_storm(told):
    for _ in range(int(QUIET_SECONDS // 120)):
        await told.look(DISK, after=30)
        await told.look(DISK, after=60)
        await told.look(after=30)
    assert told.begun == ["disk_low"]


async def test_what_still_holds_is_said_again_after_hours(told):
    for _ in range(int(REMIND_SECONDS // 600) + 2):
        await told.look(DISK, after=600)
    assert told.begun == ["disk_low", "disk_low"]


async def test_an_alarm_that_somebody_took_does_not_ring_again_at_the_next_look(told):
    await told.look(DISK)
    await told.look(DISK, after=60)
    alarm = (await told.ledger.read(alarms.ringing))[0]
    await told.ledger.write(lambda tx: alarms.take(tx, alarm.id, "canbo", told.now))
    await told.look(DISK, after=60)
    assert await told.ringing() == []


async def test_notes_stand_on_the_page_only_and_other_alarms_are_not_doubled(told):
    note, tell = Finding("unknown", "x", {}, Weight.NOTE), Finding("channel_down", "zalo", {}, Weight.TELL)
    await told.look(note, tell)
    await told.look(note, tell, after=60)
    assert (told.begun, await told.ringing()) == (["channel_down"], [])
    rows = await told.ledger.read(watch.findings)
    assert {row.kind for row in rows} == {"unknown", "channel_down"}


# -- link tests -------------------------------------------------------------------------------------------------------


def links_of(office, every=3600.0):
    targets = {"sms": "84900000099", "zalo.user": "z-thu"}
    return LinkTests(
        office.room.ledger, office.room.routes, office.room.clockwork.announce, targets, every,
        lambda route, now: f"thu {route.name}", office.clock,
    )  # fmt: skip


async def results(links):
    return {one.channel: one.result for one in await links.results()}


async def test_each_channel_is_proved_by_a_real_message_once_in_its_time(office):
    links = links_of(office)
    assert await results(links) == {"zalo.user": "never", "sms.one": "never"}
    assert await links.tick() == 2
    assert await links.tick() == 0
    await office.room.until(lambda: office.zalo.left and office.sms.left)
    assert (office.sms.left[0].to, office.sms.left[0].text) == ("84900000099", "thu sms.one")
    assert await results(links) == {"zalo.user": "waiting", "sms.one": "waiting"}
    await office.room.recorder.receipts([office.sms.receipt(office.sms.left[0], ReceiptState.DELIVERED)])
    assert (await results(links))["sms.one"] == "works"
    proven = await office.room.ledger.read(links.proven)
    assert set(proven) == {"sms.one"}
    office.clock.at += WAIT_SECONDS + 1
    assert await results(links) == {"zalo.user": "failed", "sms.one": "works"}
    office.clock.at += 3600
    assert await links.tick() == 2


async def test_a_refused_test_has_failed_at_once(office):
    office.sms.answer = lambda envelope, times: Rejected("auth", RejectClass.CONFIG)
    links = links_of(office, every=0.0)
    assert await links.tick() == 0
    await links.test("sms.one", OFFICER)

    async def failed():
        return (await results(links))["sms.one"] == "failed"

    await office.room.until(failed)
    shown = next(one for one in await links.results() if one.channel == "sms.one")
    assert (shown.by, shown.proven_at) == (OFFICER.name, None)


async def test_a_channel_that_is_not_there_or_has_no_address_is_refused(office):
    links = LinkTests(office.room.ledger, office.room.routes, office.room.clockwork.announce, {}, 1.0, lambda *_: "")
    for name in ("khong.co", "sms.one"):
        with pytest.raises(Refusal):
            await links.test(name, OFFICER)
    assert set((await results(links)).values()) == {"unset"}
    assert await links.tick() == 0


async def test_a_group_is_tested_only_where_it_is_named(tmp_path):
    group = ScriptedChannel("zalo.group", accept, group=True)
    room = EngineRoom(tmp_path, Route(group, "zalo", "the-group"), now=lambda: 1e9)
    links = LinkTests(room.ledger, room.routes, room.clockwork.announce, {"zalo": "z"}, 1.0, lambda *_: "", lambda: 1e9)
    assert [one.result for one in await links.results()] == ["unset"]
    await room.ledger.close()


# -- the path of each unit --------------------------------------------------------------------------------------------


async def test_a_path_test_is_marked_reaches_each_leader_and_is_made_once(office):
    made = [await run_path_test(office.desk, ["zalo", "sms"], "7@100", "loa") for _ in range(3)]
    assert len({one.code for one in made}) == 1
    assert (made[0].mode, made[0].units) == ("test", len(UNITS))
    await office.room.until(lambda: len(office.zalo.left) == 9)
    assert all(one.text.startswith("THỬ HỆ THỐNG – KHÔNG PHẢI THẬT") for one in office.zalo.left)
    again = await run_path_test(office.desk, ["zalo", "sms"], "7@200", "loa")
    assert again.code != made[0].code
    assert (await office.desk.noted("path_test", "")).code == again.code


# -- signs of life ----------------------------------------------------------------------------------------------------


async def test_no_beat_while_the_work_does_not_move(office):
    vitals = Vitals(office.room.ledger, office.clock)
    assert await vitals.failing() == ""
    await sent(office)
    office.clock.at += 400
    assert await vitals.failing() == "steps"
    await office.room.clockwork.tick_escalation()
    office.clock.at -= 300
    assert await vitals.failing() == "clock"


async def test_no_beat_without_a_ledger(office):
    class Broken:
        async def write(self, closure):
            raise LedgerError("ledger_full")

    assert await Vitals(Broken(), office.clock).failing() == "ledger"


async def test_the_beat_goes_out_and_its_failure_is_seen_without_the_address(office, capfd):
    calls, answers = [], [200, 503]

    async def beat(request):
        calls.append(request.path)
        return web.Response(status=answers[min(len(calls), 2) - 1])

    app = web.Application()
    app.router.add_get("/ping/bi-mat", beat)
    async with TestServer(app) as server:
        url = str(server.make_url("/ping/bi-mat"))
        heart = Heartbeat(url, Vitals(office.room.ledger, office.clock))
        await heart.tick()
        assert (heart.held, heart.refused, heart.last_at) == ("", "", office.clock())
        await heart.tick()
        assert heart.refused == "503"
    await heart.tick()
    assert heart.refused.startswith("Client")
    assert calls == ["/ping/bi-mat"] * 2
    assert "bi-mat" not in "".join(capfd.readouterr())
    silent = Heartbeat("", Vitals(office.room.ledger, office.clock))
    await silent.tick()
    assert not silent.is_set


def test_the_newest_backup(tmp_path):
    assert newest_file(tmp_path) is None
    assert newest_file(tmp_path / "khong-co") is None
    (tmp_path / "a.db").write_text("x")
    assert newest_file(tmp_path) == (tmp_path / "a.db").stat().st_mtime


async def test_a_viewer_presses_nothing(office):
    with pytest.raises(Refusal):
        await office.desk.send_prepared(lambda tx: draft(), Actor("khach", Role.VIEWER), "recall", lambda tx, no: None)
