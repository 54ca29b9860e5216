"""One message in a group that is kept up to date: written and pinned once, then edited; never one reply after another.

Edits count against the group's limit like messages (Bots FAQ), so they are spaced; what the group shows in between is
the last state but one, never a wrong one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import orjson
import structlog
from telegram import LinkPreviewOptions
from telegram.error import TelegramError

from adapters.contract import DurableState, LedgerUnavailable
from adapters.telegram import codes
from adapters.telegram.delivery import Address, parse_address
from adapters.telegram.groups import MovedGroups
from adapters.telegram.pace import Pace
from adapters.telegram.request import BotApiFault, NoAnswer, NotSent, QuietBot

log = structlog.get_logger(__name__)

_PREFIX = "telegram.posted."
UNCHANGED = ("message is not modified",)
GONE = ("message to edit not found", "message_id_invalid", "message can't be edited", "message to be edited not found")
"""Descriptions (lower case) of a 400 to editMessageText: it says so already; it is there no more."""
REFUSED_SECONDS = 60.0
"""Pause after a refusal that only a person can mend (the bot was removed, the group is closed). Our choice."""


@dataclass(slots=True)
class Post:
    """What stands in the group. `chat` with its topic, as it was addressed."""

    chat: str
    message: int
    text: str


class Posted:
    """By key, durable. `doubt` is called when a request found no server or got no answer."""

    def __init__(
        self,
        bot: QuietBot,
        pace: Pace,
        groups: MovedGroups,
        state: DurableState,
        every: float,
        doubt: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._pace = pace
        self._groups = groups
        self._state = state
        self._every = every
        self._doubt = doubt
        self._not_before: dict[str, float] = {}

    async def keep(self, key: str, to: str, text: str, *, last: bool) -> bool:
        """See `adapters.abilities.Posting`. Nothing is written for `last` where nothing stands."""
        address, now = parse_address(to), time.monotonic()
        if address is None:
            return False
        chat = self._groups.current(address.chat)
        try:
            post = await self._load(key)
            if post is None and last:
                return True
            if post is None or post.text != text:
                if now < max(self._not_before.get(key, 0.0), self._pace.free_at(chat, now)):
                    return False
                self._pace.take(chat, now)
                self._not_before[key] = now + self._every
                if not await self._show(key, Address(chat, address.topic), post, text):
                    return False
            if last:
                await self._end(key, chat)
        except (NotSent, NoAnswer):
            self._doubt()
            return False
        except LedgerUnavailable:
            return False
        return True

    async def _show(self, key: str, address: Address, post: Post | None, text: str) -> bool:
        if post is not None and post.chat == address.chat:
            edited = await self._edit(key, address, post, text)
            if edited is not None:
                return edited
        return await self._write(key, address, text)

    async def _edit(self, key: str, address: Address, post: Post, text: str) -> bool | None:
        """None: it is there no more and is to be written anew."""
        try:
            await self._bot.edit_message_text(
                text,
                chat_id=address.chat_id,
                message_id=post.message,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except BotApiFault as fault:
            says = fault.says.lower()
            if not any(one in says for one in UNCHANGED):
                if fault.migrate_to is None and any(one in says for one in GONE):
                    return None
                return await self._refused(key, address, fault)
        await self._save(key, Post(post.chat, post.message, text))
        return True

    async def _write(self, key: str, address: Address, text: str) -> bool:
        try:
            message = await self._bot.send_message(
                address.chat_id,
                text,
                message_thread_id=address.topic,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except BotApiFault as fault:
            return await self._refused(key, address, fault)
        await self._save(key, Post(address.chat, message.message_id, text))
        try:
            await self._bot.pin_chat_message(address.chat_id, message.message_id, disable_notification=True)
        except TelegramError as refused:  # it is there and is edited all the same
            log.warning("telegram.not_pinned", why=str(refused)[:80])
        return True

    async def _end(self, key: str, chat: str) -> None:
        """It will not change any more."""
        post = await self._load(key)
        if post is not None:
            try:
                await self._bot.unpin_chat_message(Address(post.chat).chat_id, post.message)
            except TelegramError as refused:
                log.info("telegram.not_unpinned", why=str(refused)[:80])
        await self._state.delete(_PREFIX + key)
        self._not_before.pop(key, None)

    async def _refused(self, key: str, address: Address, fault: BotApiFault) -> bool:
        """Come again later: at the time that Telegram names, at once in the group's new place, or after a while."""
        now = time.monotonic()
        outcome = codes.classify(fault)
        wait = REFUSED_SECONDS
        if fault.migrate_to is not None:
            await self._groups.moved(address.chat, str(fault.migrate_to))
            wait = 0.0
        elif fault.retry_after:
            wait = float(fault.retry_after)
            self._pace.hold(address.chat, wait, now)
        else:
            log.warning("telegram.post_refused", reason=getattr(outcome, "reason", "unknown"))
        self._not_before[key] = now + wait
        return False

    async def _load(self, key: str) -> Post | None:
        raw = await self._state.get(_PREFIX + key)
        return Post(**orjson.loads(raw)) if raw else None

    async def _save(self, key: str, post: Post) -> None:
        await self._state.put(_PREFIX + key, orjson.dumps(asdict(post)))
