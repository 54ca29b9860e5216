"""The escalation of each urgency as an office changes it: rows of steps over those of `[escalation]`."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from pydantic import ValidationError

from broadcasts.drafting import DEFAULT_STEPS
from broadcasts.model import DraftStep, Problem, Urgency
from broadcasts.office_texts import Body
from broadcasts.own_steps import read_steps
from broadcasts.steps import Step


class ChainTexts:
    """`live` is the mapping that the desk plans with, changed in place; what it holds now is the original. `families`:
    channels that a step may name."""

    kind = "escalation"

    def __init__(self, live: MutableMapping[str, Sequence[Step]], families: Sequence[str]) -> None:
        self._live = live
        self._set = dict(live)
        self._families = families

    def names(self) -> Sequence[str]:
        return [DEFAULT_STEPS, *(one.value for one in Urgency)]

    def original(self, name: str) -> Body | None:
        if name not in self.names():
            return None
        return {"steps": [step_body(step) for step in self._set.get(name, self._set[DEFAULT_STEPS])]}

    def check(self, name: str, body: Body, others: Mapping[str, Body]) -> list[Problem]:
        del name, others
        try:
            given = steps_of(body)
        except ValidationError:
            return [Problem("escalation", "steps_send_nothing")]
        return read_steps(given, self._families)[1]

    def apply(self, changed: Mapping[str, Body]) -> None:
        whole = self._set | {name: read_steps(steps_of(body), self._families)[0] for name, body in changed.items()}
        self._live.update(whole)
        for name in [one for one in self._live if one not in whole]:
            del self._live[name]


def steps_of(body: Body) -> list[DraftStep]:
    """Raises ValidationError."""
    return [DraftStep.model_validate(step) for step in body["steps"]]


def step_body(step: Step) -> dict[str, Any]:
    return {
        "after": step.after,
        "channels": list(step.channels),
        "roles": list(step.roles) or None,
        "unless": step.unless.value,
        "call": step.call,
        "repeat": step.repeat,
        "times": step.times,
    }
