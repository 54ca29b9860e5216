"""What an officer typed, field by field: the value that is meant, and a problem where it means nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from broadcasts.model import Problem
from broadcasts.routes import Routes


def choice(value: str, words: type[StrEnum], where: str, problems: list[Problem]) -> Any:
    """The word that was typed, or the first one with a problem."""
    if value in {one.value for one in words}:
        return words(value)
    problems.append(Problem(where, "not_a_choice", {"value": value, "known": ", ".join(one.value for one in words)}))
    return next(iter(words))


def families_of(chosen: Sequence[str], routes: Routes, problems: list[Problem]) -> tuple[str, ...]:
    known = routes.families()
    kept = []
    for family in dict.fromkeys(chosen):
        if family in known:
            kept.append(family)
        else:
            problems.append(Problem("channels", "channel_off", {"channel": family, "known": ", ".join(known)}))
    if not chosen:
        problems.append(Problem("channels", "channels_empty", {"known": ", ".join(known)}))
    return tuple(kept)


def fire_at_of(typed: str | None, now: float, problems: list[Problem]) -> float | None:
    if typed is None:
        return None
    try:
        when = datetime.fromisoformat(typed)
    except ValueError:
        problems.append(Problem("fire_at", "not_a_time", {"value": typed}))
        return None
    if when.tzinfo is None:
        problems.append(Problem("fire_at", "time_without_zone", {"value": typed}))
        return None
    if when.timestamp() <= now:
        problems.append(Problem("fire_at", "time_past", {"value": typed}))
    return when.timestamp()
