"""The escalation of one message in the compose form: rows of fields, and the draft's steps that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from multidict import MultiMapping

from broadcasts.model import DraftStep
from broadcasts.step_check import STEPS_MOST, duration
from broadcasts.steps import Unless
from directory.roles import CONTACT_ORDER

OWN: Final = "own_steps"
EMPTY_ROWS: Final = 2
"""Rows to fill in below the steps that are there."""
ROLES: Final = tuple(role.value for role in CONTACT_ORDER)
CONDITIONS: Final = (Unless.ACKNOWLEDGED.value, Unless.DELIVERED.value, Unless.SEEN.value)


@dataclass(frozen=True, slots=True)
class StepFields:
    """One row as typed; times in minutes."""

    after: str = ""
    channels: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    unless: str = Unless.ACKNOWLEDGED.value
    repeat: str = ""
    times: str = "1"
    call: bool = False

    @property
    def empty(self) -> bool:
        return not self.channels and not self.call

    def step(self) -> DraftStep:
        return DraftStep(
            after=_duration(self.after),
            channels=[] if self.call else list(self.channels),
            roles=list(self.roles) if self.roles and not self.call else None,
            unless=self.unless,
            call=self.call,
            repeat=0.0 if self.call else _duration(self.repeat),
            times=1 if self.call else _count(self.times),
        )


def read_rows(form: MultiMapping[Any]) -> tuple[StepFields, ...]:
    """Every row that a browser sent, empty ones too."""
    found = []
    for place in range(STEPS_MOST + EMPTY_ROWS):
        name = f"step{place}"
        if f"{name}.after" not in form:
            break
        found.append(
            StepFields(
                after=str(form.get(f"{name}.after", "")).strip(),
                channels=tuple(str(one) for one in form.getall(f"{name}.channels", [])),
                roles=tuple(str(one) for one in form.getall(f"{name}.roles", [])),
                unless=str(form.get(f"{name}.unless", "")),
                repeat=str(form.get(f"{name}.repeat", "")).strip(),
                times=str(form.get(f"{name}.times", "1")).strip(),
                call=bool(form.get(f"{name}.call")),
            )
        )
    return tuple(found)


def steps_given(rows: Sequence[StepFields]) -> list[DraftStep]:
    """The draft's own steps; rows that were left empty are left out."""
    return [row.step() for row in rows if not row.empty]


def rows_of(steps: Sequence[DraftStep]) -> tuple[StepFields, ...]:
    """The rows that a draft's own steps came from."""
    return tuple(
        StepFields(
            after=_minutes(step.after),
            channels=tuple(step.channels),
            roles=tuple(step.roles or ()),
            unless=step.unless or Unless.ACKNOWLEDGED.value,
            repeat=_minutes(step.repeat) if step.repeat else "",
            times=str(step.times),
            call=step.call,
        )
        for step in steps
    )


def rows_shown(rows: Sequence[StepFields], chain: Sequence[dict[str, Any]]) -> list[StepFields]:
    """What stands in the form: the rows as typed, else the chain that would be followed; then room for more."""
    kept = [row for row in rows if not row.empty]
    if not kept:
        kept = list(rows_of([DraftStep(**{**step, "roles": step["roles"] or None}) for step in chain]))
    return kept + [StepFields()] * min(EMPTY_ROWS, max(0, STEPS_MOST - len(kept)))


def _duration(minutes: str) -> str | float:
    """Seconds of a number of minutes; anything else as it was typed, to be refused with its sentence."""
    typed = minutes.replace(",", ".")
    if not typed:
        return 0.0
    seconds = duration(f"{typed}m") if typed[-1:].isdigit() else duration(typed)
    return minutes if seconds is None else seconds


def _minutes(value: str | float) -> str:
    seconds = duration(value)
    if seconds is None:
        return str(value)
    return f"{seconds / 60:g}"


def _count(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 4 else 0
