"""Answers from what officers keep: one SMS part at the limits of every kind, always with time and source."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.answers import Answers, Office
from bot.facts import KINDS, RIVER
from bot.intents import Language
from bot.keywords import load as load_keywords
from directory import units
from directory.content import load_kinds
from directory.unit_finder import UnitFinder
from store.content import ContentRow
from text.safe import is_safe
from text.segments import measure

UNITS = units.load()
LANGUAGE = Language(UnitFinder(UNITS), load_keywords())
NOW = datetime(2026, 8, 26, 7, 30, tzinfo=UTC).timestamp()
LAST_YEAR = datetime(2025, 12, 26, 7, 30, tzinfo=UTC).timestamp()
LONGEST = next(unit for unit in UNITS.all if unit.name == "Phường Nam Sầm Sơn")
OFFICE = Office("0237.xxx.xxxx", "https://pctt.thanhhoa.gov.vn/", "dichvucong.thanhhoa.gov.vn")
ASKED = {
    "THOITIET": "THOITIET hau loc", "MUA": "mua to khong xa xuan chinh", "BAO": "bão số 5 đến đâu rồi",
    "LU": "LU CAM THUY", "HOCHUA": "HOCHUA CUA DAT", "DE": "DE SONG CHU", "SATLO": "SATLO QUAN SON",
    "SOTAN": "SOTAN HOANG CHAU", "TRUCBAN": "TRUCBAN",
}  # fmt: skip


class Given:
    def __init__(self, *rows):
        self.rows = rows

    def latest(self, kinds, unit, subjects):
        return [row for row in self.rows if row.kind in kinds]


def row(kind, issued_at=NOW - 1_800, scope=LONGEST.code, **fields):
    subject, source = fields.pop("subject", ""), fields.pop("source", "Đài KTTV tỉnh")
    return ContentRow(1, kind, scope, subject, fields, source, issued_at, NOW + 3_600, "canbo", NOW)


def say(text, unit, form, *rows):
    return Answers(OFFICE, facts=Given(*rows), now=lambda: NOW).reply(LANGUAGE.understand(text), unit, form)


def fullest(kind, issued_at):
    """As long as the limits allow, in letters that an SMS has."""
    limits = load_kinds().limits
    fields = {name: "W" * limit for name, limit in limits.items() if name not in ("text", "alarm")}
    return row(kind, issued_at, **fields, text="Ư" * limits["text"], alarm="0")


def kinds_of(intent):
    return (*KINDS[intent], *RIVER.get(intent, ()))


@pytest.mark.parametrize("issued_at", [NOW - 1_800, LAST_YEAR], ids=["today", "last year"])
@pytest.mark.parametrize(("intent", "kind"), [(intent, kind) for intent in KINDS for kind in kinds_of(intent)])
@pytest.mark.parametrize("count", [1, 4])
def test_the_longest_entry_of_every_kind_is_one_safe_part_with_its_time(intent, kind, issued_at, count):
    said = say(ASKED[intent], LONGEST, "sms", *[fullest(kind, issued_at)] * count)
    assert len(measure(said).parts) == 1, said
    assert is_safe(said)
    assert ("luc 14:00 26/8" if issued_at != LAST_YEAR else "26/12/2025") in said
    assert "W" * load_kinds().limits["source"] in said
    assert not set("{}[]") & set(said)


@pytest.mark.parametrize(
    ("text", "entry", "sms"),
    [
        ("BAO", row("storm", text="Bão số 5 vào bờ", short="Bao so 5 vao bo"),
         "Phuong Nam Sam Son: Bao so 5 vao bo (luc 14:00 26/8, Dai KTTV tinh). Khan cap goi 112."),
        ("LU song ma", row("river", subject="sông Mã", station="Giàng", level="4,2", alarm="1"),
         "Muc nuoc song Ma: Giang 4,2 m, tren bao dong 1 (luc 14:00 26/8, Dai KTTV tinh). Khan cap goi 112."),
        ("HOCHUA CUA DAT", row("reservoir", subject="hồ Cửa Đạt", level="108,5", release="300"),
         "ho Cua Dat: muc nuoc 108,5 m. Xa 300 m3/s. (luc 14:00 26/8, Dai KTTV tinh)"),
        ("SOTAN nam sam son", row("evacuation", name="Trường THCS", place="thôn 1", phone="0900009001", capacity="300"),
         "Diem so tan Phuong Nam Sam Son: Truong THCS, thon 1, DT 0900009001 (luc 14:00 26/8, Dai KTTV tinh)."
         " Khan cap goi 112."),
        ("TRUCBAN nam sam son", row("duty", name="Ông Mẫu", phone="0900009011"),
         "Truc ban Phuong Nam Sam Son: Ong Mau 0900009011; tinh 0237.xxx.xxxx. Khan cap goi 112"
         " (luc 14:00 26/8, Dai KTTV tinh)"),
    ],
)  # fmt: skip
def test_how_an_entry_is_written(text, entry, sms):
    assert say(text, LONGEST, "sms", entry) == sms
    chat = say(text, LONGEST, "chat", entry)
    assert "lúc 14:00 26/8" in chat
    assert "Đài KTTV tỉnh" in chat


def test_several_points_are_numbered_and_a_new_one_replaces_the_old_of_its_name():
    points = [row("evacuation", name=name, phone=phone) for name, phone in
              (("Trường A", "1"), ("Trường B", "2"), ("Trường A", "3"))]  # fmt: skip
    said = say("SOTAN nam sam son", LONGEST, "sms", *points)
    assert "1. Truong A, DT 1; 2. Truong B, DT 2 (luc" in said


def test_the_time_is_that_of_the_oldest_that_is_said():
    rows = [row("river", subject="sông Mã", station="Giàng", level="4"),
            row("river", NOW - 9_000, subject="sông Mã", station="Lý Nhân", level="9", source="Hạt đê")]  # fmt: skip
    assert "(luc 12:00 26/8, Hat de)" in say("LU song ma", None, "sms", *rows)
    rows[1] = row("river", NOW - 9_000, subject="sông Chu", station="Xuân Khánh", level="9", source="Hạt đê")
    assert "14:00" in say("LU", None, "sms", *rows)


def test_what_holds_for_the_province_does_not_claim_to_be_the_units():
    said = say("BAO nam sam son", LONGEST, "sms", row("storm", scope="", text="x", short="Bao so 5"))
    assert said.startswith("Toan tinh: Bao so 5")


def test_without_an_entry_the_answer_says_so():
    assert "chua co so lieu moi" in say("BAO", None, "sms")
    assert "chua co so lieu" in say("SOTAN nam sam son", LONGEST, "sms")


def test_the_sample_of_the_demo_is_marked_as_one():
    lines = (Path(__file__).parents[2] / "data" / "sample" / "content.csv").read_text("utf-8").splitlines()
    assert all("mẫu" in line for line in lines[1:])
