"""Zalo's texts: counted, split, harmless."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from adapters.zalo import limits, wording

WORDS = st.lists(st.sampled_from(["nước", "lũ", "sơ tán", "🌊", "xã\n", "đê.", "a" * 50]), max_size=1500)


def test_length_is_the_larger_count() -> None:
    assert wording.length("mưa") == 3
    assert wording.length("🌊") == 2
    assert wording.length(unicodedata.normalize("NFD", "ấ")) == 3


def test_mentions_are_neutralised_and_nothing_else() -> None:
    assert wording.neutralise("[@123] [ghi chú] a@b [@aa11]") == "[ @123] [ghi chú] a@b [ @aa11]"


def test_nfd_is_composed_before_it_is_counted() -> None:
    assert len(wording.prepare(unicodedata.normalize("NFD", "Đường bộ ngập sâu"))) == 17


def test_short_texts_are_not_marked() -> None:
    assert wording.split("x" * limits.TEXT_LIMIT) == ("x" * limits.TEXT_LIMIT,)
    assert wording.split("") == ()


def test_one_more_character_makes_two_parts() -> None:
    parts = wording.split("x" * (limits.TEXT_LIMIT + 1))
    assert [part[:6] for part in parts] == ["(1/2)\n", "(2/2)\n"]


@given(WORDS)
def test_parts_fit_and_lose_nothing(words: list[str]) -> None:
    text = wording.prepare(" ".join(words))
    parts = wording.split(text)
    assert all(wording.length(part) <= limits.TEXT_LIMIT for part in parts)
    if len(parts) > 1:
        assert all(wording.length(part) <= limits.PART_LIMIT for part in parts)
        text_again = "".join(part.split("\n", 1)[1] for part in parts)
        assert "".join(text_again.split()) == "".join(text.split())
    if wording.length(text) <= limits.WHOLE_LIMIT:
        assert len(parts) <= limits.MAX_PARTS


@given(st.text(max_size=6000))
def test_any_text_splits_into_whole_characters(text: str) -> None:
    for part in wording.split(text):
        assert wording.length(part) <= limits.TEXT_LIMIT
