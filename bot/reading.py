"""One message taken apart: words, phrases of the table, units, waters. What is judged by `intents`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.keywords import Keywords, Tier
from bot.phrases import Candidates, Hit
from bot.waters import FoundWater
from bot.waters import load as load_waters
from directory.mentions import Mention, Setting
from directory.place_names import Kind
from directory.unit_finder import FoundUnits, UnitFinder
from text.folding import fold
from text.words import Lexicon, Word, split, split_known

MOST_WORDS: Final = 200
"""Words of a message that are read; a resident's question has twenty."""
_REMAINDER: Final = 3
"""Words beside the keyword that may be one misspelt name."""
_SOS: Final = "\U0001f198"
SHORTEST_ORDER: Final = 4
"""Letters of an order word; "LU", "DE" and "BAO" are everyday words and judged as such."""
_FIGURE: Final = re.compile(r"[a-z]{2,5}\d+")
_REPORT_WORDS: Final = ("bc", "bao cao")


@dataclass(frozen=True, slots=True)
class Reading:
    """Indices are into `words`. `hits` are phrases that do not overlap; `place_words` belong to units or waters."""

    words: tuple[Word, ...]
    folded: frozenset[str]
    """The words without accents, to see quickly what cannot be there."""
    first_token: str
    hits: tuple[Hit, ...]
    units: FoundUnits
    mentions: tuple[Mention, ...]
    waters: tuple[FoundWater, ...]
    place_words: frozenset[int]
    water_words: frozenset[int]
    is_bare_figures: bool
    begins_with_bc: bool
    report_word: int | None
    only_report_word: bool

    @property
    def first_place(self) -> int:
        return min((mention.start for mention in self.mentions), default=len(self.words))

    @property
    def names_another_province(self) -> bool:
        """ "bão vào Quảng Ninh": without a type word a storm means the province, never our commune of that name."""
        return any(
            mention.type is None
            and mention.district is None
            and any(name.kind is Kind.PROVINCE for name in mention.names)
            for mention in self.mentions
        )

    @property
    def why(self) -> tuple[str, ...]:
        stops = (" ".join(hit.phrase.words) for hit in self.hits if hit.phrase.tier is Tier.STOP)
        return (*(f"stop:{words}" for words in stops), *(f"water:{found.water.full}" for found in self.waters))


@dataclass(frozen=True, slots=True)
class _Layout:
    hits: tuple[Hit, ...]
    mentions: tuple[Mention, ...]
    units: FoundUnits
    unit_words: frozenset[int]
    explained: int
    """Words that are part of a phrase or a place."""


