"""Nobody on duty: said ahead of time, while the watch before can still find somebody."""

from __future__ import annotations

import time
from typing import Final

import structlog

from adapters.contract import Now
from broadcasts.lifecycle import SYSTEM
from directory.roster import Gap, gaps
from lanes.port import Bus
from store import alarms
from store.engine import Ledger, Tx
from text.dates import moment

log = structlog.get_logger(__name__)

WARN_AHEAD_SECONDS: Final = 12 * 3600.0
"""How long before nobody is on duty it rings: one shift of two a day."""
GAP: Final = "roster_gap"
"""Kind of the alarm; its subject is the duty and when the gap begins."""


class RosterGaps:
    """`tick` may run at any time and any number of times: each gap rings once, and stops when it is filled."""

    def __init__(self, ledger: Ledger, bus: Bus, warn_ahead: float = WARN_AHEAD_SECONDS, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._warn_ahead = warn_ahead
        self._now = now

    async def tick(self) -> int:
        """How many alarms were raised."""
        found, ringing = await self._ledger.read(self._look)
        known = {one.subject for one in ringing}
        if set(found) == known:
            return 0
        raised, stopped = await self._ledger.write(self._ring)
        if raised or stopped:
            self._bus.publish("alarms", {"type": "raised" if raised else "taken", "kind": GAP})
        if raised:
            log.warning("roster_gap", gaps=raised)
        return raised

    def _look(self, tx: Tx) -> tuple[dict[str, Gap], list[alarms.Alarm]]:
        found = {gap_subject(gap): gap for gap in gaps(tx, self._now(), self._warn_ahead)}
        return found, [one for one in alarms.ringing(tx) if one.kind == GAP]

    def _ring(self, tx: Tx) -> tuple[int, int]:
        now = self._now()
        found, ringing = self._look(tx)
        raised = stopped = 0
        for subject, gap in found.items():
            raised += alarms.raise_once(tx, GAP, subject, gap_detail(gap, now), now) is not None
        for alarm in ringing:
            if alarm.subject not in found:
                alarms.take(tx, alarm.id, SYSTEM, now)
                stopped += 1
        return raised, stopped


def gap_subject(gap: Gap) -> str:
    return f"{gap.duty.value} {gap.start:.0f}"


def gap_detail(gap: Gap, now: float) -> dict[str, str]:
    """`from` and `to` as the office writes times; `to` "" where nothing is planned after it."""
    to = "" if gap.end is None else moment(gap.end, now)
    return {"duty": gap.duty.value, "start": moment(gap.start, now), "end": to}
