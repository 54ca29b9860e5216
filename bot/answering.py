"""Answers to keywords, for anybody: what was asked, for which unit; below certainty we ask back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, Protocol

from bot.act import Act
from bot.conversation import Choice, Question
from bot.intents import UNKNOWN, Language, Understood
from bot.sender import Look
from bot.wording import Form, Wording
from directory.units import OLD_TYPES, Unit, UnitCatalogue, split_type
from store.inbox import Handled
from text.segments import measure

REMEMBERED: Final = 1_024
"""Texts whose meaning is kept: a text is looked at when it is stored and when it is handled, and "ok" is common."""
NEEDS_UNIT: Final = frozenset({"SOTAN"})
"""Intents that have no answer for the whole province."""
DYKE: Final = "DE"
MOST_UNITS: Final[dict[Form, int]] = {"chat": 10, "sms": 5}
"""Units to choose from that people read through; an old district has up to ten."""


class Answers(Protocol):
    def reply(self, meaning: Understood, unit: Unit | None, form: Form) -> str: ...

    def rescue(self, unit: Unit | None, form: Form) -> str: ...

    def change(self, changed: Mapping[str, Mapping[str, str]]) -> None: ...


class Answering:
    def __init__(self, language: Language, answers: Answers, wording: Wording, units: UnitCatalogue) -> None:
        self._answers = answers
        self._wording = wording
        self._units = units
        self.learn(language)

    def learn(self, language: Language) -> None:
        """Understand with this table from now on; what was remembered of the one before is forgotten."""
        self.understand = lru_cache(maxsize=REMEMBERED)(language.understand)

    def reword(self, changed: Mapping[str, Mapping[str, str]]) -> None:
        """Answer with these words from now on, by the key of the answer."""
        self._answers.change(changed)

    def unit_name(self, code: str) -> str:
        """ "Xã Hậu Lộc", "" for an unknown code."""
        unit = self._units.by_code(code)
        return "" if unit is None else unit.name

    def answer(self, text: str, meaning: Understood, look: Look, form: Form) -> Act:
        """The answer to a keyword; where its unit is not certain, the question for it."""
        if meaning.unit.ask:
            return self._which(meaning.units, meaning, text, look, form)
        unit = meaning.unit.unit or self._units.by_code(look.unit_code)
        if unit is None and meaning.intent in NEEDS_UNIT:
            return self._where(meaning, text, look, form)
        return self._say(meaning, unit, text, look, form)

    def place_named(
        self, question: Question, picked: Sequence[Choice] | None, meaning: Understood, look: Look, form: Form
    ) -> Act | None:
        """The unit that we asked for, by number (`picked`) or by name. None: the text is about something else."""
        asked = self.understand(question.text)
        if picked:
            return self._say(asked, self._units.by_code(picked[0].code), question.text, look, form)
        if picked is not None:
            return self._which([choice.code for choice in question.choices], asked, question.text, look, form)
        if meaning.intent not in (UNKNOWN, question.intent) or not meaning.units:
            return None
        if meaning.unit.ask:
            return self._which(meaning.units, asked, question.text, look, form)
        return self._say(asked, meaning.unit.unit, question.text, look, form)

    def rescue(self, units: Sequence[str], form: Form) -> str:
        """112 first, then whom else to ring. `units` are the codes that it may be about."""
        unit = self._units.by_code(units[0]) if len(units) == 1 else None
        return self._answers.rescue(unit, form)

    def _say(self, meaning: Understood, unit: Unit | None, text: str, look: Look, form: Form) -> Act:
        damaged = meaning.intent == DYKE and self._wording.damage.found_in(text)
        state, note = ("human", "damage") if damaged else ("answered", "")
        code = look.unit_code or ("" if unit is None else unit.code)
        person_id = None if look.contact is None else look.contact.person_id
        handled = Handled(state, meaning.intent, note, code, person_id)
        return Act(handled, self._reply(meaning, unit, form), in_group=True)

    def _reply(self, meaning: Understood, unit: Unit | None, form: Form) -> str:
        """Where an older name was typed the answer says so: "Xã Vạn Lộc (Ngư Lộc cũ)"."""
        plain = self._answers.reply(meaning, unit, form)
        if unit is None or not meaning.unit.note:
            return plain
        older = short_name(meaning.unit.note)
        if older == unit.short_name:
            return plain
        told = self._answers.reply(meaning, replace(unit, name=f"{unit.name} ({older} cũ)"), form)
        return told if form == "chat" or len(measure(told).parts) == 1 else plain

    def _which(self, codes: Sequence[str], meaning: Understood, text: str, look: Look, form: Form) -> Act:
        """Numbered choices; more than people read, or than fit one SMS part, and we ask for the name instead."""
        choices = tuple(Choice(code, self.unit_name(code)) for code in codes)
        asked = self._wording.ask("which_unit", form, choices) if len(choices) <= MOST_UNITS[form] else None
        if asked is None:
            return self._where(meaning, text, look, form)
        return self._ask(asked, Question("unit", choices, meaning.intent, text), look)

    def _where(self, meaning: Understood, text: str, look: Look, form: Form) -> Act:
        asked = self._wording.say("which_unit_open", form)
        return self._ask(asked, Question("unit", (), meaning.intent, text), look)

    def _ask(self, asked: str, question: Question, look: Look) -> Act:
        person_id = None if look.contact is None else look.contact.person_id
        return Act(
            Handled("answered", question.intent, "which", look.unit_code, person_id), asked, question, in_group=True
        )


def short_name(older: str) -> str:
    """ "Ngư Lộc" of "Xã Ngư Lộc, Huyện Hậu Lộc"."""
    name = older.partition(",")[0]
    try:
        return split_type(name, OLD_TYPES)[1]
    except ValueError:
        return name
