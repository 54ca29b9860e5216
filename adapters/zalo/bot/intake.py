"""How a bot hears: by long poll, or by a webhook with a shared secret.

`getUpdates` hands each update out once and knows no acknowledgement, so an update in hand is stored before the next is
asked for, however long the ledger takes. An idle poll ends with HTTP 408, which is no error.
"""

from __future__ import annotations

import asyncio
import hmac
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import structlog

from adapters.contract import HookReply, HookRequest, Incoming, LedgerUnavailable, Sink
from adapters.zalo import http, limits
from adapters.zalo.bot import updates
from adapters.zalo.bot.api import TIMED_OUT, BotApi, BotError, Result
from adapters.zalo.settings import BotSettings

log = structlog.get_logger(__name__)

SECRET_HEADER = "x-bot-api-secret-token"
REFUSED_WHILE_WEBHOOK = frozenset({400, 409})
"""Answers of `getUpdates` while a webhook is set; the docs name none, both are seen."""
AUTH_CODES = frozenset({401})
FORGED_STATUS = 401


class Intake:
    """Updates into the ledger. `counts`: stored, ignored, forged, unreadable, idle."""

    def __init__(self, settings: BotSettings, api: BotApi, names: Callable[[], Sequence[str]]) -> None:
        self.sink: Sink | None = None
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._api = api
        self._names = names

    async def poll(self) -> None:
        """For as long as the channel lives."""
        failures = 0
        while True:
            wait = float(self._settings.poll_seconds)
            called = await self._api.call("getUpdates", {"timeout": int(wait)}, wait + limits.BOT_POLL_SLACK_SECONDS)
            if isinstance(called, Result):
                failures = 0
                try:
                    await self._keep(called.value)
                except Exception as wrong:  # one update that breaks us must not make the bot deaf
                    log.error("zalo_bot_update_crashed", error=type(wrong).__name__)
                continue
            if isinstance(called, BotError) and called.code == TIMED_OUT:
                failures = 0
                self.counts["idle"] += 1
                continue
            failures += 1
            await self._after_failure(called, failures)

    async def register(self) -> None:
        """Tell the platform where to send updates; again until it says yes."""
        secret = self._settings.webhook_secret.get_secret_value()
        failures = 0
        while True:
            called = await self._api.call("setWebhook", {"url": self._settings.webhook_url, "secret_token": secret})
            if isinstance(called, Result):
                log.info("zalo_bot_webhook_set")
                return
            failures += 1
            code = called.code if isinstance(called, BotError) else 0
            log.warning("zalo_bot_webhook_not_set", code=code)
            await asyncio.sleep(backoff(failures))

    async def handle(self, request: HookRequest) -> HookReply:
        """200 after a durable commit, 401 without the secret, 503 while the ledger is away."""
        given = request.headers.get(SECRET_HEADER, "").encode()
        secret = self._settings.webhook_secret.get_secret_value().encode()
        if not secret or not hmac.compare_digest(given, secret):
            self.counts["forged"] += 1
            log.warning("zalo_bot_update_dropped", why="forged", so_far=self.counts["forged"])
            return HookReply(FORGED_STATUS)
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            self.counts["unreadable"] += 1
            return HookReply()
        if self.sink is None:
            return HookReply(503)
        event = self._event(body, request.body)
        if event is not None:
            try:
                await self.sink.incoming([event])
            except LedgerUnavailable:
                return HookReply(503)
            self.counts["stored"] += 1
        return HookReply()

    async def _keep(self, value: Any) -> None:
        """Store what a poll returned: one object, though a list is understood too."""
        assert self.sink is not None
        found = [self._event(one, orjson.dumps(one)) for one in (value if isinstance(value, list) else [value])]
        events = [event for event in found if event is not None]
        pause = limits.BACKOFF_FIRST_SECONDS
        while events:
            try:
                await self.sink.incoming(events)
            except LedgerUnavailable:
                log.warning("zalo_bot_update_not_stored", again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, limits.BACKOFF_MOST_SECONDS)
            else:
                self.counts["stored"] += len(events)
                return

    def _event(self, body: Any, raw: bytes) -> Incoming | None:
        event = updates.read(body, self._names(), raw) if isinstance(body, Mapping) else None
        if event is None:
            self.counts["ignored"] += 1
        return event

    async def _after_failure(self, called: BotError | http.NotSent | http.NoAnswer, failures: int) -> None:
        code = called.code if isinstance(called, BotError) else 0
        if code in REFUSED_WHILE_WEBHOOK:
            log.warning("zalo_bot_webhook_in_the_way", code=code)
            await self._api.call("deleteWebhook", {})
        pause = limits.BACKOFF_MOST_SECONDS if code in AUTH_CODES else backoff(failures)
        log.warning("zalo_bot_poll_failed", code=code, again_in=round(pause, 1))
        await asyncio.sleep(pause)


def backoff(failures: int) -> float:
    """Seconds before attempt `failures + 1`: doubling, with a third of jitter so that processes spread."""
    pause = min(limits.BACKOFF_FIRST_SECONDS * 2 ** min(failures - 1, 10), limits.BACKOFF_MOST_SECONDS)
    return float(pause * random.uniform(2 / 3, 1))
