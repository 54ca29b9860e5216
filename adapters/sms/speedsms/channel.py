"""The channel `sms.<account>`: a SpeedSMS account behind the contract of `adapters.contract`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from adapters.contract import (
    EVERY_PART,
    DurableState,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Hook,
    Now,
    Outcome,
    Part,
    Priority,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
)
from adapters.sms.budget import Budget
from adapters.sms.outbox import Outbox
from adapters.sms.speedsms import codes, limits
from adapters.sms.speedsms.api import Answer, SpeedSmsApi
from adapters.sms.speedsms.hooks import SpeedSmsHooks
from adapters.sms.speedsms.reports import Reports
from adapters.sms.speedsms.sending import Sending
from adapters.sms.speedsms.settings import SpeedSmsAccount
from text.segments import GSM_PART, GSM_SINGLE


class SpeedSmsChannel:
    """One instance per account and process."""

    hooks: Mapping[str, Hook]

    def __init__(
        self, settings: SpeedSmsAccount, state: DurableState, now: Now = time.time, parts: Part = EVERY_PART
    ) -> None:
        self.name = f"sms.{settings.name}"
        self._parts = parts
        self.traits = Traits(
            receipts=frozenset({Evidence.ACCEPTED, Evidence.DELIVERED}),
            text_limit=GSM_SINGLE if settings.max_parts == 1 else GSM_PART * settings.max_parts,
            unaccented=True,
            window=limits.NUMBERS,
        )
        self._settings = settings
        self._now = now
        self._api = SpeedSmsApi(settings)
        self._reports = Reports(self.name, self._api, state, now, settings.status_after, self._may_ask)
        self._sending = Sending(self._api, self._reports.accepted, now, self.name)
        self._hooks = SpeedSmsHooks(self.name, settings, self._reports, now)
        self.hooks = self._hooks.table
        self._outbox: Outbox | None = None
        self._balance: Answer | None = None
        self._looked_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def start(self, sink: Sink) -> None:
        self._hooks.sink = sink
        if Part.SEND not in self._parts:
            return
        await self._api.caller.open()
        settings = self._settings
        requests = max(1, round(settings.tps * limits.WINDOW_SECONDS))
        reserve = min(limits.RESERVED, requests // 4)
        budget = Budget(requests, limits.WINDOW_SECONDS, asyncio.get_running_loop().time, reserve=reserve)
        self._outbox = Outbox(
            self._sending.deliver, budget, settings.concurrency, settings.max_parts, self._now,
            take=self._sending.take, batch=limits.NUMBERS,
        )  # fmt: skip
        self._sending.outbox = self._outbox
        self._outbox.start()
        self._task = asyncio.create_task(self._reports.run(sink), name=f"{self.name} reports")

    async def stop(self) -> None:
        """At most about `STOP_SECONDS`, if the ledger answers."""
        if self._outbox is None:
            self._hooks.sink = None
            return
        await self._outbox.stop(limits.STOP_SECONDS)
        self._hooks.sink = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            await self._reports.save()
        await self._api.caller.close()
        self._outbox = None

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """`to` is a number as `84…`; equal texts share requests."""
        if self._outbox is None:
            for envelope in batch:
                report(envelope.delivery_id, Rejected("link_down", RejectClass.RETRY_LATER, "stopped", 1.0))
            return
        await self._outbox.send(batch, report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """The status call wants the transaction that an unknown send does not have."""
        return None

    async def probe(self) -> Health:
        """Keys: `speedsms.off`, `speedsms.auth`, `speedsms.link_down`, `speedsms.throttled`, `speedsms.refused`,
        `speedsms.low_balance`, `speedsms.ok`."""
        outbox = self._outbox
        if outbox is None:
            return Health(HealthState.OFF, "speedsms.off")
        if outbox.budget.held:
            return self._health(HealthState.DEGRADED, "speedsms.throttled", seconds=round(outbox.budget.held))
        if self._balance is not None and self._now() - self._looked_at < limits.PROBE_SECONDS:
            return self._by_balance(self._balance)
        outbox.budget.spend()
        called = await self._api.user_info()
        if not isinstance(called, Answer):
            return self._health(HealthState.DOWN, "speedsms.link_down", error=called.why)
        if called.code != codes.ACCEPTED:
            throttled = codes.look_up(called.code).reason == "throttled"
            if throttled:
                return self._health(HealthState.DEGRADED, "speedsms.throttled", seconds=round(called.reset or 0))
            return self._health(HealthState.DOWN, "speedsms.auth", code=called.code)
        self._sending.proven_at = self._looked_at = self._now()
        self._balance = called
        return self._by_balance(called)

    def _may_ask(self) -> bool:
        if self._outbox is None or self._outbox.budget.wait(Priority.BULK) > 0:
            return False
        self._outbox.budget.spend()
        return True

    def _by_balance(self, answer: Answer) -> Health:
        refusal = self._sending.refusal
        try:
            balance = float(answer.figure("balance") or 0)
        except ValueError:
            balance = 0.0
        if refusal is not None:
            return self._health(
                HealthState.DEGRADED, "speedsms.refused", balance=balance, reason=refusal.reason, code=refusal.code
            )
        if balance < self._settings.low_balance:
            return self._health(HealthState.DEGRADED, "speedsms.low_balance", balance=balance)
        return self._health(HealthState.OK, "speedsms.ok", balance=balance)

    def _health(self, state: HealthState, key: str, **params: str | int | float) -> Health:
        proven = self._sending.proven_at
        figures: dict[str, str | int | float] = {"waiting": self._reports.open, "charged": self._sending.spent}
        if self._outbox is not None:
            figures |= {"queued": self._outbox.queued, "in_flight": self._outbox.in_flight}
        at = datetime.fromtimestamp(proven, UTC) if proven is not None else None
        return Health(state, key, figures | params, at)
