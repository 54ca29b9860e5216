"""The answers to keywords as an office words them, measured with the longest name before they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bot.answers import NO_DATA, RESCUE, Answers, Office, Sentences, load
from broadcasts.model import Problem
from broadcasts.office_texts import Body
from broadcasts.templates import placeholders, unpaired
from directory.units import UnitCatalogue
from text.report import count_report

FORMS: Final = ("chat", "sms")
CHAT_MOST: Final = 1_000
"""Characters of an answer in a chat: half of what Zalo takes, and more than anybody reads at night."""
SUBJECT: Final = "subject"
PLACE: Final = "place"
EMERGENCY: Final = "112"
"""The number that stays in the answer to a cry for help (Nghị định 200/2025/NĐ-CP)."""


class AnswerTexts:
    """`reword` is given what holds (key → its forms) whenever that has changed."""

    kind = "answer"

    def __init__(
        self,
        units: UnitCatalogue,
        office: Office,
        reword: Callable[[Mapping[str, Body]], None],
        sentences: Sentences | None = None,
    ) -> None:
        self._sentences = sentences or load()
        self._office = office
        self._reword = reword
        self._longest = max((unit.name for unit in units.all), key=len)

    def names(self) -> Sequence[str]:
        return list(self._sentences.reply)

    def original(self, name: str) -> Body | None:
        found = self._sentences.reply.get(name)
        return None if found is None else {form: found[form] for form in FORMS}

    def blanks(self, name: str) -> list[str]:
        """What an answer may hold in braces."""
        own = [PLACE, SUBJECT] if name == NO_DATA else [PLACE]
        return [*own, *Answers(self._office, self._sentences).values]

    def check(self, name: str, body: Body, others: Mapping[str, Body]) -> list[Problem]:
        problems = [one for form in FORMS for one in self._form_wrong(name, form, str(body.get(form, "")).strip())]
        if problems:
            return problems
        measured = count_report(self.worded(name, body)["sms"])
        if measured["segments"] > 1:
            return [Problem("sms", "answer_sms_long", {"n": measured["units"], "place": self._longest})]
        return []

    def _form_wrong(self, name: str, form: str, text: str) -> list[Problem]:
        if not text:
            return [Problem(form, "template_text_missing")]
        if len(text) > CHAT_MOST:
            return [Problem(form, "template_text_long", {"limit": CHAT_MOST})]
        if loose := unpaired(text):
            return [Problem(form, "template_unpaired", {"bracket": loose})]
        if name == RESCUE and EMERGENCY not in text:
            return [Problem(form, "answer_rescue_kept", {"number": EMERGENCY})]
        known = self.blanks(name)
        strange = [one for one in placeholders(text) if one not in known]
        return [Problem(form, "template_blank_unknown", {"name": one, "known": ", ".join(known)}) for one in strange]

    def worded(self, name: str, body: Body) -> dict[str, str]:
        """Each form as it would be sent about the commune of the longest name."""
        answers = Answers(self._office, self._sentences)
        answers.change({name: {form: str(body.get(form, "")).strip() for form in FORMS}})
        subjects = max(self._sentences.subject.values(), key=lambda one: len(one["sms"]))
        more = {form: {PLACE: self._longest} | ({SUBJECT: subjects[form]} if name == NO_DATA else {}) for form in FORMS}
        return {form: answers.say(name, form, **more[form]) for form in FORMS}

    def apply(self, changed: Mapping[str, Body]) -> None:
        self._reword(changed)
