"""What was due and did not start: the duty board says so, whatever the reason.

A beat scheduler that skipped its runs after a clock change, with nobody told, is how others learned it (GOV.UK Notify,
30 October 2022).
"""

from __future__ import annotations

import time

from adapters.contract import Now
from broadcasts.clockwork import LATE_SECONDS
from broadcasts.model import BroadcastState
from lanes.port import Bus
from store import alarms, broadcasts, schedules
from store.engine import Ledger, Tx


class Overdue:
    """Looks from outside: it shares nothing with what fires."""

    def __init__(self, ledger: Ledger, bus: Bus, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._now = now

    async def tick(self) -> int:
        """Alarms that were raised; safe to miss and to repeat."""
        now = self._now()
        late = await self._ledger.read(lambda tx: _late(tx, now))
        if not late:
            return 0
        rung = await self._ledger.write(lambda tx: _ring(tx, now))
        if rung:
            self._bus.publish("alarms", {"type": "not_started"})
        return rung


def _late(tx: Tx, now: float) -> list[tuple[str, str, float]]:
    """(subject, name, when it was due) of everything that should have begun."""
    before = now - LATE_SECONDS
    found = [(f"schedule {one.id}", one.name, one.next_fire or 0.0) for one in schedules.overdue(tx, before)]
    for row in broadcasts.in_states(tx, (BroadcastState.SCHEDULED,)):
        due = max(row.fire_at or 0.0, row.approved_at or 0.0)
        if due <= before:
            found.append((row.code, row.title, due))
    return found


def _ring(tx: Tx, now: float) -> int:
    return sum(
        alarms.raise_once(tx, "not_started", f"{subject}@{due:.0f}", {"name": name, "due": due}, now) is not None
        for subject, name, due in _late(tx, now)
    )
