"""What happens because time passes: firing, planning again after a crash, escalation, expiry, closing, lost work.

Each `tick_*` is safe to run at any moment and any number of times; nothing in it depends on having run before.
"""

from __future__ import annotations

import time

import structlog

from adapters.contract import Now, Priority
from broadcasts import lifecycle
from broadcasts.doubt import resolve_doubt
from broadcasts.escalation import Steps, take_due_steps
from broadcasts.model import AckState, BroadcastState, DeliveryState
from broadcasts.plan import NewChunk, plan_broadcast, plan_of
from broadcasts.routes import Routes
from broadcasts.seal import kept_seal, numbers_of
from broadcasts.tracing import broadcast_trace, first_span
from lanes.port import Bus, Lanes, Work
from store import alarms, broadcasts, chunks, leases, rollcalls, workers
from store.broadcasts import BroadcastRow
from store.engine import Ledger, Tx

log = structlog.get_logger(__name__)

S = BroadcastState
D = DeliveryState
LATE_SECONDS = 60.0
"""Due and not started for so long: the duty board says so."""
OWN_LOOKS = 3
"""Of so many ticks a worker whose lanes are well looks into the ledger at one: 15 s at a tick of five."""
REANNOUNCE_LIMIT = 5_000
"""Queued chunks that one pass puts back into the lanes."""


class Clockwork:
    """`among_others`: other processes work on the same ledger, and each says that it is alive (`store.workers`)."""

    def __init__(
        self,
        ledger: Ledger,
        lanes: Lanes,
        bus: Bus,
        routes: Routes,
        owner: str,
        now: Now = time.time,
        among_others: bool = False,
    ) -> None:
        self._among_others = among_others
        self._ledger = ledger
        self._lanes = lanes
        self._bus = bus
        self._routes = routes
        self._owner = owner
        self._now = now
        self._looks = 0

    async def recover(self) -> tuple[int, int]:
        """At start, when this process is the only worker: every other owner is dead. (unknown, repeated)"""
        return await self._free_chunks(owner_gone=self._owner)

    async def tick_lanes(self) -> None:
        """Leases that ran out go back to the queue; queued chunks that no lane holds are announced."""
        await self._free_chunks(owner_gone=None)
        waiting = await self._ledger.read(lambda tx: chunks.waiting(tx, REANNOUNCE_LIMIT))
        await self._lanes.announce_all(
            [Work(one.channel, Priority(one.priority), one.chunk, one.next_try_at) for one in waiting]
        )

    async def tick_own_lanes(self) -> None:
        """For a process that works while another one reconciles: what nobody else can tell it, it reads itself. Now and
        then also while the lanes are well, for the one that reconciles may be cut off from them."""
        self._looks += 1
        if self._lanes.alone or self._looks % OWN_LOOKS == 0:
            await self.tick_lanes()

    def _given_up(self, tx: Tx, now: float, owner_gone: str | None) -> list[int]:
        if self._among_others:
            return workers.abandoned_chunks(tx, now, leases.ledger_clock(tx))
        return chunks.expired_leases(tx, now, owner_gone)

    async def _free_chunks(self, owner_gone: str | None) -> tuple[int, int]:
        now = self._now()

        def free(tx: Tx) -> tuple[int, int]:
            unknown = repeated = 0
            for chunk in self._given_up(tx, now, owner_gone):
                doubted, again = resolve_doubt(tx, chunk, now)
                unknown, repeated = unknown + doubted, repeated + again
                chunks.requeue(tx, chunk, now)
            return unknown, repeated

        unknown, repeated = await self._ledger.write(free)
        if unknown or repeated:
            log.warning("deliveries_in_doubt", unknown=unknown, repeated=repeated)
        return unknown, repeated

    async def tick_broadcasts(self) -> None:
        """Fire what is due, finish plans that a crash cut short, expire, close."""
        live = (S.PENDING_APPROVAL, S.SCHEDULED, S.SENDING, S.SENT)
        rows = await self._ledger.read(lambda tx: broadcasts.in_states(tx, live))
        now = self._now()
        for row in rows:
            try:
                moved = await self._move_on(row, now)
            except Exception:  # one broadcast that cannot go on keeps no other one back
                log.exception("broadcast_stuck", no=row.no, state=row.state)
                continue
            if moved:
                self._bus.publish(f"broadcast:{row.no}", {"type": "state", "no": row.no})

    async def _move_on(self, row: BroadcastRow, now: float) -> bool:
        """What time does to one broadcast. False: nothing now."""
        if row.valid_until <= now and row.state != S.SENT:
            await self._ledger.write(lambda tx: _expire(tx, row, now))
        elif row.state == S.SCHEDULED and (row.fire_at or 0.0) <= now:
            await self.fire(row.no)
        elif row.state == S.SENDING and row.planned_at is None:
            await self.announce(await plan_broadcast(self._ledger, self._routes, row.no, now))
        elif row.state == S.SENT:
            await self._ledger.write(lambda tx: _close_if_over(tx, row, now))
        else:
            return False
        return True

    async def fire(self, no: int) -> bool:
        """Start an approved broadcast: approval, validity and the hash, made again of what would leave, are checked and
        only one caller wins."""
        now = self._now()
        numbers = await self._ledger.read(lambda tx: numbers_of(tx, no))

        def start(tx: Tx) -> bool:
            row = broadcasts.by_no(tx, no)
            if row is None or row.state != S.SCHEDULED or row.valid_until <= now:
                return False
            if not row.approved_hash or kept_seal(tx, row, numbers) != row.approved_hash:
                lifecycle.stop_changed(tx, row, now)
                return False
            if lifecycle.stop_overtaken(tx, row, now):
                return False
            changed = broadcasts.update(tx, no, (S.SCHEDULED,), {"state": S.SENDING.value, "started_at": now})
            if changed:
                broadcasts.note(tx, no, now, lifecycle.SYSTEM, "started")
                _say_if_late(tx, row, now)
                if row.supersedes is not None:
                    lifecycle.replace(tx, row.supersedes, no, now)
            return changed

        if not await self._ledger.write(start):
            return False
        code = await self._ledger.read(lambda tx: broadcasts.code_of(tx, no))
        with first_span("broadcast", broadcast_trace(code), code=code):
            made = await plan_broadcast(self._ledger, self._routes, no, now)
            await self.announce(made)
        log.info("broadcast_started", broadcast=code, no=no, chunks=len(made))
        self._bus.publish(f"broadcast:{no}", {"type": "state", "no": no})
        return True

    async def announce(self, made: list[NewChunk]) -> None:
        await self._lanes.announce_all([Work(one.channel, one.priority, one.chunk) for one in made])

    async def tick_escalation(self) -> Steps:
        """Take every escalation step that has fallen due."""
        now = self._now()
        due = await self._ledger.read(rollcalls.next_due)
        if due is None or due > now:
            return Steps()
        done = await self._ledger.write(lambda tx: take_due_steps(tx, self._routes, now))
        await self.announce(done.made)
        for no in done.changed():
            self._bus.publish(f"broadcast:{no}", {"type": "rollcall", "no": no})
        return done


