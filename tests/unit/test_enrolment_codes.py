"""Codes of an enrolment: typed on a Vietnamese keyboard, told by voice, mistyped, guessed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import enrolment_codes as codes

SECRET = b"x" * 32
CODES = st.builds(
    codes.made,
    st.binary(min_size=16, max_size=32),
    st.integers(1, 10_000),
    st.sampled_from(("zalo", "telegram")),
    st.integers(1, 50),
)


@given(CODES)
def test_every_code_has_its_form_and_checks(code: str) -> None:
    assert codes.is_code(code)
    assert len(code) == codes.LENGTH
    assert codes.read(codes.shown(code)) == code


def test_the_alphabet_has_no_letter_that_a_keyboard_or_an_eye_changes() -> None:
    assert not set(codes.ALPHABET) & set("0O1IL2Z5S8BDGUWAEIOUY")
    assert len(set(codes.ALPHABET)) == len(codes.ALPHABET)


@given(CODES, st.integers(0, codes.LENGTH - 1), st.sampled_from(codes.ALPHABET))
def test_one_wrong_character_is_always_found(code: str, at: int, wrong: str) -> None:
    changed = code[:at] + wrong + code[at + 1 :]
    assert codes.is_code(changed) is (changed == code)


@given(CODES)
def test_two_that_changed_places_are_nearly_always_found(code: str) -> None:
    missed = 0
    for at, (one, other) in enumerate(pairwise(code)):
        swapped = code[:at] + other + one + code[at + 2 :]
        missed += swapped != code and codes.is_code(swapped)
    assert missed <= 2  # Luhn misses only the pair of first and last character of the alphabet


@pytest.mark.parametrize(
    "typed",
    [
        "k7cf9xqm",
        "K7CF-9XQM",
        " K7CF 9XQM ",
        "k7cf – 9xqm",
        "K7CF.9XQM",
        "ｋ７ｃｆ９ｘｑｍ",
        "“K7CF-9XQM”".strip("“”"),
        "K 7 C F 9 X Q M",
    ],
)
def test_how_people_type_one_code(typed: str) -> None:
    assert codes.read(typed) == "K7CF9XQM"


@pytest.mark.parametrize("typed", ["", "K7CF", "K7CF-9XQM-3", "K7CF-9XQ0", "dạ rõ", "😀😀😀😀😀😀😀😀"])
def test_what_is_no_code(typed: str) -> None:
    assert not codes.is_code(codes.read(typed))


@given(st.text(max_size=60))
def test_nothing_breaks_the_reader(typed: str) -> None:
    codes.is_code(codes.read(typed))


def test_codes_are_one_for_each_person_family_and_serial() -> None:
    wanted = [(person, family, n) for person in range(1, 400) for family in ("zalo", "telegram") for n in (1, 2)]
    made = {codes.made(SECRET, *one) for one in wanted}
    assert len(made) == len(wanted)
    assert codes.made(SECRET, 7, "zalo", 1) == codes.made(SECRET, 7, "zalo", 1)
    assert codes.made(b"y" * 32, 7, "zalo", 1) != codes.made(SECRET, 7, "zalo", 1)


def test_a_hash_is_of_no_use_without_the_secret() -> None:
    code = codes.made(SECRET, 7, "zalo", 1)
    assert code not in codes.hashed(SECRET, code)
    assert codes.hashed(SECRET, code) != codes.hashed(b"y" * 32, code)
