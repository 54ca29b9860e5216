"""Envelopes that wait for their turn: by priority among all callers, at the pace that Telegram allows."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from adapters.contract import Envelope, Now, Outcome, Priority, RejectClass, Rejected, Report, Unknown
from adapters.telegram import limits
from adapters.telegram.link import Link, LinkState
from adapters.telegram.pace import Pace

log = structlog.get_logger(__name__)

Deliver = Callable[[Envelope], Awaitable[Outcome]]


@dataclass(slots=True, eq=False)
class Waiting:
    """`left` is done when the envelope was handed over or reported."""

    envelope: Envelope
    report: Report
    chat: str
    since: float
    left: asyncio.Future[None]

    def close(self, outcome: Outcome | None = None) -> None:
        if outcome is not None:
            self.report(self.envelope.delivery_id, outcome)
        if not self.left.done():
            self.left.set_result(None)


class Outbox:
    """`deliver` does one request and never raises for what a provider may do; `address` gives an envelope's chat."""

    def __init__(self, deliver: Deliver, address: Callable[[Envelope], str], pace: Pace, link: Link, now: Now) -> None:
        self._deliver = deliver
        self._address = address
        self._pace = pace
        self._link = link
        self._now = now
        self._queues: dict[Priority, deque[Waiting]] = {priority: deque() for priority in Priority}
        self._flights: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._pump is None:
            self._pump = asyncio.create_task(self._run(), name="telegram-outbox")

    def wake(self) -> None:
        self._wake.set()

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """Returns when each envelope was handed over or reported."""
        loop, since = asyncio.get_running_loop(), time.monotonic()
        jobs = [Waiting(each, report, self._address(each), since, loop.create_future()) for each in batch]
        if self._pump is None:
            for job in jobs:
                job.close(Rejected("link_down", RejectClass.RETRY_LATER, after=limits.BACKOFF_SECONDS[0]))
            return
        for job in jobs:
            self._queues[job.envelope.priority].append(job)
        self.wake()
        await asyncio.gather(*(job.left for job in jobs))

    async def stop(self) -> None:
        """What waits goes back untouched; what is in flight has `STOP_SECONDS` to be answered."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
            self._pump = None
        self._give_back(Rejected("link_down", RejectClass.RETRY_LATER, after=limits.BACKOFF_SECONDS[0]))
        if self._flights:
            _, late = await asyncio.wait(self._flights, timeout=limits.STOP_SECONDS)
            for flight in late:
                flight.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait = self._step()
            if wait is None:
                await self._wake.wait()
            elif wait > 0:
                try:
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    def _step(self) -> float | None:
        """Hand one envelope over. Returns the seconds until the next try, None: not before something changes."""
        if self._link.state is LinkState.DOWN:
            self._give_back(Rejected("link_down", RejectClass.RETRY_LATER, after=self._link.retry_after))
        if self._link.state is not LinkState.UP or len(self._flights) >= limits.CONNECTIONS:
            return None
        now = time.monotonic()
        soonest: float | None = None
        for queue in self._queues.values():
            for job in tuple(queue):
                free_at = self._pace.free_at(job.chat, now)
                if free_at <= now:
                    queue.remove(job)
                    self._hand_over(job, now)
                    return 0.0
                if max(free_at, now) - job.since > limits.HOLD_SECONDS:
                    queue.remove(job)
                    job.close(Rejected("throttled", RejectClass.RETRY_LATER, after=free_at - now))
                elif soonest is None or free_at < soonest:
                    soonest = free_at
        return None if soonest is None else max(soonest - now, 0.001)

    def _hand_over(self, job: Waiting, now: float) -> None:
        valid_until = job.envelope.valid_until
        if valid_until is not None and self._now() > valid_until:
            job.close(Rejected("expired", RejectClass.RECIPIENT))
            return
        self._pace.take(job.chat, now)
        flight = asyncio.create_task(self._fly(job), name="telegram-send")
        self._flights.add(flight)
        flight.add_done_callback(self._landed)
        job.close()

    async def _fly(self, job: Waiting) -> None:
        try:
            outcome = await self._deliver(job.envelope)
        except asyncio.CancelledError:
            outcome = Unknown("stopped", ("",))
        except Exception:
            # No exc_info: a renderer that prints local variables would print the token with them.
            log.error("telegram.send_failed", delivery=job.envelope.delivery_id, trace=traceback.format_exc())
            outcome = Unknown("internal", ("",))
        job.report(job.envelope.delivery_id, outcome)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self.wake()

    def _give_back(self, outcome: Rejected) -> None:
        for queue in self._queues.values():
            while queue:
                queue.popleft().close(outcome)
