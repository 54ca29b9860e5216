"""`zalo.zns` against the simulated ZNS: templates, quota, night, delivery events matched by id or tracking id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.contract import Accepted, Envelope, HealthState, ReceiptState, RejectClass, Rejected, Unknown
from simulators.zalo.zns import Template
from tests.contract.recording import ReportBook, until
from tests.contract.runner import Case, Rig, accepted, label, on_screen, rejected, run
from tests.contract.zalo_stand import LEADER, LEADER_PHONE, Clock, Stand, stand

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
