"""Phrases of the keyword table in a message: longest first, and only where the accents allow it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.keywords import Keywords, Phrase, Tier
from text.syllables import Agreement, same_but_for_hook_or_tilde, wrong_marks
from text.words import Word

_FORGIVEN: Final = 1
"""Wrong accents that a phrase of several words may carry ("sạt lỡ"); a homograph never ("báo số" is no "bão số")."""


@dataclass(frozen=True, slots=True)
class Hit:
    """`phrase` stands at words `start` to `end`."""

    phrase: Phrase
    start: int
    end: int


class Candidates:
    """Every place in a message where a phrase of the table may stand, overlapping ones included; looked for once."""

    def __init__(self, words: Sequence[Word], keywords: Keywords) -> None:
        several: list[Hit] = []
        single: list[Hit] = []
        folded = tuple(word.folded for word in words)
        for at, first in enumerate(folded):
            for length in keywords.lengths.get(first, ()):
                if at + length > len(folded):
                    continue
                for phrase in keywords.by_key.get(folded[at : at + length], ()):
                    if _spelled(words[at : at + length], phrase, keywords.homographs):
                        (single if length == 1 else several).append(Hit(phrase, at, at + length))
        last = len(keywords.rank)
        for found in (several, single):
            found.sort(key=lambda hit: (hit.start - hit.end, hit.start, keywords.rank.get(hit.phrase.intent, last)))
        self._several: Final = several
        self._single: Final = single

    def several(self, taken: Collection[int] = frozenset()) -> list[Hit]:
        """Phrases of several words, in order of their place, none overlapping another or `taken`. Where the same words
        serve two intents, the one of higher priority has them."""
        return _apart(self._several, taken)

    def single(self, taken: Collection[int] = frozenset()) -> list[Hit]:
        """The same for phrases of one word."""
        return _apart(self._single, taken)


def _apart(found: Iterable[Hit], taken: Collection[int]) -> list[Hit]:
    kept: list[Hit] = []
    used = set(taken)
    for hit in found:
        span = range(hit.start, hit.end)
        if used.isdisjoint(span):
            kept.append(hit)
            used.update(span)
    return sorted(kept, key=_place)


def _place(hit: Hit) -> int:
    return hit.start


def stands(typed: Sequence[Word], phrase: Phrase, homographs: frozenset[str]) -> bool:
    """True where `typed` is `phrase`, every accent right; one wrong accent is forgiven among several words."""
    same = len(typed) == len(phrase.words) and all(
        word.folded == folded for word, folded in zip(typed, phrase.folded, strict=True)
    )
    return same and _spelled(typed, phrase, homographs)


def _spelled(typed: Sequence[Word], phrase: Phrase, homographs: frozenset[str]) -> bool:
    """The accents of words that are `phrase` without them."""
    wrong = 0
    for word, known in zip(typed, phrase.words, strict=True):
        if word.marked and word.agrees(known) is Agreement.CONTRADICTS:
            if len(typed) > 1 and phrase.tier is not Tier.STOP and same_but_for_hook_or_tilde(word.key, known):
                continue
            if known in homographs or word.key in homographs or len(typed) == 1 or phrase.tier is Tier.STOP:
                return False
            wrong += wrong_marks(word.key, known)
    return wrong <= _FORGIVEN


def says(words: Sequence[Word], phrase: Phrase, homographs: frozenset[str]) -> bool:
    """True where `phrase` stands anywhere in `words`."""
    length = len(phrase.words)
    return any(stands(words[at : at + length], phrase, homographs) for at in range(len(words) - length + 1))
