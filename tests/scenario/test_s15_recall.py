"""S15: a directive is recalled: everybody hears it, nobody is urged, each status stands with time and person."""

from datetime import timedelta

import pytest

from broadcasts.aftermath import Aftermath
from broadcasts.document_codes import statuses
from broadcasts.model import Actor, Draft, Refusal, Role
from store import document_statuses
from tests.scenario.bot_office import UNITS, Office

OFFICER, CHIEF = Actor("trucban", Role.OFFICER), Actor("phochanh", Role.APPROVER)
TEXT = "Công điện khẩn về bão số 5. Các xã, phường thực hiện theo phụ lục kèm theo."
PLACES = 12


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path)
    await office.begin()
    for unit in UNITS.all[:PLACES]:
        await office.register(unit.name)
    yield office
    await office.end()


async def directive(office, **values):
    everybody = "unit:" + ",".join(one.unit for one in office.contacts)
    said = Draft(
        text=TEXT, audience=everybody, channels=["zalo"], kind="directive", urgency="hoa-toc",
        document_number="04/CĐ-UBND", signer="Nguyễn Văn A", **values,
    )  # fmt: skip
    made = await office.desk.draft(said, OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    view = await office.desk.approve(made.code, asked.content_hash, CHIEF)
    await office.settled()
    return view


async def test_s15_recall_and_statuses(office):
    old = await directive(office)
    leader, other = office.contacts[0], office.contacts[1]
    assert "ghi nhan" in (await office.hears("da nhan cd 04", leader.phone))[0]
    office.clock.at += 600

    notice = await Aftermath(office.desk).recall(old.code, "sai phụ lục", OFFICER)
    await office.settled()

    got = [one.text for one in office.zalo.left if one.delivery_id >> 24 == notice.id]
    assert len(got) == PLACES
    assert all("THU HỒI 04/CĐ-UBND: sai phụ lục, chờ văn bản thay thế" in text for text in got)
    rows = await office.room.ledger.read(lambda tx: document_statuses.of_broadcast(tx, old.id))
    assert {row.unit_code for row in rows if row.code == "13"} == {one.unit for one in office.contacts}
    assert {(row.person, row.at) for row in rows} == {("trucban", office.clock.at)}
    assert all(row.next_at is None for row in await office.desk.rollcall(old.code))
    stopped = await office.desk.view(old.code)
    assert (stopped.state, stopped.superseded_by, stopped.reason) == ("cancelled", notice.code, "sai phụ lục")
    answer = await office.hears("da nhan cd 04", other.phone)
    assert answer[0].startswith("CD 04 da thu hoi")

    assert "dong y lay lai" in (await office.hears(f"DONGY {notice.code}", leader.phone))[0]
    assert "tu choi lay lai" in (await office.hears("TUCHOI cd 04 da trien khai xong", other.phone))[0]
    lines = await office.room.ledger.read(lambda tx: statuses(tx, old.id))
    of_leader = [(line.code, line.person) for line in lines if line.unit == leader.unit]
    assert of_leader == [("03", leader.name), ("13", "trucban"), ("15", leader.name)]
    refused = next(line for line in lines if line.unit == other.unit and line.code == "16")
    assert (refused.person, refused.note) == (other.name, "cd 04 da trien khai xong")
    assert {line.unit for line in lines if line.code == "13"} == {one.unit for one in office.contacts}
    assert all(line.at.utcoffset() == timedelta(hours=7) for line in lines)


async def test_a_reason_that_is_not_on_the_list_stops_at_once_and_waits_for_an_approver(office):
    old = await directive(office)
    aftermath = Aftermath(office.desk)
    notice = await aftermath.recall(old.code, "Sở đề nghị xem lại", OFFICER)
    assert notice.state == "pending_approval"
    assert (await office.desk.view(old.code)).state == "cancelled"
    await office.desk.approve(notice.code, notice.content_hash, CHIEF)
    await office.settled()
    got = [one.text for one in office.zalo.left if one.delivery_id >> 24 == notice.id]
    assert len(got) == PLACES
    with pytest.raises(Refusal) as refused:
        await aftermath.recall(old.code, "sai phụ lục", OFFICER)
    assert refused.value.key == "overtaken"


async def test_the_replacement_document_follows_the_recall(office):
    old = await directive(office)
    notice = await Aftermath(office.desk).recall(old.code, "sai phụ lục", CHIEF)
    newer = await office.desk.supersede(notice.code, None, OFFICER)
    assert (newer.supersedes, newer.kind) == (notice.code, "update")
    assert TEXT in newer.texts["chat"]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 121])
async def test_a_recall_says_why(office, reason):
    old = await directive(office)
    with pytest.raises(Refusal) as refused:
        await Aftermath(office.desk).recall(old.code, reason, OFFICER)
    assert refused.value.problems[0].field == "reason"


async def test_what_never_left_is_not_recalled(office):
    made = await office.desk.draft(
        Draft(text=TEXT, audience=f"unit:{office.contacts[0].unit}", channels=["zalo"]), OFFICER
    )
    with pytest.raises(Refusal) as refused:
        await Aftermath(office.desk).recall(made.code, "sai phụ lục", OFFICER)
    assert refused.value.key == "nothing_to_follow"
    with pytest.raises(Refusal):
        await Aftermath(office.desk).correct("TB0000-77", Actor("khach", Role.VIEWER))
