"""Keywords with a slip of the thumb ("thoi tet", "cuu vio"), where nothing else in the message was understood."""

from __future__ import annotations

from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.keywords import Keywords, Tier
from bot.reading import Reading
from text.syllables import is_syllable

_SHORTEST: Final = 6  # letters of a phrase without its blanks
_SHORTEST_OF_SYLLABLES: Final = 7  # letters typed, where every typed word could be another one
_LONG_PHRASE: Final = 8  # letters of a phrase that such words may be
_SHORTEST_FOR_TWO: Final = 11  # letters in which two slips are forgiven
_LONGEST: Final = 3  # words of a window
_MOST_WORDS: Final = 30  # words of a message that are searched
_NEVER: Final = frozenset({"DANHAN", "HUY", "BC"})
"""Never guessed: they confirm, stop or report something."""


class Misheard:
    def __init__(self, keywords: Keywords) -> None:
        self._neutral = keywords.neutral
        self._intents: dict[str, str] = {}
        self._cries: dict[str, str] = {}
        for phrase in keywords.phrases:
            if len(phrase.glued) < _SHORTEST or len(phrase.words) < 2:
                continue
            if phrase.tier is Tier.CRY:
                self._cries.setdefault(phrase.glued, " ".join(phrase.words))
            elif phrase.tier is Tier.PHRASE and phrase.intent not in _NEVER:
                self._intents.setdefault(phrase.glued, phrase.intent)
        self._cry_keys = tuple(self._cries)
        self._keys = tuple(self._intents)

    def cry(self, reading: Reading) -> str | None:
        """A cry for help with a slip in it. Looked for only in windows that hold a word that is none, so that ordinary
        talk never rings the alarm."""
        for window, _ in self._windows(reading, strange=True):
            found = process.extractOne(window, self._cry_keys, scorer=OSA.distance, score_cutoff=1)
            if found is not None:
                return self._cries[found[0]]
        return None

    def intent(self, reading: Reading) -> tuple[str, str] | None:
        """(intent, phrase) where one intent alone is near."""
        near: dict[int, dict[str, str]] = {}
        for window, ordinary in self._windows(reading, strange=False):
            reach = 2 if len(window) >= _SHORTEST_FOR_TWO else 1
            for key, distance, _ in process.extract(
                window, self._keys, scorer=OSA.distance, score_cutoff=reach, limit=None
            ):
                if ordinary and len(key) < _LONG_PHRASE:
                    continue
                near.setdefault(int(distance), {}).setdefault(self._intents[key], key)
        if not near:
            return None
        best = near[min(near)]
        return next(iter(best.items())) if len(best) == 1 else None

    def _windows(self, reading: Reading, *, strange: bool) -> list[tuple[str, bool]]:
        """Words glued together, places and everyday phrases left out; True where each could be another word."""
        words = reading.words[:_MOST_WORDS]
        stopped = {at for hit in reading.hits if hit.phrase.tier is Tier.STOP for at in range(hit.start, hit.end)}
        taken = reading.place_words | reading.water_words | stopped
        typed = [word.folded for word in words]
        ordinary = [is_syllable(word) or word in self._neutral for word in typed]
        if strange and all(ordinary):
            return []
        windows: list[tuple[str, bool]] = []
        for at in range(len(words)):
            letters, only_ordinary = "", True
            for index in range(at, min(at + _LONGEST, len(words))):
                if index in taken:
                    break
                letters += typed[index]
                only_ordinary = only_ordinary and ordinary[index]
                shortest = _SHORTEST_OF_SYLLABLES if only_ordinary else _SHORTEST - 1
                if len(letters) >= shortest and letters.isalpha() and not (strange and only_ordinary):
                    windows.append((letters, only_ordinary))
        return windows
