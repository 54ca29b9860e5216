"""The words by which a damage report says that it is one of an exercise ("BC DIEN TAP TM12"), taken out of its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from broadcasts.damage_words import load_damage_words
from text.folding import fold, nfc, tone_key
from text.words import Word, split

Phrase = tuple[str, ...]
"""Words in `tone_key` form."""
_CORE: Final = "tap"
"""Every mark holds it: most messages need no second look."""


@dataclass(frozen=True, slots=True)
class Marked:
    """`exercise`: the text says so; `rest` is the text without those words, and without those that deny it."""

    rest: str
    exercise: bool


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The longest first; `behind` and `before` are folded words."""

    denials: Sequence[Phrase]
    marks: Sequence[Phrase]
    behind: frozenset[str]
    before: frozenset[str]


def marked(text: str) -> Marked | None:
    """None where nothing is said of an exercise. Pure; never raises."""
    if _CORE not in fold(text):
        return None
    words, phrases = split(text), _phrases()
    found = [(start, end, False) for start, end in _spans(words, phrases.denials)]
    denied = {at for start, end, _ in found for at in range(start, end)}
    found += [
        (start, end, True)
        for start, end in _spans(words, phrases.marks)
        if denied.isdisjoint(range(start, end)) and not _of_something_else(words, start, end, phrases)
    ]
    if not found:
        return None
    rest = nfc(text)
    for start, end, _ in sorted(found, reverse=True):
        rest = f"{rest[: words[start].start]} {rest[words[end - 1].end :]}"
    return Marked(rest, any(mark for _, _, mark in found))


def _spans(words: Sequence[Word], phrases: Sequence[Phrase]) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(words):
        length = next((len(one) for one in phrases if _stands(words[at : at + len(one)], one)), 0)
        if length:
            yield at, at + length
        at += length or 1


def _stands(words: Sequence[Word], phrase: Phrase) -> bool:
    """Where accents were typed they decide: "điện tập" is no "diễn tập"."""
    return len(words) == len(phrase) and all(
        word.key == wanted if word.marked else word.folded == fold(wanted)
        for word, wanted in zip(words, phrase, strict=True)
    )


def _of_something_else(words: Sequence[Word], start: int, end: int, phrases: _Phrases) -> bool:
    """ "mat dien tap the": no electricity, everywhere."""
    behind = words[start - 1].folded if start else ""
    before = words[end].folded if end < len(words) else ""
    return behind in phrases.behind or before in phrases.before


@cache
def _phrases() -> _Phrases:
    said = load_damage_words().exercise

    def listed(phrases: Iterable[str]) -> list[Phrase]:
        return sorted((tuple(tone_key(one).split()) for one in phrases), key=len, reverse=True)

    return _Phrases(
        listed(said.denials),
        listed(said.marks),
        frozenset(map(fold, said.not_behind)),
        frozenset(map(fold, said.not_before)),
    )
