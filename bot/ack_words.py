"""Is a message nothing but a confirmation? Strict on purpose: one that nobody gave must never be recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.documents import Document, find_documents
from bot.keywords import AckPhrase, AckWords, Said
from text.syllables import Agreement
from text.words import Word

_QUESTION: Final = re.compile(r"[?？]")
_MOST_UNKNOWN: Final = 4
"""Words beside an explicit "đã nhận công điện 04" that may be about something else."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`designations` of the documents or messages that it names, in order."""

    designations: tuple[str, ...]
    why: str


def confirmation(text: str, words: Sequence[Word], places: frozenset[int], vocabulary: AckWords) -> Confirmed | None:
    """None for a question, a negation, or anything that is more than a confirmation. `places` are the indices of the
    words that name a unit."""
    if not words or _QUESTION.search(text) or vocabulary.phrases.keys().isdisjoint(word.folded for word in words):
        return None
    documents = find_documents(text, vocabulary.documents, numbers=True)
    left = [word for at, word in enumerate(words) if at not in places and not _inside(word, documents)]
    said = _read([word for word in left if not word.folded.isdigit()], vocabulary)
    if Said.NEVER in said or not (Said.RECEIVED in said or Said.CLEAR in said):
        return None
    unknown = said.count(Said.OTHER)
    named = tuple(document.designation for document in documents)
    if not unknown:
        numbers = _lone_numbers([word.folded for word in left], vocabulary)
        return Confirmed(named or (tuple(numbers) if len(numbers) == 1 else ()), "ack:whole")
    about = bool(documents) or Said.DOCUMENT in said
    if Said.RECEIVED in said and about and unknown <= _MOST_UNKNOWN:
        return Confirmed(named, "ack:document")
    return None


def _read(words: Sequence[Word], vocabulary: AckWords) -> list[Said]:
    """What each word does: the longest phrase that begins at it and agrees with its accents; `OTHER` where none does.
    Longest first, so that "nhân dân" and "nhắn tin" hide the "nhận" in them."""
    said: list[Said] = []
    at = 0
    while at < len(words):
        phrase = next(
            (
                one
                for one in vocabulary.phrases.get(words[at].folded, ())
                if _stands(one, words[at : at + len(one.words)])
            ),
            None,
        )
        length = 1 if phrase is None else len(phrase.words)
        said.extend([Said.OTHER if phrase is None else phrase.said] * length)
        at += length
    return said


def _stands(phrase: AckPhrase, typed: Sequence[Word]) -> bool:
    return tuple([word.folded for word in typed]) == phrase.folded and all(
        word.agrees(known) is not Agreement.CONTRADICTS for word, known in zip(typed, phrase.words, strict=True)
    )


def _lone_numbers(folded: Sequence[str], vocabulary: AckWords) -> list[str]:
    """Numbers that may be a document's: "đã nhận 04", but not "đã nhận 2 công điện"."""
    numbers = []
    for at, word in enumerate(folded):
        counts = at + 1 < len(folded) and vocabulary.documents.at(folded, at + 1) > at + 1
        if word.isdigit() and not counts:
            numbers.append(word)
    return numbers


def _inside(word: Word, documents: Sequence[Document]) -> bool:
    return any(document.start <= word.start and word.end <= document.end for document in documents)
