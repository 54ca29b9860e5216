"""Escalation per unit: who is silent gets the next step; who has confirmed gets nothing more.

One transaction reads a unit's acknowledgement, decides, writes the new deliveries and the time of the following step:
so a step is taken once, however often the clock ticks, and never after a confirmation that is in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.contract import Evidence
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import AckState, DeliveryState
from broadcasts.plan import NewChunk, Way, plan_of, step_ways, write_direct
from broadcasts.routes import Routes
from broadcasts.states import OPEN_FOR_ACKNOWLEDGEMENT, REACHED, WORKING
from broadcasts.steps import Plan, Step, needless
from store import broadcasts, deliveries, rollcalls
from store.broadcasts import BroadcastRow, MemberRow
from store.engine import Tx
from store.rollcalls import AckRow

D = DeliveryState
UNITS_PER_TICK = 500
"""Units that one tick looks at; the next tick takes the rest."""
VERDICT_SECONDS = 60.0
"""After the last step, how often we look whether a way is still open before a unit is called unreachable."""
STILL_HOPED = WORKING | {D.ACCEPTED}


@dataclass(slots=True)
class Steps:
    """What one tick did: chunks to announce and units that changed."""

    made: list[NewChunk] = field(default_factory=list)
    taken: list[tuple[int, str, int]] = field(default_factory=list)
    """(broadcast, unit, step)"""
    unreachable: list[tuple[int, str]] = field(default_factory=list)


def take_due_steps(tx: Tx, routes: Routes, now: float) -> Steps:
    """Take every step that has fallen due."""
    done = Steps()
    by_broadcast: dict[int, list[AckRow]] = {}
    for ack in rollcalls.due(tx, now, UNITS_PER_TICK):
        by_broadcast.setdefault(ack.broadcast_no, []).append(ack)
    for no, acks in by_broadcast.items():
        row = broadcasts.by_no(tx, no)
        if row is None or row.state not in OPEN_FOR_ACKNOWLEDGEMENT or row.valid_until <= now:
            rollcalls.halt(tx, no)
            continue
        _take_steps_of(tx, routes, row, acks, now, done)
    return done


def _take_steps_of(tx: Tx, routes: Routes, row: BroadcastRow, acks: Sequence[AckRow], now: float, done: Steps) -> None:
    plan = plan_of(row)
    members: dict[str, list[MemberRow]] = {}
    for member in broadcasts.frozen_members(tx, row.no):
        members.setdefault(member.unit_code, []).append(member)
    by_step: dict[int, list[Way]] = {}
    for ack in acks:
        tried = deliveries.ways_tried(tx, row.no, ack.unit_code)
        ways = _decide(plan, row, ack, members.get(ack.unit_code, []), tried, routes, now)
        if ways:
            by_step.setdefault(ack.level, []).extend(ways)
            done.taken.append((row.no, ack.unit_code, ack.level))
        if ack.state == AckState.UNREACHABLE:
            done.unreachable.append((row.no, ack.unit_code))
            broadcasts.note(tx, row.no, now, SYSTEM, "unreachable", {"unit": ack.unit_code})
        rollcalls.save(tx, ack)
    for step, ways in sorted(by_step.items()):
        ways.sort(key=lambda way: way.route.name)
        first = broadcasts.take_ordinals(tx, row.no, len(ways))
        done.made += write_direct(tx, row, first, ways, step, now)
        units = sorted({way.member.unit_code for way in ways})
        broadcasts.note(tx, row.no, now, SYSTEM, "step", {"step": step, "units": units})


def _decide(
    plan: Plan,
    row: BroadcastRow,
    ack: AckRow,
    members: Sequence[MemberRow],
    tried: Sequence[tuple[str, str, int]],
    routes: Routes,
    now: float,
) -> list[Way]:
    """Move one unit on; returns the ways to write to now. Changes `ack` in place."""
    if ack.state != AckState.AWAITING:
        ack.next_at = None
        return []
    started = row.started_at or now
    delivered = any(status in REACHED for _, _, status in tried)
    hoped = any(status in STILL_HOPED for _, _, status in tried)
    for level in range(ack.level + 1, len(plan.steps)):
        step = plan.steps[level]
        planned = started + step.after
        if now < planned and (delivered or hoped):
            ack.next_at = planned
            return []
        ack.level = level
        ways = [] if needless(step, delivered=delivered) else _fresh_ways(step, members, routes, tried)
        if ways or step.call:
            ack.next_at = _following(plan, level, started, now)
            return ways
    last = started + plan.steps[-1].after if plan.steps else started
    _verdict(ack, tried, routes, give_up_at=last + plan.give_up_after, now=now)
    return []


def _fresh_ways(
    step: Step, members: Sequence[MemberRow], routes: Routes, tried: Sequence[tuple[str, str, int]]
) -> list[Way]:
    """The step's addresses that did not get this broadcast yet."""
    known = {(channel, value) for channel, value, _ in tried}
    return [way for way in step_ways(step, members, routes) if (way.route.name, way.member.value) not in known]


def _following(plan: Plan, level: int, started: float, now: float) -> float:
    if level + 1 < len(plan.steps):
        return max(now, started + plan.steps[level + 1].after)
    return now + min(VERDICT_SECONDS, plan.give_up_after)


def _verdict(
    ack: AckRow, tried: Sequence[tuple[str, str, int]], routes: Routes, *, give_up_at: float, now: float
) -> None:
    """All steps are taken: wait for the confirmation, for a way still open, or say that no way reached the unit.

    `accepted` on a channel that would have told of the arrival means, in the end, that it did not arrive; on one that
    cannot tell, the unit may well have it.
    """
    hoped = any(status in STILL_HOPED for _, _, status in tried)
    reached = any(status in REACHED for _, _, status in tried)
    if not reached and hoped and now < give_up_at:
        ack.next_at = min(now + VERDICT_SECONDS, give_up_at)
        return
    ack.next_at = None
    if not reached and not any(_may_have_it(channel, status, routes) for channel, _, status in tried):
        ack.state = AckState.UNREACHABLE
        ack.at = now


def _may_have_it(channel: str, status: int, routes: Routes) -> bool:
    route = routes.by_name(channel)
    return status == D.ACCEPTED and (route is None or Evidence.DELIVERED not in route.traits.receipts)
