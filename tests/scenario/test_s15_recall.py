"""S15: a directive to all 166 units is recalled: everybody hears it, nobody is urged, each status stands with time and
person. By a Zalo Official Account and SMPP, each before its simulator; 160 of the units had somebody to write to."""

import csv
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from broadcasts.aftermath import Aftermath
from broadcasts.export import write_export
from broadcasts.model import Actor, Draft, Refusal, Role
from tests.scenario.bot_office import UNITS, Office
from tests.scenario.night import PHO_CHANH, TRUC_BAN, Leader, Night
from tests.scenario.street import PATIENCE

OFFICER, CHIEF = Actor("trucban", Role.OFFICER), Actor("phochanh", Role.APPROVER)
TEXT = "Công điện khẩn về bão số 5. Các xã, phường thực hiện theo phụ lục kèm theo."
REASON = "sai phụ lục"
NOTICE = "THU HỒI 04/CĐ-UBND: sai phụ lục, chờ văn bản thay thế"
ALL, REACHED, CONFIRMED, ANSWERED = 166, 160, 120, 10
PLACES = 12


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.open()
    yield night
    await night.close()


async def all_read(night: Night, leaders: list[Leader], words: str) -> None:
    await night.room.until(
        lambda: all(any(words in one.text for one in leader.zalo.shown()) for leader in leaders), 3 * PATIENCE
    )


async def to_all(night: Night) -> tuple[str, list[Leader]]:
    """The directive at 160 of the 166, the other six having nobody in the directory yet."""
    leaders = [await night.leader(unit.name) for unit in UNITS.all[:REACHED]]
    draft = Draft(
        text=TEXT, audience="all-units", channels=["zalo", "sms"], kind="directive", urgency="hoa-toc",
        document_number="04/CĐ-UBND", signer="Nguyễn Văn A",
    )  # fmt: skip
    made = await night.desk.draft(draft, TRUC_BAN)
    asked = await night.desk.submit(made.code, TRUC_BAN)
    nobody = {gap["code"] for gap in asked.gaps} - {leader.contact.unit for leader in leaders}
    assert (asked.units, asked.people, len(nobody)) == (ALL, REACHED, ALL - REACHED)
    await night.desk.approve(made.code, asked.content_hash, PHO_CHANH)
    await all_read(night, leaders, "Công điện khẩn")
    return made.code, leaders


async def with_code(night: Night, code: str, wanted: str) -> set[str]:
    return {line.unit for line in await night.desk.statuses(code) if line.code == wanted}


async def test_s15_recall_and_statuses(night: Night, tmp_path: Path) -> None:
    code, leaders = await to_all(night)
    units = [leader.contact.unit for leader in leaders]
    for leader in leaders[:CONFIRMED]:
        await leader.zalo.writes("da nhan cd 04")

    async def counted() -> bool:
        arrived, taken = await with_code(night, code, "01"), await with_code(night, code, "03")
        return arrived == set(units) and taken == set(units[:CONFIRMED])

    await night.room.until(counted, 2 * PATIENCE)
    added = [await night.leader(unit.name) for unit in UNITS.all[REACHED:]]

    notice = await Aftermath(night.desk).recall(code, REASON, TRUC_BAN)
    everybody = [*leaders, *added]
    assert len(everybody) == ALL
    await all_read(night, everybody, NOTICE)
    assert await with_code(night, code, "13") == {unit.code for unit in UNITS.all}, "asked back from all 166"
    stopped = await night.desk.view(code)
    assert (stopped.state, stopped.superseded_by, stopped.reason) == ("cancelled", notice.code, REASON)
    assert all(row.next_at is None for row in await night.desk.rollcall(code))

    late = leaders[-1]
    assert (await late.sms.says("da nhan cd 04")).startswith("CD 04 da thu hoi")
    agreeing, refusing = leaders[:ANSWERED], leaders[ANSWERED : 2 * ANSWERED]
    for leader in agreeing:
        assert "dong y lay lai" in await leader.sms.says(f"DONGY {notice.code}")
    for leader in refusing:
        assert "tu choi lay lai" in await leader.sms.says("TUCHOI cd 04 da trien khai xong")
    assert await with_code(night, code, "15") == {one.contact.unit for one in agreeing}
    assert await with_code(night, code, "16") == {one.contact.unit for one in refusing}

    before = await night.told(code)
    for _ in range(4):
        await night.wait(600)
    assert await night.told(code) == before, "urged for a directive that was recalled"
    assert not [one for one in before if one[2] > 0], "a step after the first was taken before the recall"
    await exported(night, code, agreeing[0], tmp_path / f"{code}.codes.csv")


def table_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))


async def exported(night: Night, code: str, agreed: Leader, to: Path) -> None:
    """Every status of every unit, with time and person, in the file as on the screen."""
    lines = await night.desk.statuses(code)
    assert all(line.at.utcoffset() == timedelta(hours=7) for line in lines)
    assert [line.code for line in lines if line.unit == agreed.contact.unit] == ["01", "03", "13", "15"]
    rows = [asdict(line) | {"at": line.at.isoformat()} for line in lines]
    view = {"code": code, "mode": "actual"}
    assert write_export(to, view, [], [], lambda key, **_: key, rows) == len(lines) == REACHED + CONFIRMED + ALL + 20
    written = table_of(to)
    mine = [one for one in written if one["column.unit"] == agreed.contact.unit]
    assert [(one["column.code"], one["column.person"]) for one in mine[1:]] == [
        ("03", agreed.contact.name), ("13", "trucban"), ("15", agreed.contact.name)
    ]  # fmt: skip
    assert all(one["column.at"] for one in written)


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
