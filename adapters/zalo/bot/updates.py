"""What a bot update means. Pure. Source: Zalo Bot docs, webhook payload; both its wrapped and its bare form occur."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.contract import Incoming, IncomingKind
from adapters.zalo.events import moment
from text.folding import nfc

GROUP = "zalo.bot"
DIRECT = "zalo.bot_user"
GROUP_PREFIX = "zgr-"
_MEDIA = frozenset({"message.image.received", "message.sticker.received", "message.voice.received"})
_MEDIA_KEYS = ("photo", "photo_url", "voice_url", "url", "sticker")
_FIRST_WORD = re.compile(r"@\S+\s*")


def read(body: Mapping[str, Any], names: Sequence[str], raw: bytes = b"") -> Incoming | None:
    """The event of one update, or None for what is no message (and for other bots, so that two never chat)."""
    inner = body.get("result", body)
    update = inner if isinstance(inner, Mapping) else {}
    name = str(update.get("event_name") or "")
    message = update.get("message")
    if not name or not isinstance(message, Mapping):
        return None
    sender, chat = _object(message.get("from")), _object(message.get("chat"))
    if sender.get("is_bot") is True:
        return None
    chat_id, sender_id = str(chat.get("id") or ""), str(sender.get("id") or "")
    group = str(chat.get("chat_type") or "").upper() == "GROUP" or chat_id.startswith(GROUP_PREFIX)
    return Incoming(
        channel=GROUP if group else DIRECT,
        event_id=f"{name}:{chat_id}:{message.get('message_id', '')}",
        kind=_kind(name),
        sender=sender_id,
        chat=chat_id or sender_id,
        at=moment(message.get("date")),
        text=without_mention(str(message.get("text") or message.get("caption") or ""), names),
        payload=next((str(message[key]) for key in _MEDIA_KEYS if message.get(key)), ""),
        sender_name=str(sender.get("display_name") or ""),
        is_group=group,
        reply_to=str(_object(message.get("reply_to_message")).get("message_id") or ""),
        raw=raw,
    )


def without_mention(text: str, names: Sequence[str]) -> str:
    """The text without "@Bot Name" at its beginning or end; an unknown "@name" in front loses its first word."""
    text = nfc(text).strip()
    for name in sorted(filter(None, (nfc(n).strip() for n in names)), key=len, reverse=True):
        mention = f"@{name}"
        if text.casefold().startswith(mention.casefold()):
            return text[len(mention) :].lstrip(" \n,:;-")
        if text.casefold().endswith(mention.casefold()):
            return text[: -len(mention)].rstrip(" \n,:;-")
    return _FIRST_WORD.sub("", text, count=1) if text.startswith("@") else text


def _kind(name: str) -> IncomingKind:
    if name == "message.text.received":
        return IncomingKind.TEXT
    return IncomingKind.MEDIA if name in _MEDIA else IncomingKind.OTHER


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
