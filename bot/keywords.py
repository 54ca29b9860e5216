"""The keyword table (`data/keywords.toml`) as it is matched: phrases under their folded words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from bot.phrase_set import PhraseSet
from text.folding import fold, tone_key

KEYWORDS_FILE: Final = Path(__file__).resolve().parent.parent / "data" / "keywords.toml"


class Tier(IntEnum):
    """How much a phrase says, strongest first."""

    CRY = 0  # counts whatever else is said
    PHRASE = 1  # counts anywhere
    WORD = 2  # an everyday word without its accents: counts in context
    FALLBACK = 3  # counts when nothing else does
    STOP = 4  # an everyday phrase that hides the words in it


@dataclass(frozen=True, slots=True)
class Phrase:
    """`words` in `tone_key` form, `intent` "" for a stop phrase."""

    intent: str
    tier: Tier
    words: tuple[str, ...]
    folded: tuple[str, ...]

    @property
    def glued(self) -> str:
        return "".join(self.folded)


Row = Mapping[str, tuple[Phrase, ...]]
"""Phrases by their first folded word."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One row of the table: its order words and the context in which its everyday words count."""

    code: str
    keywords: frozenset[str]
    beside: tuple[Phrase, ...]
    together: tuple[tuple[Row, Row], ...]
    """Pairs of rows: a phrase of either near each other."""
    lead: bool
    strict: bool


class Said(IntEnum):
    """What a phrase does in a confirmation; of two that fit equally the first counts."""

    NEVER = 0  # a message with it confirms nothing
    RECEIVED = 1  # confirms, even where a few other words are said about a document
    CLEAR = 2  # confirms in a message of nothing else
    DOCUMENT = 3
    FILLER = 4  # manners and titles
    OTHER = 5  # about something else: hides the words in it


@dataclass(frozen=True, slots=True)
class AckPhrase:
    """`words` in `tone_key` form."""

    said: Said
    words: tuple[str, ...]
    folded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AckWords:
    """Of what a confirmation consists, see `[ack]`. `phrases` by their first folded word, the longest first;
    `documents` (folded) are the nouns that may stand before a number."""

    phrases: Mapping[str, tuple[AckPhrase, ...]]
    documents: PhraseSet

    @property
    def confirming(self) -> Iterable[AckPhrase]:
        for listed in self.phrases.values():
            yield from (phrase for phrase in listed if phrase.said in (Said.RECEIVED, Said.CLEAR))


@dataclass(frozen=True, slots=True)
class DamageField:
    """One field of a damage report. Folded names and unit words; `persons` are the unit words of the second figure of a
    `pair` (households/persons)."""

    code: str
    names: PhraseSet
    units: frozenset[tuple[str, ...]]
    persons: frozenset[tuple[str, ...]]
    whole: bool
    most: int
    pair: bool


@dataclass(frozen=True, slots=True)
class Keywords:
    """Intents in the order of their priority, and everything that is matched with them."""

    intents: Mapping[str, Intent]
    rank: Mapping[str, int]
    """Place of an intent in that order."""
    by_key: Mapping[tuple[str, ...], tuple[Phrase, ...]]
    """Phrases by their folded words."""
    lengths: Mapping[str, tuple[int, ...]]
    """First word of phrases → how many words those have."""
    homographs: frozenset[str]
    """Everyday words without their accents ("bão", "mưa", "lũ", "đê"): a wrong accent is never forgiven them."""
    neutral: frozenset[str]
    manners: frozenset[str]
    persons: frozenset[str]
    abbreviations: Mapping[str, tuple[str, ...]]
    ack: AckWords
    damage: tuple[DamageField, ...]
    foreign_units: frozenset[tuple[str, ...]]
    """Measures that are not converted ("sào")."""
    nil: PhraseSet
    nil_around: frozenset[str]

    @property
    def phrases(self) -> Iterable[Phrase]:
        return (phrase for listed in self.by_key.values() for phrase in listed)


class KeywordsError(ValueError):
    """The table cannot be used; the text says which entry is wrong."""


def load(path: Path = KEYWORDS_FILE) -> Keywords:
    """Raises OSError, or `KeywordsError` for a table that does not fit."""
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as wrong:
        raise KeywordsError(f"{path.name}: {wrong}") from wrong


