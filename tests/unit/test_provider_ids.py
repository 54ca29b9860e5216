"""Provider ids as they are kept: back exactly as they were written, and short where they can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.provider_ids import all_packed, packed, unpacked


@given(st.text() | st.text("0123456789abcdef") | st.text("0123456789ABCDEF ") | st.from_regex(r"[0-9]{1,30}"))
def test_what_was_written_comes_back(written):
    assert unpacked(packed(written)) == written


@given(st.lists(st.text() | st.text("0123456789abcdef\xff\xfe"), unique=True))
def test_two_ids_are_never_one(written):
    assert len({packed(one) for one in written}) == len(written)


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("1f00ab34cd56ef78", 9),
        ("123456789", 6),
        ("1F00AB34", 8),
        ("1f 00", 5),
        ("8b3c2f1e-9d7a-4c55-8f7e-1a2b3c4d5e6f", 36),
        ("", 1),
    ],
)
def test_small_hexadecimal_digits_take_half_the_room(written, length):
    assert len(packed(written)) == length


IDS = st.text("0123456789abcdef", min_size=8, max_size=8)


@given(st.lists(IDS) | st.lists(st.text()) | st.lists(IDS | st.text("0123456789abcdefABC ", min_size=8, max_size=8)))
def test_many_at_once_are_as_one_by_one(written):
    assert all_packed(written) == [packed(one) for one in written]
