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
        due, filled = await self._ledger.read(self._look)
        if not due and not filled:
            return 0
        raised = await self._ledger.write(self._ring)
        self._bus.publish("alarms", {"type": "raised" if raised else "taken", "kind": GAP})
        if raised:
            log.warning("roster_gap", gaps=raised)
        return raised

    def _look(self, tx: Tx) -> tuple[dict[str, Gap], list[alarms.Alarm]]:
        """Gaps that ought to ring, and alarms whose gap is filled. One that a person took stays quiet; one that was
        filled and is open again rings again."""
        found = {gap_subject(gap): gap for gap in gaps(tx, self._now(), self._warn_ahead)}
        due = {}
        for subject, gap in found.items():
            last = alarms.last_of(tx, GAP, subject)
            if last is None or last.taken_by == SYSTEM:
                due[subject] = gap
        filled = [one for one in alarms.ringing(tx) if one.kind == GAP and one.subject not in found]
        return due, filled

    def _ring(self, tx: Tx) -> int:
        now = self._now()
        due, filled = self._look(tx)
        for alarm in filled:
            alarms.take(tx, alarm.id, SYSTEM, now)
        return sum(
            alarms.raise_again(tx, GAP, subject, gap_detail(gap, now), now) is not None for subject, gap in due.items()
        )


def gap_subject(gap: Gap) -> str:
    return f"{gap.duty.value} {gap.start:.0f}"


def gap_detail(gap: Gap, now: float) -> dict[str, str]:
    """`from` and `to` as the office writes times; `to` "" where nothing is planned after it."""
    to = "" if gap.end is None else moment(gap.end, now)
    return {"duty": gap.duty.value, "start": moment(gap.start, now), "end": to}
