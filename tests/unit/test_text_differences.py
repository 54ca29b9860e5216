"""Word by word what changed between two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.differences import Change, Difference, Piece, changed_blanks, changes, differences

WORDS = st.lists(st.sampled_from(["bão", "số", "5", "16-19h", "13-16h", "\n", " ", "  ", "Sầm Sơn"])).map("".join)


@given(WORDS, WORDS)
def test_the_pieces_give_both_texts_back(before, after):
    found = differences(before, after)
    assert "".join(one.text for one in found if one.kind is not Piece.REMOVED) == after
    assert "".join(one.text for one in found if one.kind is not Piece.ADDED) == before
    assert all(one.text for one in found)


@given(WORDS)
def test_the_same_text_has_no_difference(text):
    assert changes(text, text) == []
    assert all(one.kind is Piece.SAME for one in differences(text, text))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("vào 16-19h ngày 25/8", "vào 13-16h ngày 25/8", [("16-19h", "13-16h")]),
        ("cấp 12", "cấp 13-14, giật 16", [("12", "13-14, giật 16")]),
        ("xong trước 9:00", "xong", [("trước 9:00", "")]),
        ("", "mới", [("", "mới")]),
        ("bão lớn vào", "bão rất mạnh vào", [("lớn", "rất mạnh")]),
        ("a b c d", "a x c y", [("b", "x"), ("d", "y")]),
    ],
)
def test_what_changed(before, after, found):
    assert changes(before, after) == [Change(*one) for one in found]


def test_a_change_of_two_words_is_marked_once():
    assert differences("đi Nghi Sơn ngay", "đi Sầm Sa ngay") == [
        Difference(Piece.SAME, "đi "),
        Difference(Piece.REMOVED, "Nghi Sơn"),
        Difference(Piece.ADDED, "Sầm Sa"),
        Difference(Piece.SAME, " ngay"),
    ]


def test_fields_that_changed():
    assert changed_blanks({"lan": "6", "han": " 9:00 ", "bo": "x"}, {"lan": "7", "han": "9:00", "moi": "y"}) == {
        "lan": "6",
        "moi": "",
        "bo": "x",
    }
