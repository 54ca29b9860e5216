"""Telex and VNI key strokes that a phone left undecoded ("thowif tieets", "ba4o so61").

Decoding is refused for a token that is a syllable already: the tone keys s f r x j and the digits are ordinary
characters of ordinary words ("tre", "TM12").
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from text.folding import tone_key, unaccent
from text.syllables import is_syllable, with_tone

_TELEX_TONES: Final = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_VNI_TONES: Final = {"1": "\u0301", "2": "\u0300", "3": "\u0309", "4": "\u0303", "5": "\u0323"}
_CIRCUMFLEX: Final = {"a": "â", "e": "ê", "o": "ô"}
_HORN: Final = {"a": "ă", "o": "ơ", "u": "ư"}
_VOWEL: Final = re.compile("[aăâeêioôơuưy]")
_MAX_LETTERS: Final = 11  # "nghieengs" and a few strokes more
_TRAILING_DIGITS: Final = re.compile(r"([a-z]+)[1-9]{1,2}")
_VNI_INSIDE: Final = re.compile(r"[a-z]+[1-9][a-z1-9]*")


@lru_cache(maxsize=4096)
def telex(token: str) -> str | None:
    """The syllable that a lower-case ASCII token was meant to be, in `tone_key` form; None where it is none."""
    if not token.isascii() or not token.isalpha() or len(token) > _MAX_LETTERS or is_syllable(token):
        return None
    letters, tone = "", ""
    for ch in token:
        after_vowel = _VOWEL.search(letters) is not None
        if ch in _TELEX_TONES and after_vowel:
            if tone:
                return None
            tone = _TELEX_TONES[ch]
        elif ch == "z" and after_vowel:
            tone = ""
        elif ch == "w":
            letters = _horn(letters)
        elif ch == "d" and letters.startswith("d") and (letters == "d" or after_vowel):
            letters = "đ" + letters[1:]
        elif ch in _CIRCUMFLEX and ch in letters and (doubled := _circumflex(letters, ch)):
            letters = doubled
        else:
            letters += ch
    return _finished(letters, tone, token)


@lru_cache(maxsize=4096)
def vni(token: str) -> str | None:
    """The same for VNI. Digits only at the end ("bao5") may be a number: they are dropped and no mark is claimed."""
    if trailing := _TRAILING_DIGITS.fullmatch(token):
        return trailing[1] if is_syllable(trailing[1]) else None
    if len(token) > _MAX_LETTERS or not _VNI_INSIDE.fullmatch(token):
        return None
    letters, tone = "", ""
    for ch in token:
        if ch in _VNI_TONES:
            if tone:
                return None
            tone = _VNI_TONES[ch]
        elif ch == "9" and letters.startswith("d"):
            letters = "đ" + letters[1:]
        elif ch in "78":
            letters = _horn(letters)
        elif ch == "6":
            vowel = next((v for v in reversed(letters) if v in _CIRCUMFLEX), "")
            letters = _circumflex(letters, vowel) or letters
        else:
            letters += ch
    return _finished(letters, tone, token)


def _finished(letters: str, tone: str, token: str) -> str | None:
    word = tone_key(with_tone(letters, tone) if tone else letters)
    return word if word != token and is_syllable(unaccent(word)) else None


def _horn(letters: str) -> str:
    """`w` after uo gives ươ; otherwise it works on the last a, o or u; without any it is ư itself."""
    if "uo" in letters:
        return letters.replace("uo", "ươ", 1)
    at = max(letters.rfind(vowel) for vowel in _HORN)
    if at < 0:
        return letters + "ư"
    if letters[at] == "o" and at and letters[at - 1] == "ư":
        return letters[:at] + "ơ" + letters[at + 1 :]
    return letters[:at] + _HORN[letters[at]] + letters[at + 1 :]


def _circumflex(letters: str, vowel: str) -> str:
    """The last plain `vowel` becomes â, ê or ô."""
    at = letters.rfind(vowel) if vowel else -1
    return letters[:at] + _CIRCUMFLEX[vowel] + letters[at + 1 :] if at >= 0 else ""
