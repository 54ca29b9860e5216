"""When an everyday word is a keyword: "mua" is rain beside "to", and buying beside "gạo"."""

from __future__ import annotations

from typing import Final

from bot.keywords import Intent, Keywords, Phrase, Row, Tier
from bot.phrases import Hit, says, stands
from bot.reading import Reading
from text.syllables import Agreement

_SHORT: Final = 1
"""Words beside it that a leading keyword ("LU …") may have and still be meant as one."""
_NEAR: Final = 6
"""Words between two that are said `together`."""
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
    before_place = hit.end in reading.place_words or hit.end in reading.water_words
    if hit.end < len(reading.words) and not before_place and reading.words[hit.end].folded in keywords.persons:
        return False
    if not left_over(reading, keywords, hit, keywords.manners if intent.strict else keywords.neutral):
        return True
    if bare_only:
        return False
    if any(says(reading.words, phrase, keywords.homographs) for phrase in intent.beside):
        return True
    return intent.lead and left_over(reading, keywords, hit) <= _SHORT and _leads(hit, reading, keywords)


def near_each_other(reading: Reading, intent: Intent, keywords: Keywords) -> str | None:
    """What was found of a pair of rows that the intent names `together` ("nước … ngực"), None if neither."""
    for first, second in intent.together:
        if first.keys().isdisjoint(reading.folded) or second.keys().isdisjoint(reading.folded):
            continue
        others = _places(reading, second, keywords)
        for begin, one in _places(reading, first, keywords) if others else ():
            for start, other in others:
                if begin != start and abs(start - begin) <= _NEAR:
                    return f"{' '.join(one.words)} … {' '.join(other.words)}"
    return None


def _places(reading: Reading, row: Row, keywords: Keywords) -> list[tuple[int, Phrase]]:
    return [
        (at, phrase)
        for at, word in enumerate(reading.words)
        if at not in reading.place_words and at not in reading.water_words
        for phrase in row.get(word.folded, ())
        if stands(reading.words[at : at + len(phrase.words)], phrase, keywords.homographs)
    ]


def left_over(
    reading: Reading, keywords: Keywords, hit: Hit | None = None, around: frozenset[str] = frozenset()
) -> int:
    """How many words are neither `hit`, a place, a number nor said `around` everything (the neutral words)."""
    around = around or keywords.neutral
    known = set(range(hit.start, hit.end)) if hit is not None else set()
    for other in reading.hits:
        if hit is not None and other.phrase.intent == hit.phrase.intent and other.phrase.tier is not Tier.STOP:
            known.update(range(other.start, other.end))
    known |= reading.place_words | reading.water_words
    return sum(
        at not in known and not word.folded.isdigit() and word.folded not in around
        for at, word in enumerate(reading.words)
    )


def _leads(hit: Hit, reading: Reading, keywords: Keywords) -> bool:
    return all(word.folded in keywords.neutral for word in reading.words[: hit.start])
