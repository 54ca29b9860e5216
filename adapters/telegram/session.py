"""One bot: its connection, its pace, its way in and its health. The direct and the group channel share it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from telegram.error import TelegramError

from adapters.contract import (
    Accepted,
    DurableState,
    Envelope,
    Health,
    HealthState,
    IncomingKind,
    Now,
    Outcome,
    RejectClass,
    Rejected,
    Report,
    Sink,
)
from adapters.telegram import limits
from adapters.telegram.delivery import Delivery, parse_address
from adapters.telegram.groups import MovedGroups
from adapters.telegram.inbound import Arrived, Names
from adapters.telegram.link import Link, LinkState
from adapters.telegram.listen import Inbox, Poller, Webhook, WebhookWatch
from adapters.telegram.media import Files
from adapters.telegram.outbox import Outbox
from adapters.telegram.pace import Pace
from adapters.telegram.posted import Posted
from adapters.telegram.request import AiohttpRequest, BotApiFault, QuietBot
from adapters.telegram.settings import TelegramSettings

log = structlog.get_logger(__name__)

NO_TOKEN = "0:none"
"""python-telegram-bot wants some token; nothing is ever sent with this one."""

logging.getLogger("httpx").setLevel(logging.WARNING)  # comes with python-telegram-bot and logs URLs at INFO


class TelegramSession:
    """Started by the first channel that uses it, stopped by the last one.

    `listen=False`: updates are for one process, since each is handed out once; others meet the bot and send.
    """

    def __init__(
        self, settings: TelegramSettings, state: DurableState, now: Now, *, direct: str, group: str, listen: bool = True
    ) -> None:
        self.settings = settings
        self._hears = listen
        self._now = now
        self._names = Names(direct, group)
        self._request = AiohttpRequest(
            connect_seconds=settings.connect_seconds,
            answer_seconds=settings.answer_seconds,
            connections=limits.CONNECTIONS,
            proxy=settings.proxy.get_secret_value(),
            now=now,
        )
        token = settings.token.get_secret_value() or NO_TOKEN
        root = settings.base_url
        self._bot = QuietBot(
            token, f"{root}/bot", f"{root}/file/bot", request=self._request, get_updates_request=self._request
        )
        self._pace = Pace(
            per_chat_per_second=settings.per_chat_per_second,
            per_group_per_minute=settings.per_group_per_minute,
            per_second=settings.per_second,
        )
        self._groups = MovedGroups(state)
        self._link = Link(self._alive, self._wake)
        self._files = Files(self._bot, state, self._pace, direct, now, self._link.doubt)
        deliver = Delivery(
            self._bot, self._pace, self._groups, settings.formatting, self._link.doubt, self._token_refused, self._files
        )
        self._outbox = Outbox(deliver, self._chat_of, self._pace, self._link, now)
        self._posted = Posted(self._bot, self._pace, self._groups, state, settings.edit_seconds, self._link.doubt)
        self._inbox = Inbox(lambda: self._names, now, self._learned)
        self._poller = Poller(
            self._bot,
            self._inbox,
            state,
            now,
            wait=settings.poll_seconds,
            answer_seconds=settings.answer_seconds,
            failed=self._heard_of_updates,
        )
        secret = settings.webhook_secret.get_secret_value()
        self.webhook = Webhook(self._inbox, secret)
        self._watch = WebhookWatch(self._bot, settings.webhook_url, secret, now, self._heard_of_updates)
        self._users: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = ""
        """"" while updates come in; else why they do not."""
        self._auth_failed = False
        self._shut_out = False
        """The duty group does not take our messages: removed, muted or gone."""

    @property
    def configured(self) -> bool:
        return bool(self.settings.token.get_secret_value())

    @property
    def username(self) -> str:
        """The bot's own, "" while unknown."""
        return self._names.bot_username

    async def start(self, user: str, sink: Sink) -> None:
        self._users.add(user)
        if len(self._users) > 1 or not self.configured:
            return
        self._inbox.sink = sink
        self._listening = "starting"
        await self._request.initialize()
        await self._groups.load()
        await self._files.forget_old()
        self._outbox.start()
        self._spawn(self._listen(), "telegram-listen")

    async def stop(self, user: str) -> None:
        self._users.discard(user)
        if self._users:
            return
        self._inbox.sink = None
        await self._outbox.stop()
        await self._link.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._request.shutdown()

    async def send(self, user: str, batch: Sequence[Envelope], report: Report) -> None:
        refusal = self._refusal(user)
        if refusal is None:
            await self._outbox.send(batch, self._noticing(report) if user == self._names.group else report)
            return
        for envelope in batch:
            report(envelope.delivery_id, refusal)

    def _noticing(self, report: Report) -> Report:
        """A group that refuses us as a whole is the operator's to mend, not only this message's fate."""

        def noticed(delivery_id: int, outcome: Outcome) -> None:
            if isinstance(outcome, Accepted):
                self._shut_out = False
            elif isinstance(outcome, Rejected) and outcome.cls is RejectClass.RECIPIENT:
                self._shut_out = True
            report(delivery_id, outcome)

        return noticed

    async def keep_posted(self, user: str, key: str, to: str, text: str, *, last: bool) -> bool:
        if self._refusal(user) is not None or self._link.state is not LinkState.UP:
            return False
        return await self._posted.keep(key, to, text, last=last)

    def _refusal(self, user: str) -> Rejected | None:
        """Why nothing of this channel may leave at all."""
        if not self.configured:
            return Rejected("auth", RejectClass.CONFIG)
        if user not in self._users:
            return Rejected("link_down", RejectClass.RETRY_LATER, after=limits.BACKOFF_SECONDS[0])
        return None

    def health(self, user: str) -> Health:
        """From what was seen last; makes no request."""
        if not self.configured:
            return Health(HealthState.DOWN, "telegram.credentials_missing", {"key": "adapters.telegram.token"})
        if user not in self._users:
            return Health(HealthState.OFF, "telegram.off")
        if self._auth_failed:
            return self._says(HealthState.DOWN, "auth")
        if self._link.state is LinkState.DOWN:
            return self._says(HealthState.DOWN, "link_down")
        if self._shut_out and user == self._names.group:
            return self._says(HealthState.DOWN, "not_in_group", group=self.settings.group_chat_id)
        if self._listening:
            return self._says(HealthState.DEGRADED, self._listening)
        if seconds := self._pace.held_for(time.monotonic()):
            return self._says(HealthState.DEGRADED, "throttled", seconds=round(seconds))
        for old, new in self._groups.used.items():
            return self._says(HealthState.OK, "group_moved", old=old, new=new)
        return self._says(HealthState.OK, "ok")

    def _says(self, state: HealthState, key: str, **params: str | int | float) -> Health:
        at = self._request.answered_at
        return Health(state, f"telegram.{key}", params, None if at is None else datetime.fromtimestamp(at, UTC))

    async def _alive(self) -> None:
        """Raises when the service does not answer; an answer that refuses the token is one, too."""
        try:
            me = await self._bot.get_me()
        except BotApiFault as fault:
            if fault.status in (401, 404):
                self._token_refused()
                return
            raise
        self._auth_failed = False
        self._names = Names(self._names.direct, self._names.group, me.username or "")

    async def _listen(self) -> None:
        """Meet the bot, settle how updates come, then poll. Each step is tried until it works."""
        tries = 0
        while True:
            try:
                await self._alive()
                if not self._auth_failed:
                    if self._hears:
                        await self._settle()
                    break
            except TelegramError as broken:
                log.warning("telegram.start_failed", why=type(broken).__name__)
                self._link.doubt()
            await asyncio.sleep(limits.BACKOFF_SECONDS[min(tries, len(limits.BACKOFF_SECONDS) - 1)])
            tries += 1
        self._listening = ""
        if not self._hears:
            return
        await (self._poller if self.settings.mode == "poll" else self._watch).run()

    async def _settle(self) -> None:
        if self.settings.mode == "poll":
            await self._bot.delete_webhook(drop_pending_updates=False)  # getUpdates is refused while there is one
        else:
            await self._watch.register()

    async def _learned(self, arrived: Arrived) -> None:
        if arrived.migrated is not None:
            await self._groups.moved(*arrived.migrated)
        event = arrived.incoming
        if event.is_group and not event.payload and self._is_duty_group(event.chat):  # of the bot itself
            if event.kind is IncomingKind.LEAVE:
                log.error("telegram.removed_from_group")
                self._shut_out = True
            elif event.kind is IncomingKind.JOIN:
                self._shut_out = False
        if arrived.callback_id:
            self._spawn(self._answer(arrived.callback_id), "telegram-callback")

    def _is_duty_group(self, chat: str) -> bool:
        address = parse_address(self.settings.group_chat_id)
        return address is not None and self._groups.current(address.chat) == chat

    async def _answer(self, callback_id: str) -> None:
        """Stops the clock on the pressed button. Refused for a press of long ago; that harms nobody."""
        try:
            await self._bot.answer_callback_query(callback_id)
        except TelegramError as broken:
            log.info("telegram.callback_unanswered", why=type(broken).__name__)

    def _heard_of_updates(self, reason: str) -> None:
        self._listening = reason
        if reason == "auth":
            self._token_refused()
        elif reason == "link_down":
            self._link.doubt()

    def _token_refused(self) -> None:
        if not self._auth_failed:
            log.error("telegram.token_refused")
        self._auth_failed = True

    def _chat_of(self, envelope: Envelope) -> str:
        address = parse_address(envelope.to)
        return self._groups.current(address.chat) if address is not None else envelope.to

    def _wake(self) -> None:
        self._outbox.wake()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