def _say_if_late(tx: Tx, row: BroadcastRow, now: float) -> None:
    """It was to leave at a time at which nobody was there."""
    if row.fire_at is None or now - row.fire_at <= LATE_SECONDS:
        return
    broadcasts.note(tx, row.no, now, lifecycle.SYSTEM, "fired_late", {"due": row.fire_at})
    alarms.raise_once(tx, "fired_late", row.code, {"name": row.title, "due": row.fire_at}, now)


def _expire(tx: Tx, row: BroadcastRow, now: float) -> None:
    """Approved, and never sent: that is said, and not only written down."""
    if lifecycle.expire(tx, row, now) and row.state == S.SCHEDULED:
        due = row.fire_at or row.approved_at or now
        alarms.raise_once(tx, "schedule_missed", row.code, {"name": row.title, "due": due}, now)


def _close_if_over(tx: Tx, row: BroadcastRow, now: float) -> bool:
    """A roll-call is over when every unit is settled, or long enough after its last step."""
    acks = rollcalls.of_broadcast(tx, row.no)
    plan = plan_of(row)
    if acks:
        last_step = (row.started_at or now) + max((step.after for step in plan.steps), default=0.0)
        settled = all(ack.state not in (AckState.AWAITING, AckState.UNREACHABLE) for ack in acks)
        asked = all(ack.next_at is None for ack in acks)
        if settled or (asked and now >= last_step + plan.close_after):
            return lifecycle.close(tx, row, now, "settled" if settled else "time")
        return False
    counts = chunks.counts(tx, row.no)
    open_still = counts[D.ACCEPTED] + counts[D.UNKNOWN]
    if not open_still or now >= (row.sent_at or now) + plan.close_after:
        return lifecycle.close(tx, row, now, "final" if not open_still else "time")
    return False
