"""One envelope to one chat: the request, the second try that a refusal allows at once, the outcome."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message, MessageEntity

from adapters.contract import (
    Accepted,
    Button,
    Envelope,
    LedgerUnavailable,
    Outcome,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.telegram import codes, limits
from adapters.telegram.groups import MovedGroups
from adapters.telegram.inbound import message_key
from adapters.telegram.media import Files
from adapters.telegram.pace import Pace
from adapters.telegram.request import BotApiFault, NoAnswer, NotSent, QuietBot
from adapters.telegram.settings import Formatting

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """`chat` is a numeric id or `@name`; `topic` a thread of a forum group."""

    chat: str
    topic: int | None = None

    @property
    def chat_id(self) -> int | str:
        return self.chat if self.chat.startswith("@") else int(self.chat)


def parse_address(to: str) -> Address | None:
    """`123`, `-100123`, `-100123:45`, `@name`; None for anything else."""
    match = re.fullmatch(r"(-?\d{1,19}|@\w{1,64})(?::(\d{1,19}))?", to, flags=re.ASCII)
    return Address(match[1], int(match[2]) if match[2] else None) if match else None


class Delivery:
    """`doubt` is called when a request found no server or got no answer, `auth_failed` when the token was refused."""

    def __init__(
        self,
        bot: QuietBot,
        pace: Pace,
        groups: MovedGroups,
        formatting: Formatting,
        doubt: Callable[[], None],
        auth_failed: Callable[[], None],
        files: Files,
    ) -> None:
        self._bot = bot
        self._pace = pace
        self._groups = groups
        self._formatting = formatting
        self._doubt = doubt
        self._auth_failed = auth_failed
        self._files = files

    async def __call__(self, envelope: Envelope) -> Outcome:
        address = parse_address(envelope.to)
        if address is None:
            return Rejected("invalid_recipient", RejectClass.RECIPIENT)
        if not envelope.text.strip():
            return Rejected("empty", RejectClass.TEXT)
        if utf16_units(envelope.text) > limits.TEXT_LIMIT:
            return Rejected("too_long", RejectClass.TEXT)
        try:
            if envelope.attachments:
                return await self._with_files(envelope, address)
            return await self._post(envelope, address, self._formatting)
        except NotSent:
            self._doubt()
            return Rejected("link_down", RejectClass.RETRY_LATER, after=limits.BACKOFF_SECONDS[0])
        except NoAnswer as silence:
            self._doubt()
            return Unknown("no_answer", ("",), silence.message)

    async def _with_files(self, envelope: Envelope, address: Address) -> Outcome:
        """The alert first: it never waits for an upload, and a file that fails takes nothing from it."""

        def here() -> Address:
            return Address(self._groups.current(address.chat), address.topic)

        return await self._files.after_text(
            envelope,
            lambda: self._post(envelope, address, self._formatting),
            lambda: (here().chat_id, address.topic),
            lambda fault: self._refused(fault, here()),
        )

    async def _post(self, envelope: Envelope, address: Address, formatting: Formatting) -> Outcome:
        chat = Address(self._groups.current(address.chat), address.topic)
        try:
            message = await self._request(envelope, chat, formatting)
        except BotApiFault as fault:
            if fault.migrate_to is not None and not self._groups.knows(chat.chat, str(fault.migrate_to)):
                await self._remember(chat.chat, str(fault.migrate_to))
                return await self._again(envelope, Address(chat.chat, address.topic), formatting)
            if formatting != "plain" and codes.is_formatting(fault):
                log.warning("telegram.formatting_refused", delivery=envelope.delivery_id)
                return await self._again(envelope, address, "plain")
            return self._refused(fault, chat)
        return Accepted((message_key(message.chat.id, message.message_id),))

    async def _again(self, envelope: Envelope, address: Address, formatting: Formatting) -> Outcome:
        """At once: the refused request put nothing into the chat, and an alert does not queue twice."""
        self._pace.take(self._groups.current(address.chat), time.monotonic())
        return await self._post(envelope, address, formatting)

    async def _remember(self, old: str, new: str) -> None:
        try:
            await self._groups.moved(old, new)
        except LedgerUnavailable:
            log.error("telegram.group_move_not_stored", old=old, new=new)

    async def _request(self, envelope: Envelope, address: Address, formatting: Formatting) -> Message:
        return await self._bot.send_message(
            address.chat_id,
            envelope.text,
            message_thread_id=address.topic,
            parse_mode="HTML" if formatting == "html" else None,
            entities=_title(envelope.text) if formatting == "title" else None,
            reply_markup=_keyboard(envelope),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )

    def _refused(self, fault: BotApiFault, address: Address) -> Outcome:
        outcome = codes.classify(fault)
        if isinstance(outcome, Unknown):
            self._doubt()
        elif isinstance(outcome, Rejected) and outcome.reason == "throttled":
            self._pace.hold(address.chat, outcome.after or codes.FLOOD_SECONDS, time.monotonic())
        elif isinstance(outcome, Rejected) and outcome.reason == "auth":
            self._auth_failed()
        return outcome


def utf16_units(text: str) -> int:
    """Telegram counts offsets, and in practice lengths, in UTF-16 code units (Bot API, MessageEntity)."""
    return len(text.encode("utf-16-le")) // 2


def _title(text: str) -> list[MessageEntity] | None:
    """The first line in bold, where there are others below it."""
    title, line_break, _ = text.partition("\n")
    if not line_break or not title.strip():
        return None
    return [MessageEntity(MessageEntity.BOLD, 0, utf16_units(title))]


def _keyboard(envelope: Envelope) -> InlineKeyboardMarkup | None:
    """One button a row. The alert itself is worth more than a button that Telegram would refuse it for."""
    fits = [button for button in envelope.buttons if _fits(button)]
    if len(fits) < len(envelope.buttons):
        log.error("telegram.button_dropped", delivery=envelope.delivery_id, limit_bytes=limits.BUTTON_BYTES)
    if not fits:
        return None
    return InlineKeyboardMarkup([[InlineKeyboardButton(b.label, callback_data=b.payload)] for b in fits])


def _fits(button: Button) -> bool:
    return bool(button.label) and 1 <= len(button.payload.encode()) <= limits.BUTTON_BYTES
