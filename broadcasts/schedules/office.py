"""What officers do with schedules: add, approve, pause, go on, delete, look."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.contract import Now
from broadcasts.model import Actor, Problem, Refusal, RefusalKind
from broadcasts.permitted import MAY_APPROVE, MAY_WRITE, require
from broadcasts.schedules.firing import TOPIC
from broadcasts.schedules.kinds import Kinds
from broadcasts.schedules.rules import next_after, problems_of
from lanes.port import Bus
from store import audit, schedules
from store.engine import Ledger, Tx
from store.schedules import FireRow, ScheduleRow

NAME_MOST: Final = 80
FIRES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ScheduleView:
    row: ScheduleRow
    last: FireRow | None
    """Its latest occurrence."""


class ScheduleDesk:
    def __init__(self, ledger: Ledger, bus: Bus, kinds: Kinds, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self.kinds = kinds
        self._now = now

    async def add(
        self, name: str, kind: str, rule: Mapping[str, Any], payload: Mapping[str, Any], actor: Actor
    ) -> ScheduleView:
        """Raises `Refusal` with everything that is wrong at once: a time that is past, a kind that is not there."""
        require(actor, MAY_WRITE)
        name, now = " ".join(name.split()), self._now()

        def write(tx: Tx) -> int:
            made = self.kinds.find(kind)
            problems, filled = problems_of(rule, now), payload
            if not name or len(name) > NAME_MOST:
                problems.append(Problem("name", "schedule_name", {"limit": NAME_MOST}))
            if made is None:
                known = ", ".join(self.kinds.names)
                problems.append(Problem("kind", "not_a_choice", {"value": kind[:40], "known": known}))
            else:
                filled = made.fill(tx, payload) if made.fill is not None else payload
                problems += made.check(tx, filled, now)
            if problems or made is None:
                raise Refusal(RefusalKind.INVALID, "invalid_input", tuple(problems))
            needs_approval = made.hash_of is not None
            values = {
                "name": name,
                "kind": kind,
                "rule": dict(rule),
                "payload": dict(filled),
                "state": "waiting" if needs_approval else "active",
                "next_fire": None if needs_approval else next_after(rule, now),
                "late_for": made.late_for,
                "content_hash": made.hash_of(tx, filled, now) if made.hash_of is not None else "",
                "created_by": actor.name,
                "created_at": now,
            }
            audit.record(tx, now, actor.name, "schedule_added", name=name, kind=kind)
            return schedules.insert(tx, values)

        return await self._changed(write)

    async def approve(self, schedule_id: int, content_hash: str, actor: Actor) -> ScheduleView:
        """Standing approval of exactly this content, by another person than who added it."""
        require(actor, MAY_APPROVE)
        now = self._now()

        def write(tx: Tx) -> int:
            row = _found(tx, schedule_id)
            if row.state != "waiting":
                raise Refusal(RefusalKind.WRONG_STATE, "schedule_state", name=row.name)
            if row.created_by == actor.name:
                raise Refusal(RefusalKind.FORBIDDEN, "own_schedule", name=row.name)
            coming = next_after(row.rule, now)
            if coming is None:
                raise Refusal(RefusalKind.WRONG_STATE, "schedule_past", name=row.name)
            if not schedules.approve(tx, row.id, content_hash, actor.name, now, coming):
                raise Refusal(RefusalKind.STALE, "schedule_changed", name=row.name)
            audit.record(tx, now, actor.name, "schedule_approved", name=row.name, hash=content_hash)
            return row.id

        return await self._changed(write)

    async def pause(self, schedule_id: int, actor: Actor) -> ScheduleView:
        return await self._move(schedule_id, ("active",), "paused", actor)

    async def go_on(self, schedule_id: int, actor: Actor) -> ScheduleView:
        """From the next occurrence on: what fell into the pause was not wanted."""
        return await self._move(schedule_id, ("paused",), "active", actor)

    async def remove(self, schedule_id: int, actor: Actor) -> ScheduleView:
        """It ends; what it did stays in the record."""
        return await self._move(schedule_id, ("waiting", "active", "paused"), "ended", actor)

    async def _move(self, schedule_id: int, states: tuple[str, ...], to: str, actor: Actor) -> ScheduleView:
        require(actor, MAY_WRITE)
        now = self._now()

        def write(tx: Tx) -> int:
            row = _found(tx, schedule_id)
            coming = next_after(row.rule, now) if to == "active" else None
            if to == "active" and coming is None:
                raise Refusal(RefusalKind.WRONG_STATE, "schedule_past", name=row.name)
            if not schedules.set_state(tx, row.id, states, to, coming, actor.name, now):
                raise Refusal(RefusalKind.WRONG_STATE, "schedule_state", name=row.name)
            audit.record(tx, now, actor.name, f"schedule_{to}", name=row.name)
            return row.id

        return await self._changed(write)

    async def listed(self) -> list[ScheduleView]:
        """Next one first."""

        def read(tx: Tx) -> list[ScheduleView]:
            last = schedules.last_fires(tx)
            return [ScheduleView(row, last.get(row.id)) for row in schedules.listed(tx)]

        return await self._ledger.read(read)

    async def view(self, schedule_id: int) -> ScheduleView:
        return await self._ledger.read(lambda tx: _view(tx, schedule_id))

    async def fires(self, schedule_id: int) -> list[FireRow]:
        """What became of its latest occurrences, newest first."""
        return await self._ledger.read(lambda tx: schedules.fires(tx, _found(tx, schedule_id).id, FIRES_SHOWN))

    async def _changed(self, write: Any) -> ScheduleView:
        schedule_id = await self._ledger.write(write)
        self._bus.publish(TOPIC, {"type": "changed", "id": schedule_id})
        return await self.view(schedule_id)


def _view(tx: Tx, schedule_id: int) -> ScheduleView:
    row = _found(tx, schedule_id)
    return ScheduleView(row, next(iter(schedules.fires(tx, row.id, 1)), None))


def _found(tx: Tx, schedule_id: int) -> ScheduleRow:
    row = schedules.one(tx, schedule_id)
    if row is None:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_schedule", id=schedule_id)
    return row
