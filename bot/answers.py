"""What a keyword is answered with, from `data/answers.toml` and the office's settings. Pure.

A hotline, a portal or a figure is never invented: what is not there is left out of the sentence, or the answer says
that there is no data.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.contract import Now
from bot.facts import Facts, Written, found
from bot.intents import Understood
from bot.wording import Form
from broadcasts.templates import fill
from directory.units import Unit
from store.content import ContentRow
from text.safe import to_safe

ANSWERS_FILE: Final = Path(__file__).parent.parent / "data" / "answers.toml"
NO_DATA: Final = "no_data"
RESCUE: Final = "rescue"
TRUCBAN: Final = "TRUCBAN"


@dataclass(frozen=True, slots=True)
class Office:
    """The `[office]` settings that answers need; an empty one is left out."""

    hotline: str = ""
    portal: str = ""
    dvc_portal: str = ""


@dataclass(frozen=True, slots=True)
class Sentences:
    subject: Mapping[str, Mapping[Form, str]]
    reply: Mapping[str, Mapping[Form, str]]
    facts: Mapping[str, str]
    entry: Mapping[str, Any]


@cache
def load(path: Path = ANSWERS_FILE) -> Sentences:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return Sentences(data["subject"], data["reply"], data["facts"], data["entry"])


class Answers:
    """The replies of one office. `facts`: what its officers keep; None: nothing."""

    def __init__(
        self,
        office: Office,
        sentences: Sentences | None = None,
        facts: Facts | None = None,
        now: Now = time.time,
    ) -> None:
        self._sentences = sentences or load()
        self._facts = facts
        self._now = now
        self._changed: Mapping[str, Mapping[str, str]] = {}
        self.values = {
            "hotline": office.hotline,
            "portal": office.portal,
            "portal_host": urlsplit(office.portal).hostname or office.portal,
            "dvc_portal": office.dvc_portal,
            **self._sentences.facts,
        }
        self._written = Written(self._sentences.entry, self.values)

    def change(self, changed: Mapping[str, Mapping[str, str]]) -> None:
        """Say from now on what the office wrote (key → `chat` and `sms`) in place of what is shipped."""
        self._changed = changed

    def reply(self, meaning: Understood, unit: Unit | None, form: Form) -> str:
        """The answer to an intent, about a unit where one is meant."""
        rows = [] if self._facts is None else found(self._facts, meaning, unit)
        if rows:
            return self._written.answer(rows, self._about(rows[0], unit, form), form, self._now())
        place = unit.name if unit is not None else "; ".join(meaning.waters)
        key = meaning.intent
        if key == TRUCBAN and not self.values["hotline"]:
            key = f"{TRUCBAN}_none"
        if key in self._sentences.reply:
            return self.say(key, form, place=place)
        return self.say(NO_DATA, form, place=place, subject=self._sentences.subject[key][form])

    def rescue(self, unit: Unit | None, form: Form) -> str:
        """112 before anything else."""
        return self.say(RESCUE, form, place="" if unit is None else unit.name)

    def _about(self, row: ContentRow, unit: Unit | None, form: Form) -> str:
        """The place that an entry holds for: the unit that was asked for, or the whole province."""
        if unit is None or not row.scope:
            return str(self._sentences.entry["province"][form])
        return unit.name

    def say(self, key: str, form: Form, **more: str) -> str:
        """One answer with its blanks filled; an SMS in the letters that fit one."""
        values = self.values | more
        if form == "sms":
            values = {name: to_safe(value).text for name, value in values.items()}
        said = fill(self._changed.get(key, self._sentences.reply[key])[form], values)
        return to_safe(said).text if form == "sms" else said
