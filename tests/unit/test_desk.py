"""The desk: drafts, the one hash, approval by another person, and each bad input as one clear refusal."""

import asyncio
from dataclasses import asdict

import pytest

from adapters.contract import ReceiptState
from broadcasts.acknowledge import Acknowledgements
from broadcasts.content import OfficeFacts
from broadcasts.desk import Desk
from broadcasts.drafting import DeskSettings
from broadcasts.model import Actor, Draft, Refusal, RefusalKind, Role
from broadcasts.routes import Route
from broadcasts.steps import Step
from broadcasts.templates import load_templates
from directory import importing, units
from store import directory
from tests.scenario.engine_room import EngineRoom, ScriptedChannel

OFFICER = Actor("canbo", Role.OFFICER)
APPROVER = Actor("lanhdao", Role.APPROVER)
STEPS = (Step(after=0, channels=("zalo", "telegram")), Step(after=300, channels=("sms",), unless="delivered"))


class Clock:
    def __init__(self):
        self.at = 1_790_000_000.0

    def __call__(self):
        return self.at


class Office:
    def __init__(self, folder, office=None, sms=None):
        self.clock = Clock()
        self.zalo = ScriptedChannel("zalo.user", buttons=True)
        self.sms = sms or ScriptedChannel("sms.one", unaccented=True)
        routes = [Route(self.zalo, "zalo"), Route(self.sms, "sms")]
        self.room = EngineRoom(folder, *routes, now=self.clock)
        self.units = units.load()
        settings = DeskSettings(
            office or OfficeFacts("PCTT Thanh Hoa", "0237.xxx.xxxx", "8099", "https://pctt.thanhhoa.gov.vn/"),
            {"default": STEPS},
            give_up_after=600,
            close_after=600,
            sms_parts_limit=4,
        )
        acks = Acknowledgements(self.room.ledger, self.room.bus)
        self.desk = Desk(
            self.room.ledger, self.room.bus, self.room.routes, self.room.clockwork, acks, self.units,
            load_templates(), settings, self.clock,
        )  # fmt: skip

    async def open(self):
        await self.room.start()
        await self.room.ledger.write(self.people)

    def people(self, tx):
        now = self.clock()
        for place, unit in enumerate(self.units.all[:10]):
            person = directory.add_person(tx, unit.code, "chairman", f"Chủ tịch mẫu {place}", now)
            if place < 9:
                directory.add_address(tx, person, "zalo", f"z{place}", 0, now)
            directory.add_address(tx, person, "sms", str(84900000000 + place), 0, now)

    async def numbers(self, name, numbers, folder):
        path = folder / f"{name or 'one'}.csv"
        path.write_text("\n".join(str(number) for number in numbers))
        return await importing.import_numbers(self.room.ledger, path, name, self.clock())


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path)
    await office.open()
    yield office
    await office.room.stop()


def codes(office, count=10):
    return "unit:" + ",".join(unit.code for unit in office.units.all[:count])


def draft(**values):
    return Draft(**{"text": "Kiểm tra – liên lạc", "audience": "all-units", "channels": ["zalo", "sms"], **values})


async def test_a_draft_is_hashed_approved_by_another_and_leaves(office):
    made = await office.desk.draft(draft(audience=codes(office)), OFFICER)
    assert (made.state, made.content_hash, made.units, made.people) == ("draft", "", 10, 10)
    asked = await office.desk.submit(made.code, OFFICER)
    assert asked.state == "pending_approval"
    assert len(asked.content_hash) == 64
    approved = await office.desk.approve(made.code.lower(), asked.content_hash, APPROVER)
    assert approved.state in ("sending", "sent")
    assert approved.approved_by == "lanhdao"
    await office.room.until(lambda: len(office.zalo.left) == 9)
    await office.room.clockwork.tick_escalation()
    await office.room.until(lambda: len(office.sms.left) == 1)
    assert office.sms.left[0].to == "84900000009"
    assert office.sms.left[0].text == f"Kiem tra - lien lac DANHAN {made.code} gui 8099"
    assert {"from": "–", "to": "-"} in approved.changes
    rows = await office.desk.rollcall(made.code)
    assert len(rows) == 10
    assert rows[0].phones[0]["phone"].startswith("84")

    async def all_accepted():
        return {one.state for one in await office.desk.deliveries(made.code)} == {"accepted"}

    await office.room.until(all_accepted)
    delivered = await office.desk.deliveries(made.code)
    assert all(one.provider_id for one in delivered)
    assert [event.event for event in await office.desk.events(made.code)][:3] == ["drafted", "submitted", "approved"]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"text": None, "template": "khong-co"}, "template_unknown"),
        ({"text": None, "template": "T1"}, "blank_missing"),
        ({"text": "  "}, "text_missing"),
        ({"text": "a" * 2001}, "chat_too_long"),
        ({"text": "a" * 1000, "channels": ["sms"]}, "sms_too_long"),
        ({"audience": ""}, "audience_missing"),
        ({"audience": "unit:99999"}, "unit_unknown"),
        ({"audience": "list:khong-co"}, "list_unknown"),
        ({"channels": ["fax"]}, "channel_off"),
        ({"channels": []}, "channels_empty"),
        ({"urgency": "nhanh"}, "not_a_choice"),
        ({"valid_for_seconds": 0.0}, "validity"),
        ({"valid_for_seconds": 1e9}, "validity"),
        ({"fire_at": "mai"}, "not_a_time"),
        ({"fire_at": "2026-09-22T02:00:00"}, "time_without_zone"),
        ({"fire_at": "2020-01-01T02:00:00+07:00"}, "time_past"),
        ({"supersedes": "TB0000-01"}, "no_such_broadcast"),
    ],
)
async def test_bad_input_is_named_and_nothing_is_stored(office, values, key):
    with pytest.raises(Refusal) as refused:
        await office.desk.draft(draft(**{"audience": codes(office), **values}), OFFICER)
    assert refused.value.kind is RefusalKind.INVALID
    assert key in {problem.key for problem in refused.value.problems}
    assert await office.desk.list() == []
    preview = await office.desk.preview(draft(**{"audience": codes(office), **values}))
    assert key in {problem.key for problem in preview.problems}