def parse(raw: Mapping[str, Any]) -> Keywords:
    """The table as data, as the console edits it. Raises `KeywordsError`."""
    try:
        nil = raw["nil"]
        phrases = list(_phrases(raw))
        return Keywords(
            intents={row["code"]: _intent(row) for row in raw["intent"]},
            rank={row["code"]: place for place, row in enumerate(raw["intent"])},
            by_key=_by_key(phrases),
            lengths=_lengths(phrases),
            homographs=frozenset(one.words[0] for one in phrases if one.tier is Tier.WORD and len(one.words) == 1),
            neutral=_words(raw["neutral"]["words"]) | _words(raw["neutral"]["manners"]),
            manners=_words(raw["neutral"]["manners"]),
            persons=frozenset(map(fold, raw["persons"]["words"])),
            abbreviations={tone_key(short): tuple(long.split()) for short, long in raw["abbreviations"].items()},
            ack=_ack(raw["ack"]),
            damage=tuple(_damage(row) for row in raw["damage"]),
            foreign_units=frozenset(PhraseSet(raw["foreign_units"]["words"])),
            nil=PhraseSet(nil["phrases"]),
            nil_around=_words(nil["around"]),
        )
    except (KeyError, TypeError, AttributeError) as wrong:
        raise KeywordsError(f"keywords: {wrong!r}") from wrong


def _words(listed: Iterable[str]) -> frozenset[str]:
    return frozenset(word for phrase in listed for word in fold(phrase).split())


def _intent(row: Mapping[str, Any]) -> Intent:
    def listed(phrases: Iterable[str]) -> tuple[Phrase, ...]:
        return tuple(_phrase(row["code"], Tier.WORD, phrase) for phrase in phrases)

    return Intent(
        code=row["code"],
        keywords=frozenset(map(fold, row["keyword"])),
        beside=listed(row.get("beside", ())),
        together=tuple((_row(listed(first)), _row(listed(second))) for first, second in row.get("together", ())),
        lead=bool(row.get("lead", False)),
        strict=bool(row.get("strict", False)),
    )


def _ack(raw: Mapping[str, Any]) -> AckWords:
    found: dict[str, list[AckPhrase]] = {}
    for said in Said:
        for phrase in raw[said.name.lower()]:
            words = tuple(tone_key(phrase).split())
            folded = tuple(map(fold, words))
            found.setdefault(folded[0], []).append(AckPhrase(said, words, folded))
    for listed in found.values():
        listed.sort(key=lambda phrase: (-len(phrase.words), phrase.said))
    return AckWords({first: tuple(listed) for first, listed in found.items()}, PhraseSet(raw["document"]))


def _phrases(raw: Mapping[str, Any]) -> Iterable[Phrase]:
    tiers = {"cries": Tier.CRY, "phrases": Tier.PHRASE, "words": Tier.WORD, "fallback": Tier.FALLBACK}
    for row in raw["intent"]:
        for key, tier in tiers.items():
            for phrase in row.get(key, ()):
                yield _phrase(row["code"], tier, phrase)
    for phrase in raw["stop"]["phrases"]:
        yield _phrase("", Tier.STOP, phrase)


def _phrase(intent: str, tier: Tier, phrase: str) -> Phrase:
    words = tuple(tone_key(phrase).split())
    if not words:
        raise KeywordsError(f"keywords: empty phrase in {intent or 'stop'}")
    return Phrase(intent, tier, words, tuple(fold(word) for word in words))


def _row(phrases: Iterable[Phrase]) -> Row:
    found: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        found.setdefault(phrase.folded[0], []).append(phrase)
    return {first: tuple(listed) for first, listed in found.items()}


def _by_key(phrases: Iterable[Phrase]) -> Mapping[tuple[str, ...], tuple[Phrase, ...]]:
    found: dict[tuple[str, ...], list[Phrase]] = {}
    for phrase in phrases:
        found.setdefault(phrase.folded, []).append(phrase)
    return {words: tuple(listed) for words, listed in found.items()}


def _lengths(phrases: Iterable[Phrase]) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for phrase in phrases:
        found.setdefault(phrase.folded[0], set()).add(len(phrase.folded))
    return {first: tuple(sorted(lengths)) for first, lengths in found.items()}


def _damage(row: Mapping[str, Any]) -> DamageField:
    def units(key: str) -> frozenset[tuple[str, ...]]:
        return frozenset(PhraseSet(row.get(key, ())))

    names = PhraseSet([*row["names"], row["code"]])
    whole, most = bool(row["whole"]), int(row["most"])
    pair = bool(row.get("pair", False))
    return DamageField(row["code"], names, units("units"), units("persons"), whole, most, pair)
