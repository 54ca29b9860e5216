"""Phone numbers: every way that address books write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.numbers import CONVERTED_2018, carrier_hint, mask, msisdn, msisdns, parse
from text.report import number_report

_NEAR_NUMBERS = st.text(alphabet="0123456789+84 .-()otel\n\r", max_size=20)
_MOBILE_LINES = st.from_regex(r"(?:\+?84|0)?[35789][0-9]{8}", fullmatch=True)


@pytest.mark.parametrize(
    "raw",
    [
        "0900001234",
        "84900001234",
        "+84900001234",
        "0084900001234",
        "+840900001234",
        "84 0900 001 234",
        "900001234",
        "0900.001.234",
        "0900-001-234",
        "(090) 000 1234",
        "(+84) 900 001 234",
        "'0900001234",
        "tel: 0900 001 234",
        "ĐT: 0900001234",
        "0900001234 (trực ban)",
        "0900\u00a0001\u200b234",
        "０９００００１２３４",
        "900001234.0",
        "0900001234\n",
    ],
)
def test_ways_of_writing_one_mobile_number(raw: str) -> None:
    number = parse(raw)
    assert (number.e164, number.reason, number.kind, number.carrier_hint) == ("+84900001234", "", "mobile", "MobiFone")
    assert number.input == raw
    assert msisdn(raw) == 84900001234


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("849123456", "+84849123456"),
        ("84849123456", "+84849123456"),
        ("0849123456", "+84849123456"),
        ("8491234567", None),
    ],
)
def test_084_is_a_prefix_and_84_a_country(raw: str, e164: str | None) -> None:
    assert parse(raw).e164 == e164


@pytest.mark.parametrize(("old", "new"), sorted(CONVERTED_2018.items()))
def test_numbers_of_before_2018(old: str, new: str) -> None:
    for written in (f"0{old}0001234", f"84{old}0001234", f"+84 {old} 000 1234", f"{old}0001234"):
        assert parse(written).e164 == f"+84{new}0001234"


@pytest.mark.parametrize("raw", ["02373 777 777", "0237.3777.777", "+84 237 3777777", "842373777777", "(0237) 3777777"])
def test_a_landline_is_known_and_no_sms_target(raw: str) -> None:
    number = parse(raw)
    assert (number.e164, number.reason, number.kind) == ("+842373777777", "landline", "landline")
    assert msisdn(raw) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("112", "emergency"),
        ("114", "emergency"),
        ("1022", "short_code"),
        ("8099", "short_code"),
        ("1900 1234", "service"),
        ("1800 123456", "service"),
        ("+1 415 555 2671", "foreign"),
        ("+912345678", "foreign"),
        ("", "empty"),
        ("  -  ", "empty"),
        ("không có", "letters"),
        ("09o2345678", "letters"),
        ("3 thôn 0900001234", "letters"),
        ("8.49E+10", "letters"),
        ("0900001234 / 0900001235", "too_long"),
        ("0" * 500, "too_long"),
        ("09000012345", "unknown_prefix"),
        ("090000123", "too_short"),
        ("0123456789", "unknown_prefix"),
        ("0600001234", "unknown_prefix"),
    ],
)
def test_what_is_no_target(raw: str, reason: str) -> None:
    number = parse(raw)
    assert (number.e164, number.reason, number.kind, number.carrier_hint) == (None, reason, "", "")
    assert msisdn(raw) is None


@pytest.mark.parametrize(
    ("prefix", "carrier"),
    [
        ("032", "Viettel"), ("086", "Viettel"), ("098", "Viettel"), ("081", "VinaPhone"), ("094", "VinaPhone"),
        ("070", "MobiFone"), ("089", "MobiFone"), ("052", "Vietnamobile"), ("092", "Vietnamobile"), ("059", "Gmobile"),
        ("087", "iTel"), ("055", "Wintel"), ("095", ""),
    ],
)  # fmt: skip
def test_carrier_is_a_hint(prefix: str, carrier: str) -> None:
    assert parse(f"{prefix}0001234").carrier_hint == carrier
    assert carrier_hint(int(f"84{prefix[1:]}0001234")) == carrier


@given(st.lists(st.one_of(_MOBILE_LINES, _NEAR_NUMBERS), max_size=5))
def test_a_chunk_of_lines_gives_what_each_line_gives(lines: list[str]) -> None:
    assert msisdns(lines) == [msisdn(line) for line in lines]


def test_a_cell_with_a_line_break_never_shifts_its_neighbours() -> None:
    assert msisdns(["0900001234\n0900001235", "x"]) == [None, None]


def test_report() -> None:
    assert number_report("0900001234") == {
        "input": "0900001234",
        "e164": "+84900001234",
        "carrier_hint": "MobiFone",
        "reason": "",
        "kind": "mobile",
    }


def test_mask() -> None:
    assert mask("84900001234") == "8490***234"
    assert mask("to +84 900 001 234, from 112") == "to +8490***234, from 112"
    assert "0001234" not in mask("https://example.test/send?to=0900001234")


@given(st.one_of(st.text(), _NEAR_NUMBERS))
def test_parsing_never_raises_and_the_bulk_path_agrees(raw: str) -> None:
    number = parse(raw)
    expected = int(number.e164[1:]) if number.e164 and number.kind == "mobile" else None
    assert msisdn(raw) == expected
    if number.e164:
        again = parse(number.e164)
        assert (again.e164, again.kind, again.reason) == (number.e164, number.kind, number.reason)
    else:
        assert number.reason
