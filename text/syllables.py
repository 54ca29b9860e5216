"""The shape of Vietnamese syllables, and how well a typed one agrees with a known spelling."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache
from typing import Final

from text.folding import tone_key

_ONSETS: Final = "b|c|ch|d|g|gh|gi|h|k|kh|l|m|n|ng|ngh|nh|p|ph|qu|r|s|t|th|tr|v|x"
_RIMES: Final = (
    "a|ac|ach|ai|am|an|ang|anh|ao|ap|at|au|ay|e|ec|ech|em|en|eng|enh|eo|ep|et|eu|i|ia|ich|iec|iem|ien|ieng|iep|iet|ieu"
    "|im|in|inh|ip|it|iu|o|oa|oac|oach|oai|oam|oan|oang|oanh|oao|oap|oat|oay|oc|oe|oen|oeo|oet|oi|om|on|ong|ooc|oong"
    "|op|ot|u|ua|uac|uan|uang|uat|uay|uc|ue|uech|uenh|ui|um|un|ung|uo|uoc|uoi|uom|uon|uong|uop|uot|uou|up|ut|uu|uy|uya"
    "|uych|uyen|uyet|uyn|uynh|uyt|uyu|y|yem|yen|yeng|yet|yeu"
)
_SYLLABLE: Final = re.compile(f"(?:{_ONSETS})?(?:{_RIMES})")

_STROKE: Final = "\u0335"
"""Stands for the bar of đ, which has no decomposition in Unicode."""


def is_syllable(folded: str) -> bool:
    """True where an unaccented lower-case token could be a Vietnamese syllable ("tre", "thuong"; not "hauloc")."""
    return _SYLLABLE.fullmatch(folded) is not None


class Agreement(IntEnum):
    """How a typed spelling agrees with a known one of the same folded key."""

    CONTRADICTS = 0  # it carries a mark that the known spelling has not: "Lạc" for "Lặc", "để" for "đê"
    PARTIAL = 1  # every mark that it carries is right, some are missing: "Lat" for "Lát"
    EXACT = 2


@lru_cache(maxsize=8192)
def marks(key: str) -> tuple[frozenset[str], ...]:
    """The marks on each letter of a word in `tone_key` form."""
    found = []
    for ch in key:
        letters = unicodedata.normalize("NFD", ch)
        found.append(frozenset(letters[1:]) | ({_STROKE} if letters[0] == "đ" else frozenset()))
    return tuple(found)


def agreement(typed: str, known: str) -> Agreement:
    """Both are words in `tone_key` form with the same folded key."""
    if typed == known:
        return Agreement.EXACT
    return Agreement.PARTIAL if wrong_marks(typed, known) == 0 else Agreement.CONTRADICTS


@lru_cache(maxsize=8192)
def wrong_marks(typed: str, known: str) -> int:
    """On how many letters `typed` carries a mark that `known` has not there."""
    if typed.isascii():
        return 0
    known_marks = marks(known)
    typed_marks = marks(typed)
    if len(known_marks) != len(typed_marks):
        return len(typed_marks)
    return sum(not has <= wanted for has, wanted in zip(typed_marks, known_marks, strict=True))


_HOOK_FOR_TILDE: Final = str.maketrans({"\u0303": "\u0309"})


def same_but_for_hook_or_tilde(typed: str, known: str) -> bool:
    """True where two words differ in hỏi or ngã alone, which speech in Thanh Hóa does not tell apart ("xả lủ")."""
    decomposed = (unicodedata.normalize("NFD", word).translate(_HOOK_FOR_TILDE) for word in (typed, known))
    return len(set(decomposed)) == 1


_TONE_ORDER: Final = "\u0301\u0300\u0309\u0303\u0323"
_MODIFIED: Final = "ăâêôơư"
_VOWELS: Final = frozenset("aăâeêioôơuưy")


def with_tone(letters: str, tone: str) -> str:
    """`letters` (lower case, no tone) with the combining `tone` on the vowel that carries it, classic placement."""
    start = 2 if letters.startswith(("qu", "gi")) and len(letters) > 2 and letters[2] in _VOWELS else 0
    vowels = [at for at, ch in enumerate(letters) if ch in _VOWELS and at >= start]
    if not vowels or tone not in _TONE_ORDER:
        return letters
    modified = [at for at in vowels if letters[at] in _MODIFIED]
    if modified:
        at = modified[-1]
    elif len(vowels) == 1:
        at = vowels[0]
    else:
        closed = vowels[-1] != len(letters) - 1
        at = vowels[-1] if closed and len(vowels) == 2 else vowels[1] if len(vowels) > 2 else vowels[0]
    return tone_key(letters[: at + 1] + tone + letters[at + 1 :])
