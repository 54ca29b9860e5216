"""S9, S10, S11 and the manners: what residents get, what rings, and when we keep silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.contract import IncomingKind
from store import alarms, conversations, inbox, opt_outs
from tests.scenario.bot_office import Office, code_of
from text.safe import is_safe
from text.segments import measure

RESIDENT = "84933333333"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await office.begin()
    yield office
    await office.end()


def is_one_safe_part(text: str) -> bool:
    return is_safe(text) and len(measure(text).parts) == 1


# -- S9: places ---------------------------------------------------------------------------------------------------


async def test_s9_an_old_name_is_answered_for_the_new_unit_and_says_so(office: Office) -> None:
    (answer,) = await office.hears("sotan ngu loc", RESIDENT)
    assert "Van Loc" in answer
    assert "Ngu Loc" in answer
    assert is_one_safe_part(answer)
    assert (await office.last()).state == "answered"


async def test_s9_two_units_of_one_name_are_asked_for_and_a_number_answers(office: Office) -> None:
    (question,) = await office.hears("SOTAN dong tien", RESIDENT)
    assert question == "Anh/chi o: 1. Phuong Dong Tien 2. Xa Dong Tien? Tra loi 1 hoac 2"
    office.clock.at += 1_790
    (second,) = await office.hears("2", RESIDENT)
    assert "Xa Dong Tien" in second
    (first,) = await office.hears("1", RESIDENT)
    assert "Phuong Dong Tien" in first
    office.clock.at += 1_801
    (menu,) = await office.hears("2", RESIDENT)
    assert "Dong Tien" not in menu
    assert (await office.last()).note == "menu"


async def test_s9_a_name_answers_the_question_too_and_a_wrong_number_asks_again(office: Office) -> None:
    (question,) = await office.hears("SOTAN dong tien", RESIDENT)
    assert await office.hears("3", RESIDENT) == [question]
    (answer,) = await office.hears("xã Đồng Tiến ạ", RESIDENT)
    assert "Xa Dong Tien" in answer


async def test_a_question_without_a_unit_is_asked_back_and_a_name_answers(office: Office) -> None:
    (question,) = await office.hears("sơ tán ở đâu ạ", RESIDENT)
    assert "xa, phuong" in question
    (answer,) = await office.hears("hoang chau", RESIDENT)
    assert "Xa Hoang Chau" in answer


async def test_an_official_who_asks_means_the_own_unit(office: Office) -> None:
    chairman = await office.register("Xã Hoằng Châu")
    (answer,) = await office.hears("SOTAN", chairman.phone)
    assert "Xa Hoang Chau" in answer


async def test_questions_are_kept_apart_by_person(office: Office) -> None:
    await office.hears("SOTAN dong tien", RESIDENT)
    (menu,) = await office.hears("2", "84944444444")
    assert "Dong Tien" not in menu


@pytest.mark.parametrize(
    "text",
    [
        "TRUCBAN", "DVC", "BCCI", "VNEID", "TROGIUP", "THOITIET HAU LOC", "BAO", "MUA", "LU CAM THUY", "HOCHUA CUA DAT",
        "DE SONG CHU", "SATLO QUAN SON", "SOTAN HOANG CHAU", "HUY",
    ],
)  # fmt: skip
async def test_every_keyword_is_answered_in_one_safe_part_and_in_chat(office: Office, text: str) -> None:
    answers = await office.hears(text, RESIDENT)
    assert len(answers) == 1
    assert is_one_safe_part(answers[0])
    assert len(await office.hears(text, "z-resident", "zalo.user")) == 1
    last = await office.last()
    assert (last.state, last.intent) == ("answered", text.split()[0])


# -- S10: rescue --------------------------------------------------------------------------------------------------

CRY = "cuu voi nuoc ngap den mai nha roi thon 3 xa van loc"


async def test_s10_a_cry_gets_112_at_once_and_rings_until_someone_takes_it(office: Office) -> None:
    async with office.room.bus.follow("alarms") as heard:
        (answer,) = await office.hears(CRY, RESIDENT)
        event = await anext(heard)
    assert answer.lower().startswith("goi ngay 112")
    assert is_one_safe_part(answer)
    (alarm,) = await office.ringing()
    assert (event["type"], event["id"], event["kind"]) == ("raised", alarm.id, "rescue")
    assert alarm.kind == "rescue"
    assert (alarm.detail["text"], alarm.detail["sender"], alarm.detail["units"]) == (
        CRY, RESIDENT, [code_of("Xã Vạn Lộc")]
    )  # fmt: skip
    assert (await office.last()).state == "human"
    await office.room.ledger.write(lambda tx: alarms.take(tx, alarm.id, "Nguyễn Trực", office.clock.at))
    assert await office.ringing() == []


@pytest.mark.parametrize(
    "text",
    [
        "Nhà em bị kẹt trên mái, cần cứu hộ gấp",
        "SOS",
        "cứu với",
        "ĐÉO ai cứu à, cứu với, kẹt trên mái rồi",
        "cứu với " + "nước lên " * 200,
        "nước lên " * 1_500 + " cứu với kẹt trên mái",
        "cứu với\x00\ufffd\ufffd",
    ],
)
async def test_a_cry_is_heard_in_any_dress(office: Office, text: str) -> None:
    (answer,) = await office.hears(text, RESIDENT)
    assert "112" in answer
    assert len(await office.ringing()) == 1


async def test_a_cry_is_never_limited_and_never_a_robot(office: Office) -> None:
    answers = [answer for _ in range(20) for answer in await office.hears("cứu với", RESIDENT)]
    assert len(answers) == 20
    assert len(await office.ringing()) == 20


async def test_a_cry_from_a_brandname_rings_without_an_answer(office: Office) -> None:
    assert await office.hears("cứu với", "VIETTEL") == []
    assert await office.hears("cứu với", "9029") == []
    assert len(await office.ringing()) == 2
    assert await office.hears("cứu với", "8077") == []  # ourselves
    assert len(await office.ringing()) == 2


async def test_a_cry_in_a_group_is_answered_there(office: Office) -> None:
    (answer,) = await office.in_group("cứu với, kẹt trên mái", "z-anyone")
    assert "112" in answer
    assert len(await office.ringing()) == 1


async def test_a_leader_who_cries_is_marked_in_need(office: Office) -> None:
    chairman = await office.register("Xã Vạn Lộc")
    no = await office.directive("TB0825-07")
    await office.hears("cứu với, trụ sở bị cuốn", chairman.zalo, "zalo.user")
    assert await office.state(no, chairman) == "needs_help"
    assert (await office.ringing())[0].detail["name"] == chairman.name


async def test_a_cry_rings_and_is_answered_even_when_nothing_can_be_read_of_who_cries(office: Office) -> None:
    spoilt = {"kind": "unit"}
    await office.room.ledger.write(lambda tx: conversations.ask(tx, "sms", RESIDENT, spoilt, office.clock.at + 60))
    assert await office.hears("xin chao", RESIDENT) == []
    assert (await office.last()).note == "failed"
    (answer,) = await office.hears(CRY, RESIDENT)
    assert answer.startswith("GOI NGAY 112")
    (alarm,) = await office.ringing()
    assert alarm.detail["units"] == [code_of("Xã Vạn Lộc")]
    assert (await office.last()).note == "rescue"


async def test_a_cry_is_answered_even_when_the_answers_are_broken(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise KeyError("template")

    monkeypatch.setattr(office.answering, "rescue", broken)
    (answer,) = await office.hears("cứu với", RESIDENT)
    assert answer.startswith("GOI NGAY 112")


async def test_a_crash_after_the_alarm_rings_once_and_answers_once(office: Office) -> None:
    await office.stop_listening()
    await office.intake.store([office.incoming("cứu với", RESIDENT, "sms.one")])
    message = (await office.room.ledger.read(lambda tx: inbox.waiting_for_life(tx, 0, 9)))[0]
    await office.room.ledger.write(
        lambda tx: alarms.raise_once(tx, "rescue", str(message.id), {"text": "cứu với"}, office.clock.at)
    )
    office.listen_again()
    await office.settled()
    assert len(await office.ringing()) == 1
    assert len(office.left("sms.one", RESIDENT)) == 1


# -- S11: accents decide ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("để em hỏi lại đã", "UNKNOWN"),
        ("bao gio co dien lai", "UNKNOWN"),
        ("mua bao hiem o dau", "UNKNOWN"),
        ("hồ Cửa Đạt có xả lũ không", "HOCHUA"),
        ("xa lu thuy dien cam thuy 1 may gio", "HOCHUA"),
        ("ro ri chan de xa Quy Loc", "DE"),
    ],
)
async def test_s11_accents_and_context_decide(office: Office, text: str, intent: str) -> None:
    (answer,) = await office.hears(text, RESIDENT)
    assert (await office.last()).intent == intent
    assert "Cam Thuy, " not in answer


async def test_a_damaged_dyke_is_read_by_an_officer_too(office: Office) -> None:
    await office.hears("ro ri chan de xa Quy Loc", RESIDENT)
    assert (await office.last()).state == "human"


# -- manners ------------------------------------------------------------------------------------------------------


async def test_a_stranger_gets_the_menu_once_a_day_and_a_person_reads_on(office: Office) -> None:
    (menu,) = await office.hears("alo", RESIDENT)
    assert "112" in menu
    assert await office.hears("có ai không", RESIDENT) == []
    assert [row.state for row in await queue(office)] == ["human", "human"]
    office.clock.at += 86_401
    assert await office.hears("alo lại", RESIDENT) == [menu]


async def test_five_answers_a_minute_then_silence(office: Office) -> None:
    keywords = ["DVC", "BCCI", "VNEID", "TRUCBAN", "TROGIUP", "MUA", "BAO"]
    answers = [answer for text in keywords for answer in await office.hears(text, RESIDENT)]
    assert len(answers) == 5
    assert ((await office.last()).state, (await office.last()).note) == ("ignored", "limited")
    office.clock.at += 61
    assert len(await office.hears("MUA", RESIDENT)) == 1


async def test_a_robot_is_answered_twice(office: Office) -> None:
    answers = [answer for _ in range(10) for answer in await office.hears("DVC", RESIDENT)]
    assert len(answers) == 2
    assert (await office.last()).note == "robot"


@pytest.mark.parametrize("sender", ["VIETTEL", "9029", "190012", "8077"])
async def test_brandnames_short_codes_and_ourselves_are_not_answered(office: Office, sender: str) -> None:
    assert await office.hears("DVC", sender) == []
    assert (await office.last()).state == "ignored"


@pytest.mark.parametrize(
    ("text", "note", "answers"),
    [("nước lên cao quá " * 50, "long", 1), ("đéo biết", "rude", 0), ("\x01\x02\x03\x04ab", "binary", 0)],
)
async def test_what_only_a_person_should_read(office: Office, text: str, note: str, answers: int) -> None:
    assert len(await office.hears(text, RESIDENT)) == answers
    last = await office.last()
    assert (last.state, last.note, last.text) == ("human", note, text)


@pytest.mark.parametrize(
    "text", ["", "😀", "x" * 10_000, "<script>alert(1)</script> @all {unit} %s", "मदद привет", "\u202e\u200b"]
)
async def test_odd_texts_get_no_crash_no_leak_no_storm(office: Office, text: str) -> None:
    answers = [answer for _ in range(5) for answer in await office.hears(text, RESIDENT)]
    assert len(answers) <= 2
    assert all(is_one_safe_part(answer) and "script" not in answer for answer in answers)
    assert {row.note for row in await queue(office)}.isdisjoint({"failed"})


async def test_replies_to_replies_end(office: Office) -> None:
    """Another machine that sends back whatever it gets."""
    text, count = "DVC", 0
    for _ in range(20):
        answers = await office.hears(text, RESIDENT)
        if not answers:
            break
        count, text = count + 1, answers[0]
    assert count <= 5


async def test_huy_stops_campaigns_and_says_that_warnings_go_on(office: Office) -> None:
    (answer,) = await office.hears("HUY", RESIDENT)
    assert "canh bao" in answer
    assert await office.room.ledger.read(lambda tx: opt_outs.has(tx, int(RESIDENT)))


@pytest.mark.parametrize("word", ["DANGKY", "đăng ký lại", "BATLAI", "nhan lai tin"])
async def test_after_huy_a_word_brings_campaigns_back(office: Office, word: str) -> None:
    (answer,) = await office.hears("HUY", RESIDENT)
    assert "DANGKY" in answer
    (answer,) = await office.hears(word, RESIDENT)
    assert answer.startswith("Da gui lai tin tuyen truyen")
    assert not await office.room.ledger.read(lambda tx: opt_outs.has(tx, int(RESIDENT)))
    (answer,) = await office.hears(word, RESIDENT)
    assert answer.startswith("So nay chua ngung")


async def test_huy_in_a_chat_is_for_the_numbers_of_that_person(office: Office) -> None:
    chairman = await office.register("Xã Vạn Lộc")
    (answer,) = await office.hears("HUY", chairman.zalo, "zalo.user")
    assert "Công điện" in answer
    assert "DANGKY" in answer
    assert await office.room.ledger.read(lambda tx: opt_outs.has(tx, int(chairman.phone)))
    await office.hears("DANGKY", chairman.phone)
    assert not await office.room.ledger.read(lambda tx: opt_outs.has(tx, int(chairman.phone)))
    await office.hears("HUY", "a-stranger", "zalo.user")


async def test_an_official_cannot_opt_out_of_directives(office: Office) -> None:
    chairman = await office.register("Xã Vạn Lộc")
    (answer,) = await office.hears("khong nhan tin nua", chairman.phone)
    assert "Cong dien" in answer
    assert "Xa Van Loc" in answer
    no = await office.directive("TB0825-07")
    await office.hears("dạ rõ", chairman.phone)
    assert await office.state(no, chairman) == "acknowledged"


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (IncomingKind.FOLLOW, "ignored"), (IncomingKind.UNFOLLOW, "ignored"), (IncomingKind.JOIN, "ignored"),
        (IncomingKind.LEAVE, "ignored"), (IncomingKind.WITHDRAW, "human"), (IncomingKind.MEDIA, "human"),
    ],
)  # fmt: skip
async def test_events_without_words(office: Office, kind: IncomingKind, state: str) -> None:
    await office.hears("", "z-resident", "zalo.user", kind=kind)
    assert (await office.last()).state == state


async def test_a_message_of_bytes_is_read_by_a_person(office: Office) -> None:
    assert await office.hears("", RESIDENT, kind=IncomingKind.OTHER, raw=b"\x00\x01") == []
    assert ((await office.last()).state, (await office.last()).note) == ("human", "binary")


async def test_group_talk_is_not_answered_but_orders_are(office: Office) -> None:
    for text in ("mưa to quá các bác", "ai trực ban hôm nay", "alo", "😀"):
        assert await office.in_group(text, "z-someone") == []
        assert (await office.last()).state == "ignored"
    assert len(await office.in_group("SOTAN HOANG CHAU", "z-someone")) <= 1


async def test_a_bad_answer_goes_to_a_person_and_the_next_is_answered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("template")

    with monkeypatch.context() as patched:
        patched.setattr(office.answering, "answer", broken)
        assert await office.hears("DVC", RESIDENT) == []
        assert ((await office.last()).state, (await office.last()).note) == ("human", "failed")
    assert len(await office.hears("DVC", RESIDENT)) == 1


async def test_a_cry_overtakes_a_flood(office: Office) -> None:
    await office.stop_listening()
    flood = [office.incoming("DVC", f"8495{n:07}", "sms.one") for n in range(400)]
    await office.intake.store([*flood, office.incoming("cứu với", RESIDENT, "sms.one")])
    office.listen_again()
    await office.settled()
    place = [one.to for one in office.sms.left].index(RESIDENT)
    assert place < 100  # the flood's first messages are handled beside it, never its backlog
    assert len(office.sms.left) == 401


async def queue(office: Office) -> list[inbox.InboxRow]:
    return await office.room.ledger.read(lambda tx: inbox.listing(tx, "human"))
