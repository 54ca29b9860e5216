"""Where a text names places: type word, name, old district, and what makes a name no commune."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from directory.misspelt import Misspelt
from directory.place_names import LONGEST_NAME, Kind, Name, NameBook, PlaceType
from text.folding import fold
from text.syllables import Agreement
from text.words import Word

COMMUNE_TYPES: Final = (PlaceType.XA, PlaceType.PHUONG, PlaceType.TOWNSHIP)

_LONGEST_TYPE: Final = 2  # words: "thị trấn"
_MOST_BETWEEN: Final = 2  # words between a commune and its district
_MISSPELT_LENGTHS: Final = (2, 3, 1)


@dataclass(frozen=True, slots=True)
class Mention:
    """Words `start` to `end` name a place, `name_start` to `name_end` are the name itself. `names` are the places of
    that folded name, narrowed by what the text says. `via` is set where the choice is made already."""

    start: int
    end: int
    name_start: int
    name_end: int
    names: tuple[Name, ...]
    type: PlaceType | None = None
    district: Name | None = None
    via: str = ""
    own_province: str = ""

    def is_own_province(self, name: Name) -> bool:
        return " ".join(name.spelling) == self.own_province


class Mentions:
    def __init__(self, book: NameBook, misspelt: Misspelt) -> None:
        self._book = book
        self._misspelt = misspelt
        words = book.words
        self._types = {fold(" ".join(one)): (kind, one) for kind, listed in words.types.items() for one in listed}
        self._everyday = {fold(" ".join(one)): one for one in words.everyday}
        self._own = fold(words.own_province)
        self._own_spelling = next(
            " ".join(name.spelling) for name in book.named(self._own) if name.kind is Kind.PROVINCE
        )

    def within(self, words: Sequence[Word], *, alone: bool, taken: frozenset[int]) -> list[Mention]:
        """All mentions in order. `alone`: the text is nothing but a mention, so that even a bare everyday word or a
        misspelt name counts."""
        found = self._scan(words, taken, alone=alone)
        if alone:
            found = self._with_leftovers(words, found)
        joined = self._join_districts(words, found, alone=alone)
        return [one for one in joined if self._counts(words, one, alone=alone)]

    def _scan(self, words: Sequence[Word], taken: frozenset[int], *, alone: bool) -> list[Mention]:
        found: list[Mention] = []
        at = 0
        while at < len(words):
            mention = self._at(words, at, taken, alone=alone) if at not in taken else None
            if mention is None:
                at += 1
            else:
                found.append(mention)
                at = mention.end
        return found

    def _at(self, words: Sequence[Word], at: int, taken: frozenset[int], *, alone: bool) -> Mention | None:
        kind, length = self._type_at(words, at)
        if kind is not None:
            name_at = at + length
            typed = self._name_at(words, name_at, taken, single=True)
            if typed is not None:
                return self._aged(words, replace(typed, start=at, type=kind))
        plain = self._name_at(words, at, taken, single=alone)
        if plain is not None:
            return self._aged(words, plain)
        return self._misspelt_at(words, at, kind, length, taken, alone=alone) if kind is not None else None

    def _type_at(self, words: Sequence[Word], at: int) -> tuple[PlaceType | None, int]:
        for length in range(_LONGEST_TYPE, 0, -1):
            typed = words[at : at + length]
            kind, spelling = self._types.get(" ".join(word.folded for word in typed), (None, ()))
            if kind is None or len(typed) != length or not _agree(typed, spelling):
                continue
            if typed[0].folded == "h" and at and words[at - 1].folded in self._book.words.hour:
                continue
            return kind, length
        return None, 0

    def _name_at(self, words: Sequence[Word], at: int, taken: frozenset[int], *, single: bool) -> Mention | None:
        """The longest name at `at`. A name of one syllable ("Nưa") is everyone's word: only with a type, its marks or
        alone (`single`)."""
        for length in range(LONGEST_NAME, 0, -1):
            typed = words[at : at + length]
            if len(typed) != length or not taken.isdisjoint(range(at, at + length)):
                continue
            names = self._book.named(" ".join(word.folded for word in typed))
            if length == 1 and not single:
                names = [name for name in names if typed[0].marked and name.agreement(typed) is Agreement.EXACT]
            if names:
                return Mention(at, at + length, at, at + length, tuple(names), own_province=self._own_spelling)
        return None

    def _aged(self, words: Sequence[Word], mention: Mention) -> Mention:
        """ "Xuân Hòa cũ" is an older unit, "Đồng Tiến mới" one of today."""
        if mention.type in (PlaceType.DISTRICT, PlaceType.PROVINCE):
            return mention
        for phrases, kind in ((self._book.words.old, Kind.OLD_UNIT), (self._book.words.new, Kind.UNIT)):
            for phrase in phrases:
                after = words[mention.end : mention.end + len(phrase)]
                narrowed = tuple(name for name in mention.names if name.kind is kind)
                if narrowed and _spells(after, phrase):
                    return replace(mention, names=narrowed, end=mention.end + len(phrase))
        return mention

    def _misspelt_at(
        self, words: Sequence[Word], at: int, kind: PlaceType, length: int, taken: frozenset[int], *, alone: bool
    ) -> Mention | None:
        """A type word and no known name behind it. In a sentence ("xa minh bi ngap") only a sure guess counts."""
        if kind is PlaceType.PROVINCE:
            return None
        start = at + length
        for count in _MISSPELT_LENGTHS:
            typed = words[start : start + count]
            if len(typed) == count and taken.isdisjoint(range(start, start + count)):
                near = self._misspelt.near(typed, kind)
                if near is not None and (near.sure or alone):
                    return Mention(at, start + count, start, start + count, near.names, kind, via="typo")
        return None

    def _join_districts(self, words: Sequence[Word], found: Sequence[Mention], *, alone: bool) -> list[Mention]:
        """A commune and its old district, in either order, become one mention."""
        joined: list[Mention] = []
        for mention in found:
            before = joined[-1] if joined else None
            if before is not None and self._adjacent(words, before, mention):
                pair = _narrowed(before, mention) or _narrowed(mention, before)
                if pair is not None:
                    joined[-1] = pair
                    continue
            joined.append(mention)
        return joined

    def _adjacent(self, words: Sequence[Word], first: Mention, second: Mention) -> bool:
        gap = words[first.end : second.start]
        return len(gap) <= _MOST_BETWEEN and all(word.folded in self._book.words.between for word in gap)

    def _with_leftovers(self, words: Sequence[Word], found: Sequence[Mention]) -> list[Mention]:
        """In a text that is nothing but a mention, words that are no known name may be a misspelt one, alone or before
        a district that is spelt right."""
        kept = list(found)
        first = found[0].start if found else len(words)
        rest = [at for at in range(first) if self._means_something(words[at])]
        if rest and len(rest) < first <= LONGEST_NAME and not found:
            whole = self._misspelt.near(words[:first], None)
            if whole is not None and whole.sure:  # "ba thuocs": "bà" is said around names, and begins this one
                return [Mention(0, first, 0, first, whole.names, via="typo")]
        if not rest or rest[-1] - rest[0] + 1 > LONGEST_NAME or (found and rest[-1] != first - 1):
            return kept
        typed = words[rest[0] : rest[-1] + 1]
        district = next((name for name in found[0].names if name.kind is Kind.DISTRICT), None) if found else None
        if found and found[0].type in COMMUNE_TYPES:
            return kept
        whole = self._misspelt.near(words[rest[0] : found[0].name_end], None) if found else None
        if whole is not None:  # "nah sam son" is nearer to Nam Sầm Sơn
            span = (rest[0], found[0].end, rest[0], found[0].name_end)
            return [Mention(*span, (*whole.names, *found[0].names), via="typo"), *kept[1:]]
        if found and district is None:
            return kept
        near = self._misspelt.near(typed, None, district)
        span = (rest[0], found[0].end if found else rest[-1] + 1, rest[0], rest[-1] + 1)
        if near is not None:
            return [Mention(*span, near.names, via="typo"), *kept[1:]]
        if district is not None and len(typed) > 1:
            return [Mention(*span, (district,), PlaceType.DISTRICT, via="district"), *kept[1:]]
        return kept

    def _means_something(self, word: Word) -> bool:
        return not word.folded.isdigit() and word.folded not in self._book.words.around

    def _counts(self, words: Sequence[Word], mention: Mention, *, alone: bool) -> bool:
        if mention.type is PlaceType.PROVINCE:
            return False
        if mention.type is not None or mention.district is not None or mention.via:
            return True
        for phrase in self._book.words.village:
            start = mention.start - len(phrase)
            if start >= 0 and _spells(words[start : mention.start], phrase):
                return False
        return alone or not self._is_everyday(words[mention.name_start : mention.name_end])

    def _is_everyday(self, typed: Sequence[Word]) -> bool:
        spelling = self._everyday.get(" ".join(word.folded for word in typed))
        return spelling is not None and _agree(typed, spelling)


def _agree(typed: Sequence[Word], spelling: Sequence[str]) -> bool:
    return all(word.agrees(known) is not Agreement.CONTRADICTS for word, known in zip(typed, spelling, strict=True))


def _spells(typed: Sequence[Word], phrase: Sequence[str]) -> bool:
    same = len(typed) == len(phrase) and all(
        word.folded == fold(known) for word, known in zip(typed, phrase, strict=True)
    )
    return same and _agree(typed, phrase)


def _narrowed(commune: Mention, district: Mention) -> Mention | None:
    """`commune` narrowed to what lies in `district`; None where the second is no district or holds no such name."""
    if commune.type is PlaceType.DISTRICT or district.type in (*COMMUNE_TYPES, PlaceType.PROVINCE):
        return None
    for place in district.names:
        if place.kind is not Kind.DISTRICT:
            continue
        inside = tuple(
            name for name in commune.names if name.kind in (Kind.UNIT, Kind.OLD_UNIT) and name.lies_in(place)
        )
        if district.type is None and any(district.is_own_province(name) for name in district.names):
            # "Ba Đình, Thanh Hóa": the province, unless the city of that name had a ward of this one.
            current = tuple(name for name in commune.names if name.kind is Kind.UNIT)
            inside = (*current, *(name for name in inside if name not in current)) if current else ()
        if inside:
            start, end = min(commune.start, district.start), max(commune.end, district.end)
            return replace(commune, start=start, end=end, names=inside, district=place)
    return None
