"""Exercises never mix with actual messages and give a result; a flash directive names its document."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from broadcasts.content import CHAT, SMS, SMS_LEADER
from broadcasts.document_facts import clean_number, titled, with_document
from broadcasts.exercises import RESULT_AFTER_SECONDS, Exercises
from broadcasts.model import Refusal, RefusalKind
from tests.unit.test_desk import APPROVER, OFFICER, Office, codes, draft
from text.segments import measure

MARK_CHAT, MARK_SMS = "DIỄN TẬP – KHÔNG PHẢI THẬT", "DIEN TAP - KHONG PHAI THAT"


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path)
    await office.open()
    yield office
    await office.room.stop()


async def sent(office, **values):
    made = await office.desk.draft(draft(audience=codes(office), **values), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    return await office.desk.approve(made.code, asked.content_hash, APPROVER)


def keys(refusal):
    return {problem.key for problem in refusal.problems}


# -- S2: number and signer ---------------------------------------------------------------------------------------------


async def test_a_flash_directive_without_its_document_is_kept_but_not_asked_for(office):
    values = {"audience": codes(office), "kind": "directive", "urgency": "hoa-toc"}
    made = await office.desk.draft(draft(**values), OFFICER)
    with pytest.raises(Refusal) as refused:
        await office.desk.submit(made.code, OFFICER)
    assert keys(refused.value) == {"document_and_signer_missing"}
    whole = draft(**values, document_number=" 04 / cđ–ubnd", signer="Nguyễn Văn Mẫu")
    await office.desk.edit(made.code, whole, OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    assert (asked.state, asked.document_number, asked.signer) == ("pending_approval", "04/CĐ-UBND", "Nguyễn Văn Mẫu")
    assert asked.title.startswith("04/CĐ-UBND: ")
    assert asked.texts[CHAT].endswith("\nVăn bản 04/CĐ-UBND, người ký: Nguyễn Văn Mẫu.")
    assert not office.zalo.left


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"kind": "directive", "urgency": "hoa-toc", "signer": "A"}, {"document_missing"}),
        ({"kind": "directive", "urgency": "hoa-toc", "document_number": "4/CĐ-UBND"}, {"document_signer_missing"}),
        ({"kind": "directive", "urgency": "hoa-toc", "mode": "exercise"}, set()),
        ({"kind": "directive", "urgency": "khan"}, set()),
        ({"kind": "alert", "urgency": "hoa-toc"}, set()),
    ],
)
async def test_what_the_document_rule_asks_of_whom(office, values, missing):
    shown = await office.desk.preview(draft(audience=codes(office), **values))
    assert {problem.key for problem in shown.problems} == missing
    assert all(problem.draft_ok for problem in shown.problems)


@pytest.mark.parametrize("number", ["công điện 4", "4", "/CĐ", "4/", "x" * 61, "04/CĐ\n05/CĐ"])
async def test_a_number_that_is_none_is_refused_at_once(office, number):
    with pytest.raises(Refusal) as refused:
        await office.desk.draft(draft(audience=codes(office), document_number=number), OFFICER)
    assert "document_form" in keys(refused.value)


async def test_number_and_signer_are_part_of_what_is_approved(office):
    hashes = set()
    for number, signer in (("4/CĐ-UBND", "A"), ("5/CĐ-UBND", "A"), ("4/CĐ-UBND", "B")):
        made = await office.desk.draft(
            draft(audience=codes(office), text="x", document_number=number, signer=signer), OFFICER
        )
        hashes.add((await office.desk.submit(made.code, OFFICER)).content_hash)
    assert len(hashes) == 3


def test_a_text_that_names_its_document_gets_no_second_line():
    assert with_document("Công điện 04/cđ-ubnd về bão", "04/CĐ-UBND", "A") == "Công điện 04/cđ-ubnd về bão"
    assert titled("CĐ 04/CĐ-UBND", "04/CĐ-UBND") == "CĐ 04/CĐ-UBND"
    assert clean_number("807 / vpcp – kstt") == "807/VPCP-KSTT"


# -- marks -------------------------------------------------------------------------------------------------------------


async def test_an_exercise_says_so_in_every_text_that_leaves_and_in_its_title(office):
    view = await sent(office, mode="exercise", text="Kiểm tra liên lạc")
    assert view.texts[CHAT].startswith(MARK_CHAT + "\n")
    assert view.texts[SMS_LEADER].startswith(MARK_SMS + ". ")
    assert view.title.startswith("DIỄN TẬP – ")
    await office.room.until(lambda: len(office.zalo.left) == 9)
    await office.room.clockwork.tick_escalation()
    await office.room.until(lambda: office.sms.left)
    assert all(one.text.startswith(MARK_CHAT) for one in office.zalo.left)
    assert all(one.text.startswith(MARK_SMS) for one in office.sms.left)


async def test_the_mark_counts_in_the_parts_of_an_sms(office):
    text = "a" * (160 - len(MARK_SMS))
    await office.numbers("dan", range(84900001000, 84900001002), office.room.ledger.files.parent)
    plain = await office.desk.preview(draft(text=text, audience="list:dan"))
    marked = await office.desk.preview(draft(text=text, audience="list:dan", mode="exercise"))
    assert (plain.sms["segments"], marked.sms["segments"]) == (1, 2)
    assert measure(marked.texts[SMS]).segments == 2


@pytest.mark.parametrize(
    "text", [f"{MARK_CHAT}: sơ tán", "dien tap - khong phai that. So tan", "Thử hệ thống - không phải thật"]
)
async def test_an_actual_message_may_not_look_like_an_exercise(office, text):
    with pytest.raises(Refusal) as refused:
        await office.desk.draft(draft(text=text, audience=codes(office)), OFFICER)
    assert keys(refused.value) == {"actual_says_exercise"}


# -- never actual ------------------------------------------------------------------------------------------------------


async def test_a_draft_that_changes_its_mode_begins_anew_and_one_that_was_asked_for_cannot(office):
    made = await office.desk.draft(draft(audience=codes(office), mode="exercise"), OFFICER)
    changed = await office.desk.edit(made.code, draft(audience=codes(office)), OFFICER)
    assert (changed.mode, changed.version, changed.content_hash) == ("actual", 2, "")
    assert not changed.texts[CHAT].startswith(MARK_CHAT)
    await office.desk.submit(made.code, OFFICER)
    await office.desk.give_back(made.code, "sửa lời", APPROVER)
    with pytest.raises(Refusal) as refused:
        await office.desk.edit(made.code, draft(audience=codes(office), mode="exercise"), OFFICER)
    assert (refused.value.kind, refused.value.key) == (RefusalKind.WRONG_STATE, "mode_fixed")


@pytest.mark.parametrize(("old", "new"), [("exercise", "actual"), ("actual", "exercise"), ("test", "actual")])
async def test_one_mode_never_replaces_another(office, old, new):
    first = await sent(office, mode=old)
    with pytest.raises(Refusal) as refused:
        await office.desk.supersede(first.code, draft(audience=codes(office), mode=new), OFFICER)
    assert "supersede_mode" in keys(refused.value)
    again = await office.desk.supersede(first.code, None, OFFICER)
    assert again.mode == old


async def test_an_answer_to_an_exercise_confirms_nothing_actual(office):
    actual = await sent(office, text="thật")
    drill = await sent(office, mode="exercise", text="tập")
    unit = office.units.all[0].code
    acks = office.desk._acknowledgements
    await acks.confirm(drill.id, unit, 1, "Chủ tịch mẫu", "sms.one", datetime.fromtimestamp(office.clock.at + 5, UTC))
    assert {row.unit: row.state for row in await office.desk.rollcall(drill.code)}[unit] == "acknowledged"
    assert {row.unit: row.state for row in await office.desk.rollcall(actual.code)}[unit] == "awaiting"


# -- the result --------------------------------------------------------------------------------------------------------


async def test_after_half_an_hour_the_result_is_kept_for_good(office):
    drill = await sent(office, mode="exercise")
    exercises = Exercises(office.room.ledger, office.room.bus, office.units, office.clock)
    acks, units = office.desk._acknowledgements, [unit.code for unit in office.units.all[:10]]
    began = office.clock.at

    async def answer(unit, seconds):
        at = datetime.fromtimestamp(began + seconds, UTC)
        await acks.confirm(drill.id, unit, 1, f"Người {unit}", "zalo.user", at)

    for place, unit in enumerate(units[:7]):
        await answer(unit, 60 + place)
    office.clock.at = began + RESULT_AFTER_SECONDS - 1
    assert await exercises.tick() == 0
    assert await exercises.result(drill.code) is None
    await answer(units[7], RESULT_AFTER_SECONDS + 5)
    office.clock.at = began + 4 * 3600
    assert await exercises.tick() == 1
    assert await exercises.tick() == 0
    result = await exercises.result(drill.code)
    assert (result.answered, result.total) == (7, 10)
    assert len(result.silent) == 3
    assert result.units[0].answered is False
    by_unit = {one.unit: one for one in result.units}
    assert (by_unit[units[0]].seconds, by_unit[units[0]].channel) == (60, "zalo.user")
    assert (by_unit[units[7]].answered, by_unit[units[7]].seconds) == (False, None)
    await answer(units[9], 5 * 3600)
    assert (await exercises.result(drill.code)).answered == 7
    shown = (await office.desk.view(drill.code)).exercise_result
    assert (shown["answered"], shown["total"], set(shown["silent"])) == (7, 10, set(units[7:]))
    assert "exercise_result" in [event.event for event in await office.desk.events(drill.code)]


async def test_what_is_actual_or_was_withdrawn_has_no_result(office):
    actual, drill = await sent(office), await sent(office, mode="exercise", text="tập")
    exercises = Exercises(office.room.ledger, office.room.bus, office.units, office.clock)
    await office.desk.cancel(drill.code, "nhầm", OFFICER)
    office.clock.at += 3600
    assert await exercises.tick() == 0
    assert await exercises.result(drill.code) is None
    with pytest.raises(Refusal) as refused:
        await exercises.result(actual.code)
    assert refused.value.key == "not_an_exercise"
