"""Damage reports of registered contacts: stored for their own unit, read back, DUNG or SAI within half an hour."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bot.act import Act
from bot.confirming import said_at
from bot.conversation import Question
from bot.damage import FieldError, Figure, Report
from bot.intents import BC, Understood
from bot.sender import Contact
from bot.wording import Form
from broadcasts.damage_reports import DamageReports, Given
from broadcasts.model import Mode
from directory.units import UnitCatalogue
from store.inbox import Handled, Waiting
from text.folding import fold, has_marks, tone_key
from text.safe import to_safe
from text.segments import measure

REPORT: Final = "report"
"""The kind of the question that a report leaves open."""
LONGEST_UNREAD: Final = 40
"""Characters of what was not counted that the answer repeats."""
LONGEST_VALUE: Final = 20
"""Characters of what was typed that an error repeats."""


class Reporting:
    def __init__(self, reports: DamageReports, units: UnitCatalogue) -> None:
        self._reports = reports
        self._words = reports.words
        self._units = units
        self._fillers = frozenset(map(fold, self._words.answer["fillers"]))

    async def said(self, message: Waiting, contact: Contact, meaning: Understood, form: Form) -> Act:
        """ "BC TM12 LUA30": counted for the contact's unit, or what is wrong with it; then nothing is counted."""
        report = meaning.report or Report()
        if not contact.unit_code:
            return self._answer("no_unit", contact, form, state="human", note="report")
        if meaning.units and contact.unit_code not in meaning.units:
            return self._answer("other_unit", contact, form, state="human", note="other_unit")
        if report.errors:
            return self._wrong(report.errors[0], contact, form)
        if report.is_empty:
            key = "empty_exercise" if report.exercise else "empty"
            return self._answer(key, contact, form, state="answered", note="report_wrong")
        given = await self._reports.give(
            contact.unit_code,
            figures_of(report),
            nil=report.nil,
            mode=Mode.EXERCISE if report.exercise else Mode.ACTUAL,
            person=(contact.person_id, contact.name),
            via=message.channel,
            at=said_at(message).timestamp(),
            inbox_id=message.id,
        )
        handled = Handled("acknowledged", BC, "reported", contact.unit_code, contact.person_id)
        question = Question(REPORT, (), BC, str(given.id))
        return Act(handled, self._read_back(given, report.unread, contact, form), question, in_group=True)

    async def answered(self, text: str, question: Question, contact: Contact, form: Form) -> Act | None:
        """ "DUNG" or "SAI" after a report was read back. None: it is about something else."""
        right = self._right(text)
        if right is None or not question.text.isdecimal():
            return None
        given = await self._reports.settle(int(question.text), right=right)
        if given is None:
            return None
        if given.state == "withdrawn":
            key = "withdrawn_exercise" if given.exercise or given.beside_exercise else "withdrawn"
            return self._answer(key, contact, form, state="answered", note="report_withdrawn")
        return self._answer("confirmed", contact, form, state="acknowledged", note="reported", round=given.round.name)

    def _right(self, text: str) -> bool | None:
        words = [word for word in re.findall(r"\w+", tone_key(text)) if fold(word) not in self._fillers]
        said = " ".join(words)
        for name, right in (("yes", True), ("no", False)):
            for phrase in self._words.answer[name]:
                if said == tone_key(phrase) or (not has_marks(said) and said == fold(phrase)):
                    return right
        return None

    def _read_back(self, given: Given, unread: Sequence[str], contact: Contact, form: Form) -> str:
        """In words; where that is no SMS part, in codes. What was typed and not counted is said, too, and during an
        exercise whether it counts as real."""
        figures = self._words.figures(given.figures, nil=given.nil)
        codes = " ".join(f"{code}{'/'.join(one or '' for one in pair if one is not None)}" for code, pair in
                         given.figures.items()).replace(".", ",")  # fmt: skip
        key = "read_back_exercise" if given.exercise else "read_back_real" if given.beside_exercise else "read_back"
        shortened, partly = "; ".join(unread)[:LONGEST_UNREAD], self._words.say["uncounted"]
        both = [partly.format(figures=said, unread=shortened) if unread else said for said in (figures, codes)]
        texts = [self._say(key, contact, form, figures=said) for said in both]
        return next((text for text in texts if form == "chat" or len(measure(text).parts) == 1), texts[-1])

    def _wrong(self, error: FieldError, contact: Contact, form: Form) -> Act:
        field = self._words.fields.get(error.field)
        text = self._words.error[error.problem if field is not None else "unknown_field"].format(
            field=error.field[:LONGEST_VALUE],
            value=error.value[:LONGEST_VALUE],
            must="" if field is None else field.must,
            example="" if field is None else field.example,
            fields=" ".join(self._words.fields),
        )
        handled = Handled("answered", BC, "report_wrong", contact.unit_code, contact.person_id)
        return Act(handled, text if form == "chat" else to_safe(text).text, in_group=True)

    def _answer(self, key: str, contact: Contact, form: Form, *, state: str, note: str, **params: str) -> Act:
        handled = Handled(state, BC, note, contact.unit_code, contact.person_id)
        return Act(handled, self._say(key, contact, form, **params), in_group=True)

    def _say(self, key: str, contact: Contact, form: Form, **params: str) -> str:
        unit = self._units.by_code(contact.unit_code)
        text = self._words.say[key].format(unit=contact.name if unit is None else unit.name, **params)
        return text if form == "chat" else to_safe(text).text


def figures_of(report: Report) -> Mapping[str, tuple[str | None, str | None]]:
    """As they are stored: decimal text."""

    def plain(figure: Figure) -> tuple[str | None, str | None]:
        value, persons = figure.value, figure.persons
        return (
            None if value is None else f"{value.normalize():f}",
            None if persons is None else f"{persons.normalize():f}",
        )

    return {figure.field: plain(figure) for figure in report.figures}
