"""Workers: claim a chunk, hand it to its channel window by window, and see it through to the ledger.

Before a window leaves, the chunk's high-water mark is committed past it. A window is half of what the channel keeps in
flight: two are handed over at a time and the mark of a third is committed meanwhile, so the line waits neither for the
disk nor for the slowest answer of a window. After a kill, what lies below the mark without a result is in doubt
(`broadcasts.doubt`): at most these three windows a claim, and what was answered since the last flush.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import structlog

from adapters.contract import ELSEWHERE, Envelope, Now, Outcome, Priority, RejectClass, Rejected
from broadcasts.acknowledge import withdraw_answered
from broadcasts.following import Following
from broadcasts.high_water import lower_mark, raise_mark
from broadcasts.lifecycle import note_sent
from broadcasts.model import BroadcastState, DeliveryState
from broadcasts.outcomes import back_off, is_held
from broadcasts.recorded import Recorded
from broadcasts.recorder import Recorder
from broadcasts.routes import Route, Routes
from broadcasts.settle import settle
from broadcasts.texts import Batch, load
from broadcasts.windows import Pass, Window, step_of, until_one_may_begin
from lanes.port import Bus, Lanes
from store import chunks, deliveries
from store.chunks import Claim
from store.engine import Ledger, LedgerError, Tx

log = structlog.get_logger(__name__)

LEASE_SECONDS = 30.0
"""A claim that is not renewed for so long is free again. Renewed with every window and while answers are awaited."""
EXPRESS = (Priority.LIFE, Priority.URGENT)
ORDINARY = (Priority.LIFE, Priority.URGENT, Priority.NORMAL, Priority.BULK)
EXPRESS_WORKERS = 4
"""Claims a channel that only ever take urgent work: capacity that bulk cannot use (invariant 7)."""
ORDINARY_WORKERS = 2
"""Claims a channel for everything: two, so that the end of one chunk overlaps the begin of the next."""
HELD_SECONDS = 30.0
"""How soon a list that waits for an operator (`outcomes.HOLDING`) tries its account again."""
PAUSE_AFTER_ERROR_SECONDS = 1.0
STOP_SECONDS = 10.0
"""How long a stop waits for answers in flight; what is left is in doubt at the next start."""
SENDABLE = (BroadcastState.SENDING.value, BroadcastState.SENT.value)


class Dispatcher:
    """The workers of one channel in this process. May be started again after a stop.

    `routes`: where several accounts of one channel live in several processes, a chunk of that channel is handed over in
    the lane of the account that is to go on with it; it is sent by the chunk's own channel all the same.
    """

    def __init__(
        self,
        route: Route,
        ledger: Ledger,
        lanes: Lanes,
        recorder: Recorder,
        bus: Bus,
        owner: str,
        ack_label: str,
        now: Now = time.time,
        routes: Routes | None = None,
    ) -> None:
        self._route = route
        self._routes = routes
        self.following = Following(route.name, route.traits.window)
        self._ledger = ledger
        self._lanes = lanes
        self._recorder = recorder
        self._bus = bus
        self._owner = owner
        self._ack_label = ack_label
        self._files = ledger.files
        self._now = now
        self._in_flight: dict[int, Pass] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        recorder.on_flushed(self._flushed)

    def start(self) -> None:
        self._stopping = False
        kinds = [EXPRESS] * EXPRESS_WORKERS + [ORDINARY] * ORDINARY_WORKERS
        self._tasks = [asyncio.create_task(self._work(kind), name=f"send-{self._route.name}") for kind in kinds]

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Claim nothing more; let windows that are under way end, for so long."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, priorities: Sequence[Priority]) -> None:
        while not self._stopping:
            chunk = await self._lanes.next(self._route.name, priorities)
            self._busy += 1
            self._idle.clear()
            try:
                await self._recorder.flushing.wait()
                await self._send_chunk(chunk)
            except LedgerError as failed:
                log.error("dispatch_ledger_failed", channel=self._route.name, chunk=chunk, reason=failed.key)
                await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)
            except Exception:
                log.exception("dispatch_failed", channel=self._route.name, chunk=chunk)
                await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)
            finally:
                self._busy -= 1
                if not self._busy:
                    self._idle.set()

    async def _send_chunk(self, chunk: int) -> None:
        claimed = await self._ledger.write(lambda tx: self._claim(tx, chunk), beside=True)
        if claimed is None:
            return
        claim, batch = claimed
        route = self._route_of(claim)
        run = Pass(claim, route, step_of(route.traits, batch.envelopes))
        with self.following.chunk(claim, batch):
            if batch.state in SENDABLE and batch.valid_until > self._now():
                await self._hand_over(run, batch)
            await self._await_answers(run)
            await self._end(run, batch)

    def _claim(self, tx: Tx, chunk: int) -> tuple[Claim, Batch] | None:
        now = self._now()
        claim = chunks.claim(tx, chunk, self._owner, now, now + LEASE_SECONDS)
        if claim is None:
            return None
        route = self._route_of(claim)
        withdraw_answered(tx, claim, now)
        batch = load(tx, claim, route.traits, self._ack_label, route.post_to, self._files)
        if batch.envelopes:
            lost = raise_mark(tx, claim, batch.envelopes[: step_of(route.traits, batch.envelopes)], now + LEASE_SECONDS)
            if lost:
                batch.envelopes = [one for one in batch.envelopes if one.delivery_id not in lost]
        return claim, batch

    def _route_of(self, claim: Claim) -> Route:
        known = self._routes.by_name(claim.channel) if self._routes is not None else None
        return known or self._route

    async def _hand_over(self, run: Pass, batch: Batch) -> None:
        """Window by window, `WINDOWS_AT_ONCE` at a time; returns when the channel has or has refused each of them."""
        windows = [batch.envelopes[at : at + run.step] for at in range(0, len(batch.envelopes), run.step)]
        withdrawn: set[int] = set()
        under_way: set[asyncio.Task[None]] = set()
        try:
            for whole, following in zip(windows, [*windows[1:], None], strict=False):
                window = Window(run, [one for one in whole if one.delivery_id not in withdrawn])
                marked = asyncio.create_task(self._mark_later(run.claim, following)) if following else None
                under_way.add(self._begin(window))
                if marked is None or following is None:
                    break
                lost = await marked
                under_way = await until_one_may_begin(under_way)
                if lost is None:
                    break
                withdrawn = lost
                if self._stopping or run.nothing_passes or batch.valid_until <= self._now():
                    if run.next_try is None:
                        run.next_try = back_off(0)
                    await self._unmark_later(run.claim, following)
                    break
            await asyncio.gather(*under_way)
        finally:
            for one in under_way:
                one.cancel()

    def _begin(self, window: Window) -> asyncio.Task[None]:
        window.run.open += len(window.envelopes)
        self._in_flight.update((one.delivery_id, window.run) for one in window.envelopes)
        return asyncio.create_task(self._hand_window(window), name=f"window-{self._route.name}")

    async def _hand_window(self, window: Window) -> None:
        window.begun = time.monotonic()
        with self.following.window(window.envelopes):
            channel = window.run.route.channel
            await channel.send(window.envelopes, lambda one, outcome: self._report(window, one, outcome))
        if window.envelopes and window.shut >= len(window.envelopes):
            window.run.nothing_passes = True

    async def _mark_later(self, claim: Claim, window: Sequence[Envelope]) -> set[int] | None:
        await self._recorder.flushing.wait()
        return await self._ledger.write(
            lambda tx: raise_mark(tx, claim, window, self._now() + LEASE_SECONDS), beside=True
        )

    async def _unmark_later(self, claim: Claim, window: Sequence[Envelope]) -> None:
        await self._ledger.write(lambda tx: lower_mark(tx, claim, window), beside=True)

    def _report(self, window: Window, delivery_id: int, outcome: Outcome) -> None:
        self.following.answered(delivery_id, outcome, time.monotonic() - window.begun)
        run = window.run
        held = is_held(outcome, to_list=run.claim.priority == Priority.BULK)
        if isinstance(outcome, Rejected) and (held or outcome.cls is RejectClass.RETRY_LATER):
            after = outcome.after if outcome.after is not None else HELD_SECONDS if held else back_off(0)
            run.next_try = after if run.next_try is None else min(run.next_try, after)
            window.shut += held or outcome.reason == "link_down"
            if outcome.reason == ELSEWHERE:
                run.wanted = outcome.account
        self._recorder.outcome(outcome.account or window.run.route.name, delivery_id, outcome)

    def _flushed(self, recorded: Recorded) -> None:
        for one in recorded.settled:
            run = self._in_flight.pop(one, None)
            if run is not None:
                run.open -= 1
                if not run.open:
                    run.settled.set()

    async def _await_answers(self, run: Pass) -> None:
        claim = run.claim
        while run.open:
            run.settled.clear()
            try:
                async with asyncio.timeout(LEASE_SECONDS / 3):
                    await run.settled.wait()
            except TimeoutError:
                until = self._now() + LEASE_SECONDS
                renew = partial(chunks.renew, chunk=claim.chunk, token=claim.token, lease_until=until)
                await self._ledger.write(renew, beside=True)

    async def _end(self, run: Pass, batch: Batch) -> None:
        """Finish the chunk, or give it back for what must be tried again."""
        again = await self._ledger.write(lambda tx: self._finish(tx, run, batch), beside=True)
        if again is not None:
            lane = run.wanted or run.claim.channel
            await self._lanes.announce(lane, Priority(run.claim.priority), run.claim.chunk, again)
        self._bus.publish(f"broadcast:{run.claim.broadcast_no}", {"type": "chunk", "no": run.claim.broadcast_no})

    def _finish(self, tx: Tx, run: Pass, batch: Batch) -> float | None:
        """When there is work again, or None: the chunk is done, or is no longer ours."""
        claim, now = run.claim, self._now()
        left = deliveries.working(tx, claim.chunk, claim.last_id)
        if left and batch.valid_until > now and batch.state in SENDABLE:
            again = now + (run.next_try if run.next_try is not None else back_off(0))
            return again if chunks.release(tx, claim.chunk, claim.token, again) else None
        if not chunks.finish(tx, claim.chunk, claim.token):
            return None
        if left:
            late = DeliveryState.EXPIRED if batch.state in SENDABLE else DeliveryState.CANCELLED
            settle(tx, claim.chunk, left, late, late.word, now, event=False)
        note_sent(tx, claim.broadcast_no, now)
        return None
