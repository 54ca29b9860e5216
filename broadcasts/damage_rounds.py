"""What a round of damage reports is called, and what its late units are told. Names and texts of an exercise say so."""

from __future__ import annotations

from typing import Final

from broadcasts.damage_words import DamageWords
from broadcasts.marks import load_marks
from broadcasts.model import Mode, Problem
from store.damage_reports import RoundRow
from text.dates import moment
from text.folding import fold

NAME_MOST: Final = 40
"""Characters of a round's name, with the mark: the urging of the longest unit fits one SMS part."""
MODES: Final = (Mode.ACTUAL, Mode.EXERCISE)
_BETWEEN: Final = " – "


def full_name(name: str, mode: Mode) -> str:
    """ "DIỄN TẬP – chiều 26/8" of "chiều 26/8", however the name began already."""
    return _mark() + bare_name(name) if mode is Mode.EXERCISE else name


def bare_name(name: str) -> str:
    """Without the mark, for where the text begins with it."""
    if not says_exercise(name):
        return name
    words = len(load_marks().mode[Mode.EXERCISE.value]["title"].split())
    return " ".join(name.replace("–", " ").split()[words:]).lstrip(":-, ")


def says_exercise(name: str) -> bool:
    title = fold(load_marks().mode[Mode.EXERCISE.value]["title"])
    return f"{fold(name)} ".startswith(f"{title} ")


def longest_name(mode: Mode) -> int:
    """Characters that a person may choose."""
    return NAME_MOST - len(_mark()) if mode is Mode.EXERCISE else NAME_MOST


def name_problem(field: str, name: str, mode: Mode, room: int = 0) -> Problem | None:
    """What is wrong with a name that somebody typed, `room` characters being kept for more behind it."""
    chosen = bare_name(name) if mode is Mode.EXERCISE else name
    limit = longest_name(mode) - room
    if not chosen or len(chosen) > limit:
        return Problem(field, "round_name", {"limit": limit})
    if mode is Mode.ACTUAL and says_exercise(name):
        return Problem(field, "round_says_exercise")
    return None


def mode_given(value: object) -> Mode | None:
    """A round is real or an exercise."""
    return next((mode for mode in MODES if mode.value == value), None)


def urging_text(words: DamageWords, of: RoundRow, unit: str, now: float) -> str:
    """What a unit that is late is told (with accents; by SMS without)."""
    return _said(words, "urge", of, now, unit=unit)


def group_urging(words: DamageWords, of: RoundRow, count: int, units: str, now: float) -> str:
    """The one list that a group gets."""
    return _said(words, "urge_group", of, now, n=count, units=units)


def _said(words: DamageWords, key: str, of: RoundRow, now: float, **more: str | int) -> str:
    deadline = moment(of.deadline, now)
    if of.mode != Mode.EXERCISE:
        return words.say[key].format(round=of.name, deadline=deadline, **more)
    mark = load_marks().mode[Mode.EXERCISE.value]["chat"]
    return words.say[f"{key}_exercise"].format(mark=mark, round=bare_name(of.name), deadline=deadline, **more)


def _mark() -> str:
    return load_marks().mode[Mode.EXERCISE.value]["title"] + _BETWEEN
