"""A written message read out: numbers, dates, abbreviations in full; what only readers need left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.loudspeaker import load_wording
from text.number_words import cardinal, digit_by_digit
from text.spoken import in_words, plain

WORDING = load_wording()
READING = WORDING.reading


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "không"), (1, "một"), (10, "mười"), (11, "mười một"), (15, "mười lăm"), (20, "hai mươi"),
        (21, "hai mươi mốt"), (24, "hai mươi bốn"), (25, "hai mươi lăm"), (100, "một trăm"),
        (101, "một trăm linh một"), (105, "một trăm linh năm"), (110, "một trăm mười"), (115, "một trăm mười lăm"),
        (1000, "một nghìn"), (1005, "một nghìn không trăm linh năm"), (1250, "một nghìn hai trăm năm mươi"),
        (2026, "hai nghìn không trăm hai mươi sáu"), (10_010, "mười nghìn không trăm mười"),
        (3_000_000, "ba triệu"), (1_000_001, "một triệu không trăm linh một"), (2_000_000_000, "hai tỷ"),
    ],
)  # fmt: skip
def test_numbers(number, words):
    assert cardinal(number) == words


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("25/8", "Ngày hai mươi lăm tháng tám"),
        ("ngày 5/4/2026", "Ngày mùng năm tháng tư năm hai nghìn không trăm hai mươi sáu"),
        ("02:20", "Hai giờ hai mươi phút"),
        ("09:00 ngày 25/8", "Chín giờ ngày hai mươi lăm tháng tám"),
        ("7h30", "Bảy giờ ba mươi phút"),
        ("13-16h ngày 25/8", "Mười ba đến mười sáu giờ ngày hai mươi lăm tháng tám"),
        ("12,05 m", "Mười hai phẩy không năm mét"),
        ("18,1 độ", "Mười tám phẩy một độ"),
        ("1.250 lên 3.200 m3/s", "Một nghìn hai trăm năm mươi lên ba nghìn hai trăm mét khối trên giây"),
        ("180 mm", "Một trăm tám mươi mi li mét"),
        ("gọi 112", "Gọi một một hai"),
        ("0237.000.0000", "Không hai ba bảy, không không không, không không không không"),
        ("UBND xã", "Ủy ban nhân dân xã"),
        ("trên BĐ3 0,05m", "Trên báo động ba không phẩy không năm mét"),
        ("trực 24/24", "Trực suốt ngày đêm"),
        ("báo cáo 3 giờ/lần", "Báo cáo ba giờ một lần"),
        ("1) sơ tán; 2) trực", "Một là, sơ tán; hai là, trực"),
        ("rủi ro cấp IV", "Rủi ro cấp bốn"),
        ("TĂNG LƯU LƯỢNG XẢ", "Tăng lưu lượng xả"),
        ("Tam Thanh", "Tam Thanh"),
        ("31/13", "Ba mươi mốt trên mười ba"),
        ("mưa 24 giờ", "Mưa hai mươi bốn giờ"),
    ],
)
def test_figures_in_words(written, read):
    assert in_words(written, READING) == read


def test_what_only_readers_need_is_left_out():
    text = (
        "[HOẢ TỐC] BÃO SỐ 5 (mã TB0825-07, thay TB0825-06)\nVào Nghi Sơn. Xem https://vi.du.vn/a?b=1 nhé.\n"
        "Căn cứ: Công điện 12/CĐ-UBND. Bấm ĐÃ NHẬN hoặc trả lời: DANHAN TB0825-07. Trực ban: 0237.000.0000."
    )
    assert plain(text, READING) == "BÃO SỐ 5\nVào Nghi Sơn.\nTrực ban: 0237.000.0000."


@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_a_number_is_read_without_digits_and_differently_from_every_other(number):
    words = cardinal(number)
    assert not any(one.isdigit() for one in words)
    assert _value(words) == number


@given(st.text(max_size=300))
def test_nothing_that_anybody_writes_breaks_it(text):
    out = in_words(plain(text, READING), READING)
    assert not any("0" <= one <= "9" for one in out) or any(one.isdigit() for one in text)


@given(st.text(alphabet="0123456789", max_size=20))
def test_digit_by_digit_reads_each(digits):
    assert len(digit_by_digit(digits).split()) == len(digits)


def _value(words: str) -> int:
    """The number back from its words, by another way than they were made."""
    units = {"không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "năm": 5, "lăm": 5, "sáu": 6, "bảy": 7,
             "tám": 8, "chín": 9}  # fmt: skip
    total = group = last = 0
    for word in words.split():
        if word in units:
            last = units[word]
        elif word == "trăm":
            group, last = last * 100, 0
        elif word == "mươi":
            group, last = group + last * 10, 0
        elif word == "mười":
            group, last = group + 10, 0
        elif word != "linh":
            total, group, last = total + (group + last) * {"nghìn": 10**3, "triệu": 10**6, "tỷ": 10**9}[word], 0, 0
    return total + group + last
