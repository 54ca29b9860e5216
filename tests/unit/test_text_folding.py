"""Unicode hygiene, folding, the accented key and times."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.dates import OFFICE_ZONE, clock, day, local, moment
from text.folding import fold, has_marks, nfc, tone_key, unaccent


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("thời tiết", "thời tiết"),
        (unicodedata.normalize("NFD", "thời tiết"), "thời tiết"),
        ("a\u00a0b\u2009c", "a b c"),
        ("\ufeffBA\u200bO\ufe0f", "BAO"),
        ("e\u200b\u0302\u0301", "ế"),
        ("ＢＡＯ１", "BAO1"),
        ("Ðông Sơn", "Đông Sơn"),
    ],
)
def test_nfc(raw: str, clean: str) -> None:
    assert nfc(raw) == clean


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("Đường ĐÊ", "Duong DE"),
        ("đê", "de"),
        ("Quý Lộc", "Quy Loc"),
        ("Ðông", "Dong"),
        ("café – ok", "cafe – ok"),
        ("中", "中"),
    ],
)
def test_unaccent(raw: str, plain: str) -> None:
    assert unaccent(raw) == plain
    assert unaccent(unicodedata.normalize("NFD", raw)) == plain


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("  P. Hạc-Thành!! ", "p hac thanh"),
        ("BC TM12; LÚA:30", "bc tm12 lua 30"),
        ("04/CĐ-UBND", "04 cd ubnd"),
        ("😀…", ""),
    ],
)
def test_fold(raw: str, key: str) -> None:
    assert fold(raw) == key


@pytest.mark.parametrize(
    ("new", "classic"),
    [
        ("Hoằng Hoá", "hoằng hóa"),
        ("Cẩm Thuỷ", "cẩm thủy"),
        ("KHOẺ", "khỏe"),
        ("Xuân Hoà", "xuân hòa"),
        ("Hoá Quỳ", "hóa quỳ"),
        ("quý hoàn thuở thuý nguyễn", "quý hoàn thuở thúy nguyễn"),
    ],
)
def test_tone_placement(new: str, classic: str) -> None:
    assert tone_key(new) == classic
    assert tone_key(classic) == classic
    assert tone_key(unicodedata.normalize("NFD", new)) == classic


def test_other_tones_stay_other_names() -> None:
    assert tone_key("Thiệu Hoà") != tone_key("Thiệu Hóa")


def test_marks() -> None:
    assert has_marks("đê")
    assert has_marks(unicodedata.normalize("NFD", "để"))
    assert not has_marks("de 1 – “x” 😀")


@given(st.text())
def test_folding_is_stable(text: str) -> None:
    assert nfc(nfc(text)) == nfc(text)
    assert unaccent(unaccent(text)) == unaccent(text)
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert tone_key(tone_key(text)) == tone_key(text)


def test_times() -> None:
    at = datetime(2025, 9, 28, 8, 0, tzinfo=UTC)
    assert moment(at) == "15:00 ngày 28/9"
    assert moment(at.timestamp()) == "15:00 ngày 28/9"
    assert moment(at, now=datetime(2026, 1, 1, tzinfo=OFFICE_ZONE)) == "15:00 ngày 28/9/2025"
    assert moment(at, now=at) == "15:00 ngày 28/9"
    assert (day(at), clock(at)) == ("28/9", "15:00")
    assert local(at).tzinfo is OFFICE_ZONE
    with pytest.raises(ValueError, match="naive"):
        local(datetime(2025, 9, 28))  # noqa: DTZ001
