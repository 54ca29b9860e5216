"""Alphabets, parts and the safe subset: the computed tables of the carriers' text of 2020, and properties."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import gsm
from text.folding import unaccent
from text.report import count_report
from text.safe import SAFE, Change, is_safe, to_safe
from text.segments import Part, measure

CARRIER_TEXT = (
    "Tăng cường sử dụng các dịch vụ công trực tuyến trên Cổng dịch vụ công tỉnh Thanh Hóa (dichvucong.thanhhoa.gov.vn) "
    "hoặc gửi hồ sơ, nhận trả kết quả thông qua dịch vụ bưu chính công ích với đường dây nóng hỗ trợ: 0832 293 293 "
    "hoặc 02373 777 777, giảm di chuyển, tiếp xúc đông người; phòng tránh nguy cơ lây, nhiễm dịch bệnh Covid – 19"
)


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        (CARRIER_TEXT, "UCS-2", [67, 67, 67, 67, 64]),
        (unicodedata.normalize("NFD", CARRIER_TEXT), "UCS-2", [67] * 6 + [5]),
        (unaccent(CARRIER_TEXT), "UCS-2", [67, 67, 67, 67, 64]),
        ("“" + unaccent(CARRIER_TEXT) + "”", "UCS-2", [67, 67, 67, 67, 66]),
        (to_safe(CARRIER_TEXT).text, "GSM-7", [153, 153, 26]),
        ("x" * 152 + "€" + "y" * 20, "GSM-7", [152, 22]),
        ("a" * 66 + "😀" + "b" * 10, "UCS-2", [66, 12]),
        ("x" * 160, "GSM-7", [160]),
        ("x" * 161, "GSM-7", [153, 8]),
        ("€" * 80, "GSM-7", [160]),
        ("€" * 81, "GSM-7", [152, 10]),
        ("ở" * 70, "UCS-2", [70]),
        ("ở" * 71, "UCS-2", [67, 4]),
        ("😀" * 35, "UCS-2", [70]),
        ("😀" * 36, "UCS-2", [66, 6]),
        ("tòa è é ì ù É", "GSM-7", [13]),
        ("toà nhà ở", "UCS-2", [9]),
        ("À", "UCS-2", [1]),
        ("", "GSM-7", []),
        ("\x1b", "UCS-2", [1]),
    ],
)
def test_parts(text: str, encoding: str, parts: list[int]) -> None:
    measured = measure(text)
    assert (measured.encoding, [part.units for part in measured.parts]) == (encoding, parts)
    assert measured.units == sum(parts)
    assert measured.segments == len(parts)


def test_wide_reference_leaves_one_unit_less_in_a_part() -> None:
    assert [part.units for part in measure("x" * 200, wide_ref=True).parts] == [152, 48]
    assert [part.units for part in measure("ở" * 100, wide_ref=True).parts] == [66, 34]


def test_the_report_of_a_text_counts_in_nfc() -> None:
    report = count_report(unicodedata.normalize("NFD", CARRIER_TEXT))
    assert (report["encoding"], report["units"], report["segments"]) == ("UCS-2", 332, 5)
    assert report["changes"] == []


def test_the_report_of_an_unaccented_text_names_the_dash_and_not_every_accent() -> None:
    report = count_report(CARRIER_TEXT, unaccented=True)
    assert (report["encoding"], report["units"], report["parts"]) == ("GSM-7", 332, [153, 153, 26])
    assert report["changes"] == [{"from": "–", "to": "-"}]
    assert report["unaccented"] is True
    assert report["text"].endswith("Covid - 19")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Sơ tán trước 15:00 ngày 28/9", "So tan truoc 15:00 ngay 28/9"),
        ("Đường dây nóng", "Duong day nong"),
        ("“ĐÃ NHẬN” – ‘rõ’…", "\"DA NHAN\" - 'ro'..."),
        ("39–40 °C", "39-40 do C"),
        ("18,1° Vĩ Bắc", "18,1 do Vi Bac"),
        ("mưa ≥ 100 mm", "mua tu 100 mm tro len"),
        ("gió ≥8, giật", "gio tu 8 tro len, giat"),
        ("tốc độ ≤ 20 km/h", "toc do toi da 20 km/h"),
        ("đạt 98%, còn 2%.", "dat 98 phan tram, con 2 phan tram."),
        ("PCTT, TKCN&PTDS", "PCTT, TKCN va PTDS"),
        ("3.200 m³/s trên 5 m²", "3.200 m3/s tren 5 m2"),
        ("2½ mét", "2 1/2 met"),
        ("1.000₫ → 5×6", "1.000d - 5x6"),
        ("[HOẢ TỐC] {x}", "(HOA TOC) (x)"),
        ("a\u00a0b\u200bc\ufeff", "a bc"),
        ("nguy hiểm 😀⚠️!", "nguy hiem!"),
        ("line 1 \r\n  line 2\t\tx", "line 1\nline 2 x"),
        ("  nhiều   dấu  cách ", "nhieu dau cach"),
        ("truc_ban@thanhhoa.vn", "truc-ban(at)thanhhoa.vn"),
        ("中文", "??"),
        ("", ""),
    ],
)
def test_safe_wording(source: str, target: str) -> None:
    assert to_safe(source).text == target
    assert to_safe(unicodedata.normalize("NFD", source)).text == target


def test_each_replacement_is_listed_once_in_order() -> None:
    safe = to_safe("“a” – “b” – 5%")
    assert safe.changes == (Change("“", '"'), Change("”", '"'), Change("–", "-"), Change("%", "phan tram"))
    assert safe.unaccented is False
    assert to_safe("Sơ tán") == to_safe("Sơ tán")
    assert to_safe("Sơ tán").changes == ()
    assert to_safe("Sơ tán").unaccented is True


@given(st.text())
def test_safe_text_is_safe_gsm_and_stays(text: str) -> None:
    safe = to_safe(text)
    assert is_safe(safe.text)
    assert gsm.is_gsm(safe.text)
    again = to_safe(safe.text)
    assert (again.text, again.changes, again.unaccented) == (safe.text, (), False)


@given(st.text(alphabet=st.sampled_from(sorted(SAFE))))
def test_the_subset_has_the_same_code_in_ascii_and_gsm(text: str) -> None:
    assert gsm.encode(text) == text.encode("ascii")


_PARTS_ALPHABET = st.one_of(st.sampled_from("ax€[ở😀\n–"), st.characters())


@given(st.text(alphabet=_PARTS_ALPHABET, max_size=700), st.booleans())
def test_parts_rejoin_and_none_exceeds_its_limit(text: str, wide: bool) -> None:
    measured = measure(text, wide_ref=wide)
    assert "".join(part.text for part in measured.parts) == text
    assert sum(part.units for part in measured.parts) == measured.units
    limits = {"GSM-7": (160, 153 - wide), "UCS-2": (70, 67 - wide)}[measured.encoding]
    single = len(measured.parts) <= 1
    for part in measured.parts:
        assert 0 < part.units <= limits[0 if single else 1]
        assert part.units == _units(part, measured.encoding)


def _units(part: Part, encoding: str) -> int:
    return (
        len(gsm.encode(part.text)) if encoding == "GSM-7" else len(part.text.encode("utf-16-be", "surrogatepass")) // 2
    )


@given(st.text(alphabet=st.sampled_from(sorted(gsm.BASIC | gsm.EXTENDED))))
def test_gsm_round_trip(text: str) -> None:
    assert gsm.decode(gsm.encode(text)) == text
    assert len(gsm.encode(text)) == sum(map(gsm.septets, text))


@given(st.binary())
def test_decoding_never_raises(octets: bytes) -> None:
    gsm.decode(octets)


def test_gsm_corners() -> None:
    assert gsm.decode(bytes([0x1B, 0x41])) == "A"
    assert gsm.decode(bytes([0x1B])) == " "
    assert gsm.decode(bytes([0xFF])) == "\ufffd"
    assert gsm.encode("@£€") == bytes([0, 1, 0x1B, 0x65])
    assert (gsm.septets("à"), gsm.septets("€"), gsm.septets("ă")) == (1, 2, 0)
    with pytest.raises(gsm.UnencodableText) as caught:
        gsm.encode("xã")
    assert (caught.value.character, caught.value.index) == ("ã", 1)
