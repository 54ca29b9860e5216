"""Occurrences that fall due are fired once, whoever fires them; nothing that was due is skipped in silence.

The claim, what is made inside the ledger and the time of the next occurrence are one transaction. A clock that jumps
back makes nothing a second time, for an occurrence is a row; one that jumped ahead leaves no gap, for the next time is
looked for again whenever it lies too far away.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from adapters.contract import Now
from broadcasts.clockwork import LATE_SECONDS
from broadcasts.model import Refusal
from broadcasts.schedules.kinds import Kind, Kinds, NotApproved, Occurrence, Void
from broadcasts.schedules.rules import between, next_after
from lanes.port import Bus
from store import alarms, schedules
from store.engine import Ledger, Tx
from store.schedules import FireRow, ScheduleRow

log = structlog.get_logger(__name__)

MISSED_MOST: Final = 500
"""Occurrences of one schedule that one pass notes as missed: three weeks of an hourly one."""
RUN_AGAIN_SECONDS: Final = 120.0
"""Work outside the ledger that did not report back is tried again."""
RUN_SECONDS: Final = 90.0
"""How long one try may take; shorter than the time until the next."""
TRIES_MOST: Final = 5
TOPIC: Final = "schedules"


class Firing:
    """`tick` is safe to miss, to repeat and to run late."""

    def __init__(self, ledger: Ledger, bus: Bus, kinds: Kinds, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._kinds = kinds
        self._now = now

    async def tick(self) -> int:
        """Fire what is due; how many occurrences that were."""
        now = self._now()
        due = await self._ledger.read(lambda tx: [one.id for one in schedules.active(tx) if self._wants(one, now)])
        fired = 0
        for schedule_id in due:
            fired += await self._ledger.write(lambda tx, one=schedule_id: self._take(tx, one, now))  # type: ignore[misc]
        if fired:
            self._bus.publish(TOPIC, {"type": "fired"})
        return fired

    def _wants(self, row: ScheduleRow, now: float) -> bool:
        """It is due, or its next time lies behind an occurrence that comes earlier."""
        if row.next_fire is not None and row.next_fire <= now:
            return True
        coming = next_after(row.rule, now)
        return coming is not None and (row.next_fire is None or coming < row.next_fire)

    def _take(self, tx: Tx, schedule_id: int, now: float) -> int:
        row = schedules.one(tx, schedule_id)
        if row is None or row.state != "active":
            return 0
        if row.next_fire is None or row.next_fire > now:
            self._look_again(tx, row, now)
            return 0
        due, *later = [row.next_fire, *between(row.rule, row.next_fire, now, MISSED_MOST)]
        missed = [due, *later][:-1]
        for one in missed:
            self._note_missed(tx, row, one, now)
        last = later[-1] if later else due
        schedules.move_on(tx, row.id, next_after(row.rule, last))
        if now - last > row.late_for:
            self._note_missed(tx, row, last, now)
            return 0
        return self._fire(tx, row, last, now)

    def _look_again(self, tx: Tx, row: ScheduleRow, now: float) -> None:
        """The clock had run ahead: what it noted as missed is still to come, what it fired is not fired again."""
        schedules.forget_missed_after(tx, row.id, now)
        coming = next_after(row.rule, now)
        while coming is not None and schedules.fire_of(tx, row.id, coming) is not None:
            coming = next_after(row.rule, coming)
        if coming is not None and coming != row.next_fire:
            schedules.move_on(tx, row.id, coming)

    def _fire(self, tx: Tx, row: ScheduleRow, due: float, now: float) -> int:
        kind = self._kinds.find(row.kind)
        outside = kind is not None and kind.run is not None
        if not schedules.claim(tx, row.id, due, now, "running", now if outside else None):
            return 0
        if kind is None:
            self._failed(tx, row, due, now, {"why": "kind_unknown"})
        elif kind.make is not None:
            self._make(tx, kind, Occurrence(row, due, now))
        if now - due > LATE_SECONDS:
            alarms.raise_once(tx, "fired_late", f"{row.id}@{due:.0f}", {"name": row.name, "due": due}, now)
        return 1

    def _make(self, tx: Tx, kind: Kind, what: Occurrence) -> None:
        """A failure of what is made undoes that alone: the occurrence stays claimed and is said to have failed."""
        assert kind.make is not None
        row, due, now = what.schedule, what.due, what.now
        tx.execute("SAVEPOINT made")
        try:
            result = kind.make(tx, what)
        except Void as nothing:
            tx.execute("ROLLBACK TO made")
            schedules.settle(tx, row.id, due, "void", {"why": nothing.why, **nothing.params})
        except NotApproved as changed:
            tx.execute("ROLLBACK TO made")
            schedules.withdraw_approval(tx, row.id, changed.content_hash)
            self._failed(tx, row, due, now, {"why": "not_approved"})
        except Refusal as refused:
            tx.execute("ROLLBACK TO made")
            keys = ", ".join(problem.key for problem in refused.problems) or refused.key
            self._failed(tx, row, due, now, {"why": "refused", "keys": keys})
        except Exception:
            tx.execute("ROLLBACK TO made")
            log.exception("schedule_failed", schedule=row.id, kind=row.kind)
            self._failed(tx, row, due, now, {"why": "error"})
        else:
            schedules.settle(tx, row.id, due, "done", result)
        tx.execute("RELEASE made")

    def _failed(self, tx: Tx, row: ScheduleRow, due: float, now: float, result: dict[str, str]) -> None:
        schedules.settle(tx, row.id, due, "failed", result)
        detail = {"name": row.name, "due": due, **result}
        alarms.raise_once(tx, "schedule_failed", f"{row.id}@{due:.0f}", detail, now)

    def _note_missed(self, tx: Tx, row: ScheduleRow, due: float, now: float) -> None:
        if schedules.claim(tx, row.id, due, now, "missed", None):
            detail = {"name": row.name, "due": due}
            alarms.raise_again(tx, "schedule_missed", str(row.id), detail, now)

    async def tick_outside(self) -> None:
        """Work outside the ledger: path tests and whatever a room registered. One that hangs delays no other fire."""
        for _ in range(TRIES_MOST):
            now = self._now()
            taken = await self._ledger.write(lambda tx, at=now: schedules.take_running(tx, at, at + RUN_AGAIN_SECONDS))  # type: ignore[misc]
            if taken is None:
                return
            await self._run(taken)

    async def _run(self, fire: FireRow) -> None:
        now = self._now()
        row = await self._ledger.read(lambda tx: schedules.one(tx, fire.schedule_id))
        kind = None if row is None else self._kinds.find(row.kind)
        if row is None or kind is None or kind.run is None:
            return
        try:
            async with asyncio.timeout(RUN_SECONDS):
                result = dict(await kind.run(Occurrence(row, fire.due, now, fire.tries - 1)))
        except Exception:
            log.exception("schedule_failed", schedule=row.id, kind=row.kind, tries=fire.tries)
            if fire.tries > TRIES_MOST:
                await self._ledger.write(lambda tx: self._failed(tx, row, fire.due, now, {"why": "error"}))
            return
        await self._ledger.write(lambda tx: schedules.settle(tx, row.id, fire.due, "done", result))
        self._bus.publish(TOPIC, {"type": "done"})
