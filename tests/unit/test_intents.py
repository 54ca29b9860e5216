"""What people write and what they mean: tables, properties, and the two mistakes that must never happen: a cry for help
that is missed, a confirmation that nobody gave."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.intents import Language, Understood
from bot.keywords import KEYWORDS_FILE, KeywordsError, load, parse
from directory import units
from directory.unit_finder import UnitFinder
from text.folding import fold, unaccent

TABLES = Path(__file__).resolve().parent.parent / "data"
AT_LEAST = 58 / 60


@cache
def language() -> Language:
    return Language(UnitFinder(units.load()), load())


@lru_cache(maxsize=20_000)
def understand(text: str) -> Understood:
    return language().understand(text)


def rows(name: str) -> list[tuple[str, str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["text"], row["intent"], row["argument"] or "") for row in table]


TABLE_ROWS = [row for name in ("keywords.tsv", "keywords_more.tsv") for row in rows(name)]
WORDS_OF_ACKS = {word for phrase in load().ack.confirming for word in phrase.folded}
INTENTS = {*load().intents, "UNKNOWN"}
TEXTS = [text for text, _, _ in TABLE_ROWS if text.strip()]


@pytest.mark.parametrize("table", ["keywords.tsv", "keywords_more.tsv"])
def test_tables_of_messages(table: str) -> None:
    wrong = []
    for text, intent, argument in rows(table):
        found = understand(text)
        if (found.intent, found.argument) != (intent, argument):
            wrong.append((text, found.intent, found.argument, found.why))
        assert intent != "CUUHO" or found.intent == "CUUHO", text
        assert found.intent != "DANHAN" or intent == "DANHAN", text
    total = len(rows(table))
    assert total >= 60
    assert total - len(wrong) >= AT_LEAST * total, wrong


@pytest.mark.parametrize(
    ("text", "intent", "why"),
    [
        ("để em hỏi lại đã", "UNKNOWN", ""),
        ("bao gio co dien lai", "UNKNOWN", "stop:bao giờ"),
        ("hồ Cửa Đạt có xả lũ không", "HOCHUA", "phrase:xả lũ"),
        ("baox ddeens dau roi", "BAO", "phrase:bão đến đâu"),
        ("thoi tet bim son", "THOITIET", "misspelt:thoitiet"),
        ("nuoc len den nguc roi", "CUUHO", "together:nước … ngực"),
    ],
)
def test_an_answer_says_why(text: str, intent: str, why: str) -> None:
    found = understand(text)
    assert found.intent == intent
    assert not why or why in found.why


def test_no_commune_is_guessed_from_a_power_plant() -> None:
    found = understand("xa lu thuy dien cam thuy 1 may gio")
    assert (found.argument, found.unit.units, found.waters) == ("thủy điện Cẩm Thủy 1", (), ("thủy điện Cẩm Thủy 1",))


def test_what_is_needed_to_act() -> None:
    found = understand("SOTAN dong tien")
    assert (found.unit.ask, found.units) == (True, ("15853", "15724"))
    assert found.is_command
    named = understand("Xã Tân Thành đã nhận công điện số 04 ạ")
    assert (named.designation, named.units, named.is_command) == ("04", ("15661",), False)
    report = understand("BC TM12 LUA30").report
    assert report is not None
    assert report.argument == "TM=12;LUA=30"
    assert not understand("hôm qua họp xong anh em đi ăn cỗ, có nói chuyện sơ tán một lúc").is_command


@pytest.mark.parametrize(
    "text",
    [
        "ok?", "đã nhận chưa", "chưa nhận được", "không rõ", "da nhan tien", "rõ ràng", "rò rỉ", "nhân viên",
        "ok bye khách hàng", "đã nhận được tin này thì gọi lại nhé", "vâng nhưng em chưa hiểu", "ai đã nhận",
        "da nhan hang", "đã xem", "dạ", "👍", "da", "đã", "ok cho em hỏi", "nhận việc làm thêm", "rõ khổ",
        "đã nhận quà hỗ trợ", "ok con dê", "ủy ban nhân dân xã Nga Sơn", "bà con nhân dân", "nhân dân xã",
        "bỏ nhận tin", "nhắn tin", "em nhắn tin", "nhận được thì báo", "xác nhận đã đóng điện", "rõ khổ thân em",
        "công nhân",
        "vâng nhưng chưa phát loa", "tôi không rõ tin này", "đã nhận nhưng chưa rõ mục 2", "nhân đạo", "vắng mặt ạ",
    ],
)  # fmt: skip
def test_no_confirmation_is_invented(text: str) -> None:
    assert understand(text).intent != "DANHAN"
    assert understand(unaccent(text)).intent != "DANHAN"


@pytest.mark.parametrize(
    ("template", "intent"),
    [
        ("SOTAN {}", "SOTAN"),
        ("so tan {} o dau", "SOTAN"),
        ("MUA {}", "MUA"),
        ("LU {}", "LU"),
        ("muc nuoc {}", "LU"),
        ("BAO {}", "BAO"),
        ("DE {}", "DE"),
        ("duong len {} sat lo chua", "SATLO"),
        ("cuu voi nha em o {}", "CUUHO"),
        ("{} da ro", "DANHAN"),
    ],
)
def test_no_keyword_takes_a_word_from_a_commune(template: str, intent: str) -> None:
    for unit in units.load().all:
        for name in (unit.short_name, unit.ascii, unit.ascii.replace(" ", "")):
            found = understand(template.format(name))
            assert (found.intent, unit.code in found.units) == (intent, True), name
            assert not found.unit.ask or unit.ascii == "dong tien"


def test_an_old_name_in_a_question_means_what_it_means_alone() -> None:
    finder = UnitFinder(units.load())
    for old in units.load().old_units:
        for name in (old.name, unaccent(f"{old.name} {old.district}")):
            alone = {unit.code for unit in finder.find(name).units}
            assert set(understand(f"diem so tan {name} o dau").units) == alone, name


def test_gold_is_no_yes() -> None:
    assert understand("vàng bạc").intent == "UNKNOWN"
    assert understand("vâng bác").intent == "DANHAN"


@pytest.mark.parametrize("manners", ["{} ạ", "dạ {}", "Em chào anh, {}", "{} ad ơi", "thưa anh {}"])
def test_manners_change_nothing(manners: str) -> None:
    for text in TEXTS:
        plain, polite = understand(text), understand(manners.format(text))
        assert (polite.intent, polite.argument) == (plain.intent, plain.argument), text


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        str.swapcase,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.replace(" ", "   "),
        lambda text: text.replace(" ", "\u00a0") + "\u200b",
    ],
    ids=["upper", "lower", "swapped", "NFD", "blanks", "odd blanks"],
)
def test_case_unicode_form_and_blanks_change_nothing(change: Callable[[str], str]) -> None:
    for text in TEXTS:
        plain, changed = understand(text), understand(change(text))
        assert (changed.intent, changed.argument) == (plain.intent, plain.argument), text


def test_dropped_accents_give_the_same_or_a_question() -> None:
    for text in TEXTS:
        accented, plain = understand(text), understand(unaccent(text))
        assert plain.intent == accented.intent, text
        assert plain.argument == accented.argument or plain.unit.ask, text


@given(st.text(max_size=300))
def test_random_text_confirms_nothing_and_names_no_unit(text: str) -> None:
    assume(WORDS_OF_ACKS.isdisjoint(fold(text).split()))  # "RO" is a word
    found = understand(text)
    assert found.intent != "DANHAN"
    assert found.unit.units == ()


@given(st.lists(st.sampled_from([word for text in TEXTS for word in text.split()]), max_size=25))
@settings(max_examples=200)
def test_any_mixture_of_words_is_read(words: list[str]) -> None:
    found = understand(" ".join(words))
    assert found.intent in INTENTS
    assert 0 <= found.certainty <= 1


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00\x01", "a" * 10_000, "cứu " * 5_000, "😀" * 500, "你好 привет", "<b>@all</b> [x](y)", "\ud800"],
)
def test_bad_input_is_read(text: str) -> None:
    assert understand(text).intent in {"UNKNOWN", "CUUHO"}


@given(st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=50)
def test_a_cry_is_heard_wherever_it_stands(before: int, after: int) -> None:
    words = ["hôm", "nay", "trời", "mưa", "ở", "xã", "em", "đường", "ngập", "nên", "chưa", "đi", "làm", "được"]
    text = " ".join([*(words * 3)[:before], "cứu với", *(words * 3)[:after]])
    assert understand(text).intent == "CUUHO"


def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "keywords.toml"
    broken.write_text("intent = [", encoding="utf-8")
    with pytest.raises(KeywordsError, match=r"keywords\.toml"):
        load(broken)
    with pytest.raises(KeywordsError):
        parse({"intent": []})
    assert KEYWORDS_FILE.is_file()
