"""From an approved broadcast to deliveries: recipients × the first step, in chunks. Planning twice makes nothing twice.

Ordinals are fixed by the frozen audience: first the group posts and the people of step one, then the numbers of the
lists in ascending order. Later steps take ordinals behind these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from adapters.contract import Priority
from broadcasts.lifecycle import SYSTEM, note_sent
from broadcasts.model import PRIORITY_OF, BroadcastState, Urgency
from broadcasts.routes import Route, Routes
from broadcasts.steps import Plan, Step
from broadcasts.ways import Way, family_ways
from store import broadcasts, chunks, deliveries, outages, partitions, rollcalls
from store.broadcasts import BroadcastRow, MemberRow
from store.chunks import CHUNK_SIZE, ORDINAL_BITS
from store.deliveries import Direct
from store.engine import Ledger, Tx
from store.outages import Outage

CHUNKS_PER_TRANSACTION = 10
"""Chunks of a list that are written together: 10,000 rows, about 30 ms of the writer's time."""


@dataclass(frozen=True, slots=True)
class NewChunk:
    chunk: int
    channel: str
    priority: Priority


def plan_of(row: BroadcastRow) -> Plan:
    return Plan.model_validate_json(row.plan)


def priority_of(row: BroadcastRow, *, to_list: bool) -> Priority:
    """Lists are bulk; people are as urgent as the broadcast."""
    return Priority.BULK if to_list else PRIORITY_OF[Urgency(row.urgency)]


async def plan_broadcast(ledger: Ledger, routes: Routes, no: int, now: float) -> list[NewChunk]:
    """Write what is still missing of a broadcast's first step; safe to repeat after a crash.

    Returns the chunks that were made. The broadcast must be in `sending`.
    """
    made, numbers_from, lists = await ledger.write(lambda tx: _plan_people(tx, routes, no, now))
    sms = routes.for_numbers() if lists else None
    after, ordinal = 0, numbers_from
    while lists and sms is not None:
        some, after, ordinal = await ledger.write(
            lambda tx, after=after, ordinal=ordinal: _plan_numbers(tx, sms, no, lists, after, ordinal, now),  # type: ignore[misc]
            beside=True,
        )
        made += some
        if after < 0:
            break
    await ledger.write(lambda tx: _planned(tx, no, now))
    return made


def _plan_people(tx: Tx, routes: Routes, no: int, now: float) -> tuple[list[NewChunk], int, list[int]]:
    """Group posts, the people of the first step and the open roll-call; reserves the ordinals of the lists."""
    row = broadcasts.by_no(tx, no)
    if row is None or row.state != BroadcastState.SENDING:
        return [], 0, []
    lists = broadcasts.frozen_lists(tx, no)
    members = broadcasts.frozen_members(tx, no)
    plan = plan_of(row)
    posts = _group_posts(routes, plan) if members else []
    wanted = step_ways(plan.steps[0], members, routes) if members and plan.steps else []
    numbers_from = len(posts) + len(wanted)
    if row.next_ordinal:
        return [], numbers_from, lists
    expected = numbers_from + int(orjson.loads(row.frozen).get("numbers", 0))
    partitions.make_room(tx, no, expected, now)
    broadcasts.take_ordinals(tx, no, expected)
    started = row.started_at or now
    made = write_direct(tx, row, 0, posts, 0, now)
    made += write_direct(tx, row, len(posts), wanted, 0, now)
    down = outages.open_now(tx)
    note_down(tx, no, [*posts, *wanted], down, now)
    reached = {way.member.unit_code for way in wanted if way.route.name not in down}
    units = list(dict.fromkeys(member.unit_code for member in members)) + orjson.loads(row.frozen).get("bare_units", [])
    rollcalls.open_all(tx, no, [(unit, first_due(plan, started, unit in reached)) for unit in units if unit])
    return made, numbers_from, lists


