"""What a message proves beside its words: that an address works, who is in which group, who let us out of theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from adapters.contract import IncomingKind
from bot.sender import Address, Look
from store import group_members, paths
from store.engine import Tx
from store.inbox import Waiting

AWAY: Final = frozenset({IncomingKind.UNFOLLOW, IncomingKind.LEAVE, IncomingKind.WITHDRAW})
_IDS: Final = re.compile(r"\d+(?:,\d+)*")


def learn(tx: Tx, message: Waiting, address: Address, look: Look) -> None:
    """One or two narrow writes, in the transaction that finishes the message."""
    at = message.came_at
    if message.is_group:
        _group(tx, message, address)
        return  # what somebody does before everybody says nothing of the way to them alone
    if look.contact is None:
        return
    for channel in dict.fromkeys((address.space, address.family)):
        if message.kind == IncomingKind.UNFOLLOW:
            paths.blocked(tx, channel, address.value, at)
        elif message.kind not in AWAY:
            paths.proved(tx, channel, address.value, at, paths.INBOUND)


def _group(tx: Tx, message: Waiting, address: Address) -> None:
    at, space, chat = message.came_at, address.space, message.chat
    if message.kind in (IncomingKind.JOIN, IncomingKind.LEAVE):
        for value in moved(message):
            if message.kind == IncomingKind.LEAVE:
                group_members.gone(tx, space, chat, value, at)
            else:
                name = message.sender_name if value == message.sender else ""
                group_members.present(tx, space, chat, value, name, group_members.JOINED, at)
    elif message.sender:
        group_members.present(tx, space, chat, message.sender, message.sender_name, group_members.SPOKE, at)


def moved(message: Waiting) -> Sequence[str]:
    """Who came or went. Some providers name them in the payload, since another may have brought them; some send one
    event for each, about its sender; and a departure without any payload is our own."""
    if _IDS.fullmatch(message.payload):
        return message.payload.split(",")
    if not message.payload and message.kind == IncomingKind.LEAVE:
        return ()
    return (message.sender,) if message.sender else ()
