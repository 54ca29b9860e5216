"""Escalation steps as data: who is asked how, when, and what makes a step needless. Pure.

What people write (`Step`) may say "every five minutes, three times"; what is frozen and carried out has such a step
written out, one entry for each try, so that a unit's level counts tries and each is taken once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

CLOSE_AFTER_SECONDS = 24 * 3600.0
"""How long after its last step a roll-call stays open for confirmations."""


GIVE_UP_AFTER_SECONDS = 600.0
"""How long after the last step a way that is still open may bring something before its unit is called unreachable."""


class Unless(StrEnum):
    """What makes a step needless for a unit. An acknowledgement always does: `acknowledged` says only that."""

    NEVER = ""
    DELIVERED = "delivered"
    SEEN = "seen"
    ACKNOWLEDGED = "acknowledged"


class Step(BaseModel):
    """`after` is in seconds since the broadcast began. No `roles`: whoever the audience names, by default the chairman.
    `call` puts the unit on the call list and sends nothing. `repeat`: so many seconds later the same addresses are
    written to again, until `times` tries were made or the unit was reached (what `unless` says, else `delivered`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: float = Field(ge=0)
    channels: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    unless: Unless = Unless.NEVER
    call: bool = False
    repeat: float = Field(default=0.0, ge=0)
    times: int = Field(default=1, ge=1)
    again: bool = False
    """In a frozen plan: a further try of an earlier step, to addresses that have this broadcast already."""


class Plan(BaseModel):
    """What was chosen and frozen: part of the content hash. Its steps are written out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    families: tuple[str, ...]
    steps: tuple[Step, ...]
    give_up_after: float = GIVE_UP_AFTER_SECONDS
    close_after: float = CLOSE_AFTER_SECONDS

    def addressed_to(self, roles: Iterable[str]) -> Plan:
        """The same plan with the addressed roles written into the steps that name none."""
        named = tuple(roles)
        steps = (s if s.roles or s.call else s.model_copy(update={"roles": named}) for s in self.steps)
        return self.model_copy(update={"steps": tuple(steps)})


def chosen_steps(steps: Sequence[Step], families: Sequence[str]) -> tuple[Step, ...]:
    """The steps that the chosen channels leave, written out, the first of them at once.

    With `sms` alone, an SMS step "after 5 minutes of Zalo" becomes the first and starts at 0.
    """
    kept = [
        step.model_copy(update={"channels": tuple(c for c in step.channels if c in families)})
        for step in steps
        if step.call or any(c in families for c in step.channels)
    ]
    if not any(not step.call for step in kept):
        return ()
    first = min(step.after for step in kept if not step.call)
    shifted = [step.model_copy(update={"after": max(0.0, step.after - first)}) for step in kept]
    return tuple(sorted((one for step in shifted for one in tries(step)), key=lambda step: step.after))


def tries(step: Step) -> list[Step]:
    """The step and its further tries, each as a step of its own. Written out again, it stays as it is."""
    until = Unless.DELIVERED if step.unless is Unless.NEVER else step.unless
    first = step.model_copy(update={"repeat": 0.0, "times": 1})
    more = [
        first.model_copy(update={"after": step.after + n * step.repeat, "unless": until, "again": True})
        for n in range(1, step.times)
    ]
    return [first, *more]


def roles_of(steps: Sequence[Step]) -> tuple[str, ...]:
    """Every role that some step writes to, in order of first use: the people whose addresses are frozen."""
    return tuple(dict.fromkeys(role for step in steps for role in step.roles))


def needless(step: Step, *, delivered: bool, seen: bool = False) -> bool:
    if step.unless is Unless.DELIVERED:
        return delivered
    return step.unless is Unless.SEEN and seen