def first_due(plan: Plan, started: float, reached: bool) -> float | None:
    """When the second step falls due: at once for a unit that the first one could not write to."""
    if len(plan.steps) < 2:
        return None if reached else started
    return started + plan.steps[1].after if reached else started


def _group_posts(routes: Routes, plan: Plan) -> list[Way]:
    return [
        Way(route, MemberRow("", 0, "", "", route.family, 0, route.post_to)) for route in routes.groups(plan.families)
    ]


def step_ways(step: Step, members: Sequence[MemberRow], routes: Routes) -> list[Way]:
    """Addresses that a step writes to, in the audience's order: the step's roles on the step's channels."""
    wanted = [member for member in members if not step.roles or member.role in step.roles]
    return [way for family in step.channels for way in family_ways(wanted, routes.directs(family))]


def note_down(tx: Tx, no: int, ways: Sequence[Way], down: Mapping[str, Outage], now: float) -> None:
    """Say in the timeline which channels of a step are not waited for: what they were given stays with them."""
    for name in sorted({way.route.name for way in ways} & set(down)):
        units = {way.member.unit_code for way in ways if way.route.name == name}
        detail = {"channel": name, "since": down[name].since, "units": len(units)}
        broadcasts.note(tx, no, now, SYSTEM, "channel_down", detail)


def write_direct(
    tx: Tx, row: BroadcastRow, first_ordinal: int, ways: Sequence[Way], step: int, now: float
) -> list[NewChunk]:
    """Deliveries in person with consecutive ordinals; a new chunk where the channel changes or one is full."""
    made: list[NewChunk] = []
    priority = priority_of(row, to_list=False)
    start = 0
    while start < len(ways):
        end = start
        name = ways[start].route.name
        while end < len(ways) and end - start < CHUNK_SIZE and ways[end].route.name == name:
            end += 1
        some = ways[start:end]
        first = (row.no << ORDINAL_BITS) + first_ordinal + start
        deliveries.insert_numbers(tx, first, [-way.member.address_id for way in some])
        deliveries.insert_direct(
            tx,
            [
                Direct(
                    first + n,
                    row.no,
                    w.member.unit_code,
                    w.member.person_id,
                    w.member.person_name,
                    name,
                    w.member.value,
                    step,
                )
                for n, w in enumerate(some)
            ],
        )
        chunks.insert(tx, first, first + len(some) - 1, row.no, name, step, priority, now)
        made.append(NewChunk(first, name, priority))
        start = end
    return made


def _plan_numbers(
    tx: Tx, route: Route, no: int, lists: Sequence[int], after: int, ordinal: int, now: float
) -> tuple[list[NewChunk], int, int]:
    """The next chunks of the lists. (chunks made, last number taken or -1 at the end, next ordinal)"""
    row = broadcasts.locked(tx, no)  # whoever plans the same broadcast waits, and finds its chunks made
    if row is None or row.state != BroadcastState.SENDING:
        return [], -1, ordinal
    made: list[NewChunk] = []
    priority = priority_of(row, to_list=True)
    for _ in range(CHUNKS_PER_TRANSACTION):
        numbers = broadcasts.listed_numbers(tx, lists, after, CHUNK_SIZE)
        if not numbers:
            return made, -1, ordinal
        first = (no << ORDINAL_BITS) + ordinal
        if chunks.one(tx, first) is None:
            deliveries.insert_numbers(tx, first, numbers)
            chunks.insert(tx, first, first + len(numbers) - 1, no, route.name, 0, priority, now)
            made.append(NewChunk(first, route.name, priority))
        after, ordinal = numbers[-1], ordinal + len(numbers)
    return made, after, ordinal


def _planned(tx: Tx, no: int, now: float) -> None:
    if broadcasts.update(tx, no, (BroadcastState.SENDING,), {"planned_at": now}):
        made = sum(chunks.counts(tx, no))
        broadcasts.note(tx, no, now, SYSTEM, "planned", {"deliveries": made})
        partitions.filled(tx, no, made)
        note_sent(tx, no, now)
