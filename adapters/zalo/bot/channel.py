"""`zalo.bot`: a bot of the Zalo Bot Platform, the one official way into an ordinary group.

It proves acceptance only, hears in a group only what mentions it or answers it, and cannot be asked about a send that
got no answer: such a send stays unknown. Source: Zalo Bot docs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from adapters.contract import (
    Accepted,
    DurableState,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Hook,
    LedgerUnavailable,
    Now,
    Outcome,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
    Unknown,
)
from adapters.zalo import codes, http, limits
from adapters.zalo.bot.api import NOT_FOUND, TIMED_OUT, TOO_MANY, BotApi, BotError, Called, Result
from adapters.zalo.bot.budget import Budget
from adapters.zalo.bot.intake import AUTH_CODES, Intake
from adapters.zalo.bot.updates import NAME
from adapters.zalo.client import not_sent
from adapters.zalo.gate import Gate
from adapters.zalo.sending import LEDGER_SECONDS, Sending, expired
from adapters.zalo.settings import BotSettings

log = structlog.get_logger(__name__)


class BotChannel:
    name = NAME
    traits = Traits(
        receipts=frozenset({Evidence.ACCEPTED}),
        group=True,
        text_limit=limits.WHOLE_LIMIT,
        window=limits.BOT_WINDOW,
        id_space=NAME,  # a bot's user ids are not those of an Official Account
    )

    def __init__(self, settings: BotSettings, state: DurableState, now: Now = time.time, listen: bool = True) -> None:
        """`listen=False`: send only; updates are for one process, since each is handed out once."""
        self._settings = settings
        self._now = now
        self._listen = listen
        self._api = BotApi(settings, now)
        self._gate = Gate(limits.BOT_IN_FLIGHT, settings.rate, now)
        self._budget = Budget(state, now, settings.monthly_limit, settings.reserve)
        self._sending = Sending(self.name, state, self._send_part, now)
        self._intake = Intake(settings, self._api, self._names)
        self._account_name = ""
        self._task: asyncio.Task[None] | None = None
        webhook = settings.updates == "webhook"
        self.hooks: Mapping[str, Hook] = {NAME: self._intake.handle} if webhook else {}

    async def start(self, sink: Sink) -> None:
        self._intake.sink = sink
        await self._sending.start()
        if self._listen and self._has_token:
            self._task = asyncio.create_task(self._hear())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._sending.stop()
        await self._api.close()

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """`to` is a chat id: `zgr-…` for a group, a person's id otherwise; "" means the configured group."""
        addressed = [each if each.to else replace(each, to=self._settings.group_id) for each in batch]
        await self._sending.send(addressed, report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """The platform keeps no history that a bot may read."""
        return None

    async def probe(self) -> Health:
        if not self._has_token:
            return self._health(HealthState.DOWN, "zalo_bot_token_missing", key="token")
        called = await self._api.call("getMe", {})
        if not isinstance(called, Result):
            return self._not_well(called)
        self._learn_name(called)
        used = await self._budget.used()
        left = self._budget.limit - used.count
        figures: dict[str, str | int | float] = {"used": used.count, "limit": self._budget.limit, "month": used.month}
        if left <= 0:
            return self._health(HealthState.DOWN, "zalo_bot_budget_spent", **figures)
        if left <= self._budget.reserve:
            return self._health(HealthState.DEGRADED, "zalo_bot_budget_reserve", **figures)
        return self._health(HealthState.OK, "zalo_bot_ok", name=self._account_name, **figures)

    @property
    def _has_token(self) -> bool:
        return bool(self._settings.token.get_secret_value())

    def _names(self) -> Sequence[str]:
        return (self._settings.display_name, self._account_name)

    def _learn_name(self, called: Result) -> None:
        if isinstance(called.value, Mapping):
            self._account_name = str(called.value.get("account_name") or "")

    async def _hear(self) -> None:
        """Register the webhook, or poll."""
        if isinstance(called := await self._api.call("getMe", {}), Result):
            self._learn_name(called)
        if self._settings.updates == "poll":
            await self._intake.poll()
        elif self._settings.webhook_url:
            await self._intake.register()

    async def _send_part(self, envelope: Envelope, text: str, _last: bool) -> Outcome:
        if not self._has_token:
            return Rejected("auth", RejectClass.CONFIG, "credentials_missing")
        if wait := await self._gate.enter(envelope.priority):
            return Rejected("throttled", RejectClass.RETRY_LATER, after=wait)
        try:
            if late := expired(envelope.valid_until, self._now()):
                return late
            try:
                allowed = await self._budget.take(envelope.priority)
            except LedgerUnavailable:
                return Rejected("ledger", RejectClass.RETRY_LATER, after=LEDGER_SECONDS)
            if not allowed:
                return Rejected("quota", RejectClass.QUOTA, "monthly_budget")
            called = await self._api.call("sendMessage", {"chat_id": envelope.to, "text": text})
        finally:
            self._gate.leave()
        if isinstance(called, http.NotSent | BotError):
            with suppress(LedgerUnavailable):  # one message too many counted is better than an outcome lost
                await self._budget.give_back()
        return self._outcome(called)

    def _outcome(self, called: Called) -> Outcome:
        if isinstance(called, Result):
            value = called.value if isinstance(called.value, Mapping) else {}
            return Accepted((str(value.get("message_id") or ""),))
        if isinstance(called, http.NotSent):
            return not_sent(called)
        if isinstance(called, http.NoAnswer):
            return Unknown(called.why, code=f"http_{called.status}" if called.status else "")
        return self._refused(called)

    def _refused(self, error: BotError) -> Outcome:
        if error.code == TIMED_OUT:
            return Unknown("timeout", code=str(error.code))
        if error.code == TOO_MANY and error.retry_after is not None:
            self._gate.hold_for(error.retry_after)
            return Rejected("throttled", RejectClass.RETRY_LATER, str(error.code), error.retry_after)
        if error.code == NOT_FOUND and not error.spoken:
            return Rejected("bad_url", RejectClass.CONFIG, str(error.code))
        code = codes.look_up(codes.BOT, error.code)
        if code.alarm:
            log.error("zalo_refused_alarm", code=error.code, reason=code.reason)
        return codes.rejected(code, error.code, self._now())

    def _not_well(self, called: BotError | http.NotSent | http.NoAnswer) -> Health:
        if isinstance(called, http.NotSent):
            return self._health(HealthState.DOWN, "zalo_link_down")
        if isinstance(called, http.NoAnswer):
            return self._health(HealthState.DOWN, "zalo_no_answer", why=called.why)
        if called.code in AUTH_CODES:
            return self._health(HealthState.DOWN, "zalo_bot_token_refused")
        return self._health(HealthState.DOWN, "zalo_refused", reason="provider_error", code=str(called.code))

    def _health(self, state: HealthState, name: str, /, **params: str | int | float) -> Health:
        at = self._api.proven_at
        return Health(state, name, dict(params), datetime.fromtimestamp(at, UTC) if at is not None else None)
