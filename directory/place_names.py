"""Every name by which people call a unit, today's or an older one's, under its folded key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from directory.units import DATA, DISTRICT_TYPES, OldUnit, Unit, UnitCatalogue, split_type
from text.folding import fold, tone_key
from text.syllables import Agreement
from text.words import Lexicon, Word

WORDS_FILE: Final = "words.toml"
LONGEST_NAME: Final = 3
"""Syllables: "Nam Sầm Sơn", "Đào Duy Từ"."""


class Kind(StrEnum):
    UNIT = "unit"
    OLD_UNIT = "old_unit"
    DISTRICT = "district"
    PROVINCE = "province"


class PlaceType(StrEnum):
    """What people write before a name."""

    XA = "xa"
    PHUONG = "phuong"
    TOWNSHIP = "tt"
    DISTRICT = "district"
    PROVINCE = "province"


_TYPE_OF: Final = {"Xã": PlaceType.XA, "Phường": PlaceType.PHUONG, "Thị trấn": PlaceType.TOWNSHIP}


@dataclass(frozen=True, slots=True)
class Name:
    """One name of one place. `spelling` is the name's words in `tone_key` form, `codes` the units of today with the
    default first (none for a province), `districts` the old districts it lay in, `full` the name with its type."""

    kind: Kind
    type: PlaceType
    spelling: tuple[str, ...]
    codes: tuple[str, ...]
    districts: frozenset[str]
    full: str
    by_codes: bool = False
    """A district that the table no longer has: what lies in it is known by today's codes only."""

    def lies_in(self, district: Name) -> bool:
        if district.by_codes:
            return not set(district.codes).isdisjoint(self.codes)
        return not district.districts.isdisjoint(self.districts)

    def agreement(self, typed: Sequence[Word]) -> Agreement:
        """The worst of its words; `EXACT` means that every mark is there."""
        return min(word.agrees(known) for word, known in zip(typed, self.spelling, strict=True))


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """`words.toml`: what stands around names. Phrases are tuples of words in `tone_key` form."""

    types: Mapping[PlaceType, tuple[tuple[str, ...], ...]]
    village: tuple[tuple[str, ...], ...]
    village_accented: frozenset[str]
    hour: frozenset[str]
    old: tuple[tuple[str, ...], ...]
    new: tuple[tuple[str, ...], ...]
    between: frozenset[str]
    around: frozenset[str]
    everyday: tuple[tuple[str, ...], ...]
    own_province: str
    provinces: tuple[str, ...]
    districts: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Name, district of the table that it stands for ("" if none), codes."""


def load_words(folder: Path = DATA) -> PlaceWords:
    """Raises OSError, `tomllib.TOMLDecodeError` or KeyError for a damaged file: it is shipped, not edited."""
    raw: dict[str, Any] = tomllib.loads((folder / WORDS_FILE).read_text(encoding="utf-8"))
    return PlaceWords(
        types={PlaceType(kind): phrases(listed) for kind, listed in raw["types"].items()},
        village=phrases(raw["village"]["before"]),
        village_accented=frozenset(map(tone_key, raw["village"]["accented"])),
        hour=frozenset(map(fold, raw["hour"]["before"])),
        old=phrases(raw["age"]["old"]),
        new=phrases(raw["age"]["new"]),
        between=frozenset(map(fold, raw["between"]["words"])),
        around=frozenset(map(fold, raw["around"]["words"])),
        everyday=phrases(raw["everyday"]["phrases"]),
        own_province=raw["provinces"]["own"],
        provinces=tuple(raw["provinces"]["names"]),
        districts=tuple((one["name"], one.get("of", ""), tuple(one.get("units", ()))) for one in raw["district"]),
    )


def phrases(listed: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(tone_key(phrase).split()) for phrase in listed)


class NameBook:
    """Names by folded key ("hau loc") and by the same without spaces, for run-together and misspelt ones."""

    def __init__(self, catalogue: UnitCatalogue, words: PlaceWords) -> None:
        self.words: Final = words
        self._by_key: dict[str, list[Name]] = {}
        for name in _names(catalogue, words):
            self._by_key.setdefault(fold(" ".join(name.spelling)), []).append(name)
        self.lengths: Final = _lengths(self._by_key)
        """First folded word of names → how many words those have, longest first."""
        self.glued: Final[Mapping[str, tuple[Name, ...]]] = {
            key.replace(" ", ""): tuple(self._by_key[key]) for key in self._by_key
        }
        types = [" ".join(phrase) for listed in words.types.values() for phrase in listed if "".join(phrase) != "a"]
        self.phrases: Final = (*self._by_key, *(fold(word) for word in types))
        self.lexicon: Final = Lexicon(self.phrases)
        ages = [word for phrase in (*words.old, *words.new) for word in phrase]
        self.vocabulary: Final = frozenset(
            [*(word for phrase in self.phrases for word in phrase.split()), *map(fold, ages), *words.between]
        )
        """Folded words of which mentions consist."""

    @property
    def keys(self) -> Iterable[str]:
        """The folded names of all places."""
        return self._by_key.keys()

    def named(self, key: str) -> Sequence[Name]:
        """All places of this folded name, today's units first."""
        return self._by_key.get(key, ())


def _lengths(keys: Iterable[str]) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for key in keys:
        words = key.split()
        found.setdefault(words[0], set()).add(len(words))
    return {first: tuple(sorted(counts, reverse=True)) for first, counts in found.items()}


def _names(catalogue: UnitCatalogue, words: PlaceWords) -> Iterable[Name]:
    yield from map(_unit_name, catalogue.all)
    yield from map(_old_name, catalogue.old_units)
    for full, units in catalogue.old_districts.items():
        _, short = split_type(full, DISTRICT_TYPES)
        yield _district_name(short, full, full, units)
    for short, stands_for, codes in words.districts:
        units = catalogue.old_districts[stands_for] if stands_for else catalogue.units_of(codes)
        yield _district_name(short, f"Huyện {short}", stands_for, units)
    for short in (words.own_province, *words.provinces):
        yield Name(Kind.PROVINCE, PlaceType.PROVINCE, _spelling(short), (), frozenset(), f"Tỉnh {short}")


def _unit_name(unit: Unit) -> Name:
    spelling = _spelling(unit.short_name)
    return Name(Kind.UNIT, _TYPE_OF[unit.type], spelling, (unit.code,), frozenset(unit.old_districts), unit.name)


def _old_name(old: OldUnit) -> Name:
    spelling, districts = _spelling(old.short_name), frozenset([old.district])
    return Name(Kind.OLD_UNIT, _TYPE_OF[old.type], spelling, old.new_codes, districts, f"{old.name}, {old.district}")


def _district_name(short: str, full: str, district: str, units: Sequence[Unit]) -> Name:
    """Its same-name unit first: the best guess of those to choose from."""
    ordered = sorted(units, key=lambda unit: (fold(unit.short_name) != fold(short), unit.code))
    codes = tuple(unit.code for unit in ordered)
    districts = frozenset([district] if district else [])
    return Name(Kind.DISTRICT, PlaceType.DISTRICT, _spelling(short), codes, districts, full, by_codes=not district)


def _spelling(short_name: str) -> tuple[str, ...]:
    return tuple(tone_key(short_name).split())