class Reader:
    def __init__(self, finder: UnitFinder, keywords: Keywords) -> None:
        self._finder = finder
        self._keywords = keywords
        self._waters = load_waters(frozenset(finder.book.keys))
        phrases = [" ".join(phrase.folded) for phrase in keywords.phrases if phrase.tier is not Tier.STOP]
        ack = [" ".join(phrase.folded) for phrase in keywords.ack.confirming]
        self._lexicon = Lexicon([*phrases, *ack, *finder.book.phrases])
        self._known = _known(keywords)
        self._orders = frozenset(
            order for intent in keywords.intents.values() for order in intent.keywords if len(order) >= SHORTEST_ORDER
        )

    def read(self, text: str) -> Reading:
        raw = split(text)
        words = self._words(split(text.replace(_SOS, " sos ")) if _SOS in text else raw)
        waters = self._waters.within(words)
        water_words = frozenset(at for found in waters for at in range(found.start, found.end))
        first = next((word.folded for word in raw if word.folded not in self._keywords.manners), "")
        laid_out = self._lay_out(text, words, water_words, ordered=first in self._orders)
        unit_words = laid_out.unit_words
        report_word = self._report_word(words)
        return Reading(
            words=tuple(words),
            folded=frozenset(word.folded for word in words),
            first_token=first,
            hits=laid_out.hits,
            units=laid_out.units,
            mentions=laid_out.mentions,
            waters=tuple(waters),
            place_words=unit_words,
            water_words=water_words,
            is_bare_figures=bool(raw) and all(_FIGURE.fullmatch(word.folded) for word in raw),
            begins_with_bc=first == "bc",
            report_word=report_word,
            only_report_word=report_word is not None and self._only(words, report_word, unit_words),
        )

    def _words(self, raw: Iterable[Word]) -> list[Word]:
        words: list[Word] = []
        for word in split_known(raw, self._known.__contains__, self._lexicon)[:MOST_WORDS]:
            long = self._keywords.abbreviations.get(word.key) or self._keywords.abbreviations.get(word.folded)
            words.extend([Word(part, part, False, word.start, word.end) for part in long] if long else [word])
        return words

    def _lay_out(self, text: str, words: Sequence[Word], waters: frozenset[int], *, ordered: bool) -> _Layout:
        """Which words are phrases and which are places. Where they compete for a word, phrases go first, unless giving
        way to the places explains more words: "BAO DONG LUONG" is a storm at Đồng Lương, not "báo động"."""
        found = Candidates(words, self._keywords)
        claimed = _span(hit for hit in found.several() if hit.phrase.tier is not Tier.STOP)
        phrases_first = self._layout(text, words, found, claimed, waters, ordered=ordered)
        if not claimed or self._finder.book.vocabulary.isdisjoint(words[at].folded for at in claimed):
            return phrases_first
        places_first = self._layout(text, words, found, frozenset(), waters, ordered=ordered)
        guessed = places_first.units.via == "typo"
        return places_first if places_first.explained > phrases_first.explained and not guessed else phrases_first

    def _layout(
        self,
        text: str,
        words: Sequence[Word],
        found: Candidates,
        claimed: frozenset[int],
        waters: frozenset[int],
        *,
        ordered: bool,
    ) -> _Layout:
        mentions, units = self._places(text, words, found, claimed | waters, ordered=ordered)
        unit_words = frozenset(at for mention in mentions for at in range(mention.start, mention.end))
        several = found.several(unit_words)
        single = found.single(_span(several) | waters | unit_words)
        hits = tuple(sorted([*several, *single], key=lambda hit: hit.start))
        return _Layout(hits, tuple(mentions), units, unit_words, len(_span(hits) | unit_words | waters))

    def _places(
        self, text: str, words: Sequence[Word], found: Candidates, covered: frozenset[int], *, ordered: bool
    ) -> tuple[list[Mention], FoundUnits]:
        """Behind an order word even "SOTAN BINH MINH" is a unit; otherwise what is left of a short message may be a
        misspelt one."""
        single = found.single(covered)
        quiet = _span(single)
        quiet |= {at for at, word in enumerate(words) if word.folded in self._keywords.neutral}
        settings = [Setting.ALONE] if ordered else [Setting.SENTENCE]
        if not ordered and (single or covered) and len(words) - len(covered | quiet) <= _REMAINDER:
            settings.append(Setting.REMAINDER)
        for setting in settings:
            choices = self._finder.choices(words, setting, covered, quiet)
            units = self._finder.among(choices, text)
            if units.units:
                return self._finder.telling(choices), units
        return [], FoundUnits(text)

    def _report_word(self, words: Sequence[Word]) -> int | None:
        """Where "bc" or "báo cáo" stands, None if nowhere or only behind other words than a unit's and the manners."""
        for at, word in enumerate(words[:8]):
            if word.folded == "bc" or (word.folded == "bao" and at + 1 < len(words) and words[at + 1].folded == "cao"):
                return at
        return None

    def _only(self, words: Sequence[Word], at: int, unit_words: frozenset[int]) -> bool:
        taken = {at} if words[at].folded == "bc" else {at, at + 1}
        return all(
            index in taken or index in unit_words or word.folded in self._keywords.neutral
            for index, word in enumerate(words)
        )


def _span(hits: Iterable[Hit]) -> frozenset[int]:
    return frozenset(at for hit in hits for at in range(hit.start, hit.end))


def _known(keywords: Keywords) -> frozenset[str]:
    """Tokens that are words here although they are no syllables."""
    tokens = {word for phrase in keywords.phrases for word in phrase.folded}
    tokens.update(fold(short) for short in keywords.abbreviations)
    tokens.update(word for phrase in keywords.ack.confirming for word in phrase.folded)
    return frozenset(tokens | keywords.neutral)
