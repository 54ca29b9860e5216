"""Requests to SpeedSMS: up to a hundred numbers with one text, and what each number's outcome is.

There is no key by which SpeedSMS would know a request again, so one without an answer is never repeated.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from adapters.contract import Accepted, Now, RejectClass, Rejected, Unknown
from adapters.sms.http import NoAnswer, NotSent
from adapters.sms.outbox import RETRY_SECONDS, Job, Outbox, settle_all
from adapters.sms.speedsms import codes, limits
from adapters.sms.speedsms.api import Answer, SpeedSmsApi

log = structlog.get_logger(__name__)

ALONE_REMEMBERED: Final = 10_000
OnAccepted = Callable[[str, Sequence[str]], None]
"""(transaction, numbers that it took)"""


def provider_id(transaction: str, number: str) -> str:
    """One transaction covers many numbers; together they name a message."""
    return f"{transaction}/{number}"


class Sending:
    """`take` and `deliver` are what the outbox calls. `outbox` is set by the channel."""

    outbox: Outbox

    def __init__(self, api: SpeedSmsApi, on_accepted: OnAccepted, now: Now, account: str) -> None:
        self.refusal: Rejected | None = None
        """The last refusal of class CONFIG or QUOTA, until SpeedSMS takes a message again."""
        self.proven_at: float | None = None
        self.spent = 0.0
        """VND that SpeedSMS says it charged, since the start."""
        self._api = api
        self._on_accepted = on_accepted
        self._now = now
        self._account = account
        self._alone: set[int] = set()
        """Deliveries that must not share a request: one of its numbers made SpeedSMS refuse it, unsaid which."""

    def take(self, queue: deque[Job]) -> list[Job]:
        """From the front: the first job and those behind it with the same text, each number once."""
        first = queue.popleft()
        if first.envelope.delivery_id in self._alone:
            return [first]
        taken, numbers, left = [first], {first.envelope.to}, []
        while queue and len(taken) < limits.NUMBERS:
            job = queue.popleft()
            fits = job.envelope.text == first.envelope.text and job.envelope.to not in numbers
            if fits and job.envelope.delivery_id not in self._alone:
                taken.append(job)
                numbers.add(job.envelope.to)
            else:
                left.append(job)
        queue.extendleft(reversed(left))
        return taken

    async def deliver(self, jobs: Sequence[Job]) -> None:
        try:
            called = await self._api.send([job.envelope.to for job in jobs], jobs[0].envelope.text)
        except asyncio.CancelledError:
            settle_all(jobs, Unknown("stopped"))
            raise
        if isinstance(called, NotSent):
            self.outbox.unanswered()
            bad_url = called.why == "bad_url"
            down = Rejected("link_down", RejectClass.RETRY_LATER, called.why, RETRY_SECONDS)
            settle_all(jobs, Rejected("bad_url", RejectClass.CONFIG) if bad_url else down)
        elif isinstance(called, NoAnswer):
            self.outbox.unanswered()
            settle_all(jobs, Unknown(called.why, code=f"http_{called.status}" if called.status else ""))
        else:
            self.outbox.answered()
            self._answered(jobs, called)

    def _answered(self, jobs: Sequence[Job], answer: Answer) -> None:
        transaction = answer.figure("tranId")
        if answer.code == codes.ACCEPTED and transaction:
            self._taken(jobs, answer, transaction)
        elif answer.code == codes.ACCEPTED:
            settle_all(jobs, Unknown("not_understood"))  # taken, under an id that it kept to itself
        else:
            self._refused(jobs, answer)

    def _taken(self, jobs: Sequence[Job], answer: Answer, transaction: str) -> None:
        self.refusal, self.proven_at = None, self._now()
        self.spent += _number(answer.figure("totalPrice"))
        taken = [job for job in jobs if job.envelope.to not in answer.invalid]
        self._on_accepted(transaction, [job.envelope.to for job in taken])
        parts, price = charged(answer, len(taken))
        for job in taken:
            known_as = provider_id(transaction, job.envelope.to)
            job.settle(Accepted((known_as,), answer.code, parts=parts, told_vnd=price))
        settle_all(jobs, codes.rejected(codes.INVALID_PHONE))

    def _refused(self, jobs: Sequence[Job], answer: Answer) -> None:
        code, outcome = codes.look_up(answer.code), codes.rejected(answer.code)
        if code.alarm:
            log.error("speedsms_refused", account=self._account, code=answer.code, reason=code.reason)
        if code.cls in (RejectClass.CONFIG, RejectClass.QUOTA):
            self.refusal = outcome
        if code.reason == "throttled":
            outcome.after = answer.reset if answer.reset is not None else limits.THROTTLED_SECONDS
            self.outbox.hold(outcome.after)
        if code.some_number and (len(jobs) > 1 or answer.invalid):
            self._some_refused(jobs, answer)
        else:
            settle_all(jobs, outcome)

    def _some_refused(self, jobs: Sequence[Job], answer: Answer) -> None:
        """The request as a whole was refused for some of its numbers: nothing left, the others go again at once."""
        bad = [job for job in jobs if job.envelope.to in answer.invalid]
        settle_all(bad, codes.rejected(codes.INVALID_PHONE))
        rest = [job for job in jobs if not job.settled]
        if len(rest) == len(jobs) == 1:  # the list names other numbers than ours
            settle_all(rest, codes.rejected(answer.code))
        elif not bad:
            if len(self._alone) > ALONE_REMEMBERED:
                self._alone.clear()
            self._alone.update(job.envelope.delivery_id for job in rest)
            self.outbox.again(rest)
        else:
            self.outbox.again(rest)


def charged(answer: Answer, messages: int) -> tuple[int, float | None]:
    """(parts, VND) of each message, by the sums in SpeedSMS's answer: all have one text. 0, None: it does not say."""
    parts, price = _number(answer.figure("totalSMS")), _number(answer.figure("totalPrice"))
    whole = messages > 0 and parts >= messages and parts % messages == 0
    return int(parts // messages) if whole else 0, price / messages if messages and price > 0 else None


def _number(figure: str) -> float:
    """Finite and not negative, else 0."""
    try:
        value = float(figure)
    except ValueError:
        return 0.0
    return value if 0 <= value < float("inf") else 0.0
