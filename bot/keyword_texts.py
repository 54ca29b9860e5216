"""The phrases of each intent as an office changes them, tried against every shipped phrase before they hold."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from bot.intents import CUUHO, Language
from bot.keywords import KEYWORDS_FILE, KeywordsError, parse
from broadcasts.model import Problem
from broadcasts.office_texts import Body
from directory.unit_finder import UnitFinder
from directory.units import UnitCatalogue
from text.folding import tone_key

LISTS: Final = ("cries", "phrases", "words", "fallback")
ONLY_RESCUE: Final = "cries"
PHRASE_MOST: Final = 60
"""Characters of a phrase: longer ones nobody types alike."""
PHRASES_MOST: Final = 400
SHORTEST: Final = 2
"""Letters of a phrase; one letter stands in every second message."""


class KeywordTexts:
    """`learn` is given what holds (intent → its lists) whenever that has changed."""

    kind = "keyword"

    def __init__(
        self, units: UnitCatalogue, learn: Callable[[Mapping[str, Body]], None], path: Path = KEYWORDS_FILE
    ) -> None:
        self._units = units
        self._learn = learn
        self._raw: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def _finder(self) -> UnitFinder:
        return UnitFinder(self._units)

    @cached_property
    def _shipped(self) -> Language:
        return Language(self._finder, parse(self._raw))

    def names(self) -> Sequence[str]:
        return [row["code"] for row in self._raw["intent"]]

    def original(self, name: str) -> Body | None:
        row = next((one for one in self._raw["intent"] if one["code"] == name), None)
        if row is None:
            return None
        return {key: list(row.get(key, ())) for key in LISTS if key in row or key in ("phrases", "words")}

    def check(self, name: str, body: Body, others: Mapping[str, Body]) -> list[Problem]:
        problems = [*_form_wrong(body), *self._taken_from_rescue(name, body)]
        if problems:
            return problems
        changed = with_changes(self._raw, {**others, name: body})
        if problems := self._said_twice(name, body, changed):
            return problems
        try:
            language = Language(self._finder, parse(changed))
        except KeywordsError:
            return [Problem("phrases", "keyword_table_wrong")]
        return self._mistaken(name, changed, language)

    def apply(self, changed: Mapping[str, Body]) -> None:
        self._learn(changed)

    def _taken_from_rescue(self, name: str, body: Body) -> list[Problem]:
        """What cries for help is shipped and may be added to; nobody takes a cry away in a console."""
        if name != CUUHO:
            return []
        shipped = self.original(name) or {}
        kept = {key: set(map(tone_key, body.get(key, ()))) for key in LISTS}
        return [
            Problem(key, "keyword_rescue_kept", {"phrase": phrase})
            for key, phrases in shipped.items()
            for phrase in phrases
            if tone_key(phrase) not in kept[key]
        ][:1]

    def _said_twice(self, name: str, body: Body, changed: Mapping[str, Any]) -> list[Problem]:
        """A phrase that stands at another intent, too: people would get the answer of whichever comes first."""
        at = {
            tone_key(phrase): row["code"]
            for row in changed["intent"]
            if row["code"] != name
            for key in LISTS
            for phrase in row.get(key, ())
        }
        at |= {tone_key(phrase): "" for phrase in changed["stop"]["phrases"]}
        known = {tone_key(one) for phrases in (self.original(name) or {}).values() for one in phrases}
        problems = []
        for key in LISTS:
            for phrase in body.get(key, ()):
                folded = tone_key(phrase)
                if folded in at and folded not in known:
                    problems.append(
                        Problem(key, "keyword_taken", {"phrase": phrase, "intent": at[folded]})
                        if at[folded]
                        else Problem(key, "keyword_stopped", {"phrase": phrase})
                    )
        return problems

    def _mistaken(self, name: str, changed: Mapping[str, Any], language: Language) -> list[Problem]:
        """The first examples, of every other intent, that would be understood otherwise than before."""
        for row in changed["intent"]:
            if row["code"] == name:
                continue
            for key in LISTS:
                for phrase in row.get(key, ()):
                    before, after = self._shipped.understand(phrase).intent, language.understand(phrase).intent
                    if before == row["code"] != after:
                        params = {"phrase": phrase, "before": before, "after": after}
                        return [Problem("phrases", "keyword_mistaken", params)]
        return []


def with_changes(raw: Mapping[str, Any], changed: Mapping[str, Body]) -> dict[str, Any]:
    """The table's data with the changed lists in place of the shipped ones."""
    rows = [
        {**row, **{key: list(phrases) for key, phrases in changed.get(row["code"], {}).items() if key in LISTS}}
        for row in raw["intent"]
    ]
    return {**raw, "intent": rows}


def _form_wrong(body: Body) -> list[Problem]:
    problems = []
    for key in LISTS:
        seen: set[str] = set()
        if len(body.get(key, ())) > PHRASES_MOST:
            problems.append(Problem(key, "keyword_too_many", {"limit": PHRASES_MOST}))
        for phrase in body.get(key, ()):
            folded = tone_key(phrase)
            if len(folded.replace(" ", "")) < SHORTEST or len(phrase) > PHRASE_MOST:
                problems.append(Problem(key, "keyword_form", {"phrase": phrase[:PHRASE_MOST], "limit": PHRASE_MOST}))
            elif folded in seen:
                problems.append(Problem(key, "keyword_twice", {"phrase": phrase}))
            seen.add(folded)
    return problems
