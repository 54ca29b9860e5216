"""Which accounts are in which of our groups, as far as a channel lists them or people were heard there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from store.engine import Tx

LISTED: Final = "listed"
JOINED: Final = "joined"
SPOKE: Final = "spoke"
LEFT: Final = "left"
"""How we know, `group_member.how`."""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """`channel` says whose ids `value` is one of (as in an address); `left_at` None: still in the group."""

    channel: str
    chat: str
    value: str
    name: str
    how: str
    seen_at: float
    left_at: float | None


def present(tx: Tx, channel: str, chat: str, value: str, name: str, how: str, at: float) -> None:
    """The account is in the group. Older news than what is known changes nothing."""
    tx.execute(
        "INSERT INTO group_member (channel, chat, value, name, how, seen_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (channel, chat, value) DO UPDATE SET how = excluded.how, seen_at = excluded.seen_at,"
        " left_at = NULL, name = CASE WHEN excluded.name = '' THEN group_member.name ELSE excluded.name END"
        " WHERE group_member.seen_at <= excluded.seen_at",
        (channel, chat, value, name, how, at),
    )


def gone(tx: Tx, channel: str, chat: str, value: str, at: float) -> None:
    """The account left the group, or was taken out."""
    tx.execute(
        "UPDATE group_member SET left_at = ?, how = ?, seen_at = ? WHERE channel = ? AND chat = ? AND value = ?"
        " AND seen_at <= ?",
        (at, LEFT, at, channel, chat, value, at),
    )


def replace_list(tx: Tx, channel: str, chat: str, members: Iterable[tuple[str, str]], at: float) -> None:
    """`members` (value, name) is the whole group as its provider lists it: whoever is missing is gone."""
    listed = list(members)
    for value, name in listed:
        present(tx, channel, chat, value, name, LISTED, at)
    tx.execute(
        "UPDATE group_member SET left_at = ?, how = ?"
        " WHERE channel = ? AND chat = ? AND left_at IS NULL AND seen_at < ?",
        (at, LEFT, channel, chat, at),
    )


def members(tx: Tx) -> list[MemberRow]:
    """Everybody who is in a group now."""
    rows = tx.execute(
        "SELECT channel, chat, value, name, how, seen_at, left_at FROM group_member WHERE left_at IS NULL"
        " ORDER BY channel, chat, value"
    )
    return [MemberRow(*row) for row in rows]
