"""One bot: its way to the platform, its pace, its month's budget and what it hears. Both of its channels share it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from adapters.contract import (
    Accepted,
    Attachment,
    DurableState,
    Envelope,
    Health,
    HealthState,
    Hook,
    LedgerUnavailable,
    Now,
    Outcome,
    RejectClass,
    Rejected,
    Sink,
    Unknown,
)
from adapters.zalo import codes, http, limits
from adapters.zalo.bot.api import NOT_FOUND, TIMED_OUT, TOO_MANY, BotApi, BotError, Called, Result
from adapters.zalo.bot.budget import Budget
from adapters.zalo.bot.intake import AUTH_CODES, Intake
from adapters.zalo.bot.updates import GROUP
from adapters.zalo.client import not_sent
from adapters.zalo.gate import Gate
from adapters.zalo.sending import LEDGER_SECONDS, expired
from adapters.zalo.settings import BotSettings

log = structlog.get_logger(__name__)


class BotSession:
    """Started by the first channel that uses it, stopped by the last one.

    `listen=False`: send only; updates are for one process, since each is handed out once.
    """

    def __init__(self, settings: BotSettings, state: DurableState, now: Now, listen: bool) -> None:
        self.settings = settings
        self.state = state
        self.now = now
        self._listen = listen
        self._api = BotApi(settings, now)
        self._gate = Gate(limits.BOT_IN_FLIGHT, settings.rate, now)
        self._budget = Budget(state, now, settings.monthly_limit, settings.reserve)
        self._intake = Intake(settings, self._api, self._names)
        self._account_name = ""
        self._shut_out = False
        """The configured group refused our last message: the bot is not in it (any more)."""
        self._users = 0
        self._task: asyncio.Task[None] | None = None
        webhook = settings.updates == "webhook"
        self.hooks: Mapping[str, Hook] = {GROUP: self._intake.handle} if webhook else {}

    async def start(self, sink: Sink) -> None:
        self._users += 1
        self._intake.sink = sink
        if self._users == 1 and self._listen and self.has_token:
            self._task = asyncio.create_task(self._hear())

    async def stop(self) -> None:
        self._users = max(0, self._users - 1)
        if self._users:
            return
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._api.close()

    async def probe(self) -> Health:
        if not self.has_token:
            return self._health(HealthState.DOWN, "zalo_bot_token_missing", key="token")
        called = await self._api.call("getMe", {})
        if not isinstance(called, Result):
            return self._not_well(called)
        self._learn_name(called)
        if self._shut_out:
            return self._health(HealthState.DOWN, "zalo_bot_not_in_group", group=self.settings.group_id)
        used = await self._budget.used()
        left = self._budget.limit - used.count
        figures: dict[str, str | int | float] = {"used": used.count, "limit": self._budget.limit, "month": used.month}
        if left <= 0:
            return self._health(HealthState.DOWN, "zalo_bot_budget_spent", **figures)
        if left <= self._budget.reserve:
            return self._health(HealthState.DEGRADED, "zalo_bot_budget_reserve", **figures)
        return self._health(HealthState.OK, "zalo_bot_ok", name=self._account_name, **figures)

    @property
    def has_token(self) -> bool:
        return bool(self.settings.token.get_secret_value())

    def _names(self) -> Sequence[str]:
        return (self.settings.display_name, self._account_name)

    def _learn_name(self, called: Result) -> None:
        if isinstance(called.value, Mapping):
            self._account_name = str(called.value.get("account_name") or "")

    async def _hear(self) -> None:
        """Register the webhook, or poll."""
        if isinstance(called := await self._api.call("getMe", {}), Result):
            self._learn_name(called)
        if self.settings.updates == "poll":
            await self._intake.poll()
        elif self.settings.webhook_url:
            await self._intake.register()

    async def send_part(self, envelope: Envelope, text: str, _last: bool) -> Outcome:
        return await self._send(envelope, "sendMessage", {"text": text})

    async def send_file(self, envelope: Envelope, file: Attachment) -> Outcome:
        """A picture by its public address, which Zalo fetches; where it cannot, the address itself."""
        outcome = await self._send(envelope, "sendPhoto", {"photo": file.url, "caption": file.name})
        if isinstance(outcome, Rejected) and outcome.cls is RejectClass.TEXT and outcome.reason != "expired":
            log.warning("zalo_bot_photo_refused", sha256=file.sha256[:12], code=outcome.code)
            return await self._send(envelope, "sendMessage", {"text": f"{file.name}\n{file.url}"})
        return outcome

    async def _send(self, envelope: Envelope, method: str, content: Mapping[str, str]) -> Outcome:
        if not self.has_token:
            return Rejected("auth", RejectClass.CONFIG, "credentials_missing")
        if wait := await self._gate.enter(envelope.priority):
            return Rejected("throttled", RejectClass.RETRY_LATER, after=wait)
        try:
            if late := expired(envelope.valid_until, self.now()):
                return late
            try:
                allowed = await self._budget.take(envelope.priority)
            except LedgerUnavailable:
                return Rejected("ledger", RejectClass.RETRY_LATER, after=LEDGER_SECONDS)
            if not allowed:
                return Rejected("quota", RejectClass.QUOTA, "monthly_budget")
            called = await self._api.call(method, {"chat_id": envelope.to, **content})
        finally:
            self._gate.leave()
        if isinstance(called, http.NotSent | BotError):
            with suppress(LedgerUnavailable):  # one message too many counted is better than an outcome lost
                await self._budget.give_back()
        outcome = self._outcome(called)
        if envelope.to and envelope.to == self.settings.group_id:
            self._shut_out = isinstance(outcome, Rejected) and outcome.reason == "invalid_recipient"
        return outcome

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
        return codes.rejected(code, error.code, self.now())

    def _not_well(self, called: BotError | http.NotSent | http.NoAnswer) -> Health:
        if isinstance(called, http.NotSent):
            return self._health(HealthState.DOWN, "zalo_link_down")
        if isinstance(called, http.NoAnswer):
            return self._health(HealthState.DOWN, "zalo_no_answer", why=called.why)
        if called.code in AUTH_CODES:
            return self._health(HealthState.DOWN, "zalo_bot_token_refused")
        return self._health(HealthState.DOWN, "zalo_refused", code=str(called.code))

    def _health(self, state: HealthState, name: str, /, **params: str | int | float) -> Health:
        at = self._api.proven_at
        return Health(state, name, dict(params), datetime.fromtimestamp(at, UTC) if at is not None else None)
