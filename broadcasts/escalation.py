"""Escalation per unit: who is silent gets the next step; who has confirmed gets nothing more.

One transaction reads a unit's acknowledgement, decides, writes the new deliveries and the time of the following step:
so a step is taken once, however often the clock ticks, and never after a confirmation that is in the ledger. A channel
that is down is not waited for: what it was given stays with it, and the unit's next step falls due at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from adapters.contract import Evidence
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import AckState, DeliveryState
from broadcasts.plan import NewChunk, note_down, plan_of, step_ways, write_direct
from broadcasts.routes import Routes
from broadcasts.states import OPEN_FOR_ACKNOWLEDGEMENT, REACHED, STILL_ASKED, WORKING
from broadcasts.steps import Plan, Step, needless
from broadcasts.ways import Way
from store import alarms, broadcasts, deliveries, outages, rollcalls
from store.broadcasts import BroadcastRow, MemberRow
from store.engine import Tx
from store.outages import Outage
from store.rollcalls import AckRow

log = structlog.get_logger(__name__)

D = DeliveryState
UNITS_PER_TICK = 500
"""Units that one tick looks at; the next tick takes the rest."""
VERDICT_SECONDS = 60.0
"""After the last step, how often we look whether a way is still open before a unit is called unreachable."""
STUCK_SECONDS = 30.0
"""When a broadcast whose steps could not be taken is tried again."""
Tried = Sequence[tuple[str, str, int]]
"""(channel, address, state) of everything that went to a unit in person."""


@dataclass(slots=True)
class Steps:
    """What one tick did: chunks to announce and units that changed."""

    made: list[NewChunk] = field(default_factory=list)
    taken: list[tuple[int, str, int]] = field(default_factory=list)
    """(broadcast, unit, step)"""
    called: list[tuple[int, str]] = field(default_factory=list)
    """Units that came onto the call list."""
    unreachable: list[tuple[int, str]] = field(default_factory=list)

    def changed(self) -> set[int]:
        """The broadcasts whose roll-call looks different now."""
        return {no for no, _, _ in self.taken} | {no for no, _ in self.called} | {no for no, _ in self.unreachable}


@dataclass(slots=True)
class Silent:
    """One unit whose time has come, with everything that is known of it."""

    ack: AckRow
    members: Sequence[MemberRow]
    tried: Tried
    down: Collection[str]
    duplicate_ok: bool

    @property
    def reached(self) -> bool:
        return any(status in REACHED for _, _, status in self.tried)

    @property
    def seen(self) -> bool:
        return any(status == D.SEEN for _, _, status in self.tried)

    @property
    def hoped(self) -> bool:
        """Something is on its way: with the provider, or with us on a channel that works."""
        return any(
            status == D.ACCEPTED or (status in WORKING and channel not in self.down)
            for channel, _, status in self.tried
        )


def take_due_steps(tx: Tx, routes: Routes, now: float) -> Steps:
    """Take every step that has fallen due."""
    done = Steps()
    by_broadcast: dict[int, list[AckRow]] = {}
    for ack in rollcalls.due(tx, now, UNITS_PER_TICK):
        by_broadcast.setdefault(ack.broadcast_no, []).append(ack)
    down = outages.open_now(tx) if by_broadcast else {}
    for no, acks in by_broadcast.items():
        row = broadcasts.by_no(tx, no)
        if row is None or row.state not in OPEN_FOR_ACKNOWLEDGEMENT or row.valid_until <= now:
            rollcalls.halt(tx, no)
            continue
        tx.execute("SAVEPOINT steps")
        try:
            _take_steps_of(tx, routes, row, acks, down, now, done)
        except Exception:  # one broadcast that cannot go on keeps no other one back
            tx.execute("ROLLBACK TO steps")
            log.exception("escalation_stuck", no=no)
            rollcalls.put_off(tx, no, now, now + STUCK_SECONDS)
            alarms.raise_again(tx, "escalation_stuck", row.code, {"name": row.title, "due": now}, now)
        tx.execute("RELEASE steps")
    return done


def _take_steps_of(
    tx: Tx,
    routes: Routes,
    row: BroadcastRow,
    acks: Sequence[AckRow],
    down: Mapping[str, Outage],
    now: float,
    done: Steps,
) -> None:
    plan = plan_of(row)
    members: dict[str, list[MemberRow]] = {}
    for member in broadcasts.frozen_members(tx, row.no):
        members.setdefault(member.unit_code, []).append(member)
    by_step: dict[int, list[Way]] = {}
    for ack in acks:
        before = ack.state, ack.level
        tried = deliveries.ways_tried(tx, row.no, ack.unit_code)
        unit = Silent(ack, members.get(ack.unit_code, []), tried, down, bool(row.duplicate_ok))
        ways = _decide(plan, row, unit, routes, now)
        if ways:
            by_step.setdefault(ack.level, []).extend(ways)
            done.taken.append((row.no, ack.unit_code, ack.level))
        if any(step.call for step in plan.steps[before[1] + 1 : ack.level + 1]):
            done.called.append((row.no, ack.unit_code))
        if ack.state != before[0]:
            done.unreachable.append((row.no, ack.unit_code))
            broadcasts.note(tx, row.no, now, SYSTEM, "unreachable", {"unit": ack.unit_code})
        rollcalls.save(tx, ack)
    for step, ways in sorted(by_step.items()):
        ways.sort(key=lambda way: way.route.name)
        first = broadcasts.take_ordinals(tx, row.no, len(ways))
        done.made += write_direct(tx, row, first, ways, step, now)
        units = sorted({way.member.unit_code for way in ways})
        broadcasts.note(tx, row.no, now, SYSTEM, "step", {"step": step, "units": units})
        note_down(tx, row.no, ways, down, now)
    if calling := sorted(unit for no, unit in done.called if no == row.no):
        broadcasts.note(tx, row.no, now, SYSTEM, "call_list", {"units": calling})


def _decide(plan: Plan, row: BroadcastRow, unit: Silent, routes: Routes, now: float) -> list[Way]:
    """Move one unit on; returns the ways to write to now. Changes its acknowledgement in place."""
    ack = unit.ack
    if ack.state not in STILL_ASKED:
        ack.next_at = None
        return []
    started = row.started_at or now
    waiting = unit.reached or unit.hoped
    for level in range(ack.level + 1, len(plan.steps)):
        step = plan.steps[level]
        planned = started + step.after
        if now < planned:
            if waiting or (step.again and all(later.again for later in plan.steps[level:])):
                ack.next_at = planned
                return []
            if step.again:  # a way that failed is not tried again at once: the next kind of step is
                continue
        ack.level = level
        ways = []
        if not needless(step, delivered=unit.reached, seen=unit.seen):
            ways = _again_ways(step, unit, routes) if step.again else _fresh_ways(step, unit, routes)
        if ways or step.call:
            ack.next_at = _following(plan, level, started, now, waits=_waits(ways, unit.down) or step.call)
            return ways
    last = started + max((step.after for step in plan.steps), default=0.0)
    _verdict(ack, unit, routes, give_up_at=last + plan.give_up_after, now=now)
    return []


def _fresh_ways(step: Step, unit: Silent, routes: Routes) -> list[Way]:
    """The step's addresses that did not get this broadcast yet."""
    known = {(channel, value) for channel, value, _ in unit.tried}
    return [way for way in step_ways(step, unit.members, routes) if (way.route.name, way.member.value) not in known]


