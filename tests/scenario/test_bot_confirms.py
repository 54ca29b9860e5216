"""S1, S5: what counts as a confirmation, for which directive, and what never does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import inbox, rollcalls
from tests.scenario.bot_office import Office, code_of
from text.safe import is_safe

SON_DIEN, VAN_LOC = "Xã Sơn Điện", "Xã Vạn Lộc"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await office.begin()
    yield office
    await office.end()


@pytest.mark.parametrize("text", ["Dạ rõ ạ", "da ro", "ok ạ", "OK", "đã nhận", "đã nhận đủ ạ", "vâng ạ", "DANHAN"])
async def test_one_open_directive_is_confirmed_by_the_ordinary_words(office: Office, text: str) -> None:
    chairman = await office.register(SON_DIEN)
    other = await office.register(VAN_LOC)
    no = await office.directive("TB0825-07", "Bão số 5")
    office.clock.at += 90
    assert await office.hears(text, chairman.phone) == [
        "Da ghi nhan: Xa Son Dien xac nhan tin TB0825-07 luc 02:21 ngay 25/8. Cam on anh/chi."
    ]
    row = await office.room.ledger.read(lambda tx: rollcalls.one(tx, no, chairman.unit))
    assert row is not None
    assert (row.state, row.person_name, row.via, row.seconds) == ("acknowledged", chairman.name, "sms.one", 90.0)
    assert await office.state(no, other) == "awaiting"
    last = await office.last()
    assert (last.state, last.intent, last.broadcast_no, last.unit_code) == ("acknowledged", "DANHAN", no, chairman.unit)


async def test_the_answer_goes_back_by_the_same_way_in_its_form(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    await office.directive("TB0825-07")
    assert await office.hears("dạ rõ", chairman.zalo, "zalo.user") == [
        "Đã ghi nhận: Xã Sơn Điện xác nhận tin TB0825-07 lúc 02:20 ngày 25/8. Cảm ơn anh/chị."
    ]
    assert office.sms.left == []


@pytest.mark.parametrize("text", ["ok", "Dạ rõ ạ", "DANHAN TB0825-07", "ACK TB0825-07", "1", "đã nhận công điện 04"])
@pytest.mark.parametrize("channel", ["sms.one", "zalo.user", "zalo.group"])
async def test_a_stranger_confirms_nothing(office: Office, text: str, channel: str) -> None:
    await office.register(SON_DIEN)
    await office.directive("TB0825-07", "CĐ 04")
    stranger = "84911111111" if channel == "sms.one" else "z-stranger"
    if channel == "zalo.group":
        assert await office.in_group(text, stranger) == []
    else:
        first, second = await office.hears(text, stranger, channel), await office.hears(text, stranger, channel)
        assert len(first) == 1
        assert "112" in first[0]
        assert second == []
    assert await office.acknowledged() == 0
    assert (await office.last()).state in ("human", "ignored")


async def test_a_pressed_button_confirms_and_a_second_press_is_told_so(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    no = await office.directive("TB0825-07")
    first = await office.hears("", chairman.zalo, "zalo.user", payload="ACK TB0825-07")
    again = await office.hears("#ACK TB0825-07", chairman.zalo, "zalo.user")
    assert "Đã ghi nhận" in first[0]
    assert again == ["Xã Sơn Điện đã xác nhận tin TB0825-07 trước đó rồi, không cần xác nhận lại."]
    assert await office.state(no, chairman) == "acknowledged"


async def test_another_contact_of_the_unit_confirms_for_it_once(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    deputy = await office.register(SON_DIEN, "Phó Chủ Tịch", "deputy")
    no = await office.directive("TB0825-07")
    await office.hears("dạ rõ", deputy.zalo, "zalo.user")
    assert await office.hears("dạ rõ", chairman.zalo, "zalo.user") == [
        f"Xã Sơn Điện đã xác nhận tin TB0825-07 rồi (người xác nhận: {deputy.name}), không cần xác nhận lại."
    ]
    row = await office.room.ledger.read(lambda tx: rollcalls.one(tx, no, chairman.unit))
    assert row is not None
    assert row.person_name == deputy.name


async def test_with_several_open_it_asks_which_and_a_number_tells(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    first = await office.directive("TB0825-06", "CĐ 04")
    second = await office.directive("TB0825-07", "CĐ 05")
    assert await office.hears("dạ rõ", chairman.phone) == [
        "Anh/chi xac nhan: 1. TB0825-07 (CD 05) 2. TB0825-06 (CD 04)? Tra loi 1 hoac 2"
    ]
    assert await office.acknowledged() == 0
    office.clock.at += 1_000
    assert "TB0825-06" in (await office.hears("2 ạ", chairman.phone))[0]
    assert [await office.state(no, chairman) for no in (first, second)] == ["acknowledged", "awaiting"]
    # One is left now: the plain words are enough again.
    assert "TB0825-07" in (await office.hears("ok", chairman.phone))[0]
    assert await office.state(second, chairman) == "acknowledged"


async def test_a_number_after_half_an_hour_means_nothing(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    await office.directive("TB0825-06")
    await office.directive("TB0825-07")
    await office.hears("dạ rõ", chairman.phone)
    office.clock.at += 1_801
    await office.hears("2", chairman.phone)
    assert await office.acknowledged() == 0
    assert (await office.last()).state == "human"


async def test_the_question_survives_a_restart_and_is_asked_again_for_a_wrong_number(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    no = await office.directive("TB0825-06")
    await office.directive("TB0825-07")
    await office.hears("dạ rõ", chairman.phone)
    await office.stop_listening()
    office.listen_again()
    assert await office.hears("5", chairman.phone) == ["Anh/chi xac nhan: 1. TB0825-07 2. TB0825-06? Tra loi 1 hoac 2"]
    await office.hears("2", chairman.phone)
    assert await office.state(no, chairman) == "acknowledged"
    await office.hears("cả hai ạ", chairman.phone)
    assert await office.acknowledged() == 2


@pytest.mark.parametrize(
    "text", ["DANHAN TB0825-06", "đã nhận tb0825 06", "da nhan cd 04 cua ubnd tinh", "DANHAN 04/CĐ-UBND"]
)
async def test_a_code_or_a_document_number_names_it(office: Office, text: str) -> None:
    chairman = await office.register(SON_DIEN)
    named = await office.directive("TB0825-06", "Công điện 04/CĐ-UBND")
    other = await office.directive("TB0825-07", "Công điện 05/CĐ-UBND")
    await office.hears(text, chairman.phone)
    assert [await office.state(no, chairman) for no in (named, other)] == ["acknowledged", "awaiting"]


async def test_a_document_that_is_not_open_never_confirms_another(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    await office.directive("TB0825-07", "Bão số 5")
    assert await office.hears("đã nhận công điện số 7", chairman.phone) == [
        "Anh/chi xac nhan: 1. TB0825-07 (Bao so 5)? Dung thi tra loi 1"
    ]
    assert await office.acknowledged() == 0
    await office.hears("1", chairman.phone)
    assert await office.acknowledged() == 1


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("đã nhận công điện 04 và công điện 05", ["acknowledged", "acknowledged", "awaiting"]),
        ("đã nhận TB0825-11 và TB0825-13", ["acknowledged", "awaiting", "acknowledged"]),
        ("đã nhận công điện 04 và công điện 12", ["awaiting", "awaiting", "awaiting"]),
    ],
)
async def test_several_documents_in_one_message(office: Office, text: str, states: list[str]) -> None:
    chairman = await office.register(SON_DIEN)
    numbers = [
        await office.directive(code, title)
        for code, title in (("TB0825-11", "CĐ 04"), ("TB0825-12", "CĐ 05"), ("TB0825-13", "Bão số 9"))
    ]
    assert len(await office.hears(text, chairman.phone)) == 1
    assert [await office.state(no, chairman) for no in numbers] == states


async def test_an_unknown_code_is_said_to_be_unknown(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    await office.directive("TB0825-07")
    answer = await office.hears("DANHAN TB0825-99", chairman.phone)
    assert answer == ["Khong co tin mang ma TB0825-99. Anh/chi xem lai ma o dong dau cua tin, vi du: DANHAN TB0825-07."]
    assert await office.acknowledged() == 0


async def test_s1_a_superseded_directive_points_to_the_new_one(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    old = await office.directive("TB0825-06")
    new = await office.directive("TB0825-07")
    await office.supersede(old, new)
    assert await office.hears("DANHAN TB0825-06", chairman.phone) == [
        "Tin TB0825-06 da duoc thay bang TB0825-07. Vui long xac nhan: DANHAN TB0825-07"
    ]
    assert await office.acknowledged() == 0
    await office.hears("DANHAN TB0825-07", chairman.phone)
    assert [await office.state(no, chairman) for no in (old, new)] == ["awaiting", "acknowledged"]


async def test_s15_a_recalled_directive_is_said_to_be_recalled(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    no = await office.directive("TB0825-07")
    await office.set_state(no, "cancelled")
    assert await office.hears("DANHAN TB0825-07", chairman.phone) == ["Tin TB0825-07 da thu hoi, khong can xac nhan."]
    assert await office.state(no, chairman) == "awaiting"


async def test_a_late_confirmation_is_written_down_as_late(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    no = await office.directive("TB0825-07")
    await office.settled()
    await office.set_state(no, "closed")
    answer = await office.hears("DANHAN TB0825-07", chairman.phone)
    assert answer == ["Da ghi nhan (muon): Xa Son Dien xac nhan tin TB0825-07 luc 02:20 ngay 25/8."]
    assert await office.state(no, chairman) == "acknowledged_late"


async def test_plain_words_confirm_what_closed_lately(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    numbers = [await office.directive(f"TB0825-0{n}") for n in (6, 7)]
    await office.settled()
    for no in numbers:
        await office.set_state(no, "closed")
    question = "Anh/chi xac nhan: 1. TB0825-07 2. TB0825-06? Tra loi 1 hoac 2"
    assert await office.hears("dạ rõ", chairman.phone) == [question]
    await office.hears("1", chairman.phone)
    await office.hears("dạ rõ ạ", chairman.phone)
    assert [await office.state(no, chairman) for no in numbers] == ["acknowledged_late", "acknowledged_late"]
    office.clock.at += 86_401
    assert "Hien khong co tin nao" in (await office.hears("dạ rõ", chairman.phone))[0]


async def test_nothing_open_and_informed_only(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    member = await office.register("", "Phó Trưởng ban", "member")
    assert await office.hears("dạ rõ", chairman.phone) == [
        "Hien khong co tin nao cho Xa Son Dien xac nhan. Khan cap goi 112."
    ]
    assert await office.hears("dạ rõ", member.phone) == ["So cua anh/chi nhan tin de bao cao, khong can xac nhan."]


async def test_a_directive_to_others_is_not_confirmed(office: Office) -> None:
    await office.register(VAN_LOC)
    await office.directive("TB0825-07")
    chairman = await office.register(SON_DIEN)
    assert await office.hears("DANHAN TB0825-07", chairman.phone) == [
        "Tin TB0825-07 khong gui cho Xa Son Dien, khong can xac nhan."
    ]
    assert await office.acknowledged() == 0


async def test_a_group_is_heard_and_not_talked_to(office: Office) -> None:
    members = [await office.register(name) for name in (SON_DIEN, VAN_LOC)]
    no = await office.directive("TB0825-07")
    for member in members:
        assert await office.in_group("dạ rõ", member.zalo) == []
    assert [await office.state(no, member) for member in members] == ["acknowledged", "acknowledged"]
    assert await office.in_group("chúc mọi người ngủ ngon", members[0].zalo) == []
    assert (await office.last()).state == "ignored"


async def test_a_group_with_several_open_is_asked_twice_a_minute_at_most(office: Office) -> None:
    members = [await office.register(SON_DIEN, f"Người {n}") for n in range(6)]
    for code in ("TB0825-06", "TB0825-07"):
        await office.directive(code)
    answers = [answer for member in members for answer in await office.in_group("rõ", member.zalo)]
    assert len(answers) == 2
    assert all("Xã Sơn Điện" in answer for answer in answers)
    # Who was not asked is not understood by a number that answers somebody else's question.
    await office.in_group("1", members[5].zalo)
    assert await office.acknowledged() == 0
    await office.in_group("1", members[0].zalo)
    assert await office.acknowledged() == 1


async def test_an_answer_to_one_of_our_messages_names_that_one(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    first = await office.directive("TB0825-06")
    await office.settled()
    quoted = f"id-{office.zalo.left[0].delivery_id}-1"
    second = await office.directive("TB0825-07")

    def known(tx):
        return inbox.broadcast_answered(tx, "zalo.user", quoted) == first

    await office.room.until(lambda: office.room.ledger.read(known))
    await office.hears("dạ rõ", chairman.zalo, "zalo.user", reply_to=quoted)
    assert [await office.state(no, chairman) for no in (first, second)] == ["acknowledged", "awaiting"]


async def test_a_text_that_names_another_unit_is_shown_to_an_officer(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    no = await office.directive("TB0825-07")
    await office.hears("Xã Vạn Lộc đã nhận ạ", chairman.zalo, "zalo.user")
    last = await office.last()
    assert (last.state, last.note, last.unit_code, last.broadcast_no) == ("human", "other_unit", chairman.unit, no)
    assert await office.state(no, chairman) == "acknowledged"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("đã nhận, xã cần hỗ trợ gấp 2 thuyền", "needs_help"),
        ("de nghi chi vien luc luong", "needs_help"),
        ("dạ rõ", "acknowledged"),
        ("hiện chưa cần hỗ trợ ạ", "awaiting"),
    ],
)
async def test_a_leader_who_needs_help_is_seen(office: Office, text: str, state: str) -> None:
    chairman = await office.register(SON_DIEN)
    no = await office.directive("TB0825-07")
    answer = await office.hears(text, chairman.phone)
    assert len(answer) == 1
    assert await office.state(no, chairman) == state
    assert (await office.last()).state == ("acknowledged" if state == "acknowledged" else "human")


@pytest.mark.parametrize(
    "text", ["👍", "đã xem", "để em hỏi lại đã", "alo", "rò rỉ chân đê", "chưa nhận được", "không rõ"]
)
async def test_what_is_no_confirmation(office: Office, text: str) -> None:
    chairman = await office.register(SON_DIEN)
    await office.directive("TB0825-07")
    await office.hears(text, chairman.phone)
    assert await office.acknowledged() == 0


async def test_the_same_event_fifty_times_is_one_answer(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    await office.directive("TB0825-07")
    message = office.incoming("dạ rõ", chairman.phone, "sms.one")
    await asyncio.gather(*(office.intake.store([message]) for _ in range(50)))
    await office.settled()
    assert len(office.left("sms.one", chairman.phone)) == 1
    assert await office.acknowledged() == 1


@pytest.mark.parametrize("at", ["stored", "answered"])
async def test_a_crash_before_or_after_the_answer_still_answers_once(
    office: Office, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chairman = await office.register(SON_DIEN)
    await office.directive("TB0825-06")
    no = await office.directive("TB0825-07")
    if at == "stored":
        await office.stop_listening()
        await office.intake.store([office.incoming("DANHAN TB0825-07", chairman.phone, "sms.one")])
        assert office.left("sms.one", chairman.phone) == []
    else:
        died, send = asyncio.Event(), office.desk.send_single

        async def power_cut(*args: object, **more: object) -> None:
            await send(*args, **more)  # type: ignore[arg-type]
            died.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patched:
            patched.setattr(office.desk, "send_single", power_cut)
            await office.intake.store([office.incoming("DANHAN TB0825-07", chairman.phone, "sms.one")])
            await died.wait()
            await office.stop_listening()
        assert (await office.last()).state == "acknowledged", "answer and record are one transaction"
    office.listen_again()
    await office.settled()
    assert len(office.left("sms.one", chairman.phone)) == 1
    assert await office.state(no, chairman) == "acknowledged"
    assert (await office.last()).state == "acknowledged"


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(max_size=60) | st.sampled_from(["ok", "1", "ACK TB0825-07", "dạ rõ", "TB0825-07"]), max_size=8
    )
)
def test_no_text_of_a_stranger_ever_confirms(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    async def scenario() -> None:
        office = Office(tmp_path_factory.mktemp("stranger"))
        await office.begin()
        try:
            await office.register(SON_DIEN)
            await office.directive("TB0825-07")
            batch = [office.incoming(text, "84922222222", "sms.one") for text in texts]
            batch += [office.incoming(text, "z-else", "zalo.group", chat="the-group", is_group=True) for text in texts]
            await office.intake.store(batch)
            await office.settled()
            assert await office.acknowledged() == 0
            assert all(is_safe(text) for text in office.left("sms.one", "84922222222"))
        finally:
            await office.end()

    asyncio.run(scenario())


async def test_answers_are_limited_and_confirmations_are_not(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    numbers = [await office.directive(f"TB0825-{n:02}") for n in range(1, 9)]
    answers = [answer for n in range(1, 9) for answer in await office.hears(f"DANHAN TB0825-{n:02}", chairman.phone)]
    assert len(answers) == 5
    assert {await office.state(no, chairman) for no in numbers} == {"acknowledged"}
    assert code_of(SON_DIEN) == chairman.unit
