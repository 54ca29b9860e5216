"""Damage reports: both forms, units and ranges, nil, and what is asked for again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.damage import parse_report
from bot.keywords import load

KEYWORDS = load()


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("BC TM12 LUA30 NGAP5", "TM=12;LUA=30;NGAP=5"),
        ("BC TM12LUA30NGAP5", "TM=12;LUA=30;NGAP=5"),
        ("bc tm 12, lua: 30 ha; ngap=5", "TM=12;LUA=30;NGAP=5"),
        ("BC TM:12 - LUA:30", "TM=12;LUA=30"),
        ("BC 3 nhà tốc mái, 20ha lúa ngập", "TM=3;LUA=20"),
        ("12 nha toc mai 30 ha lua 5 nha ngap", "TM=12;LUA=30;NGAP=5"),
        ("BC ngap 5 nha toc mai 12 nha", "NGAP=5;TM=12"),
        ("BC TM12 30ha lua", "TM=12;LUA=30"),
        ("bc chet 1 nguoi mat tich 2 bi thuong 3", "CHET=1;MT=2;BT=3"),
        ("BC CHET1 MT2 BT3 SAP4 HM5,5 SL2 COLAP 10/40", "CHET=1;MT=2;BT=3;SAP=4;HM=5,5;SL=2;COLAP=10/40"),
        ("bao cao nhanh xa Mau Lam: so tan 25 ho 98 khau", "SOTAN=25/98"),
        ("bc so tan 98 khau 25 ho", "SOTAN=25/98"),
        ("bc di doi 12 ho/40 khau", "SOTAN=12/40"),
        ("bc so tan 98 nguoi", "SOTAN=/98"),
        ("bc so tan 300 hộ", "SOTAN=300"),
        ("BC LUA 12.5 NGAP 1.250", "LUA=12,5;NGAP=1250"),
        ("bc thon 3 ngap 5 nha", "NGAP=5"),
        ("bc den 16h ngay 26/8 ngap 5 nha", "NGAP=5"),
        ("khong co nguoi chet, 3 nha toc mai", "TM=3"),
        ("bc khong co thiet hai", "KHONG=1"),
        ("BC KHONG", "KHONG=1"),
        ("BC KHONG=1 ạ", "KHONG=1"),
        ("BC 0", "KHONG=1"),
        ("bc tình hình bình thường", "KHONG=1"),
        ("bc không thiệt hại về người và tài sản", "KHONG=1"),
        ("bc xã Xuân Chinh hiện tại không có thiệt hại gì", "KHONG=1"),
        ("bc không chết người, không sập nhà", "KHONG=1"),
        ("BC", ""),
        ("BC 5 nhà", ""),
        ("bc 3 nha do", "SAP=3"),
        ("bc ngap 3 nha sap 2 nha", "NGAP=3;SAP=2"),
        ("bc 3 nha sap 2 nha ngap", "SAP=3;NGAP=2"),
        ("bc 1 nguoi chet, 20 con trau", "CHET=1"),
        ("BC 26/8/2025 ngap 12 nha", "NGAP=12"),
        ("BC 26/8 ngap 12 nha", "NGAP=12"),
        ("BC 06h00 ngap 12 nha, lien he 0900000012", "NGAP=12"),
        ("bc ngap 2 thon 40 ho", "NGAP=40"),
        ("bc co lap 2 ban 40 ho 170 khau", "COLAP=40/170"),
        ("BC LUA30 cay 50", "LUA=30"),
        ("BC sơ tán 12 hộ, 40 khẩu", "SOTAN=12/40"),
        ("BC sơ tán 12 hộ; cô lập 3 hộ, 11 khẩu", "SOTAN=12;COLAP=3/11"),
    ],
)
def test_reports(text: str, argument: str) -> None:
    report = parse_report(text, KEYWORDS)
    assert report.argument == argument
    assert report.errors == ()
    assert report.nil == (argument == "KHONG=1")


@pytest.mark.parametrize(
    ("text", "argument", "field", "problem"),
    [
        ("BC LUA ba chuc", "", "LUA", "not_a_number"),
        ("BC TM12 LUA ba chuc", "TM=12", "LUA", "not_a_number"),
        ("BC LUA", "", "LUA", "not_a_number"),
        ("bc nha toc mai nhieu lam", "", "TM", "not_a_number"),
        ("BC lúa 5 sào", "", "LUA", "not_a_number"),
        ("BC TM2,5", "", "TM", "not_whole"),
        ("BC TM-5", "", "TM", "not_a_number"),
        ("BC TM12/13", "", "TM", "not_a_number"),
        ("BC TM999999", "", "TM", "too_large"),
        ("BC NGAP " + "9" * 40, "", "NGAP", "not_a_number"),
        ("BC SOTAN 98/25", "", "SOTAN", "fewer_persons"),
        ("BC TM5 TM7", "", "TM", "contradiction"),
        ("bc xyz5 TM3", "TM=3", "xyz", "unknown_field"),
        ("bc khong co gi, nha sap roi", "", "SAP", "not_a_number"),
        ("bc khong co thiet hai ve nguoi nhung nha sap nhieu", "", "SAP", "not_a_number"),
    ],
)
def test_what_is_asked_for_again(text: str, argument: str, field: str, problem: str) -> None:
    report = parse_report(text, KEYWORDS)
    assert report.argument == argument
    assert not report.nil
    assert [(error.field, error.problem) for error in report.errors] == [(field, problem)]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    parse_report("BC " + text, KEYWORDS)


_COUNTS = {"CHET": 1000, "SAP": 20000, "TM": 50000, "NGAP": 50000, "SL": 1000}


@given(st.dictionaries(st.sampled_from(sorted(_COUNTS)), st.integers(0, 1000), min_size=1))
def test_what_is_written_in_codes_is_read_back(figures: dict[str, int]) -> None:
    compact = "BC " + " ".join(f"{code}{value}" for code, value in figures.items())
    expected = ";".join(f"{code}={value}" for code, value in figures.items())
    assert parse_report(compact, KEYWORDS).argument == expected
    assert parse_report(compact.lower().replace(" ", ", "), KEYWORDS).argument == expected


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("BC TM12, cay do 30", ("cay do 30",)),
        ("bc lua 30 ha, 12 cột điện", ("12 cột điện",)),
        ("BC TM12 LUA30 cay 50", ("TM12 LUA30 cay 50",)),
        ("BC 06h00 26/8/2025 xa Nga An ngap 12 nha, lien he 0900000012", ()),
        ("bc thon 3 ngap 5 nha, ky 2", ()),
        ("BC TM12 LUA30 NGAP5", ()),
    ],
)
def test_a_figure_that_belongs_to_no_field_is_told(text: str, unread: tuple[str, ...]) -> None:
    assert parse_report(text, KEYWORDS).unread == unread


@pytest.mark.parametrize(
    "text", ["bc chet 20 con lon", "BC CHET 3 con bo", "bc toc mai 3 truong hoc", "bc co lap 2 ban"]
)
def test_what_is_no_person_and_no_house_is_not_counted_as_one(text: str) -> None:
    report = parse_report(text, KEYWORDS)
    assert report.argument == ""
    assert [error.problem for error in report.errors] == ["not_a_number"]
