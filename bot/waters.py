"""Rivers, reservoirs and hydropower plants named in a message (`data/waters.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from text.folding import fold, tone_key
from text.syllables import Agreement
from text.words import Word

WATERS_FILE: Final = Path(__file__).resolve().parent.parent / "data" / "waters.toml"
RIVER: Final = "sông"


@dataclass(frozen=True, slots=True)
class Water:
    """`kind` and `name` as an answer writes them: "sông", "Mã"."""

    kind: str
    name: str
    spelling: tuple[str, ...]
    folded: tuple[str, ...]

    @property
    def full(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class FoundWater:
    """Words `start` to `end` name `water`; `bare` without its kind word."""

    water: Water
    start: int
    end: int
    bare: bool


@dataclass(frozen=True, slots=True)
class Everyday:
    """Folded names that are another word without their accents ("lên"), and what beside them says which it is."""

    names: frozenset[str]
    before: frozenset[str]
    unless_before: frozenset[str]
    after: frozenset[str]

    def means_another_word(self, words: Sequence[Word], start: int, name_at: int) -> bool:
        """ "nuoc song len cao": the kind word stands at `start`, the name at `name_at`."""
        name = words[name_at]
        if name.marked or name.folded not in self.names:
            return False
        before, behind, following = _folded(words, start - 1), _folded(words, start - 2), _folded(words, name_at + 1)
        return (before in self.before and behind not in self.unless_before) or following in self.after


class Waters:
    def __init__(
        self, kinds: dict[str, list[str]], names: dict[str, list[str]], everyday: Everyday, unit_names: frozenset[str]
    ) -> None:
        """`unit_names`: folded names of units of any age, which are no water without a kind word."""
        self._everyday = everyday
        listed = [(tone_key(word), kind) for kind, words in kinds.items() for word in words]
        self._kinds = {tuple(fold(word).split()): (tuple(word.split()), kind) for word, kind in listed}
        self._kind_starts = frozenset(words[0] for words in self._kinds)
        self._unit_names = unit_names
        self._by_first: dict[str, list[Water]] = {}
        for kind, waters in names.items():
            for name in waters:
                water = Water(kind, name, tuple(tone_key(name).split()), tuple(fold(name).split()))
                self._by_first.setdefault(water.folded[0], []).append(water)
        for same_first in self._by_first.values():
            same_first.sort(key=lambda water: -len(water.spelling))
        self._longest_kind = max(len(words) for words, _ in self._kinds.values())

    def within(self, words: Sequence[Word]) -> list[FoundWater]:
        """All waters in order of place."""
        found: list[FoundWater] = []
        at = 0
        while at < len(words):
            here = self._with_kind(words, at) or self._bare(words, at)
            if here is not None:
                found.append(here)
                at = here.end
            else:
                at += 1
        return found

    def _with_kind(self, words: Sequence[Word], at: int) -> FoundWater | None:
        if words[at].folded not in self._kind_starts:
            return None
        for length in range(self._longest_kind, 0, -1):
            typed = words[at : at + length]
            spelling, kind = self._kinds.get(tuple([word.folded for word in typed]), ((), ""))
            if not kind or len(typed) != length or not _agree(typed, spelling):
                continue
            waters = self._at(words, at + length)
            if waters and self._everyday.means_another_word(words, at, at + length):
                continue
            for water in waters:
                if water.kind == kind:
                    return FoundWater(water, at, at + length + len(water.spelling), bare=False)
            other = next((water for water in waters if (water.kind == RIVER) == (kind == RIVER)), None)
            if other is not None:  # "hồ Trung Sơn" is the reservoir of the power plant
                return FoundWater(other, at, at + length + len(other.spelling), bare=False)
        return None

    def _bare(self, words: Sequence[Word], at: int) -> FoundWater | None:
        for water in self._at(words, at):
            if len(water.spelling) > 1 and " ".join(water.folded) not in self._unit_names:
                return FoundWater(water, at, at + len(water.spelling), bare=True)
        return None

    def _at(self, words: Sequence[Word], at: int) -> list[Water]:
        if at >= len(words):
            return []
        return [
            water
            for water in self._by_first.get(words[at].folded, ())
            if tuple([word.folded for word in words[at : at + len(water.folded)]]) == water.folded
            and _agree(words[at : at + len(water.folded)], water.spelling)
        ]


def load(unit_names: frozenset[str], path: Path = WATERS_FILE) -> Waters:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    everyday = Everyday(
        names=frozenset(map(fold, raw["everyday"]["names"])),
        before=frozenset(raw["everyday"]["before"]),
        unless_before=frozenset(raw["everyday"]["unless_before"]),
        after=frozenset(raw["everyday"]["after"]),
    )
    return Waters(raw["kinds"], raw["waters"], everyday, unit_names)


def _folded(words: Sequence[Word], at: int) -> str:
    return words[at].folded if 0 <= at < len(words) else ""


def _agree(typed: Sequence[Word], spelling: Sequence[str]) -> bool:
    """Both have the same folded words."""
    return all(word.agrees(known) is not Agreement.CONTRADICTS for word, known in zip(typed, spelling, strict=True))
