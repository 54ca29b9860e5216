"""One message to eSMS: what its answer means, and what is done when there is none.

A request without an answer is made again under the same RequestId: 124 says that eSMS had it. What the repeats say
about the account (no money, wrong key) proves nothing about the first request, so it does not end the doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Final

import structlog

from adapters.contract import Accepted, LedgerUnavailable, Now, Outcome, RejectClass, Rejected, Unknown
from adapters.sms.esms import codes, limits
from adapters.sms.esms.api import Answer, Called, EsmsApi
from adapters.sms.esms.codes import Action
from adapters.sms.esms.request_ids import RequestIds
from adapters.sms.http import NoAnswer, NotSent
from adapters.sms.outbox import RETRY_SECONDS, Job, Outbox
from text.dates import OFFICE_ZONE

log = structlog.get_logger(__name__)

LEDGER_SECONDS: Final = 5.0
"""Pause before a repeat of what never left because nothing could be stored."""
_ABOUT_THE_MESSAGE: Final = (RejectClass.RECIPIENT, RejectClass.TEXT)
OnAccepted = Callable[[str, str], None]
"""(SMSID, RequestId) of a message that eSMS took."""


class Sending:
    """`deliver` is what the outbox calls. `outbox` is set by the channel."""

    outbox: Outbox

    def __init__(self, api: EsmsApi, ids: RequestIds, on_accepted: OnAccepted, now: Now, account: str) -> None:
        self.refusal: Rejected | None = None
        """The last refusal of class CONFIG or QUOTA, until eSMS takes a message again."""
        self.proven_at: float | None = None
        """Epoch seconds at which eSMS last took a message."""
        self._api = api
        self._ids = ids
        self._on_accepted = on_accepted
        self._now = now
        self._account = account
        self._repeating: set[asyncio.Task[None]] = set()

    async def deliver(self, jobs: Sequence[Job]) -> None:
        (job,) = jobs
        try:
            request_id = await self._ids.of(job.envelope)
        except LedgerUnavailable:
            job.settle(Rejected("ledger", RejectClass.RETRY_LATER, after=LEDGER_SECONDS))
            return
        day = self._today()
        try:
            called = await self._api.send(job.envelope.to, job.envelope.text, request_id)
        except asyncio.CancelledError:
            job.settle(Unknown("stopped", (request_id,)))
            raise
        outcome = self._first(job, called, request_id)
        if outcome is not None:
            job.settle(outcome)
            return
        task = asyncio.create_task(self._repeat(job, called, request_id, day))
        self._repeating.add(task)
        task.add_done_callback(self._repeating.discard)

    async def stop(self) -> None:
        """What is still in doubt stays so."""
        for task in self._repeating:
            task.cancel()
        await asyncio.gather(*self._repeating, return_exceptions=True)

    def _first(self, job: Job, called: Called, request_id: str) -> Outcome | None:
        """None: it may have left."""
        if isinstance(called, NotSent):
            self.outbox.unanswered()
            if called.why == "bad_url":
                return Rejected("bad_url", RejectClass.CONFIG)
            return Rejected("link_down", RejectClass.RETRY_LATER, called.why, RETRY_SECONDS)
        if isinstance(called, NoAnswer):
            self.outbox.unanswered()
            return None
        self.outbox.answered()
        code = codes.look_up(called.code)
        if code.action is Action.ACCEPT:
            return self._accepted(called, request_id)
        if code.action is Action.REPEAT:
            return None
        return self._refused(job, called.code)

    def _accepted(self, answer: Answer, request_id: str) -> Outcome:
        if answer.code == codes.REPEATED and str(answer.body.get("SendStatus", "")) == codes.SendStatus.REFUSED:
            return Rejected("rejected", RejectClass.TEXT, answer.code)
        self.refusal, self.proven_at = None, self._now()
        known_as = answer.smsid or request_id
        if answer.smsid:
            self._on_accepted(answer.smsid, request_id)
        return Accepted((known_as,), answer.code)

    def _refused(self, job: Job, raw: str) -> Rejected:
        code, outcome = codes.look_up(raw), codes.rejected(raw)
        if code.alarm:
            log.error("esms_refused", account=self._account, code=raw, reason=code.reason)
        if code.cls in (RejectClass.CONFIG, RejectClass.QUOTA):
            self.refusal = outcome
        if code.action is Action.SLOW_DOWN:
            self.outbox.hold(outcome.after or codes.THROTTLED_SECONDS)
        self._ids.refused(job.envelope.delivery_id)
        return outcome

    async def _repeat(self, job: Job, called: Called, request_id: str, day: date) -> None:
        try:
            job.settle(await self._resolved(job, called, request_id, day))
        except asyncio.CancelledError:
            job.settle(Unknown("stopped", (request_id,)))
            raise
        except Exception as wrong:  # a defect of ours must not cost the report
            log.error("esms_repeat_crashed", account=self._account, error=type(wrong).__name__)
            job.settle(Unknown("internal_error", (request_id,)))

    async def _resolved(self, job: Job, called: Called, request_id: str, day: date) -> Outcome:
        envelope = job.envelope
        for pause in limits.REPEAT_SECONDS:
            await asyncio.sleep(pause)
            late = envelope.valid_until is not None and envelope.valid_until <= self._now()
            if late or self._today() != day:  # a RequestId blocks within its day only
                break
            again = await self._api.send(envelope.to, envelope.text, request_id)
            if isinstance(again, NotSent):
                continue
            called = again
            if isinstance(again, NoAnswer):
                continue
            self.outbox.answered()
            code = codes.look_up(again.code)
            if code.action is Action.ACCEPT:
                return self._accepted(again, request_id)
            if code.action is Action.NONE and code.cls in _ABOUT_THE_MESSAGE and code is not codes.UNKNOWN:
                return self._refused(job, again.code)  # so it was the first time
        if isinstance(called, NoAnswer):
            return Unknown(called.why, (request_id,), f"http_{called.status}" if called.status else "")
        return Unknown("no_answer", (request_id,), called.code if isinstance(called, Answer) else "")

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now(), UTC).astimezone(OFFICE_ZONE).date()