async def test_units_without_a_contact_are_named_before_anything_leaves(office):
    preview = await office.desk.preview(draft())
    assert preview.units == 166
    assert preview.people == 10
    assert len([gap for gap in preview.gaps if not gap["family"]]) == 156
    assert preview.gaps[0]["name"]
    made = await office.desk.draft(draft(), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    await office.desk.approve(made.code, asked.content_hash, APPROVER)
    await office.room.until(lambda: len(office.zalo.left) == 9)
    for _ in range(3):
        await asyncio.sleep(0.05)
        for channel in (office.zalo, office.sms):
            await channel.sink.receipts([channel.receipt(one, ReceiptState.DELIVERED) for one in channel.left])
        office.clock.at += 400
        await office.room.clockwork.tick_escalation()
    view = await office.desk.view(made.code)
    assert sum(view.rollcall.values()) == 166
    assert view.rollcall["unreachable"] == 156


async def test_who_may_not_and_what_is_stale(office):
    made = await office.desk.draft(draft(audience=codes(office)), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)

    async def refused(act, kind, key):
        with pytest.raises(Refusal) as no:
            await act
        assert (no.value.kind, no.value.key) == (kind, key)

    desk, right = office.desk, asked.content_hash
    await refused(desk.approve(made.code, right, OFFICER), RefusalKind.FORBIDDEN, "role_too_low")
    await refused(desk.approve(made.code, "0" * 64, APPROVER), RefusalKind.STALE, "stale_hash")
    await refused(desk.approve("TB9999-99", right, APPROVER), RefusalKind.NOT_FOUND, "no_such_broadcast")
    for no_ref in ("²", "9" * 30, "", "\x00", "' OR 1=1"):
        await refused(desk.view(no_ref), RefusalKind.NOT_FOUND, "no_such_broadcast")
    await refused(desk.draft(draft(), Actor("x", Role.VIEWER)), RefusalKind.FORBIDDEN, "role_too_low")
    returned = await desk.give_back(made.code, "Sai giờ", APPROVER)
    assert (returned.state, returned.reason) == ("returned", "Sai giờ")
    await refused(desk.approve(made.code, right, APPROVER), RefusalKind.WRONG_STATE, "wrong_state")
    edited = await desk.edit(made.code, draft(audience=codes(office), text="Bản 2"), OFFICER)
    assert (edited.version, edited.content_hash) == (2, "")
    again = await desk.submit(made.code, OFFICER)
    assert again.content_hash != right
    await refused(desk.approve(made.code, right, APPROVER), RefusalKind.STALE, "stale_hash")
    await desk.approve(made.code, again.content_hash, APPROVER)
    await refused(desk.approve(made.code, again.content_hash, APPROVER), RefusalKind.WRONG_STATE, "wrong_state")
    await office.room.until(lambda: len(office.zalo.left) == 9)
    assert {one.text for one in office.zalo.left} == {"Bản 2"}

    own = await desk.draft(draft(audience=codes(office)), APPROVER)
    asked = await desk.submit(own.code, APPROVER)
    await refused(desk.approve(own.code, asked.content_hash, APPROVER), RefusalKind.FORBIDDEN, "own_draft")
    rejected = await desk.reject(own.code, "Không cần", Actor("khac", Role.ADMIN))
    assert rejected.state == "rejected"
    await refused(desk.cancel(own.code, "x", OFFICER), RefusalKind.WRONG_STATE, "wrong_state")
    await refused(desk.cancel(made.code, " ", OFFICER), RefusalKind.INVALID, "invalid_input")


async def test_two_approvals_at_once_send_once(office):
    made = await office.desk.draft(draft(audience=codes(office)), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    both = await asyncio.gather(
        *(office.desk.approve(made.code, asked.content_hash, Actor(f"a{n}", Role.APPROVER)) for n in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Refusal) for one in both) == 1
    await office.room.until(lambda: len(office.zalo.left) == 9)
    await asyncio.sleep(0.05)
    assert len(office.zalo.left) == 9


async def test_an_approval_that_comes_too_late_sends_nothing(office):
    made = await office.desk.draft(draft(audience=codes(office), valid_for_seconds=60.0), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    office.clock.at += 61
    with pytest.raises(Refusal):
        await office.desk.approve(made.code, asked.content_hash, APPROVER)
    assert (await office.desk.view(made.code)).state in ("pending_approval", "expired")
    await office.room.clockwork.tick_broadcasts()
    assert (await office.desk.view(made.code)).state == "expired"
    assert not office.zalo.left


async def test_send_later_waits_for_its_time(office):
    later = draft(audience=codes(office), fire_at="2026-09-21T22:30:00+07:00")
    made = await office.desk.draft(later, OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    view = await office.desk.approve(made.code, asked.content_hash, APPROVER)
    assert view.state == "scheduled"
    await office.room.clockwork.tick_broadcasts()
    assert not office.zalo.left
    office.clock.at = view.fire_at.timestamp() + 1
    await office.room.clockwork.tick_broadcasts()
    await office.room.until(lambda: len(office.zalo.left) == 9)


async def test_a_list_is_frozen_when_approval_is_asked(office, tmp_path):
    await office.numbers("dan-cu", range(84900010000, 84900010050), tmp_path)
    made = await office.desk.draft(draft(audience="list:dan-cu", channels=["sms"]), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    await office.numbers("dan-cu", range(84900020000, 84900020010), tmp_path)
    await office.desk.approve(made.code, asked.content_hash, APPROVER)
    await office.room.until(lambda: len(office.sms.left) == 50)
    assert {int(one.to) for one in office.sms.left} == set(range(84900010000, 84900010050))
    other = await office.desk.draft(draft(audience="list:dan-cu", channels=["sms"]), OFFICER)
    assert other.numbers == 10
    assert (await office.desk.submit(other.code, OFFICER)).content_hash != asked.content_hash


async def test_an_uploaded_file_is_a_list_of_its_own(office, tmp_path):
    report = await office.numbers("", [84900030001, 84900030002, 84900030001], tmp_path)
    made = await office.desk.draft(draft(audience=f"file:{report.list_id}", channels=["sms"]), OFFICER)
    assert made.numbers == 2
    with pytest.raises(Refusal):
        await office.desk.draft(draft(audience="file:777", channels=["sms"]), OFFICER)
    with pytest.raises(Refusal) as refused:
        await office.desk.draft(draft(audience=f"file:{report.list_id}", channels=["zalo"]), OFFICER)
    assert "list_needs_sms" in {problem.key for problem in refused.value.problems}


async def test_supersede_starts_from_the_old_words(office):
    made = await office.desk.draft(draft(audience=codes(office)), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    await office.desk.approve(made.code, asked.content_hash, APPROVER)
    newer = await office.desk.supersede(made.code, None, OFFICER)
    assert (newer.kind, newer.supersedes, newer.texts["chat"]) == ("update", made.code, made.texts["chat"])
    assert newer.code != made.code


async def test_the_hash_covers_text_audience_and_terms(office):
    async def hash_of(**values):
        made = await office.desk.draft(draft(**{"audience": codes(office), **values}), OFFICER)
        return (await office.desk.submit(made.code, OFFICER)).content_hash

    hashes = [
        await hash_of(),
        await hash_of(text="Khác"),
        await hash_of(audience=codes(office, 9)),
        await hash_of(channels=["zalo"]),
        await hash_of(mode="exercise"),
        await hash_of(duplicate_ok=True),
        await hash_of(valid_for_seconds=3600.0),
    ]
    assert len(set(hashes)) == len(hashes)


async def test_single_messages_are_durable_and_answer_once(office):
    first = await office.desk.send_single("sms", "84900009999", "Goi 112", OFFICER, inbox_id=7)
    assert await office.desk.send_single("sms", "84900009999", "Goi 112", OFFICER, inbox_id=7) == first
    await office.room.until(lambda: len(office.sms.left) == 1)
    assert office.sms.left[0].text == "Goi 112"

    async def accepted():
        return (await office.desk.single(first)).state == "accepted"

    await office.room.until(accepted)
    assert "***" in asdict(await office.desk.single(first))["to"]
    with pytest.raises(Refusal):
        await office.desk.send_single("fax", "1", "x", OFFICER)
    with pytest.raises(Refusal):
        await office.desk.single(12345)
    assert await office.desk.list() == []
