"""What an OA webhook event means: receipts and incoming messages. Pure; the raw body is checked elsewhere.

Sources: Zalo OA docs, webhook pages (nhom-chat-gmf, tin-nhan, nguoi-dung); ZNS docs, webhook. Event names differ
between Zalo's samples, its page addresses and its clients, so every known form is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from adapters.contract import Incoming, IncomingKind, Receipt, ReceiptState

OA_GROUP = "zalo.oa_group"
OA_USER = "zalo.oa_user"
ZNS = "zalo.zns"

BUTTON_MARK = "#LOA "
"""Before a button's payload on the wire: `oa.query.hide` comes back as an ordinary text, and this tells it apart."""
ACK = "ACK "
"""A confirmation, "ACK <code>", goes as "#ACK <code>": short enough to be typed, too."""

_JOINED = frozenset(
    {"user_join_group", "accept_request_join_group", "react_request_join_group", "react_request_join_group_accept"}
)
_LEFT = frozenset({"user_out_group", "user_leave_group"})
_GROUP_LIFE = frozenset(
    {
        "create_group",
        "user_request_join_group",
        "reject_request_join_group",
        "react_request_join_group_reject",
        "add_group_admin",
        "remove_group_admin",
        "update_group_info",
        "delete_group",
        "disperse_group",
    }
)
_SUBJECT_KEYS = ("sender", "follower")

Event = Receipt | Incoming


def wire_payload(payload: str) -> str:
    """A button's payload as Zalo carries it; `spoken` gives it back verbatim."""
    return f"#{payload}" if payload.startswith(ACK) else BUTTON_MARK + payload


def read(body: Mapping[str, Any], raw: bytes, zns: bool = False) -> list[Event]:
    """The meaning of one event. `zns`: the request carried `X-ZEvent-Server: ZNS`. Empty for what concerns nobody."""
    name = str(body.get("event_name") or "")
    message = _object(body.get("message"))
    at = moment(body.get("timestamp"))
    if name == "user_received_message":
        return _received(body, message, at, zns)
    if name == "user_seen_message":
        ids = message.get("msg_ids") or [message.get("msg_id")]
        return [Receipt(OA_USER, (str(i),), ReceiptState.SEEN, name, at, _subject(body, "recipient")) for i in ids if i]
    if name.startswith("oa_send_"):
        return _echo(body, message, name, at)
    if name.startswith("user_send_group_"):
        return [_said(body, message, name, at, raw, group=True)]
    if name.startswith("user_send_"):
        return [_said(body, message, name, at, raw, group=False)]
    if name in _JOINED or name in _LEFT:
        kind = IncomingKind.JOIN if name in _JOINED else IncomingKind.LEAVE
        return [_group_life(body, name, at, raw, kind, user) for user in _users(body)]
    if name in _GROUP_LIFE:
        return [_group_life(body, name, at, raw, IncomingKind.OTHER, user) for user in _users(body) or [""]]
    return [_other(body, message, name, at, raw)] if name else []


