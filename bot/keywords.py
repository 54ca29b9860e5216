"""The keyword table (`data/keywords.toml`) as it is matched: phrases under their first word, longest first."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Intent:
    """One row of the table: its order words and the context in which its everyday words count."""

    code: str
    keywords: frozenset[str]
    beside: tuple[Phrase, ...]
    lead: bool


@dataclass(frozen=True, slots=True)
class AckWords:
    """Folded words and phrases of which a confirmation consists, see `[ack]`."""

    received: tuple[tuple[str, ...], ...]
    clear: tuple[tuple[str, ...], ...]
    documents: tuple[tuple[str, ...], ...]
    fillers: frozenset[str]
    never: tuple[tuple[str, ...], ...]
    spellings: Mapping[str, frozenset[str]]
    """Folded word → its spellings here ("ro" → "rõ"): a word that agrees with none of them is another word ("rò")."""


@dataclass(frozen=True, slots=True)
class DamageField:
    """One field of a damage report. Folded names and unit words; `persons` are the unit words of the second figure of a
    `pair` (households/persons)."""

    code: str
    names: tuple[tuple[str, ...], ...]
    units: frozenset[tuple[str, ...]]
    persons: frozenset[tuple[str, ...]]
    whole: bool
    most: int
    pair: bool


@dataclass(frozen=True, slots=True)
class Keywords:
    """Intents in the order of their priority, and everything that is matched with them."""

    intents: Mapping[str, Intent]
    by_first: Mapping[str, tuple[Phrase, ...]]
    homographs: frozenset[str]
    """Everyday words without their accents ("bão", "mưa", "lũ", "đê"): a wrong accent is never forgiven them."""
    neutral: frozenset[str]
    persons: frozenset[str]
    abbreviations: Mapping[str, tuple[str, ...]]
    ack: AckWords
    damage: tuple[DamageField, ...]
    nil: tuple[tuple[str, ...], ...]
    nil_around: frozenset[str]

    @property
    def phrases(self) -> Iterable[Phrase]:
        return (phrase for listed in self.by_first.values() for phrase in listed)


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
            by_first=_by_first(phrases),
            homographs=frozenset(one.words[0] for one in phrases if one.tier is Tier.WORD and len(one.words) == 1),
            neutral=frozenset(word for listed in raw["neutral"]["words"] for word in fold(listed).split()),
            persons=frozenset(map(fold, raw["persons"]["words"])),
            abbreviations={tone_key(short): tuple(long.split()) for short, long in raw["abbreviations"].items()},
            ack=_ack(raw["ack"]),
            damage=tuple(_damage(row) for row in raw["damage"]),
            nil=folded_phrases(nil["phrases"]),
            nil_around=frozenset(word for listed in nil["around"] for word in fold(listed).split()),
        )
    except (KeyError, TypeError, AttributeError) as wrong:
        raise KeywordsError(f"keywords: {wrong!r}") from wrong


def folded_phrases(listed: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Longest first."""
    return tuple(sorted({tuple(fold(phrase).split()) for phrase in listed}, key=lambda words: (-len(words), words)))


def _intent(row: Mapping[str, Any]) -> Intent:
    beside = tuple(_phrase(row["code"], Tier.WORD, phrase) for phrase in row.get("beside", ()))
    return Intent(row["code"], frozenset(map(fold, row["keyword"])), beside, bool(row.get("lead", False)))


def _ack(raw: Mapping[str, Any]) -> AckWords:
    spellings: dict[str, set[str]] = {}
    for listed in raw.values():
        for word in (word for phrase in listed for word in tone_key(phrase).split()):
            spellings.setdefault(fold(word), set()).add(word)
    return AckWords(
        received=folded_phrases(raw["received"]),
        clear=folded_phrases(raw["clear"]),
        documents=folded_phrases(raw["documents"]),
        fillers=frozenset(word for listed in raw["fillers"] for word in fold(listed).split()),
        never=folded_phrases(raw["never"]),
        spellings={word: frozenset(known) for word, known in spellings.items()},
    )


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


def _by_first(phrases: Iterable[Phrase]) -> Mapping[str, tuple[Phrase, ...]]:
    found: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        found.setdefault(phrase.folded[0], []).append(phrase)
    return {first: tuple(sorted(listed, key=lambda one: -len(one.words))) for first, listed in found.items()}


def _damage(row: Mapping[str, Any]) -> DamageField:
    def units(key: str) -> frozenset[tuple[str, ...]]:
        return frozenset(folded_phrases(row.get(key, ())))

    names: Sequence[tuple[str, ...]] = folded_phrases([*row["names"], row["code"]])
    whole, most = bool(row["whole"]), int(row["most"])
    pair = bool(row.get("pair", False))
    return DamageField(row["code"], tuple(names), units("units"), units("persons"), whole, most, pair)
