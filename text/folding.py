"""Unicode hygiene and the folded key by which Vietnamese texts are compared.

`nfc` repairs what phones and bad converters leave, `unaccent` drops the marks, `fold` gives the comparison key.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_ZERO_WIDTH: Final = (
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
    + "".join(map(chr, range(0xFE00, 0xFE10)))  # variation selectors
)
_BLANKS: Final = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"

INVISIBLE: Final = frozenset(_ZERO_WIDTH)
"""Characters without width that phones paste: deleted everywhere."""
ODD_BLANKS: Final = frozenset(_BLANKS)
"""NBSP and the thin and wide blanks: an ordinary space everywhere."""

_CLEAN: Final[dict[int, str]] = {
    **{ord(ch): "" for ch in _ZERO_WIDTH},
    **{ord(ch): " " for ch in _BLANKS},
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width forms
    0x00D0: "Đ",  # Icelandic eth and African D, which bad converters write for Đ
    0x0189: "Đ",
    0x2028: "\n",
    0x2029: "\n",
}

# Every precomposed Latin letter that stands for a plain one plus marks, so that most texts need no NFD pass.
_PLAIN: Final[dict[int, str]] = {ord("đ"): "d", ord("Đ"): "D", 0x00D0: "D", 0x0189: "D", 0x00F0: "d"}
for _code in [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]:
    _first = unicodedata.normalize("NFD", chr(_code))[0]
    if _first.isascii() and _first.isalpha():
        _PLAIN[_code] = _first

_REMEMBERED: Final = 4_096  # texts
_REMEMBERED_CHARS: Final = 320  # of a text: two SMS parts; 4,096 of them take 2 MB at most
_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")

# Open syllables only: "hoà" moves, "hoàn" and "quý" never do.
_NEW_STYLE: Final = re.compile(r"(?<![qQ])(o[àáảãạ]|o[èéẻẽẹ]|u[ỳýỷỹỵ])(?![^\W\d_])", re.IGNORECASE)
_TONES: Final = "\u0300\u0301\u0309\u0303\u0323"


def nfc(s: str) -> str:
    """NFC without invisible characters; odd blanks become spaces, full-width forms ASCII, eth (Ð) the letter Đ."""
    if s.isascii():
        return s
    # Composed twice: an invisible character may stand between a letter and its mark.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", s).translate(_CLEAN))


def unaccent(s: str) -> str:
    """`s` without diacritics, case kept, đ → d. Other characters stay as they are."""
    if s.isascii():
        return s
    plain = unicodedata.normalize("NFC", s).translate(_PLAIN)
    if plain.isascii():
        return plain
    bare = "".join(ch for ch in unicodedata.normalize("NFD", plain) if unicodedata.category(ch) != "Mn")
    return unicodedata.normalize("NFC", bare).translate(_PLAIN)


def fold(s: str) -> str:
    """The comparison key: lower case, no accents, anything that is not a Latin letter or digit a single space."""
    return _remembered(s) if len(s) <= _REMEMBERED_CHARS else _folded(s)


def _folded(s: str) -> str:
    return _NOT_WORD.sub(" ", unaccent(nfc(s)).lower()).strip()


_remembered = lru_cache(maxsize=_REMEMBERED)(_folded)
"""A message is folded by everybody who looks at it, and the words of a table again and again."""


def has_marks(s: str) -> bool:
    """True where `s` carries at least one Vietnamese mark or đ, so that its spelling decides between homographs."""
    return not s.isascii() and unaccent(s) != unicodedata.normalize("NFC", s)


def tone_key(s: str) -> str:
    """The accented comparison key: NFC, lower case, "hoà/thuỷ/khoẻ" written "hòa/thủy/khỏe", single spaces.

    Marks are kept: "Thiệu Hoà" and "Thiệu Hòa" are equal, "Thiệu Hóa" is another name.
    """
    lowered = " ".join(nfc(s).lower().split())
    return lowered if lowered.isascii() else _NEW_STYLE.sub(_move_tone, lowered)


def _move_tone(match: re.Match[str]) -> str:
    first, second = match[1][0], match[1][1]
    letters = unicodedata.normalize("NFD", second)
    tone = next(ch for ch in letters if ch in _TONES)
    return unicodedata.normalize("NFC", first + tone + letters.replace(tone, ""))