def moment(value: object) -> datetime:
    """Milliseconds since the epoch, a string in webhooks and a number in histories; now if it is neither."""
    try:
        return datetime.fromtimestamp(int(str(value)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def spoken(text: str) -> tuple[IncomingKind, str]:
    """Is a text the payload of one of our buttons? → kind and payload."""
    if text.startswith(BUTTON_MARK):
        return IncomingKind.BUTTON, text.removeprefix(BUTTON_MARK)
    if text.startswith(f"#{ACK}"):
        return IncomingKind.BUTTON, text[1:]
    return IncomingKind.TEXT, ""


def _received(body: Mapping[str, Any], message: Mapping[str, Any], at: datetime, zns: bool) -> list[Event]:
    msg_id = str(message.get("msg_id") or "")
    if not msg_id:
        return []
    account = ZNS if zns or message.get("tracking_id") else OA_USER
    reached = moment(message["delivery_time"]) if message.get("delivery_time") else at
    to = _subject(body, "recipient")
    keys = (msg_id, str(message["tracking_id"])) if message.get("tracking_id") else (msg_id,)
    return [Receipt(account, keys, ReceiptState.DELIVERED, "user_received_message", reached, to)]


def _echo(body: Mapping[str, Any], message: Mapping[str, Any], name: str, at: datetime) -> list[Event]:
    """Zalo shows our own message back: proof that it is in the chat. What a colleague typed there is not ours."""
    msg_id = str(message.get("msg_id") or "")
    if not msg_id or _object(body.get("sender")).get("admin_id"):
        return []
    account = OA_GROUP if name.startswith("oa_send_group_") else OA_USER
    return [Receipt(account, (msg_id,), ReceiptState.ACCEPTED, name, at, _subject(body, "recipient"))]


def _said(
    body: Mapping[str, Any], message: Mapping[str, Any], name: str, at: datetime, raw: bytes, group: bool
) -> Incoming:
    sender = _subject(body, "sender")
    text = str(message.get("text") or "")
    kind, payload = spoken(text) if name.endswith("_text") else (IncomingKind.MEDIA, _address(message))
    return Incoming(
        channel=OA_GROUP if group else OA_USER,
        event_id=str(message.get("msg_id") or "") or _event_id(body, name, sender),
        kind=kind,
        sender=sender,
        chat=_subject(body, "recipient") if group else sender,
        at=at,
        text=text,
        payload=payload,
        is_group=group,
        reply_to=str(message.get("quote_msg_id") or ""),
        raw=raw,
    )


def _group_life(
    body: Mapping[str, Any], name: str, at: datetime, raw: bytes, kind: IncomingKind, user: str
) -> Incoming:
    return Incoming(
        channel=OA_GROUP,
        event_id=f"{_event_id(body, name, str(body.get('group_id') or ''))}:{user}",
        kind=kind,
        sender=user,
        chat=str(body.get("group_id") or ""),
        at=at,
        payload=name,
        is_group=True,
        raw=raw,
    )


_KINDS = {"follow": IncomingKind.FOLLOW, "unfollow": IncomingKind.UNFOLLOW, "user_withdraw": IncomingKind.WITHDRAW}


def _other(body: Mapping[str, Any], message: Mapping[str, Any], name: str, at: datetime, raw: bytes) -> Incoming:
    """Everything else that a person or Zalo did: kept with its name, whether or not we know it today."""
    sender = next((s for key in _SUBJECT_KEYS if (s := _subject(body, key))), "")
    sender = sender or str(body.get("user_id") or body.get("user_id_by_app") or "")
    reaction = str(message.get("react_icon") or "")
    return Incoming(
        channel=OA_USER,
        event_id=_event_id(body, name, sender) + (f":{message['msg_id']}" if message.get("msg_id") else ""),
        kind=_KINDS.get(name, IncomingKind.OTHER),
        sender=sender,
        chat=sender,
        at=at,
        text=str(message.get("text") or ""),
        payload=reaction or name,
        reply_to=str(message.get("msg_id") or "") if reaction else "",
        raw=raw,
    )


def _event_id(body: Mapping[str, Any], name: str, subject: str) -> str:
    return f"{name}:{body.get('timestamp', '')}:{subject}"


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _subject(body: Mapping[str, Any], key: str) -> str:
    return str(_object(body.get(key)).get("id") or "")


def _users(body: Mapping[str, Any]) -> list[str]:
    users = body.get("users")
    return [str(u["id"]) for u in users if isinstance(u, Mapping) and u.get("id")] if isinstance(users, list) else []


def _address(message: Mapping[str, Any]) -> str:
    """The address of the first attachment; a place as "latitude,longitude"; "" if there is none."""
    attachments = message.get("attachments")
    first = _object(attachments[0]) if isinstance(attachments, list) and attachments else {}
    payload = _object(first.get("payload"))
    place = _object(payload.get("coordinates"))
    if place:
        return f"{place.get('latitude', '')},{place.get('longitude', '')}"
    return str(payload.get("url") or payload.get("thumbnail") or "")


def readable(raw: bytes) -> Mapping[str, Any] | None:
    """The event's JSON object, or None."""
    try:
        return _object(orjson.loads(raw)) if raw.strip() else {}
    except orjson.JSONDecodeError:
        return None