def _again_ways(step: Step, unit: Silent, routes: Routes) -> list[Way]:
    """The step's addresses, but for those where an earlier try is still with us, or may have passed without an answer:
    what is in doubt is not sent twice unless the broadcast says that a duplicate is better than silence."""
    kept = WORKING if unit.duplicate_ok else WORKING | {D.UNKNOWN}
    busy = {(channel, value) for channel, value, status in unit.tried if status in kept}
    return [way for way in step_ways(step, unit.members, routes) if (way.route.name, way.member.value) not in busy]


def _waits(ways: Sequence[Way], down: Collection[str]) -> bool:
    """Whether anything of a step can arrive by a channel that works."""
    return any(way.route.name not in down for way in ways)


def _following(plan: Plan, level: int, started: float, now: float, *, waits: bool) -> float:
    if level + 1 < len(plan.steps):
        return max(now, started + plan.steps[level + 1].after) if waits else now
    return now + min(VERDICT_SECONDS, plan.give_up_after)


def _verdict(ack: AckRow, unit: Silent, routes: Routes, *, give_up_at: float, now: float) -> None:
    """All steps are taken: wait for the confirmation, for a way still open, or say that no way reached the unit.

    `accepted` on a channel that would have told of the arrival means, in the end, that it did not arrive; on one that
    cannot tell, the unit may well have it.
    """
    pending = any(status in WORKING or status == D.ACCEPTED for _, _, status in unit.tried)
    if not unit.reached and pending and now < give_up_at:
        ack.next_at = min(now + VERDICT_SECONDS, give_up_at)
        return
    ack.next_at = None
    may_have_it = any(_may_have_it(channel, status, routes) for channel, _, status in unit.tried)
    if ack.state == AckState.AWAITING and not unit.reached and not may_have_it:
        ack.state = AckState.UNREACHABLE
        ack.at = now


def _may_have_it(channel: str, status: int, routes: Routes) -> bool:
    route = routes.by_name(channel)
    return status == D.ACCEPTED and (route is None or Evidence.DELIVERED not in route.traits.receipts)
