"""Envelopes on their way to an aggregator over HTTP: by priority, at its pace, a bounded number of requests at once.

What cannot leave soon is given back (`throttled`, `link_down`) instead of being kept: the core tries again, and where
there are several accounts, another one may take it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from adapters.contract import Envelope, Now, Outcome, Priority, RejectClass, Rejected, Report, Unknown
from adapters.sms.budget import Budget
from adapters.sms.smpp.outgoing import Handover
from text.segments import measure

log = structlog.get_logger(__name__)

QUEUE_SECONDS: Final = 8.0
"""Longest wait in this queue. A claim is renewed with each window, so a window must not take half a minute."""
DOWN_AFTER: Final = 3
"""Requests in a row without an answer after which what still waits here is given back."""
RETRY_SECONDS: Final = 5.0
"""Pause after "no link"."""
STOPPED_SECONDS: Final = 1.0
_DIGITS: Final = 11
"""84 and nine digits."""


class Job:
    """One envelope, settled exactly once."""

    __slots__ = ("_handover", "_report", "envelope", "settled")

    def __init__(self, envelope: Envelope, report: Report, handover: Handover) -> None:
        self.envelope = envelope
        self.settled = False
        self._report = report
        self._handover: Handover | None = handover

    def leave(self) -> None:
        """Out of the queue."""
        if self._handover is not None:
            self._handover.one()
            self._handover = None

    def settle(self, outcome: Outcome) -> None:
        self.leave()
        if self.settled:
            log.error("settled_twice", delivery=self.envelope.delivery_id)
            return
        self.settled = True
        try:
            self._report(self.envelope.delivery_id, outcome)
        except Exception:
            log.exception("report_failed", delivery=self.envelope.delivery_id)


Take = Callable[[deque[Job]], list[Job]]
"""Takes the jobs of the next request from the front of a queue that is not empty."""
Deliver = Callable[[list[Job]], Awaitable[None]]
"""Makes one request and settles its jobs (or sees to it that they are settled later)."""


def take_one(queue: deque[Job]) -> list[Job]:
    return [queue.popleft()]


class Outbox:
    """`batch`: how many envelopes one request may carry, for the estimate of the wait."""

    def __init__(
        self, deliver: Deliver, budget: Budget, concurrency: int, max_parts: int, now: Now, *,
        take: Take = take_one, batch: int = 1,
    ) -> None:  # fmt: skip
        self.budget = budget
        self.in_flight = 0
        self._deliver = deliver
        self._concurrency = concurrency
        self._max_parts = max_parts
        self._now = now
        self._take = take
        self._batch = batch
        self._queues: tuple[deque[Job], ...] = tuple(deque() for _ in Priority)
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._silent = 0
        self._open = False

    @property
    def queued(self) -> int:
        return sum(map(len, self._queues))

    def start(self) -> None:
        self._open = True

    async def stop(self, seconds: float) -> None:
        """Give back what waits, let requests in flight end; what has not ended by then is unknown."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.give_back(_stopped())
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        handover = Handover(len(batch))
        for envelope in batch:
            job = Job(envelope, report, handover)
            refusal = self._refusal(envelope)
            if refusal is not None:
                job.settle(refusal)
            else:
                self._queues[envelope.priority].append(job)
        self.turn()
        await handover.wait()

    def again(self, jobs: Sequence[Job]) -> None:
        """These surely did not leave, and may at once: to the front."""
        if not self._open:
            for job in jobs:
                job.settle(_stopped())
            return
        for job in reversed(jobs):
            self._queues[job.envelope.priority].appendleft(job)
        self.turn()

    def hold(self, seconds: float) -> None:
        """The provider named a pause: nothing leaves, and what waits goes back."""
        self.budget.hold(seconds)
        self.give_back(Rejected("throttled", RejectClass.RETRY_LATER, after=self.budget.held))

    def answered(self) -> None:
        self._silent = 0

    def unanswered(self) -> None:
        """A request had no answer, or did not leave."""
        self._silent += 1
        if self._silent >= DOWN_AFTER:
            self.give_back(Rejected("link_down", RejectClass.RETRY_LATER, after=RETRY_SECONDS))

    def give_back(self, refusal: Rejected) -> None:
        for queue in self._queues:
            while queue:
                queue.popleft().settle(refusal)

    def _refusal(self, envelope: Envelope) -> Rejected | None:
        """What can be said before it waits in line."""
        if not self._open:
            return _stopped()
        if self._is_late(envelope):
            return _expired()
        if not is_msisdn(envelope.to):
            return Rejected("invalid_recipient", RejectClass.RECIPIENT)
        if not envelope.text.strip():
            return Rejected("empty", RejectClass.TEXT)
        if measure(envelope.text).segments > self._max_parts:
            return Rejected("too_long", RejectClass.TEXT)
        wait = max(self.budget.held, self._wait_in_line(envelope.priority))
        return Rejected("throttled", RejectClass.RETRY_LATER, after=wait) if wait > QUEUE_SECONDS else None

    def _wait_in_line(self, priority: Priority) -> float:
        ahead = sum(len(queue) for queue in self._queues[: priority + 1])
        return ahead / self._batch / self.budget.rate

    def _is_late(self, envelope: Envelope) -> bool:
        return envelope.valid_until is not None and envelope.valid_until <= self._now()

    def turn(self) -> None:
        """Start as many requests as places and pace allow."""
        for priority, queue in zip(Priority, self._queues, strict=True):
            places = self._concurrency - (priority > Priority.URGENT)
            while queue and self.in_flight < places:
                wait = self.budget.wait(priority)
                if wait > QUEUE_SECONDS:
                    refusal = Rejected("throttled", RejectClass.RETRY_LATER, after=wait)
                    while queue:
                        queue.popleft().settle(refusal)
                elif wait > 0:
                    self._wake_in(wait)
                    break
                else:
                    self._start(self._take(queue))

    def _wake_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.turn()

    def _start(self, jobs: list[Job]) -> None:
        staying = []
        for job in jobs:
            if self._is_late(job.envelope):
                job.settle(_expired())
            else:
                job.leave()
                staying.append(job)
        if not staying:
            return
        self.budget.spend()
        self.in_flight += 1
        task = asyncio.create_task(self._carry(staying))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, jobs: list[Job]) -> None:
        try:
            await self._deliver(jobs)
        except asyncio.CancelledError:
            settle_all(jobs, Unknown("stopped"))
            raise
        except Exception as wrong:  # a defect of ours must not cost the report: the core would wait for ever
            log.error("http_send_crashed", error=type(wrong).__name__)
            settle_all(jobs, Unknown("internal_error"))
        finally:
            self.in_flight -= 1
            if self._open:
                self.turn()


def settle_all(jobs: Sequence[Job], outcome: Outcome) -> None:
    """Those that have no outcome yet."""
    for job in jobs:
        if not job.settled:
            job.settle(outcome)


def is_msisdn(to: str) -> bool:
    return len(to) == _DIGITS and to.isascii() and to.isdigit() and to.startswith("84")


def _expired() -> Rejected:
    return Rejected("expired", RejectClass.TEXT)


def _stopped() -> Rejected:
    return Rejected("link_down", RejectClass.RETRY_LATER, "stopped", STOPPED_SECONDS)
