"""Manners, numbered questions, designations and sentences: tables and properties, no ledger."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import conversation, designation, manners, wording
from bot.conversation import Choice, Question
from store.inbox import Past
from text.safe import is_safe
from text.segments import measure

NOW = 1_756_062_000.0
WORDING = wording.load()
TWO = Question("directive", (Choice("TB0825-07", "TB0825-07"), Choice("TB0825-06", "TB0825-06")), "DANHAN")
PLACES = Question("unit", (Choice("15853", "Phường Đông Tiến"), Choice("15724", "Xã Đồng Tiến")), "SOTAN")
LONGEST_UNIT = "Phường Hoằng Quang Trung"  # longer than any of the 166
LONGEST_CODE = "TB1225-123"


@dataclass
class Directive:
    code: str
    title: str


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("1", ["TB0825-07"]),
        (" 2. ", ["TB0825-06"]),
        ("dạ số 2 ạ", ["TB0825-06"]),
        ("chọn 1 nhé", ["TB0825-07"]),
        ("1 và 2", ["TB0825-07", "TB0825-06"]),
        ("1,2", ["TB0825-07", "TB0825-06"]),
        ("DANHAN 2", ["TB0825-06"]),
        ("cả hai ạ", ["TB0825-07", "TB0825-06"]),
        ("２", ["TB0825-06"]),
    ],
)
def test_a_number_names_what_was_asked(text: str, codes: list[str]) -> None:
    chosen = conversation.chosen(text, TWO, WORDING.choice)
    assert chosen is not None
    assert [choice.code for choice in chosen] == codes


@pytest.mark.parametrize("text", ["3", "0", "1 2 7", "99"])
def test_a_number_that_was_not_offered_asks_again(text: str) -> None:
    assert conversation.chosen(text, TWO, WORDING.choice) == ()


@pytest.mark.parametrize(
    "text", ["dạ rõ", "ok", "112", "", "😀", "BC TM12", "thôn 2 bị ngập", "xã vạn lộc", "2 người mất tích"]
)
def test_other_texts_answer_no_question(text: str) -> None:
    assert conversation.chosen(text, TWO, WORDING.choice) is None


def test_one_place_only() -> None:
    assert conversation.chosen("1 2", PLACES, WORDING.choice) == ()
    assert conversation.chosen("ca hai", PLACES, WORDING.choice) is None
    assert conversation.chosen("2", PLACES, WORDING.choice) == (PLACES.choices[1],)


def test_a_question_survives_storage() -> None:
    assert conversation.from_json(conversation.to_json(PLACES)) == PLACES


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("DANHAN TB0825-07", ["TB0825-07"]),
        ("danhan tb0825-7", ["TB0825-07"]),
        ("đã nhận TB 0825–07 ạ", ["TB0825-07"]),
        ("tb0825 07", ["TB0825-07"]),
        ("tb0825.07 va tb0825-06", ["TB0825-07", "TB0825-06"]),
        ("ＴＢ0825-07", ["TB0825-07"]),
        ("DANHAN TB082507", ["TB0825-07"]),
        ("DANHAN 0825-07", ["TB0825-07"]),
        ("danhan tb0825-123", ["TB0825-123"]),
        ("da nhan cd 04", []),
        ("da nhan luc 1300-15", []),
        ("goi 0237 3850 123", []),
        ("TB0825", []),
        ("XTB0825-07", []),
    ],
)
def test_codes_are_found_as_people_type_them(text: str, codes: list[str]) -> None:
    assert list(designation.codes_in(text)) == codes


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("ACK TB0825-07", "TB0825-07"),
        ("#ACK TB0825-07", "TB0825-07"),
        ("ack tb0825-07 ", "TB0825-07"),
        ("ACK", None),
        ("ACK 12345", None),
        ("BACK TB0825-07", None),
        ("ACK TB0825-07; DROP TABLE inbox", None),
        ("", None),
    ],
)
def test_a_pressed_button_names_a_code(payload: str, code: str | None) -> None:
    assert designation.pressed_code(payload) == code


@pytest.mark.parametrize(
    ("document", "said", "surely", "perhaps"),
    [
        ("04/CĐ-UBND", "da nhan", ["TB0825-07"], ["TB0825-07"]),
        ("4", "da nhan cd 4", ["TB0825-07"], ["TB0825-07"]),
        ("00004", "da nhan cd 00004", ["TB0825-07"], ["TB0825-07"]),
        ("5", "đã nhận tin bão số 5", ["TB0825-06"], ["TB0825-06"]),
        ("5", "da nhan cong dien 5", [], ["TB0825-06"]),
        ("06", "da nhan 06", [], ["TB0825-06"]),
        ("20631", "20631/UBND-NN", ["TB0825-08"], ["TB0825-08"]),
        ("2025", "", [], []),
        ("9", "cd 9", [], []),
        ("", "", [], []),
        ("9" * 400, "", [], []),
    ],
)
def test_a_document_number_names_a_directive(document: str, said: str, surely: list[str], perhaps: list[str]) -> None:
    directives = [
        Directive("TB0825-07", "CĐ số 04: kêu gọi tàu thuyền"),
        Directive("TB0825-06", "Bão số 5, cập nhật"),
        Directive("TB0825-08", "20631/UBND-NN"),
    ]
    found = designation.meant(document, said, directives)
    assert [one.code for one in found.surely] == surely
    assert [one.code for one in found.perhaps] == perhaps


@pytest.mark.parametrize(
    ("sender", "telephone", "person"),
    [
        ("84900001234", True, True),
        ("+84900001234", True, True),
        ("8x77", True, False),
        ("8077", True, False),
        ("9029", True, False),
        ("VIETTEL", True, False),
        ("PCTT_TH", True, False),
        ("", True, False),
        ("6512345678901234567", False, True),
        ("u-abc", False, True),
        ("84900000001", True, False),
        ("our-bot", False, False),
    ],
)
def test_only_people_are_answered(sender: str, telephone: bool, person: bool) -> None:
    assert manners.is_person(sender, telephone=telephone, ourselves={"84900000001", "our-bot"}) is person


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * 601, "long"),
        ("\x00\x01\x02abc", "binary"),
        ("\ufffd\ufffd\ufffdab", "binary"),
        ("đéo biết gì", "rude"),
        ("DIT ME chung may", "rude"),
        ("con chỗ này ngập, do chỗ đê vỡ, dù mẹ em ốm", None),
        ("lớn quá, các xã, lon gạo, đủ mà", None),
        ("sơ tán ở đâu\nạ", None),
        ("😀😀", None),
        ("", None),
    ],
)
def test_what_a_person_must_read(text: str, why: str | None) -> None:
    assert manners.needs_reader(text, WORDING.rude) == why


def past(text: str, ago: float, replied: bool = True) -> Past:
    return Past("sms.one", text, NOW - ago, NOW - ago if replied else None)


def test_a_robot_repeats_itself() -> None:
    assert not manners.is_robot("ok", [past("ok", 5)], NOW)
    assert manners.is_robot("ok", [past("ok", 5), past("ok", 9)], NOW)
    assert not manners.is_robot("ok", [past("ok", 61), past("ok", 70), past("ok!", 3)], NOW)


def test_five_answers_a_minute() -> None:
    assert not manners.is_over_limit([past(str(n), 50) for n in range(4)], NOW)
    assert manners.is_over_limit([past(str(n), 50) for n in range(5)], NOW)
    assert not manners.is_over_limit([past(str(n), 50, replied=False) for n in range(50)], NOW)
    assert not manners.is_over_limit([past(str(n), 61) for n in range(50)], NOW)


VALUES = {
    "document": "CV 20631",
    "says": "đã phân công xử lý",
    "unit": LONGEST_UNIT,
    "code": LONGEST_CODE,
    "new": LONGEST_CODE,
    "time": "23:59 ngày 31/12",
    "by": "Nguyễn Phương Thảo Nguyên",
    "name": "Nguyễn Phương Thảo Nguyên",
    "channel": "Telegram",
    "link": "https://zalo.me/4318657068771012646",
    "until": "31/12",
    "choices": conversation.numbered([Choice("", "TB1225-123")] * 2),
    "picks": conversation.picks(2),
}


@pytest.mark.parametrize("key", sorted(WORDING.sentences))
def test_every_sms_sentence_is_one_safe_part(key: str) -> None:
    text = WORDING.say(key, "sms", **VALUES)
    assert is_safe(text)
    assert len(measure(text).parts) == 1, f"{measure(text).units} units"
    assert "{" not in WORDING.say(key, "chat", **VALUES)


@pytest.mark.parametrize("key", sorted(WORDING.sentences))
def test_both_forms_need_the_same_values(key: str) -> None:
    forms = WORDING.sentences[key]
    assert wording.blanks(forms["sms"]) <= wording.blanks(forms["chat"])


def test_a_question_that_does_not_fit_one_part_is_not_asked() -> None:
    many = [Choice("", LONGEST_UNIT)] * 8
    assert WORDING.ask("which_unit", "sms", many) is None
    assert WORDING.ask("which_unit", "chat", many) is not None
    assert WORDING.ask("which_unit", "sms", PLACES.choices) == (
        "Anh/chi o: 1. Phuong Dong Tien 2. Xa Dong Tien? Tra loi 1 hoac 2"
    )


@pytest.mark.parametrize(
    ("text", "help_"),
    [
        ("đã nhận, xã cần hỗ trợ gấp thuyền", True),
        ("de nghi chi vien 20 ao phao", True),
        ("CẦN HỖ TRỢ", True),
        ("dạ rõ, chưa cần hỗ trợ ạ", False),
        ("không cần hỗ trợ", False),
        ("dạ rõ", False),
        ("hỗ trợ nộp hồ sơ", False),
    ],
)
def test_a_leader_calls_for_support(text: str, help_: bool) -> None:
    assert WORDING.help.found_in(text) is help_


@given(st.text(max_size=300))
def test_no_text_breaks_the_pure_parts(text: str) -> None:
    manners.needs_reader(text, WORDING.rude)
    designation.codes_in(text)
    designation.pressed_code(text)
    designation.meant(text, text, [Directive("TB0825-07", text)])
    conversation.chosen(text, TWO, WORDING.choice)
    assert WORDING.help.found_in(text) in (True, False)


@given(st.sampled_from(["chat", "sms"]), st.text(max_size=40))
def test_values_with_braces_or_marks_stay_values(form: wording.Form, name: str) -> None:
    said = WORDING.say("already_by", form, unit=name, code="TB0825-07", by="{unit}")
    assert form == "chat" or is_safe(said)
