"""`zalo.zns` against the simulated ZNS: templates, quota, night, delivery events matched by id or tracking id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.contract import About, Accepted, Envelope, HealthState, ReceiptState, RejectClass, Rejected, Unknown
from adapters.zalo import limits
from adapters.zalo.settings import ZnsTemplate
from simulators.zalo.zns import Template
from tests.contract.recording import MemoryState, ReportBook, until
from tests.contract.runner import Case, Rig, accepted, label, on_screen, rejected, run
from tests.contract.zalo_stand import LEADER, LEADER_PHONE, Clock, Stand, simulator, stand

NAME = "zalo.zns"
ONE = (Envelope(7, LEADER_PHONE, "Xem Zalo và xác nhận mã TB0825-07"),)


@pytest.fixture
async def made() -> AsyncIterator[Stand]:
    async with stand(zns={}) as it:
        yield it


@pytest.fixture
def rig(made: Stand) -> Rig:
    return made.rig(NAME)


CASES = (
    Case("delivered", send=ONE, outcomes=accepted(1), receipts={7: (ReceiptState.DELIVERED,)},
         phone={LEADER_PHONE: ("[PCTT] Xem Zalo và xác nhận mã TB0825-07",)}),
    Case("never on the phone", faults={"zns_delivered": False}, send=ONE, outcomes=accepted(1), receipts={7: ()}),
    Case("no account at this number", send=(Envelope(1, "84900000999", "tin"),),
         outcomes=rejected(RejectClass.RECIPIENT, "invalid_recipient", "-118")),
    Case("no number", send=(Envelope(1, "tám tư", "tin"),),
         outcomes=rejected(RejectClass.RECIPIENT, "invalid_recipient", "-108")),
    Case("longer than the template's blank", send=(Envelope(1, LEADER_PHONE, "x" * 201),),
         outcomes=rejected(RejectClass.TEXT, "too_long")),
    Case("quota of the day", faults={"zns_daily_quota": 0}, send=ONE,
         outcomes=rejected(RejectClass.QUOTA, "quota", "-144"), wait_ready=True),
    Case("expired", send=(Envelope(1, LEADER_PHONE, "tin", valid_until=1.0),),
         outcomes=rejected(RejectClass.TEXT, "expired")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_contract(case: Case, rig: Rig) -> None:
    await run(case, rig)


async def test_send_without_answer_is_matched_by_its_tracking_id(made: Stand) -> None:
    made.sim.set_faults({"drop_after_commit": 1})
    book = ReportBook()
    await made.channels[NAME].send(ONE, book)
    outcome = book.one(7)
    assert outcome == Unknown("connection_lost", ("loa7",))
    await until(lambda: bool(made.sink.receipts_for(outcome)))
    (receipt,) = made.sink.receipts_for(outcome)
    assert (receipt.account, receipt.state) == (NAME, ReceiptState.DELIVERED)


async def test_night_is_over_at_six() -> None:
    clock = Clock()
    clock.now += 3600  # 22:13:20 in Hà Nội
    async with stand(now=clock, zns={}) as made:
        made.sim.set_faults({"zns_night": True})
        book = ReportBook()
        await made.channels[NAME].send(ONE, book)
        assert book.one(7) == Rejected("night", RejectClass.RETRY_LATER, "-133", (7 * 60 + 46) * 60 + 40.0)


async def test_phone_that_is_off_hears_nothing(made: Stand, rig: Rig) -> None:
    made.sim.world.users[LEADER].off = True
    await made.channels[NAME].send(ONE, rig.book)
    assert isinstance(rig.book.one(7), Accepted)
    assert on_screen(rig, LEADER_PHONE) == ()


@pytest.mark.parametrize(
    ("template", "cls", "code"),
    [
        (Template("500001", "{noi_dung}", {"noi_dung": 5}), RejectClass.TEXT, "-1121"),
        (Template("500001", "{ma}", {"ma": 30}), RejectClass.TEXT, "-1122"),
        (Template("500001", "{noi_dung}", {"noi_dung": 200}, approved=False), RejectClass.CONFIG, "-131"),
    ],
)
async def test_template_trouble(made: Stand, template: Template, cls: RejectClass, code: str) -> None:
    made.sim.zns.templates["500001"] = template
    book = ReportBook()
    await made.channels[NAME].send(ONE, book)
    outcome = book.one(7)
    assert isinstance(outcome, Rejected)
    assert (outcome.cls, outcome.code) == (cls, code)


@pytest.mark.parametrize(
    ("more", "faults", "key"),
    [
        ({"template_id": ""}, {}, "zalo_zns_template_missing"),
        ({}, {"zns_daily_quota": 0}, "zalo_zns_quota_spent"),
        ({"zns_url": "http://127.0.0.1:9"}, {}, "zalo_link_down"),
    ],
)
async def test_probe_says_what_is_wrong(more: dict[str, Any], faults: dict[str, Any], key: str) -> None:
    async with stand(zns=more) as made:
        made.sim.set_faults(faults)
        health = await made.channels[NAME].probe()
        assert (health.state, health.key) == (HealthState.DOWN, key)


async def test_template_that_is_not_configured_refuses_to_send() -> None:
    async with stand(zns={"template_id": ""}) as made:
        book = ReportBook()
        await made.channels[NAME].send(ONE, book)
        assert book.one(7) == Rejected("template", RejectClass.CONFIG, "template_id_missing")


CALL = {
    "id": "600001",
    "kinds": ["directive", "alert"],
    "urgencies": ["hoa-toc"],
    "params": {"ma": "{code}", "tieu_de": "{title}", "noi_gui": "Văn phòng thường trực"},
    "limits": {"ma": 16, "tieu_de": 30},
}
FLASH = About("TB0825-07", "Bão số 5 đổi hướng vào Sầm Sơn", "directive", "hoa-toc")


def known_to_zalo(made: Stand) -> None:
    made.sim.zns.templates["600001"] = Template("600001", "{ma}|{tieu_de}|{noi_gui}", {"ma": 16, "tieu_de": 30})


async def outcome_of(made: Stand, envelope: Envelope) -> Accepted | Rejected | Unknown:
    book = ReportBook()
    await made.channels[NAME].send([envelope], book)
    return book.one(envelope.delivery_id)


@pytest.mark.parametrize(
    ("about", "shown"),
    [
        (FLASH, "TB0825-07|Bão số 5 đổi hướng vào Sầm Sơn|Văn phòng thường trực"),
        (replace(FLASH, title="Bão số 5 đổi hướng, đổ bộ trong đêm nay"),
         "TB0825-07|Bão số 5 đổi hướng, đổ bộ tro…|Văn phòng thường trực"),
        (replace(FLASH, urgency="khan"), "[PCTT] xem Zalo"),
        (About(), "[PCTT] xem Zalo"),
    ],
)  # fmt: skip
async def test_the_template_goes_by_kind_and_urgency(about: About, shown: str) -> None:
    async with stand(zns={"templates": [CALL]}) as made:
        known_to_zalo(made)
        assert isinstance(await outcome_of(made, Envelope(1, LEADER_PHONE, "xem Zalo", about=about)), Accepted)
        rig = made.rig(NAME)
        await until(lambda: bool(on_screen(rig, LEADER_PHONE)))
        assert on_screen(rig, LEADER_PHONE) == (shown,)


async def test_a_long_directive_is_called_for_by_its_title_and_never_cut() -> None:
    long = "Yêu cầu xã, phường sơ tán dân ven biển. " * 100
    async with stand(zns={"templates": [CALL]}) as made:
        known_to_zalo(made)
        assert isinstance(await outcome_of(made, Envelope(1, LEADER_PHONE, long, about=FLASH)), Accepted)
        other = await outcome_of(made, Envelope(2, LEADER_PHONE, long, about=replace(FLASH, kind="notice")))
        assert other == Rejected("too_long", RejectClass.TEXT, "noi_dung")
        empty = await outcome_of(made, Envelope(3, LEADER_PHONE, "x", about=replace(FLASH, code="")))
        assert empty == Rejected("template_data", RejectClass.TEXT, "ma")
        assert made.sim.stage.counters["/message/template"] == 1


async def test_a_kind_that_no_template_serves_leaves_it_to_another_channel() -> None:
    async with stand(zns={"template_id": "", "templates": [CALL]}) as made:
        assert await outcome_of(made, ONE[0]) == Rejected(
            "template", RejectClass.RECIPIENT, "no_template_for_this_kind"
        )


@pytest.mark.parametrize("pattern", ["{noi_dung}", "{", "{text.x}", "{0}"])
def test_unknown_blanks_are_refused_in_the_settings(pattern: str) -> None:
    with pytest.raises(ValidationError):
        ZnsTemplate(id="1", params={"a": pattern})


async def test_at_night_only_what_may_not_go_waits_and_is_asked_for_once() -> None:
    clock = Clock()
    clock.now += 3600
    quiet = CALL | {"id": "600002", "kinds": ["notice"], "urgencies": [], "night": False}
    async with stand(now=clock, zns={"templates": [CALL, quiet]}) as made:
        known_to_zalo(made)
        made.sim.set_faults({"zns_night": True, "zns_night_ok": ["600001"]})
        assert isinstance(await outcome_of(made, Envelope(1, LEADER_PHONE, "x", about=FLASH)), Accepted)
        waiting = await outcome_of(made, Envelope(2, LEADER_PHONE, "x", about=replace(FLASH, kind="notice")))
        assert isinstance(waiting, Rejected)
        assert (waiting.reason, waiting.code) == ("night", "known_before")
        calls = made.sim.stage.counters["/message/template"]
        first, second = [await outcome_of(made, Envelope(n, LEADER_PHONE, "x")) for n in (3, 4)]
        assert (first.code, second.code) == ("-133", "known_before")
        assert made.sim.stage.counters["/message/template"] == calls + 1
        clock.now += 8 * 3600  # the morning
        assert isinstance(await outcome_of(made, Envelope(5, LEADER_PHONE, "x")), Accepted)


async def test_a_days_quota_that_is_used_up_is_asked_for_once_and_again_the_next_day() -> None:
    clock = Clock()
    async with stand(now=clock, zns={}) as made:
        made.sim.set_faults({"zns_daily_quota": 1})
        assert isinstance(await outcome_of(made, Envelope(1, LEADER_PHONE, "x")), Accepted)
        refused = await outcome_of(made, Envelope(2, LEADER_PHONE, "x"))
        assert refused == Rejected("quota", RejectClass.QUOTA, "daily_quota")
        assert made.sim.stage.counters["/message/template"] == 1
        clock.now += 86_400
        made.sim.set_faults({"zns_daily_quota": 5})
        assert isinstance(await outcome_of(made, Envelope(3, LEADER_PHONE, "x")), Accepted)


async def test_an_arrival_that_no_event_told_of_is_asked_for_also_after_a_restart() -> None:
    clock, state = Clock(), MemoryState()
    async with simulator(clock) as sim:
        async with stand(clock, sim, state, zns={}) as made:
            await made.sim.webhook.register("")
            outcome = await outcome_of(made, ONE[0])
            await until(lambda: bool(on_screen(made.rig(NAME), LEADER_PHONE)))
            assert not made.sink.receipts_for(outcome)
        clock.now += 61
        async with stand(clock, sim, state, zns={}) as made:
            await until(lambda: bool(made.sink.receipts_for(outcome)), what="Zalo is asked")
            (receipt,) = made.sink.receipts_for(outcome)
            assert (receipt.account, receipt.state, receipt.code) == (NAME, ReceiptState.DELIVERED, "message/status")
            assert not await state.items("zalo.zns.asked.")


async def test_what_never_arrives_is_asked_for_a_few_times_only() -> None:
    clock = Clock()
    async with stand(clock, zns={}) as made:
        made.sim.set_faults({"zns_delivered": False})
        await outcome_of(made, ONE[0])
        status = made.channels[NAME]._status  # type: ignore[attr-defined]
        for wait in (*limits.ZNS_ASK_SECONDS, 86_400.0):
            clock.now += wait
            assert await status.once(made.sink) == 0
        assert made.sim.stage.counters["/message/status"] == len(limits.ZNS_ASK_SECONDS)
        assert not await made.state.items("zalo.zns.asked.")
