"""Whether escalation steps make sense, in settings and in a draft alike. Pure: each fault names what to change."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from broadcasts.steps import Step, Unless
from directory.roles import ContactRole

STEPS_MOST: Final = 8
"""Steps that people can still follow at night."""
TIMES_MOST: Final = 10
"""Tries of one step: networks block a number that sends the same text more often (20 an hour in the UK)."""
REPEAT_LEAST_SECONDS: Final = 60.0
"""A shorter interval leaves nobody the time to read."""
LATEST_SECONDS: Final = 24 * 3600.0
"""A step later than a day after the beginning urges nobody."""
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smh]?)")
ROLES: Final = frozenset(role.value for role in ContactRole)


@dataclass(frozen=True, slots=True)
class StepFault:
    """`place` counts from 1, 0 for the chain as a whole; `key` names the sentence (`problem.<key>`), which takes
    `params` and `n`, the place."""

    place: int
    field: str
    key: str
    params: Mapping[str, str | int] = dataclasses.field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"escalation.{self.place - 1}.{self.field}" if self.place else "escalation"

    def said(self) -> dict[str, Any]:
        return {"n": self.place, **self.params}


def duration(value: str | float) -> float | None:
    """Seconds of "90s", "5m", "1h" or a number; None for anything else."""
    if isinstance(value, int | float):
        return float(value) if value >= 0 else None
    found = _DURATION.fullmatch(value.strip().lower())
    return float(found[1]) * _UNITS[found[2] or "s"] if found else None


def faults_of(steps: Sequence[Step], families: Collection[str], roles: Collection[str] = ROLES) -> list[StepFault]:
    """Everything that is wrong with a chain, in order. `families`: channels that people can choose."""
    if not steps or all(step.call for step in steps):
        return [StepFault(0, "", "steps_send_nothing")]
    found = [StepFault(0, "", "steps_too_many", {"limit": STEPS_MOST})] if len(steps) > STEPS_MOST else []
    for place, step in enumerate(steps, 1):
        found += _of_one(place, step, families, roles)
        if place > 1:
            found += _of_order(place, steps[place - 2], step)
    return found


def _of_one(place: int, step: Step, families: Collection[str], roles: Collection[str]) -> list[StepFault]:
    found: list[StepFault] = []
    if step.call and (step.channels or step.repeat or step.times > 1):
        found.append(StepFault(place, "call", "step_call_sends"))
    if not step.call and not step.channels:
        found.append(StepFault(place, "channels", "step_no_channel"))
    for name in step.channels:
        if name not in families:
            known = ", ".join(sorted(families))
            found.append(StepFault(place, "channels", "step_channel_unknown", {"value": name, "known": known}))
    for role in step.roles:
        if role not in roles:
            known = ", ".join(sorted(roles))
            found.append(StepFault(place, "roles", "step_role_unknown", {"value": role, "known": known}))
    if step.after > LATEST_SECONDS:
        found.append(StepFault(place, "after", "step_too_late", {"hours": int(LATEST_SECONDS // 3600)}))
    return found + _of_repeat(place, step)


def _of_repeat(place: int, step: Step) -> list[StepFault]:
    if step.times > TIMES_MOST:
        return [StepFault(place, "times", "step_times", {"limit": TIMES_MOST})]
    if step.times > 1 and step.repeat < REPEAT_LEAST_SECONDS:
        return [StepFault(place, "repeat", "step_repeat_short", {"seconds": int(REPEAT_LEAST_SECONDS)})]
    if step.repeat and step.times == 1:
        return [StepFault(place, "times", "step_repeat_once")]
    return []


def _of_order(place: int, before: Step, step: Step) -> list[StepFault]:
    if before.call:
        return [StepFault(place - 1, "call", "step_call_last")]
    if not step.after:
        return [StepFault(place, "after", "step_wait_zero")]
    if step.after < before.after:
        return [StepFault(place, "after", "step_order")]
    if step.after == before.after:
        return [StepFault(place, "after", "step_same_time")]
    return []


def read_unless(value: str) -> Unless | None:
    """The condition that somebody named; None for no such one."""
    return Unless(value) if value in {one.value for one in Unless} else None
