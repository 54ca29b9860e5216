"""The channel `sms.<account>`: an eSMS account behind the contract of `adapters.contract`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from adapters.contract import (
    EVERY_PART,
    Accepted,
    DurableState,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Hook,
    Now,
    Outcome,
    Part,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
)
from adapters.rates import UNSHARED, Share
from adapters.sms.budget import Budget
from adapters.sms.esms import codes, limits
from adapters.sms.esms.api import Answer, EsmsApi, entries, local
from adapters.sms.esms.hooks import EsmsHooks
from adapters.sms.esms.request_ids import RequestIds
from adapters.sms.esms.sending import Sending
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.esms.statuses import Learn, Statuses
from adapters.sms.outbox import Outbox
from text.dates import OFFICE_ZONE
from text.segments import GSM_PART, GSM_SINGLE


def _learn_nothing(number: int, carrier: str) -> None:
    """Where nobody routes by carrier."""


class EsmsChannel:
    """One instance per account and process. `learn` is told on which network a number really is."""

    hooks: Mapping[str, Hook]

    def __init__(
        self,
        settings: EsmsAccount,
        state: DurableState,
        now: Now = time.time,
        learn: Learn = _learn_nothing,
        parts: Part = EVERY_PART,
        share: Share = UNSHARED,
    ) -> None:
        self.name = f"sms.{settings.name}"
        self._parts = parts
        self._share = share
        proofs = {Evidence.ACCEPTED} if settings.sandbox else {Evidence.ACCEPTED, Evidence.DELIVERED}
        self.traits = Traits(
            receipts=frozenset(proofs),
            text_limit=GSM_SINGLE if settings.max_parts == 1 else GSM_PART * settings.max_parts,
            unaccented=True,
            can_ask=not settings.sandbox,
            window=settings.concurrency * 2,
        )
        self._settings = settings
        self._now = now
        self._api = EsmsApi(settings)
        ids = RequestIds(state, self.name)
        called = bool(settings.callback_url)
        self._statuses = Statuses(self.name, self._api, state, learn, now, settings.status_after, called, parts)
        self._sending = Sending(self._api, ids, self._accepted, now, self.name)
        self._hooks = EsmsHooks(self.name, settings, self._statuses, ids, now)
        self.hooks = self._hooks.table
        self._outbox: Outbox | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, sink: Sink) -> None:
        self._hooks.sink = sink
        if Part.SEND not in self._parts:
            return
        await self._api.caller.open()
        settings = self._settings
        budget = Budget.per_second(settings.tps, asyncio.get_running_loop().time, self._share)
        self._outbox = Outbox(self._sending.deliver, budget, settings.concurrency, settings.max_parts, self._now)
        self._sending.outbox = self._outbox
        self._outbox.start()
        self._task = asyncio.create_task(self._statuses.run(sink), name=f"{self.name} statuses")

    async def stop(self) -> None:
        """At most about `STOP_SECONDS`, if the ledger answers."""
        if self._outbox is None:
            self._hooks.sink = None
            return
        await self._outbox.stop(limits.STOP_SECONDS)
        await self._sending.stop()
        self._hooks.sink = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            await self._statuses.save()
        await self._api.caller.close()
        self._outbox = None

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """`to` is a number as `84…`."""
        if self._outbox is None:
            for envelope in batch:
                report(envelope.delivery_id, Rejected("link_down", RejectClass.RETRY_LATER, "stopped", 1.0))
            return
        await self._outbox.send(batch, report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """Look for this number and text in the account's history around the time of the send.

        A message that is not there some minutes later never came: it may be sent again, under the same RequestId.
        """
        around = timedelta(seconds=limits.LOOK_UP_AROUND_SECONDS)
        at = datetime.fromtimestamp(sent_at, OFFICE_ZONE)
        for page in range(1, limits.PAGES + 1):
            answer = await self._api.sent(at - around, at + around, page)
            if not isinstance(answer, Answer) or answer.code != codes.ACCEPTED:
                return None
            found = entries(answer.body, "SentData")
            for entry in found:
                if _is_same(entry, envelope) and entry.get("ReferenceId"):
                    smsid = str(entry["ReferenceId"])
                    self._accepted(smsid, "")
                    return Accepted((smsid,), codes.ACCEPTED)
            if len(list(found)) < limits.PAGE_SIZE:
                if self._now() - sent_at < limits.LOOK_UP_SECONDS:
                    return None
                return Rejected("lost", RejectClass.RETRY_LATER, after=0.0)
        return None

    def _accepted(self, smsid: str, request_id: str) -> None:
        if not self._settings.sandbox:  # a sandbox message is not stored, so it cannot be asked about
            self._statuses.accepted(smsid, request_id)

    async def probe(self) -> Health:
        """Keys: `esms.off`, `esms.auth`, `esms.link_down`, `esms.refused`, `esms.sandbox`, `esms.low_balance`,
        `esms.ok`."""
        if self._outbox is None:
            return Health(HealthState.OFF, "esms.off")
        called = await self._api.balance()
        if not isinstance(called, Answer):
            return self._health(HealthState.DOWN, "esms.link_down", error=called.why)
        if called.code != codes.ACCEPTED:
            return self._health(HealthState.DOWN, "esms.auth", code=called.code)
        balance = _number(called.body.get("Balance"))
        self._sending.proven_at = self._now()
        if self._sending.refusal is not None:
            refusal = self._sending.refusal
            return self._health(
                HealthState.DEGRADED, "esms.refused", balance=balance, reason=refusal.reason, code=refusal.code
            )
        if self._settings.sandbox:
            return self._health(HealthState.DEGRADED, "esms.sandbox", balance=balance)
        if balance < self._settings.low_balance:
            return self._health(HealthState.DEGRADED, "esms.low_balance", balance=balance)
        return self._health(HealthState.OK, "esms.ok", balance=balance)

    def _health(self, state: HealthState, key: str, **params: str | int | float) -> Health:
        proven = self._sending.proven_at
        figures: dict[str, str | int | float] = {"waiting": self._statuses.open}
        if self._outbox is not None:
            figures |= {"queued": self._outbox.queued, "in_flight": self._outbox.in_flight}
        at = datetime.fromtimestamp(proven, UTC) if proven is not None else None
        return Health(state, key, figures | params, at)


def _is_same(entry: Mapping[str, object], envelope: Envelope) -> bool:
    number = str(entry.get("Phone", ""))
    return number in (envelope.to, local(envelope.to)) and str(entry.get("Content", "")) == envelope.text


def _number(value: object) -> float:
    """Balances come as a number or as text."""
    try:
        return float(str(value))
    except ValueError:
        return 0.0
