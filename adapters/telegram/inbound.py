"""Updates of the Bot API → `Incoming`. Pure: no request is made here.

An update that python-telegram-bot cannot read, or that concerns nobody, is still an event with its own id (kind
`other`): it is stored, confirmed and gone, and never comes again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from telegram import CallbackQuery, ChatMemberUpdated, Message, Update, User

from adapters.contract import Incoming, IncomingKind

log = structlog.get_logger(__name__)

UPDATE_KINDS = ["message", "edited_message", "callback_query", "my_chat_member"]
"""What we ask Telegram to send (Bot API, getUpdates `allowed_updates`)."""

_AWAY = {"left", "kicked"}


@dataclass(frozen=True, slots=True)
class Arrived:
    """`callback_id` waits for answerCallbackQuery; `migrated` is (old, new) id of a group that was upgraded."""

    incoming: Incoming
    callback_id: str = ""
    migrated: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Of the channels that share the bot, and of the bot itself ("" while unknown)."""

    direct: str
    group: str
    bot_username: str = ""


def read(update: dict[str, Any], names: Names, now: float) -> Arrived:
    """`update` has an integer `update_id`; nothing else is taken for granted."""
    parsed: Update | None = None
    try:
        parsed = Update.de_json(update, None)
    except Exception as broken:  # any shape may come from another Bot API version
        log.warning("telegram.update_unread", update_id=update["update_id"], why=type(broken).__name__)
    arrived = _understand(parsed, names, now) if parsed is not None else None
    if arrived is None:
        arrived = Arrived(_incoming(names.direct, IncomingKind.OTHER, None, "", _at(now)))
    arrived.incoming.event_id = str(update["update_id"])
    arrived.incoming.raw = orjson.dumps(update)
    return arrived


def message_key(chat_id: int | str, message_id: int) -> str:
    """A message's id as `Accepted.provider_ids` and `Incoming.reply_to` carry it: Telegram's own is unique only
    inside its chat."""
    return f"{chat_id}:{message_id}"


def _understand(update: Update, names: Names, now: float) -> Arrived | None:
    if update.callback_query is not None:
        return _pressed(update.callback_query, names, now)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member, names)
    message = update.message or update.edited_message
    return _written(message, names) if message is not None else None


def _pressed(query: CallbackQuery, names: Names, now: float) -> Arrived:
    message = query.message
    chat_id = message.chat.id if message is not None else query.from_user.id
    group = chat_id < 0
    incoming = _incoming(_channel(names, group), IncomingKind.BUTTON, query.from_user, str(chat_id), _at(now))
    incoming.payload = query.data or ""
    incoming.is_group = group
    incoming.reply_to = message_key(chat_id, message.message_id) if message is not None else ""
    return Arrived(incoming, callback_id=query.id)


def _membership(change: ChatMemberUpdated, names: Names) -> Arrived:
    group, away = change.chat.id < 0, change.new_chat_member.status in _AWAY
    if group:
        kind = IncomingKind.LEAVE if away else IncomingKind.JOIN
    else:
        kind = IncomingKind.UNFOLLOW if away else IncomingKind.FOLLOW
    incoming = _incoming(_channel(names, group), kind, change.from_user, str(change.chat.id), change.date)
    incoming.is_group = group
    return Arrived(incoming)


def _written(message: Message, names: Names) -> Arrived:
    group = message.chat.id < 0
    kind, text, payload = _content(message, names.bot_username)
    incoming = _incoming(_channel(names, group), kind, message.from_user, str(message.chat.id), message.date)
    incoming.text, incoming.payload, incoming.is_group = text, payload, group
    if message.reply_to_message is not None:
        incoming.reply_to = message_key(message.chat.id, message.reply_to_message.message_id)
    if message.migrate_to_chat_id is not None:
        return Arrived(incoming, migrated=(str(message.chat.id), str(message.migrate_to_chat_id)))
    return Arrived(incoming)


def _content(message: Message, bot_username: str) -> tuple[IncomingKind, str, str]:
    """Kind, text and payload. What a bot or an anonymous administrator wrote is nobody's word."""
    text = _without_mention(message.text or message.caption or "", bot_username)
    if message.from_user is None or message.from_user.is_bot:
        return IncomingKind.OTHER, text, ""
    if message.new_chat_members:
        return IncomingKind.JOIN, "", ",".join(str(member.id) for member in message.new_chat_members)
    if message.left_chat_member is not None:
        return IncomingKind.LEAVE, "", str(message.left_chat_member.id)
    start = re.fullmatch(r"/start(?:\s+(\S+))?", text)
    if start is not None:  # t.me/<bot>?start=<code>: the deep link of an enrolment
        return IncomingKind.FOLLOW, text, start.group(1) or ""
    if message.text:
        return IncomingKind.TEXT, text, ""
    return (IncomingKind.MEDIA if message.effective_attachment else IncomingKind.OTHER), text, ""


def _without_mention(text: str, bot_username: str) -> str:
    """In a group people call the bot by name before they answer it."""
    if not bot_username:
        return text
    return re.sub(rf"@{re.escape(bot_username)}\b", "", text, flags=re.IGNORECASE).strip()


def _channel(names: Names, group: bool) -> str:
    return names.group if group else names.direct


def _incoming(channel: str, kind: IncomingKind, who: User | None, chat: str, at: datetime) -> Incoming:
    return Incoming(
        channel=channel,
        event_id="",
        kind=kind,
        sender=str(who.id) if who is not None else "",
        chat=chat,
        at=at,
        sender_name=who.full_name if who is not None else "",
    )


def _at(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
