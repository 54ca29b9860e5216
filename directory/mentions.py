"""Where a text names places: type word, name, old district, and what makes a name no commune."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from directory.misspelt import Misspelt, Near
from directory.place_names import LONGEST_NAME, Kind, Name, NameBook, PlaceType
from text.folding import fold
from text.syllables import Agreement
from text.words import Word

COMMUNE_TYPES: Final = (PlaceType.XA, PlaceType.PHUONG, PlaceType.TOWNSHIP)

_LONGEST_TYPE: Final = 2  # words: "thị trấn"
_MOST_BETWEEN: Final = 2  # words between a commune and its district
_MISSPELT_LENGTHS: Final = (2, 3, 1)


class Setting(Enum):
    """What is around a mention: the surer that nothing else is meant, the more is taken for a name."""

    SENTENCE = "sentence"
    REMAINDER = "remainder"
    """What is left of a message when its keyword is understood: a misspelt name counts where it is sure."""
    ALONE = "alone"
    """Nothing but a mention: a bare everyday word counts, and near names are offered."""


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
        self._types = {_folded(one): (kind, one) for kind, listed in words.types.items() for one in listed}
        self._type_starts = frozenset(phrase[0] for phrase in self._types)
        self._starts = self._type_starts.union(book.lengths)
        self._ages = tuple(
            (_folded(phrase), phrase, kinds)
            for phrases, kinds in (
                (words.old, (Kind.OLD_UNIT, Kind.DISTRICT)),
                (words.new, (Kind.UNIT,)),
            )
            for phrase in phrases
        )
        self._villages = tuple((_folded(phrase), phrase) for phrase in words.village)
        self._everyday = {fold(" ".join(one)): one for one in words.everyday}
        self._own = fold(words.own_province)
        self._own_spelling = next(
            " ".join(name.spelling) for name in book.named(self._own) if name.kind is Kind.PROVINCE
        )

    def within(
        self,
        words: Sequence[Word],
        setting: Setting,
        taken: frozenset[int] = frozenset(),
        quiet: frozenset[int] = frozenset(),
    ) -> list[Mention]:
        """All mentions in order. Words of `taken` belong to something else; those of `quiet` mean nothing unless they
        are part of a name."""
        found = self._scan(words, taken, setting)
        if setting is not Setting.SENTENCE:
            found = self._with_leftovers(words, found, taken | quiet, setting)
        joined = self._join_districts(words, found)
        return [one for one in joined if self._counts(words, one, taken, setting)]

    def _scan(self, words: Sequence[Word], taken: frozenset[int], setting: Setting) -> list[Mention]:
        found: list[Mention] = []
        at = 0
        while at < len(words):
            begins = at not in taken and words[at].folded in self._starts
            mention = self._at(words, at, taken, setting) if begins else None
            if mention is None:
                at += 1
            else:
                found.append(mention)
                at = mention.end
        return found

    def _at(self, words: Sequence[Word], at: int, taken: frozenset[int], setting: Setting) -> Mention | None:
        kind, length = self._type_at(words, at)
        if kind is not None:
            name_at = at + length
            typed = self._name_at(words, name_at, taken, single=True)
            if typed is not None:
                return self._aged(words, replace(typed, start=at, type=kind))
        plain = self._name_at(words, at, taken, single=setting is Setting.ALONE and len(words) == 1)
        if plain is not None:
            return self._aged(words, plain)
        return self._misspelt_at(words, at, kind, length, taken, setting) if kind is not None else None

    def _type_at(self, words: Sequence[Word], at: int) -> tuple[PlaceType | None, int]:
        if words[at].folded not in self._type_starts:
            return None, 0
        for length in range(_LONGEST_TYPE, 0, -1):
            typed = words[at : at + length]
            kind, spelling = self._types.get(tuple([word.folded for word in typed]), (None, ()))
            if kind is None or len(typed) != length or not _agree(typed, spelling):
                continue
            if typed[0].folded == "h" and at and words[at - 1].folded in self._book.words.hour:
                continue
            return kind, length
        return None, 0

    def _name_at(self, words: Sequence[Word], at: int, taken: frozenset[int], *, single: bool) -> Mention | None:
        """The longest name at `at`. A name of one syllable ("Nưa") is everyone's word: only with a type, its marks or
        in a mention of its own (`single`)."""
        for length in self._book.lengths.get(words[at].folded, ()) if at < len(words) else ():
            typed = words[at : at + length]
            if len(typed) != length or not taken.isdisjoint(range(at, at + length)):
                continue
            names = self._book.named(" ".join(word.folded for word in typed))
            if length == 1 and not single:
                names = [name for name in names if typed[0].marked and name.agreement(typed) is Agreement.EXACT]
            elif length == 1:
                names = [name for name in names if name.agreement(typed) is not Agreement.CONTRADICTS]
            if names:
                return Mention(at, at + length, at, at + length, tuple(names), own_province=self._own_spelling)
        return None

    def _aged(self, words: Sequence[Word], mention: Mention) -> Mention:
        """ "Xuân Hòa cũ" is an older unit, "Đồng Tiến mới" one of today."""
        if mention.type in (PlaceType.DISTRICT, PlaceType.PROVINCE):
            return mention
        for folded, phrase, kinds in self._ages if mention.end < len(words) else ():
            if not _spells(words[mention.end : mention.end + len(phrase)], folded, phrase):
                continue
            narrowed = tuple(name for name in mention.names if name.kind in kinds)
            if narrowed:
                return replace(mention, names=narrowed, end=mention.end + len(phrase))
        return mention

    def _misspelt_at(
        self, words: Sequence[Word], at: int, kind: PlaceType, length: int, taken: frozenset[int], setting: Setting
    ) -> Mention | None:
        """A type word and no known name behind it. In a sentence ("xa minh bi ngap") only a sure guess counts."""
        if kind is PlaceType.PROVINCE:
            return None
        start = at + length
        for count in _MISSPELT_LENGTHS:
            typed = words[start : start + count]
            if len(typed) == count and taken.isdisjoint(range(start, start + count)):
                near = self._misspelt.near(typed, kind)
                if near is not None and _believed(near, setting):
                    return Mention(at, start + count, start, start + count, near.names, kind, via="typo")
        return None

    def _join_districts(self, words: Sequence[Word], found: Sequence[Mention]) -> list[Mention]:
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

    def _with_leftovers(
        self, words: Sequence[Word], found: Sequence[Mention], noise: frozenset[int], setting: Setting
    ) -> list[Mention]:
        """Where little but a mention is said, words that are no known name may be a misspelt one, alone or before a
        district that is spelt right."""
        first = found[0].start if found else len(words)
        rest = [at for at in range(first) if at not in noise and self._means_something(words[at])]
        begins = next((at for at in range(first) if at not in noise), first)
        if not rest:
            return list(found)
        if not found:
            return self._misspelt_alone(words, begins, (rest[0], rest[-1] + 1), noise, setting)
        if rest[-1] != first - 1 or rest[-1] - rest[0] >= LONGEST_NAME or found[0].type in COMMUNE_TYPES:
            return list(found)
        return [self._misspelt_before(words, found[0], rest[0], setting), *found[1:]]

    def _misspelt_alone(
        self, words: Sequence[Word], begins: int, rest: tuple[int, int], noise: frozenset[int], setting: Setting
    ) -> list[Mention]:
        """First with the manners around it ("bà" begins Bá Thước), then without."""
        ends = next((at + 1 for at in reversed(range(len(words))) if at not in noise), rest[1])
        for start, end in dict.fromkeys(((begins, ends), rest)):
            if end - start > LONGEST_NAME or not noise.isdisjoint(range(start, end)):
                continue
            near = self._misspelt.near(words[start:end], None)
            wider = (start, end) != rest
            if near is not None and _believed(near, setting) and (near.sure or not wider):
                return [Mention(start, end, start, end, near.names, via="typo")]
        return []

    def _misspelt_before(self, words: Sequence[Word], mention: Mention, start: int, setting: Setting) -> Mention:
        """ "nah sam son", "hoang chao hoang hoa": `mention` is understood, what stands before it is not."""
        whole = self._misspelt.near(words[start : mention.name_end], None)
        if whole is not None:  # nearer to Nam Sầm Sơn than Sầm Sơn explains
            names = (*whole.names, *mention.names)
            return Mention(start, mention.end, start, mention.name_end, names, via="typo")
        district = next((name for name in mention.names if name.kind is Kind.DISTRICT), None)
        if district is None:
            return mention
        typed = words[start : mention.start]
        near = self._misspelt.near(typed, None, district)
        if near is not None and _believed(near, setting):
            return Mention(start, mention.end, start, mention.start, near.names, via="typo")
        if len(typed) > 1 and setting is Setting.ALONE:
            return Mention(start, mention.end, start, mention.start, (district,), PlaceType.DISTRICT, via="district")
        return mention

    def _means_something(self, word: Word) -> bool:
        return not word.folded.isdigit() and word.folded not in self._book.words.around

    def _counts(self, words: Sequence[Word], mention: Mention, taken: frozenset[int], setting: Setting) -> bool:
        if mention.type is PlaceType.PROVINCE:
            return False
        if mention.type is not None or mention.district is not None or mention.via:
            return True
        if self._is_village(words, mention, taken):
            return False
        return setting is Setting.ALONE or not self._is_everyday(words[mention.name_start : mention.name_end])

    def _is_village(self, words: Sequence[Word], mention: Mention, taken: frozenset[int]) -> bool:
        if not mention.start or mention.start - 1 in taken:
            return False
        if words[mention.start - 1].key in self._book.words.village_accented:
            return True
        return any(
            len(phrase) <= mention.start and _spells(words[mention.start - len(phrase) : mention.start], folded, phrase)
            for folded, phrase in self._villages
        )

    def _is_everyday(self, typed: Sequence[Word]) -> bool:
        spelling = self._everyday.get(" ".join(word.folded for word in typed))
        return spelling is not None and _agree(typed, spelling)


def _believed(near: Near, setting: Setting) -> bool:
    """In a mention of its own near names are offered; elsewhere only a sure one counts that is no everyday word."""
    return setting is Setting.ALONE or (near.sure and not near.ordinary)


def _agree(typed: Sequence[Word], spelling: Sequence[str]) -> bool:
    return all(word.agrees(known) is not Agreement.CONTRADICTS for word, known in zip(typed, spelling, strict=True))


def _folded(phrase: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(fold, phrase))


def _spells(typed: Sequence[Word], folded: tuple[str, ...], phrase: Sequence[str]) -> bool:
    return tuple([word.folded for word in typed]) == folded and _agree(typed, phrase)


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
