"""The sentences of a conversation (`data/conversation.toml`): a chat form with accents, an SMS form in one part."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from bot.conversation import Choice, Words, numbered, picks
from bot.manners import Rude
from text.folding import fold, has_marks
from text.safe import to_safe
from text.segments import measure

Form = Literal["chat", "sms"]

CONVERSATION_FILE: Final = Path(__file__).parent.parent / "data" / "conversation.toml"


@dataclass(frozen=True, slots=True)
class Telling:
    """Phrases that tell something beside the intent (a call for support, a damaged dyke); `unless` takes them back.
    Folded."""

    words: tuple[str, ...]
    unless: tuple[str, ...]

    def found_in(self, text: str) -> bool:
        padded = f" {fold(text)} "
        if any(f" {phrase} " in padded for phrase in self.unless):
            return False
        return any(f" {phrase} " in padded for phrase in self.words)


@dataclass(frozen=True, slots=True)
class Wording:
    sentences: Mapping[str, Mapping[Form, str]]
    choice: Words
    help: Telling
    damage: Telling
    back: Telling
    rude: Rude

    def say(self, key: str, form: Form, **params: str) -> str:
        """The sentence in this form. In an SMS every value is made safe, too. Raises KeyError for an unknown key or a
        missing value: a mistake of ours, found by the tests."""
        template = self.sentences[key][form]
        values = params if form == "chat" else {name: to_safe(value).text for name, value in params.items()}
        return template.format_map(values)

    def ask(self, key: str, form: Form, choices: Sequence[Choice], **params: str) -> str | None:
        """A numbered question, or None where it does not fit one SMS part."""
        text = self.say(key, form, choices=numbered(choices), picks=picks(len(choices)), **params)
        return text if form == "chat" or len(measure(text).parts) <= 1 else None


def load(path: Path = CONVERSATION_FILE) -> Wording:
    """Read and check the file. Raises ValueError naming the key that is wrong."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    sentences = {key: _sentence(key, forms) for key, forms in data["say"].items()}
    choice, rude = data["choice"], data["rude"]["words"]
    return Wording(
        sentences=sentences,
        choice=Words(frozenset(map(fold, choice["fillers"])), frozenset(map(fold, choice["all_of"]))),
        help=_telling(data["help"]),
        damage=_telling(data["damage"]),
        back=_telling(data["back"]),
        rude=Rude(frozenset(filter(has_marks, rude)), frozenset(fold(word) for word in rude if not has_marks(word))),
    )


def blanks(template: str) -> frozenset[str]:
    """The names of the values that a sentence needs."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def _telling(section: Any) -> Telling:
    return Telling(tuple(map(fold, section["words"])), tuple(map(fold, section.get("unless", ()))))


def _sentence(key: str, forms: Any) -> dict[Form, str]:
    if not isinstance(forms, dict) or set(forms) != {"chat", "sms"}:
        raise ValueError(f"say.{key}: needs exactly `chat` and `sms`")
    if to_safe(bare := forms["sms"].replace("{", "").replace("}", "")).text != bare:
        raise ValueError(f"say.{key}.sms: has characters outside the safe SMS subset")
    return {"chat": forms["chat"], "sms": forms["sms"]}
