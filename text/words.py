"""A message as words: each with its spelling, its folded key and whether its marks may be relied on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from text.folding import fold, nfc, tone_key, unaccent
from text.leftovers import telex, vni
from text.syllables import Agreement, agreement, is_syllable

_TOKEN: Final = re.compile(r"[^\W_]+")
_HELD_DOWN: Final = re.compile(r"(.)\1{2,}")
_GLUED_FROM: Final = 5  # letters; shorter tokens that are no syllable are abbreviations
_GLUED_TO: Final = 60


@dataclass(frozen=True, slots=True)
class Word:
    """`key` is the spelling in `tone_key` form (decoded where key strokes were left over), `folded` without marks,
    `marked` says that it carries marks. `start` and `end` are offsets in the NFC text."""

    key: str
    folded: str
    marked: bool
    start: int
    end: int

    def agrees(self, spelling: str) -> Agreement:
        """With a `tone_key` spelling of the same folded key."""
        return agreement(self.key, spelling)


def split(text: str) -> list[Word]:
    """The tokens of `text`, case and Unicode form forgotten. Letters of other scripts are no words."""
    clean = nfc(text)
    words = []
    for found in _TOKEN.finditer(clean):
        word = _word(found.group(), found.start())
        if word.folded:
            words.append(word)
    return words


def split_known(
    text: str | Iterable[Word], known: Callable[[str], bool], lexicon: Iterable[str] | Lexicon = ()
) -> list[Word]:
    """`split` (unless that was done already), then run-together words taken apart and left-over key strokes decoded,
    where a token is neither a syllable nor `known` (called with the folded token). `lexicon` holds the folded phrases
    that may be glued."""
    glued = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon)
    words: list[Word] = []
    for word in split(text) if isinstance(text, str) else text:
        if known(word.folded) or (word.folded.isalpha() and is_syllable(word.folded)):
            words.append(word)
        else:
            words.extend(glued.unglue(word) or (_decoded(word) or _squeezed(word, known) or word,))
    return words


def _word(raw: str, start: int) -> Word:
    key, folded = _forms(raw)
    return Word(key, folded, key != folded, start, start + len(raw))


@lru_cache(maxsize=8192)
def _forms(raw: str) -> tuple[str, str]:
    return tone_key(raw), fold(raw).replace(" ", "")


def _squeezed(word: Word, known: Callable[[str], bool]) -> Word | None:
    """ "cứuuuu", "vooiii": letters that were held down, until a syllable or a known word is left."""
    for times in (r"\1\1", r"\1"):
        key = _HELD_DOWN.sub(times, word.key)
        if key == word.key:
            return None
        folded = unaccent(key)
        if is_syllable(folded) or known(folded):
            return Word(key, folded, key != folded, word.start, word.end)
        if decoded := _decoded(Word(key, folded, key != folded, word.start, word.end)):
            return decoded
    return None


def _decoded(word: Word) -> Word | None:
    key = None
    if not word.marked:
        key = telex(word.folded) or vni(word.folded)
    elif word.key.isalpha():
        key = telex(word.folded)  # some keys decoded, some left over: "thờiif"
    if key is None:
        return None
    return Word(key, unaccent(key), key != unaccent(key), word.start, word.end)


class Lexicon:
    """Known words and phrases without their spaces; takes run-together tokens apart ("sotanhoangchau")."""

    def __init__(self, glued: Iterable[str] = ()) -> None:
        self._pieces: dict[str, tuple[str, ...]] = {}
        for phrase in glued:
            parts = tuple(phrase.split())
            self._pieces.setdefault("".join(parts), parts)
        self._longest = max(map(len, self._pieces), default=0)

    def unglue(self, word: Word) -> list[Word]:
        """The words that `word` is made of, in the fewest phrases; empty where it holds anything else, or no phrase of
        two syllables (single ones prove nothing)."""
        letters = word.folded
        if not _GLUED_FROM <= len(letters) <= _GLUED_TO or len(word.key) != len(letters):
            return []
        best: list[tuple[int, int] | None] = [(0, 0)] + [None] * len(letters)  # pieces so far, where the last began
        for end in range(1, len(letters) + 1):
            for begin in range(max(0, end - self._longest), end):
                before = best[begin]
                if before is None or letters[begin:end] not in self._pieces:
                    continue
                count = before[0] + 1
                here = best[end]
                if here is None or count < here[0]:
                    best[end] = (count, begin)
        return self._cut(word, best)

    def _cut(self, word: Word, best: list[tuple[int, int] | None]) -> list[Word]:
        cuts: list[tuple[int, int]] = []
        end = len(word.folded)
        while end:
            step = best[end]
            if step is None:
                return []
            cuts.append((step[1], end))
            end = step[1]
        if all(len(self._pieces[word.folded[begin:stop]]) == 1 for begin, stop in cuts):
            return []
        pieces: list[Word] = []
        for begin, stop in reversed(cuts):
            at = begin
            for part in self._pieces[word.folded[begin:stop]]:
                key = tone_key(word.key[at : at + len(part)])
                pieces.append(Word(key, part, key != part, word.start, word.end))
                at += len(part)
        return pieces
