"""Who is on the simulated Zalo, which groups there are, and what stands in the chats."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulators.journal import Journal
from simulators.zalo import limits

Json = dict[str, Any]

FROM_OA = 0
FROM_USER = 1


@dataclass(slots=True)
class User:
    user_id: str
    name: str
    on_mobile: bool = True
    """Received and seen events exist for mobile only."""
    off: bool = False
    """The phone is off: what is sent waits, and no event comes until it is on again."""
    last_interaction: float | None = None
    """Epoch seconds; None: never wrote to the OA."""
    follows: bool = True
    phone: str = ""
    waiting: list[Callable[[], None]] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """An OA group (`owned`), an ordinary group with our bot in it (`zgr-…`), or one of somebody else's."""

    group_id: str
    name: str
    link: str = ""
    members: list[str] = field(default_factory=list)
    admins: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    owned: bool = True
    status: str = "enabled"
    max_member: int = 1000
    valid_through: str = "31/12/2099"
    asset_id: str = "asset-0001"
    description: str = ""
    settings: Json = field(default_factory=dict)
    bot_is_in: bool = True


@dataclass(slots=True)
class Message:
    message_id: str
    src: int
    at_ms: int
    kind: str
    text: str
    from_id: str
    from_name: str
    to_id: str
    url: str = ""

    def entry(self, group_id: str = "") -> Json:
        """As `group/conversation` and `oa/conversation` list it."""
        found: Json = {
            "src": self.src,
            "time": self.at_ms,
            "type": self.kind,
            "message": self.text,
            "message_id": self.message_id,
            "from_id": self.from_id,
            "from_display_name": self.from_name,
            "from_avatar": "",
        }
        found |= {"group_id": group_id} if group_id else {"to_id": self.to_id}
        return found | ({"url": self.url, "thumb": self.url} if self.url else {})


class World:
    """Chats by user or group id."""

    def __init__(self, now: Callable[[], float], journal: Journal | None = None) -> None:
        self.now = now
        self._journal = journal or Journal()
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.chats: dict[str, deque[Message]] = {}
        self.uploads: dict[str, float] = {}
        """Attachment ids and file tokens, with the time of upload."""
        self._last_ms = 0
        for one in self._journal.read():
            if one["what"] == "message":
                self._remember(one["chat"], Message(**one["message"]))

    def stamp(self) -> int:
        """Milliseconds of now, each one later than the last."""
        self._last_ms = max(self._last_ms + 1, int(self.now() * 1000))
        return self._last_ms

    def write(self, chat: str, src: int, kind: str, text: str, sender: str, to: str, url: str = "") -> Message:
        name = self.users[sender].name if sender in self.users else ""
        message = Message(new_id(), src, self.stamp(), kind, text, sender, name, to, url)
        self._keep(chat, message)
        self._journal.write("message", chat=chat, message=message)
        return message

    def _remember(self, chat: str, message: Message) -> None:
        """A message of an earlier life; who wrote it to the OA is known since."""
        self._keep(chat, message)
        self._last_ms = max(self._last_ms, message.at_ms)
        if message.src == FROM_USER and chat == message.from_id:
            user = self.users.setdefault(chat, User(chat, message.from_name or chat))
            user.last_interaction = message.at_ms / 1000

    def _keep(self, chat: str, message: Message) -> None:
        self.chats.setdefault(chat, deque(maxlen=limits.HISTORY_KEPT)).append(message)

    def history(self, chat: str, offset: int, count: int) -> list[Message]:
        """Newest first."""
        return list(reversed(self.chats.get(chat, ())))[offset : offset + count]

    def interacted(self, user_id: str) -> None:
        if user_id in self.users:
            self.users[user_id].last_interaction = self.now()


def new_id() -> str:
    """20 hex digits, as Zalo's message ids."""
    return secrets.token_hex(10)
