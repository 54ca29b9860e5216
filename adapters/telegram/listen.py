"""Updates from Telegram into the ledger: by webhook or by long polling, each update stored before it is confirmed."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog
from telegram.error import TelegramError

from adapters.contract import DurableState, HookReply, HookRequest, Incoming, LedgerUnavailable, Now, Sink
from adapters.telegram import limits
from adapters.telegram.inbound import UPDATE_KINDS, Arrived, Names, read
from adapters.telegram.request import BotApiFault, QuietBot

log = structlog.get_logger(__name__)

SECRET_HEADER = "x-telegram-bot-api-secret-token"
"""Bot API, setWebhook `secret_token`."""
_DAY = 86_400.0

Learned = Callable[[Arrived], Awaitable[None]]
"""Called for each update after it is stored."""


class Inbox:
    """The one way from an update to the ledger, for both ways of getting updates."""

    def __init__(self, names: Callable[[], Names], now: Now, learned: Learned) -> None:
        self._names = names
        self._now = now
        self._learned = learned
        self.sink: Sink | None = None

    async def take(self, updates: list[dict[str, Any]]) -> None:
        """Raises LedgerUnavailable when nothing was stored."""
        if self.sink is None:
            raise LedgerUnavailable("not started")
        arrived = [read(update, self._names(), self._now()) for update in updates]
        batch: list[Incoming] = [each.incoming for each in arrived]
        if batch:
            await self.sink.incoming(batch)
        for each in arrived:
            await self._learned(each)


class Webhook:
    """The hook of `mode = "webhook"`. Telegram repeats an update until it hears 2xx."""

    def __init__(self, inbox: Inbox, secret: str) -> None:
        self._inbox = inbox
        self._secret = secret.encode()

    async def __call__(self, request: HookRequest) -> HookReply:
        said = request.headers.get(SECRET_HEADER, "").encode()
        if not self._secret or not hmac.compare_digest(said, self._secret):
            log.warning("telegram.webhook_secret_wrong")
            return HookReply(401)
        try:
            update = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            return HookReply(400)
        if not isinstance(update, dict) or type(update.get("update_id")) is not int:
            return HookReply(400)
        try:
            await self._inbox.take([update])
        except LedgerUnavailable:
            return HookReply(503)
        return HookReply(200)


class WebhookWatch:
    """Keeps the webhook registered at our address, and notices when Telegram cannot reach it."""

    def __init__(self, bot: QuietBot, url: str, secret: str, now: Now, said: Callable[[str], None]) -> None:
        self._bot = bot
        self._url = url
        self._secret = secret
        self._now = now
        self._said = said

    async def register(self) -> None:
        """Without an address of ours the operator has registered it himself."""
        if self._url:
            await self._bot.set_webhook(
                self._url,
                secret_token=self._secret,
                allowed_updates=UPDATE_KINDS,
                max_connections=limits.WEBHOOK_CONNECTIONS,
            )

    async def run(self) -> None:
        """Until cancelled. `said` hears "" or the reason why updates may not come."""
        while True:
            await asyncio.sleep(limits.WATCH_SECONDS)
            try:
                self._said(await self._look())
            except TelegramError as broken:
                self._said(_reason(broken))

    async def _look(self) -> str:
        info = await self._bot.get_webhook_info()
        if self._url and info.url != self._url:
            log.warning("telegram.webhook_lost")
            await self.register()
            return ""
        if not info.url:
            return "webhook_unregistered"
        last_error = info.last_error_date
        failing = last_error is not None and self._now() - last_error.timestamp() < 2 * limits.WATCH_SECONDS
        return "webhook_failing" if failing and info.pending_update_count else ""


class Poller:
    """getUpdates in a loop. The offset that confirms updates to Telegram moves only after they are stored."""

    def __init__(
        self,
        bot: QuietBot,
        inbox: Inbox,
        state: DurableState,
        now: Now,
        *,
        wait: int,
        answer_seconds: float,
        failed: Callable[[str], None],
    ) -> None:
        self._bot = bot
        self._inbox = inbox
        self._state = state
        self._now = now
        self._wait = wait
        self._answer_seconds = answer_seconds
        self._failed = failed
        self._key = f"telegram.offset.{bot.token.partition(':')[0]}"  # another bot has another row of ids
        self._offset: int | None = None
        self._moved_at = 0.0

    async def run(self) -> None:
        """Until cancelled. `failed` hears "" after each good answer and else the reason of a bad one."""
        await self._load()
        failures = 0
        while True:
            try:
                await self._once()
                failures = 0
                self._failed("")
            except (TelegramError, LedgerUnavailable) as broken:
                reason = _reason(broken)
                log.warning("telegram.poll_failed", reason=reason)
                self._failed(reason)
                pause = limits.BACKOFF_SECONDS[min(failures, len(limits.BACKOFF_SECONDS) - 1)]
                failures += 1
                after = broken.retry_after if isinstance(broken, BotApiFault) else None
                await asyncio.sleep(max(pause, after or 0.0))

    async def _once(self) -> None:
        updates = await self._bot.raw_updates(
            offset=self._trusted(), wait=self._wait, kinds=UPDATE_KINDS, answer_seconds=self._answer_seconds
        )
        if not updates:
            return
        await self._inbox.take(updates)
        self._offset, self._moved_at = max(update["update_id"] for update in updates) + 1, self._now()
        await self._state.put(self._key, orjson.dumps({"offset": self._offset, "at": self._moved_at}))

    def _trusted(self) -> int | None:
        """After a week of silence Telegram begins at any id; an old offset would confirm, unread, what is below it."""
        fresh = self._now() - self._moved_at < limits.OFFSET_DAYS * _DAY
        return self._offset if fresh else None

    async def _load(self) -> None:
        stored = await self._state.get(self._key)
        if stored is not None:
            kept = orjson.loads(stored)
            self._offset, self._moved_at = int(kept["offset"]), float(kept["at"])


def _reason(broken: Exception) -> str:
    if isinstance(broken, LedgerUnavailable):
        return "ledger"
    if isinstance(broken, BotApiFault):
        return {401: "auth", 404: "auth", 409: "conflict"}.get(broken.status, "provider_error")
    return "link_down"
