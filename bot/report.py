"""`loa ask`: how a text from an unknown resident would be answered by SMS. Nothing is stored or sent."""

from __future__ import annotations

from typing import Any

from bot.answering import Answering
from bot.answers import Answers, Office
from bot.intents import BC, CUUHO, DANHAN, HUY, UNKNOWN, Language, Understood
from bot.keywords import load as load_keywords
from bot.sender import Look
from bot.wording import Wording
from bot.wording import load as load_wording
from directory.unit_finder import UnitFinder
from directory.units import UnitCatalogue

STRANGER = Look(contact=None, past=[], menu_sent=False, asked=None, answered=False, replied_to="")


class Asked:
    """Made once for many texts: the tables are read when it is made."""

    def __init__(self, units: UnitCatalogue, office: Office) -> None:
        self._wording: Wording = load_wording()
        language = Language(UnitFinder(units), load_keywords())
        self._answering = Answering(language, Answers(office), self._wording, units)

    def report(self, text: str) -> dict[str, Any]:
        """`{"text","intent","argument","reply"}`, and `why` and `certainty` beside them."""
        meaning = self._answering.understand(text)
        return {
            "text": text,
            "intent": meaning.intent,
            "argument": meaning.argument,
            "reply": self._reply(text, meaning),
            "certainty": meaning.certainty,
            "why": list(meaning.why),
        }

    def _reply(self, text: str, meaning: Understood) -> str:
        if meaning.intent == CUUHO:
            return self._answering.rescue(meaning.units, "sms")
        if meaning.intent == HUY:
            return self._wording.say("opted_out", "sms")
        if meaning.intent in (UNKNOWN, DANHAN, BC):  # a stranger confirms and reports nothing
            return self._wording.say("menu", "sms")
        return self._answering.answer(text, meaning, STRANGER, "sms").reply or ""
