"""Files on Telegram: behind the text, as documents or pictures, uploaded once and then named by their file_id.

A file_id belongs to this bot and does not end (Bot API, "Sending files"); one that is refused all the same is replaced.
What an envelope's earlier try brought over is remembered, so that a repeat goes on behind it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog
from telegram import InputFile, Message

from adapters.contract import (
    Accepted,
    Attachment,
    DurableState,
    Envelope,
    LedgerUnavailable,
    MediaLimit,
    Now,
    Outcome,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.telegram import limits
from adapters.telegram.inbound import message_key
from adapters.telegram.pace import Pace
from adapters.telegram.request import BotApiFault, NoAnswer, NotSent, QuietBot

log = structlog.get_logger(__name__)

PICTURES: Final = frozenset({"image/jpeg", "image/png"})
MEDIA: Final = tuple(
    MediaLimit(media, limits.DOCUMENT_BYTES) for media in ("application/pdf", "image/jpeg", "image/png")
)
_BAD_ID: Final = ("wrong file identifier", "wrong remote file", "file reference")
"""Descriptions (lower case) of a 400 for a file_id that the server no longer knows."""
_BAD_PICTURE: Final = ("photo_invalid_dimensions", "image_process_failed", "photo_save_file_invalid", "wrong type")
"""The same for a picture that passes as a document."""
PARTS_KEPT_SECONDS: Final = 7 * 86_400

Refused = Callable[[BotApiFault], Outcome]
Place = tuple[int | str, int | None]
"""(chat id, topic)"""


class _Unreadable(Exception):
    """The bytes are not where they should be."""


class Files:
    def __init__(
        self, bot: QuietBot, state: DurableState, pace: Pace, name: str, now: Now, doubt: Callable[[], None]
    ) -> None:
        """`name` is the prefix of the durable keys; `doubt` is called when no server was found or none answered."""
        self._bot = bot
        self._state = state
        self._pace = pace
        self._prefix = f"{name}."
        self._now = now
        self._doubt = doubt

    async def after_text(
        self, envelope: Envelope, text: Callable[[], Awaitable[Outcome]], place: Callable[[], Place], refused: Refused
    ) -> Outcome:
        """The text by `text`, unless an earlier try brought it over, then each file. `place` is asked before each, for
        a group may have moved."""
        key = f"{self._prefix}parts.{envelope.delivery_id}"
        raw = await self._state.get(key)
        ids: list[str] = list(orjson.loads(raw)["ids"]) if raw else []
        if not ids:
            outcome = await text()
            if not isinstance(outcome, Accepted):
                return outcome
            ids = list(outcome.provider_ids)
        for file in envelope.attachments[len(ids) - 1 :]:
            outcome = await self._one(envelope, file, place, refused)
            if not isinstance(outcome, Accepted):
                return await self._broken_off(key, ids, len(envelope.attachments) + 1, outcome)
            ids.extend(outcome.provider_ids)
        if raw:
            await self._forget(key)
        return Accepted(tuple(ids))

    async def forget_old(self) -> None:
        """Parts of texts that nobody will repeat any more."""
        kept = await self._state.items(f"{self._prefix}parts.")
        oldest = self._now() - PARTS_KEPT_SECONDS
        if old := [key for key, raw in kept.items() if orjson.loads(raw)["at"] < oldest]:
            await self._state.delete(*old)

    async def _one(self, envelope: Envelope, file: Attachment, place: Callable[[], Place], refused: Refused) -> Outcome:
        chat, topic = place()
        if wait := await self._turn(str(chat)):
            return Rejected("throttled", RejectClass.RETRY_LATER, after=wait)
        if envelope.valid_until is not None and self._now() >= envelope.valid_until:
            return Rejected("expired", RejectClass.TEXT)
        try:
            message = await self._give(file, chat, topic)
        except NotSent:
            self._doubt()
            return Rejected("link_down", RejectClass.RETRY_LATER, after=limits.BACKOFF_SECONDS[0])
        except NoAnswer as silence:
            self._doubt()
            return Unknown("no_answer", ("",), silence.message)
        except _Unreadable:
            return await self._link(file, chat, topic, Rejected("file_missing", RejectClass.TEXT), refused)
        except BotApiFault as fault:
            outcome = refused(fault)
            about_the_file = fault.status == 413 or (
                isinstance(outcome, Rejected)
                and fault.status == 400
                and outcome.reason in ("provider_error", "too_long")
            )
            if not about_the_file:
                return outcome
            code = outcome.code
            return await self._link(file, chat, topic, Rejected("media_refused", RejectClass.TEXT, code), refused)
        return Accepted((message_key(message.chat.id, message.message_id),))

    async def _turn(self, chat: str) -> float:
        """Wait for this chat's turn, a little; the seconds that are left where it takes longer."""
        wait = self._pace.free_at(chat, time.monotonic()) - time.monotonic()
        if wait > limits.HOLD_SECONDS:
            return wait
        while wait > 0:
            await asyncio.sleep(wait)
            wait = self._pace.free_at(chat, time.monotonic()) - time.monotonic()
        self._pace.take(chat, time.monotonic())
        return 0.0

    async def _give(self, file: Attachment, chat: int | str, topic: int | None) -> Message:
        """As a picture where Telegram shows it as one, else as a document."""
        if file.media in PICTURES and file.size <= limits.PHOTO_BYTES:
            try:
                return await self._by_id(file, "photo", chat, topic)
            except BotApiFault as fault:
                if not any(says in fault.says.lower() for says in _BAD_PICTURE):
                    raise
        return await self._by_id(file, "document", chat, topic)

    async def _by_id(self, file: Attachment, kind: str, chat: int | str, topic: int | None) -> Message:
        """By the known file_id; whoever comes first uploads, and the others wait for what he learned."""
        key = f"{self._prefix}file.{kind}.{file.sha256}"
        stale = ""
        if known := await self._known(key):
            try:
                return await self._send(kind, known, chat, topic, file)
            except BotApiFault as fault:
                if not any(says in fault.says.lower() for says in _BAD_ID):
                    raise
                stale = known
        async with self._state.lock(key):
            known = await self._known(key)
            if not known or known == stale:
                message = await self._send(kind, await _content(file), chat, topic, file)
                await self._remember(key, _file_id(message, kind))
                return message
        return await self._send(kind, known, chat, topic, file)

    async def _send(
        self, kind: str, what: str | InputFile, chat: int | str, topic: int | None, file: Attachment
    ) -> Message:
        more: dict[str, Any] = {"message_thread_id": topic}
        if isinstance(what, InputFile):
            more["read_timeout"] = limits.UPLOAD_SECONDS
        if kind == "photo":
            return await self._bot.send_photo(chat, what, caption=file.name, **more)
        return await self._bot.send_document(chat, what, **more)

    async def _link(
        self, file: Attachment, chat: int | str, topic: int | None, otherwise: Rejected, refused: Refused
    ) -> Outcome:
        log.warning("telegram.file_refused", sha256=file.sha256[:12], code=otherwise.code, reason=otherwise.reason)
        if not file.url:
            return otherwise
        try:
            message = await self._bot.send_message(chat, f"{file.name}\n{file.url}", message_thread_id=topic)
        except NotSent:
            self._doubt()
            return Rejected("link_down", RejectClass.RETRY_LATER, after=limits.BACKOFF_SECONDS[0])
        except NoAnswer as silence:
            self._doubt()
            return Unknown("no_answer", ("",), silence.message)
        except BotApiFault as fault:
            return refused(fault)
        return Accepted((message_key(message.chat.id, message.message_id),))

    async def _broken_off(self, key: str, ids: list[str], count: int, outcome: Rejected | Unknown) -> Outcome:
        whole = (*ids, *[""] * (count - len(ids)))
        outcome.provider_ids = whole
        if isinstance(outcome, Rejected) and outcome.cls is RejectClass.RETRY_LATER:
            try:
                await self._state.put(key, orjson.dumps({"ids": ids, "at": self._now()}))
            except LedgerUnavailable:  # a repeat would double the text, so none is asked for
                log.error("telegram.parts_not_stored")
                return Unknown("partly_sent", whole, outcome.code)
        return outcome

    async def _known(self, key: str) -> str:
        raw = await self._state.get(key)
        return raw.decode() if raw else ""

    async def _remember(self, key: str, file_id: str) -> None:
        try:
            await self._state.put(key, file_id.encode())
        except LedgerUnavailable:  # the next one uploads again
            log.warning("telegram.file_id_not_stored")

    async def _forget(self, key: str) -> None:
        try:
            await self._state.delete(key)
        except LedgerUnavailable:  # swept later
            log.warning("telegram.parts_not_forgotten")


async def _content(file: Attachment) -> InputFile:
    try:
        content = await asyncio.to_thread(file.path.read_bytes)
    except OSError as missing:
        raise _Unreadable from missing
    return InputFile(content, filename=file.name)


def _file_id(message: Message, kind: str) -> str:
    if kind == "photo":
        return message.photo[-1].file_id if message.photo else ""
    return message.document.file_id if message.document else ""
