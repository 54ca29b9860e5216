"""Is a message nothing but a confirmation? Strict on purpose: one that nobody gave must never be recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.documents import Document, find_documents
from bot.keywords import AckWords
from text.syllables import Agreement
from text.words import Word

_QUESTION: Final = re.compile(r"[?？]")
_MOST_UNKNOWN: Final = 4
"""Words beside an explicit "đã nhận công điện 04" that may be about something else."""
_ANOTHER_WORD: Final = "\0"
"""Stands for a word whose accents make it none of the vocabulary."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`designations` of the documents or messages that it names, in order."""

    designations: tuple[str, ...]
    why: str


def confirmation(text: str, words: Sequence[Word], places: frozenset[int], vocabulary: AckWords) -> Confirmed | None:
    """None for a question, a negation, or anything that is more than a confirmation. `places` are the indices of the
    words that name a unit."""
    if not words or _QUESTION.search(text):
        return None
    every = [word.folded for word in words]
    if vocabulary.received.find(every) is None and vocabulary.clear.find(every) is None:
        return None
    documents = find_documents(text, vocabulary.documents, numbers=True)
    left = [word for at, word in enumerate(words) if at not in places and not _inside(word, documents)]
    if vocabulary.never.find([word.folded for word in left]) is not None:
        return None
    numbers = _lone_numbers([word.folded for word in left], vocabulary)
    rest = [_reading(word, vocabulary) for word in left if not word.folded.isdigit()]
    received = vocabulary.received.find(rest)
    if received is None and vocabulary.clear.find(rest) is None:
        return None
    unknown = _unknown(rest, vocabulary)
    named = tuple(document.designation for document in documents)
    if not unknown:
        return Confirmed(named or (tuple(numbers) if len(numbers) == 1 else ()), "ack:whole")
    about = bool(documents) or vocabulary.documents.find(rest) is not None
    if received is not None and about and unknown <= _MOST_UNKNOWN:
        return Confirmed(named, "ack:document")
    return None


def _unknown(rest: Sequence[str], vocabulary: AckWords) -> int:
    """How many words belong neither to a confirmation nor to the manners around it."""
    known: set[int] = set()
    for phrases in (vocabulary.received, vocabulary.clear, vocabulary.documents):
        known.update(at for span in phrases.spans(rest) for at in range(*span))
    return sum(at not in known and word not in vocabulary.fillers for at, word in enumerate(rest))


def _lone_numbers(folded: Sequence[str], vocabulary: AckWords) -> list[str]:
    """Numbers that may be a document's: "đã nhận 04", but not "đã nhận 2 công điện"."""
    numbers = []
    for at, word in enumerate(folded):
        counts = at + 1 < len(folded) and vocabulary.documents.at(folded, at + 1) > at + 1
        if word.isdigit() and not counts:
            numbers.append(word)
    return numbers


def _reading(word: Word, vocabulary: AckWords) -> str:
    spellings = vocabulary.spellings.get(word.folded, frozenset())
    fits = not word.marked or any(word.agrees(known) is not Agreement.CONTRADICTS for known in spellings)
    return word.folded if fits else _ANOTHER_WORD


def _inside(word: Word, documents: Sequence[Document]) -> bool:
    return any(document.start <= word.start and word.end <= document.end for document in documents)
