"""When an everyday word is a keyword: "mua" is rain beside "to", and buying beside "gạo"."""

from __future__ import annotations

from typing import Final

from bot.keywords import Keywords, Tier
from bot.phrases import Hit, says
from bot.reading import Reading
from text.syllables import Agreement

_SHORT: Final = 1
"""Words beside it that a leading keyword ("LU …") may have and still be meant as one."""
_BARE_ONLY: Final = frozenset({"HUY"})


def counts(hit: Hit, reading: Reading, keywords: Keywords) -> bool:
    """True where the word at `hit` means its intent: it carries the right accents, or its context demands it."""
    words = reading.words[hit.start : hit.end]
    intent = keywords.intents[hit.phrase.intent]
    bare_only = hit.phrase.intent in _BARE_ONLY
    if len(words) > 1:  # "giúp với"
        return any(says(reading.words, phrase, keywords.homographs) for phrase in intent.beside)
    if not bare_only and words[0].marked and words[0].agrees(hit.phrase.words[0]) is Agreement.EXACT:
        return True
    if hit.end < len(reading.words) and reading.words[hit.end].folded in keywords.persons:
        return False
    others = left_over(reading, keywords, hit)
    if not others:
        return True
    if bare_only:
        return False
    if any(says(reading.words, phrase, keywords.homographs) for phrase in intent.beside):
        return True
    return intent.lead and others <= _SHORT and _leads(hit, reading, keywords)


def left_over(reading: Reading, keywords: Keywords, hit: Hit | None = None) -> int:
    """How many words are neither `hit`, a place, a number nor said around everything."""
    known = set(range(hit.start, hit.end)) if hit is not None else set()
    for other in reading.hits:
        if hit is not None and other.phrase.intent == hit.phrase.intent and other.phrase.tier is not Tier.STOP:
            known.update(range(other.start, other.end))
    known |= reading.place_words | reading.water_words
    return sum(
        at not in known and not word.folded.isdigit() and word.folded not in keywords.neutral
        for at, word in enumerate(reading.words)
    )


def _leads(hit: Hit, reading: Reading, keywords: Keywords) -> bool:
    return all(word.folded in keywords.neutral for word in reading.words[: hit.start])
