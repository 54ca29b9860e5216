"""What changed from one text to the next, word by word. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

_WORDS: Final = re.compile(r"\s+|[^\s]+")
"""A word with the signs that touch it, or the blanks between two: joined again they give the text."""


class Piece(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A run of words that the new text keeps, adds or leaves out."""

    kind: Piece
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One place that reads differently; one side is "" where words were only added or only left out."""

    before: str
    after: str


def differences(before: str, after: str) -> list[Difference]:
    """The new text with what was taken out of the old one in its place.

    The kept and added pieces give `after`, the kept and removed ones `before`. A single blank between two changed words
    belongs to the change, so that "16-19h" → "13-16h ngày 25/8" is marked once.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    pieces: list[Difference] = []
    for gone, come, same in _runs(old, new):
        if gone:
            pieces.append(Difference(Piece.REMOVED, "".join(gone)))
        if come:
            pieces.append(Difference(Piece.ADDED, "".join(come)))
        if same:
            pieces.append(Difference(Piece.SAME, "".join(same)))
    return pieces


def changes(before: str, after: str) -> list[Change]:
    """The places that differ, in order, as "before → after"."""
    found = [
        Change("".join(gone).strip(), "".join(come).strip())
        for gone, come, _ in _runs(_WORDS.findall(before), _WORDS.findall(after))
    ]
    return [one for one in found if one.before != one.after]


def changed_blanks(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Of filled-in fields those that read differently now: name → what stood there before, "" for nothing."""
    names = dict.fromkeys([*after, *before])
    return {
        name: before.get(name, "").strip()
        for name in names
        if before.get(name, "").strip() != after.get(name, "").strip()
    }


def _runs(old: list[str], new: list[str]) -> list[tuple[list[str], list[str], list[str]]]:
    """(left out, added, kept after them), with lone blanks between two changes made part of them."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    runs: list[tuple[list[str], list[str], list[str]]] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            kept = new[j1:j2]
            if runs:
                gone, come, same = runs[-1]
                runs[-1] = (gone, come, [*same, *kept])
            else:
                runs.append(([], [], kept))
            continue
        if runs and (runs[-1][0] or runs[-1][1]) and _only_blank(runs[-1][2]):
            gone, come, same = runs.pop()
            runs.append(([*gone, *same, *old[i1:i2]], [*come, *same, *new[j1:j2]], []))
        else:
            runs.append((old[i1:i2], new[j1:j2], []))
    return runs


def _only_blank(words: list[str]) -> bool:
    return len(words) == 1 and words[0].isspace()
