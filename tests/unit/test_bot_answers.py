"""Answers: one SMS part whatever the unit, nothing invented, 112 first in danger."""

import pytest

from bot.answers import Answers, Office, load
from bot.intents import Language
from bot.keywords import load as load_keywords
from bot.report import Asked
from directory import units
from directory.unit_finder import UnitFinder
from text.safe import to_safe
from text.segments import measure

CATALOGUE = units.load()
LANGUAGE = Language(UnitFinder(CATALOGUE), load_keywords())
LONGEST = max(CATALOGUE.all, key=lambda unit: len(unit.name))
FULL = Office("0237.xxx.xxxx", "https://pctt.thanhhoa.gov.vn/", "dichvucong.thanhhoa.gov.vn")
TEXTS = (
    "THOITIET hau loc", "mua to khong xa xuan chinh", "bão số 5 đến đâu rồi", "LU CAM THUY", "HOCHUA CUA DAT",
    "DE SONG CHU", "SATLO QUAN SON", "SOTAN HOANG CHAU", "TRUCBAN", "DVC", "BCCI", "VNEID", "TROGIUP",
)  # fmt: skip


@pytest.mark.parametrize("office", [FULL, Office()], ids=["full", "empty"])
@pytest.mark.parametrize("text", TEXTS)
def test_every_answer_is_whole_safe_and_one_part(text, office):
    answers, meaning = Answers(office), LANGUAGE.understand(text)
    for unit in (LONGEST, None):
        sms = answers.reply(meaning, unit, "sms")
        assert len(measure(sms).parts) == 1, sms
        assert measure(sms).encoding == "GSM-7"
        assert to_safe(sms).text == sms
        chat = answers.reply(meaning, unit, "chat")
        for said in (sms, chat):
            assert not set("{}[]") & set(said), said
            assert office.hotline or "hoac goi truc ban" not in said


def test_rescue_begins_with_112_and_fits():
    for office in (FULL, Office()):
        for unit in (LONGEST, None):
            said = Answers(office).rescue(unit, "sms")
            assert said.startswith("GOI NGAY 112")
            assert len(measure(said).parts) == 1


def test_without_a_hotline_none_is_named():
    meaning = LANGUAGE.understand("TRUCBAN")
    assert "0237" not in Answers(Office(portal="https://pctt.thanhhoa.gov.vn/")).reply(meaning, None, "sms")
    assert "0237.xxx.xxxx" in Answers(FULL).reply(meaning, None, "sms")


def test_every_intent_with_an_answer_has_both_forms():
    for forms in (*load().reply.values(), *load().subject.values()):
        assert set(forms) == {"chat", "sms"}


@pytest.mark.parametrize(
    ("text", "intent", "begins"),
    [
        ("cuu voi nuoc ngap den mai nha roi thon 3 xa van loc", "CUUHO", "GOI NGAY 112"),
        ("SOTAN dong tien", "SOTAN", "Anh/chi o: 1."),
        ("sotan hoang chau", "SOTAN", "Diem so tan Xa Hoang Chau"),
        ("ok", "DANHAN", "KHAN CAP GOI 112"),
        ("HUY", "HUY", "Da ngung"),
        ("alo", "UNKNOWN", "KHAN CAP GOI 112"),
        ("DVC", "DVC", "Dich vu cong"),
    ],
)
def test_how_a_stranger_is_answered(text, intent, begins):
    said = Asked(CATALOGUE, FULL).report(text)
    assert said["intent"] == intent
    assert said["reply"].startswith(begins)
    assert len(measure(said["reply"]).parts) == 1


def test_what_the_office_wrote_is_said_in_place_of_what_is_shipped():
    answers = Answers(FULL)
    answers.change({"TRUCBAN": {"chat": "Gọi {hotline}", "sms": "Gọi {hotline} nhé"}})
    meaning = LANGUAGE.understand("truc ban")
    assert answers.reply(meaning, None, "chat") == "Gọi 0237.xxx.xxxx"
    assert answers.reply(meaning, None, "sms") == "Goi 0237.xxx.xxxx nhe"
    answers.change({})
    assert "112" in answers.reply(meaning, None, "sms")
