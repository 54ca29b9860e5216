"""Who is on the simulated Telegram, and what stands in their chats."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from simulators.journal import Journal

FIRST_MESSAGE_ID = 100
SUPERGROUP_OFFSET = -1_000_000_000_000
"""Supergroup ids have the form -100…; those of plain groups are small negatives (Bot API, Chat `id`)."""

Json = dict[str, Any]


@dataclass(slots=True)
class Person:
    id: int
    name: str
    started: bool = True
    """Has written to the bot; a bot cannot write first."""

    def user(self) -> Json:
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": "vi"}

    def chat(self) -> Json:
        return {"id": self.id, "type": "private", "first_name": self.name}


@dataclass(slots=True)
class Group:
    id: int
    title: str
    members: set[int] = field(default_factory=set)
    bot_is_in: bool = True
    migrated_to: int | None = None

    def chat(self) -> Json:
        kind = "supergroup" if self.id <= SUPERGROUP_OFFSET else "group"
        return {"id": self.id, "type": kind, "title": self.title}


@dataclass(slots=True)
class World:
    """Chats by id. Message numbers count per chat, as they do on Telegram."""

    bot: Json
    people: dict[int, Person] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    messages: dict[tuple[int, int], Json] = field(default_factory=dict)
    pinned: dict[int, int] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    _last: dict[int, int] = field(default_factory=dict)

    def person(self, id: int, name: str = "", started: bool = True) -> Person:
        """Find or make."""
        if id not in self.people:
            self.people[id] = Person(id, name or str(id), started)
        return self.people[id]

    def group(self, id: int, title: str, members: set[int]) -> Group:
        self.groups[id] = Group(id, title, members)
        return self.groups[id]

    def chat(self, id: int) -> Person | Group | None:
        return self.groups.get(id) or self.people.get(id)

    def write(self, chat: Person | Group, sender: Json, **content: Any) -> Json:
        """A new message in a chat; the Bot API's Message object."""
        number = self._last.get(chat.id, FIRST_MESSAGE_ID) + 1
        self._last[chat.id] = number
        message = {"message_id": number, "from": sender, "chat": chat.chat(), "date": int(time.time()), **content}
        self.messages[chat.id, number] = message
        self.journal.write("message", message=message)
        return message

    def remember(self, message: Json) -> None:
        """A message of an earlier life."""
        chat, number = message["chat"]["id"], message["message_id"]
        self.messages[chat, number] = message
        self._last[chat] = max(number, self._last.get(chat, 0))
        if not message["from"]["is_bot"]:
            self.person(message["from"]["id"], message["from"]["first_name"]).started = True

    def upgrade(self, group: Group) -> Group:
        """The group becomes a supergroup with another id; the old one only tells where it went."""
        new = self.group(SUPERGROUP_OFFSET + group.id, group.title, set(group.members))
        group.migrated_to = new.id
        return new
