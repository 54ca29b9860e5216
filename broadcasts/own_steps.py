"""The escalation that a broadcast follows: its draft's own steps, or those of its urgency, and whom they reach."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from broadcasts.model import DraftStep, Problem
from broadcasts.step_check import StepFault, duration, faults_of, read_unless
from broadcasts.steps import Plan, Step, Unless
from store.broadcasts import MemberRow


def read_steps(given: Sequence[DraftStep], families: Collection[str]) -> tuple[tuple[Step, ...], list[Problem]]:
    """The steps that somebody wrote, and everything that is wrong with them."""
    steps, faults = [], []
    for place, one in enumerate(given, 1):
        step, wrong = _read(place, one)
        steps.append(step)
        faults += wrong
    faults += [fault for fault in faults_of(steps, families) if fault.where not in {one.where for one in faults}]
    return tuple(steps), [Problem(fault.where, fault.key, fault.said()) for fault in faults]


def _read(place: int, given: DraftStep) -> tuple[Step, list[StepFault]]:
    faults = []
    after, repeat, unless = duration(given.after), duration(given.repeat), read_unless(given.unless)
    for name, value in (("after", after), ("repeat", repeat)):
        if value is None:
            faults.append(StepFault(place, name, "step_no_duration", {"value": str(getattr(given, name))[:20]}))
    if unless is None:
        known = ", ".join(one.value for one in Unless if one.value)
        faults.append(StepFault(place, "unless", "step_unless_unknown", {"value": given.unless[:20], "known": known}))
    if given.roles == [] and not given.call:
        faults.append(StepFault(place, "roles", "step_no_people"))
    if given.times < 1:
        faults.append(StepFault(place, "times", "step_times_zero"))
    step = Step(
        after=after or 0.0,
        channels=tuple(given.channels),
        roles=tuple(given.roles or ()),
        unless=unless or Unless.NEVER,
        call=given.call,
        repeat=repeat or 0.0,
        times=max(1, given.times),
    )
    return step, faults


def reach_problems(plan: Plan, members: Sequence[MemberRow]) -> list[Problem]:
    """Steps of a draft's own that nobody of its audience can be reached by: a wait for nothing."""
    ways = {(member.channel, member.role) for member in members}
    found, place = [], 0
    for step in plan.steps:
        place += not step.again
        if step.again or step.call or not members:
            continue
        if not any(family in step.channels and (not step.roles or role in step.roles) for family, role in ways):
            params = {"n": place, "channels": ", ".join(step.channels), "roles": ", ".join(step.roles)}
            found.append(Problem(f"escalation.{place - 1}.roles", "step_reaches_nobody", params))
    return found


def shown(plan: Plan) -> list[dict[str, Any]]:
    """A frozen chain as pages and programs see it: one entry a step, its further tries counted."""
    found: list[dict[str, Any]] = []
    for step in plan.steps:
        key = {"channels": list(step.channels), "roles": list(step.roles), "call": step.call}
        first = next((one for one in found if step.again and {name: one[name] for name in key} == key), None)
        if first is None:
            found.append({"after": step.after, **key, "unless": step.unless.value, "repeat": 0.0, "times": 1})
        else:
            first["times"] += 1
            first["repeat"] = first["repeat"] or step.after - first["after"]
    return found
