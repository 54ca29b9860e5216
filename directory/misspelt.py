"""Names of units with a slip of the thumb in them. One keystroke apart from two units is never decided for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from directory.place_names import Kind, Name, NameBook, PlaceType
from text.folding import unaccent
from text.syllables import is_syllable
from text.words import Word

SHORTEST: Final = 5  # letters of a name in which one slip may be forgiven
SHORTEST_FOR_TWO: Final = 9
MOST_CHOICES: Final = 4  # near names that may be offered; more of them mean that nothing was recognised


@dataclass(frozen=True, slots=True)
class Near:
    """Names close to what was typed. `sure` where one place alone is close; `ordinary` where every typed word is a
    syllable, so that it may be no name at all."""

    names: tuple[Name, ...]
    sure: bool
    ordinary: bool


class Misspelt:
    def __init__(self, book: NameBook) -> None:
        self._book = book
        self._keys = tuple(key for key in book.glued if len(key) >= SHORTEST)

    def near(self, typed: Sequence[Word], kind: PlaceType | None, district: Name | None = None) -> Near | None:
        """Places whose folded name is one keystroke (two in a long name) from `typed`, narrowed to those of the type
        and in the district that were named; None where nothing or too much is near. `sure` is never said of a text of
        ordinary syllables: "Kim Sơn" is a place, too, one letter from Bỉm Sơn."""
        letters = "".join(word.folded for word in typed)
        if len(letters) < SHORTEST or not letters.isalpha():
            return None
        reach = 2 if len(letters) >= SHORTEST_FOR_TWO else 1
        found = process.extract(letters, self._keys, scorer=OSA.distance, score_cutoff=reach + 1, limit=None)
        by_distance: dict[int, list[Name]] = {}
        for key, distance, _ in found:
            by_distance.setdefault(int(distance), []).extend(self._allowed(key, kind, district))
        best = next((distance for distance in sorted(by_distance) if by_distance[distance]), None)
        if best is None or best > reach:
            return None
        closest, further = _communes(by_distance[best]), _communes(by_distance.get(best + 1, []))
        if not 1 <= len(_answers(closest)) <= MOST_CHOICES:
            return None
        elsewhere = len(closest) < len(by_distance[best])
        ordinary = all(is_syllable(word.folded) for word in typed)
        doubtful = elsewhere or best > 1 or ordinary
        if len(_answers(closest)) == 1 and (district or not doubtful or not further):
            return Near(tuple(closest), sure=True, ordinary=ordinary)
        return Near(tuple(_with_runners_up(closest, further, typed)), sure=False, ordinary=ordinary)

    def _allowed(self, key: str, kind: PlaceType | None, district: Name | None) -> list[Name]:
        names = [name for name in self._book.glued[key] if district is None or name.lies_in(district)]
        if kind is None or kind is PlaceType.DISTRICT:
            wanted = names if kind is None else [name for name in names if name.kind is Kind.DISTRICT]
        else:
            wanted = [name for name in names if name.type is kind]
        current = [name for name in wanted if name.kind is Kind.UNIT]
        return current or wanted


def _with_runners_up(closest: Sequence[Name], further: Sequence[Name], typed: Sequence[Word]) -> list[Name]:
    """A question needs two choices at least. Those that share a syllable with the typed text come first."""
    offered = list(closest)
    if len(_answers(closest)) > 1:
        return offered
    syllables = {word.folded for word in typed}
    for name in sorted(further, key=lambda name: syllables.isdisjoint(map(unaccent, name.spelling))):
        if len(_answers([*offered, name])) <= MOST_CHOICES:
            offered.append(name)
    return offered


def _communes(names: Sequence[Name]) -> list[Name]:
    return [name for name in names if name.kind is not Kind.PROVINCE]


def _answers(names: Sequence[Name]) -> set[tuple[str, ...]]:
    return {name.codes for name in names}
