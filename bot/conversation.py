"""What we asked and what "2" means: numbered questions, remembered for half an hour. Pure functions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from text.folding import fold

Asked = Literal["directive", "unit", "report", "reason"]

OPEN_FOR: Final = 30 * 60.0
"""Seconds in which a number answers the question (office's rule: 30 minutes)."""
MOST_CHOICES: Final = 5
"""More do not fit one SMS part and nobody reads them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`code` is what is meant (a unit's or a broadcast's), `label` how people read it."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """An open question. Without `choices` any unit name answers it. `intent` and `text` are what it is asked for."""

    kind: Asked
    choices: tuple[Choice, ...] = ()
    intent: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """How people dress a number: `fillers` mean nothing, `all_of` mean every choice (folded)."""

    fillers: frozenset[str] = field(default_factory=frozenset)
    all_of: frozenset[str] = field(default_factory=frozenset)


def to_json(question: Question) -> dict[str, Any]:
    return {
        "kind": question.kind,
        "choices": [[choice.code, choice.label] for choice in question.choices],
        "intent": question.intent,
        "text": question.text,
    }


def from_json(asked: dict[str, Any]) -> Question:
    choices = tuple(Choice(code, label) for code, label in asked["choices"])
    return Question(asked["kind"], choices, asked["intent"], asked["text"])


def chosen(text: str, question: Question, words: Words) -> tuple[Choice, ...] | None:
    """Which choices `text` names ("2", "dạ số 1 ạ", "1 và 2", "cả hai"). Empty: numbers, but none of ours, so ask
    again. None: the text is no answer to a numbered question."""
    if not question.choices:
        return None
    folded = fold(text)
    if folded in words.all_of and question.kind == "directive":
        return question.choices
    numbers: list[int] = []
    for word in folded.split():
        if word.isdigit() and len(word) <= 2:
            numbers.append(int(word))
        elif word not in words.fillers:
            return None
    if not numbers:
        return None
    if any(not 1 <= number <= len(question.choices) for number in numbers):
        return ()
    if question.kind == "unit" and len(set(numbers)) > 1:
        return ()
    return tuple(question.choices[number - 1] for number in dict.fromkeys(numbers))


def numbered(choices: Collection[Choice]) -> str:
    """ "1. Phường Đông Tiến 2. Xã Đồng Tiến"."""
    return " ".join(f"{place}. {choice.label}" for place, choice in enumerate(choices, 1))


def picks(how_many: int) -> str:
    """ "1 hoặc 2", "1, 2 hoặc 3"."""
    places = [str(place) for place in range(1, how_many + 1)]
    return places[0] if how_many == 1 else f"{', '.join(places[:-1])} hoặc {places[-1]}"
