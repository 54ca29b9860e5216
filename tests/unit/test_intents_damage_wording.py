"""What is answered to a damage report: S7 of the office's scenarios, and one SMS part whatever is in it."""

from __future__ import annotations

import pytest

from bot.damage import Report, parse_report
from bot.damage_wording import answer, load
from bot.keywords import load as load_keywords
from directory import units
from text.safe import is_safe
from text.segments import measure

KEYWORDS = load_keywords()
LONGEST = max((unit.name for unit in units.load().all), key=len)


@pytest.mark.parametrize(
    ("text", "sms"),
    [
        (
            "BC TM12 LUA30 NGAP5",
            "Xa Mau Lam: 12 nha toc mai, 30 ha lua, 5 nha ngap. Dung tra loi DUNG, sai gui lai",
        ),
        ("BC LUA ba chuc", "LUA phai la so (ha). Vi du: LUA30"),
        ("bc khong co thiet hai", "Xa Mau Lam: khong co thiet hai. Dung tra loi DUNG, sai gui lai"),
        ("bc so tan 25 ho 98 khau", "Xa Mau Lam: so tan 25 ho 98 khau. Dung tra loi DUNG, sai gui lai"),
        ("bc so tan 98 nguoi", "Xa Mau Lam: so tan 98 khau. Dung tra loi DUNG, sai gui lai"),
        ("BC SOTAN 98/25", "SOTAN 98/25: so khau it hon so ho. Vi du: SOTAN 25/98"),
        ("BC TM2,5", "TM phai la so nguyen (nha), khong phai 2,5. Vi du: TM12"),
        ("BC TM5 TM7", "TM co hai so khac nhau (5, 7). De nghi gui lai mot so"),
        ("BC", "Mau bao cao: BC TM12 LUA30 NGAP5. Khong thiet hai: BC KHONG. So tan: BC SOTAN 25/98 (ho/khau)"),
    ],
)
def test_answers_by_sms(text: str, sms: str) -> None:
    assert answer(parse_report(text, KEYWORDS), "Xã Mậu Lâm", "sms") == sms


def test_chat_has_accents() -> None:
    said = answer(parse_report("BC TM12 LUA12,5", KEYWORDS), "Xã Mậu Lâm", "chat")
    assert said == "Xã Mậu Lâm: 12 nhà tốc mái, 12,5 ha lúa. Đúng trả lời DUNG, sai gửi lại"


def test_every_field_and_every_problem_has_its_words() -> None:
    words = load()
    assert set(words.fields) == {one.code for one in KEYWORDS.damage}
    for text in ("BC XYZ5", "BC TM-1", "BC TM2,5", "BC TM9999999", "BC SOTAN 9/2", "BC TM1 TM2"):
        report = parse_report(text, KEYWORDS)
        assert report.errors
        sms = answer(report, LONGEST, "sms")
        assert is_safe(sms)
        assert measure(sms).segments == 1, sms


def test_a_full_report_is_one_part_too() -> None:
    codes = " ".join(f"{one.code} 1000/2000" if one.pair else f"{one.code}1000" for one in KEYWORDS.damage)
    report: Report = parse_report(f"BC {codes}", KEYWORDS)
    assert len(report.figures) == len(KEYWORDS.damage)
    sms = answer(report, LONGEST, "sms")
    assert measure(sms).segments == 1, sms
    assert "TM1000" in sms
