"""Folded phrases that are looked for together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from text.folding import fold


class PhraseSet:
    """Phrases without accents; where several begin at one word, the longest counts."""

    def __init__(self, listed: Iterable[str]) -> None:
        unique = {tuple(fold(phrase).split()) for phrase in listed} - {()}
        self.phrases: Final = tuple(sorted(unique, key=lambda words: (-len(words), words)))
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for words in self.phrases:
            self._by_first.setdefault(words[0], []).append(words)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self.phrases)

    def at(self, folded: Sequence[str], at: int) -> int:
        """Where the phrase that begins at word `at` ends, `at` itself if none does."""
        for words in self._by_first.get(folded[at], ()):
            if tuple(folded[at : at + len(words)]) == words:
                return at + len(words)
        return at

    def find(self, folded: Sequence[str], start: int = 0) -> tuple[int, int] | None:
        """The first span at or after `start`."""
        for at in range(start, len(folded)):
            if (end := self.at(folded, at)) > at:
                return at, end
        return None

    def everywhere(self, folded: Sequence[str]) -> list[tuple[int, int]]:
        """Every span of every phrase, overlapping ones and those inside longer ones included."""
        return [
            (at, at + len(words))
            for at, first in enumerate(folded)
            for words in self._by_first.get(first, ())
            if tuple(folded[at : at + len(words)]) == words
        ]

    def spans(self, folded: Sequence[str]) -> list[tuple[int, int]]:
        """All, none overlapping the one before it."""
        found: list[tuple[int, int]] = []
        at = 0
        while (span := self.find(folded, at)) is not None:
            found.append(span)
            at = span[1]
        return found
