"""Carrying out what was decided: the answer, the open question, the end of the row; and when silence is better."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from adapters.contract import Button, Now, Priority
from bot import manners, presence
from bot.act import Act
from bot.conversation import OPEN_FOR, Question, to_json
from bot.sender import Address, Look
from bot.together import Together
from broadcasts.model import Actor, Role
from store import conversations, inbox
from store.engine import Ledger, Tx
from store.inbox import Handled, Waiting

BOT: Final = Actor("bot", Role.OFFICER)
"""Who answers, in the record."""


class Outbox(Protocol):
    """The one thing that the bot asks of the desk."""

    async def send_single(
        self,
        channel_family: str,
        to: str,
        text: str,
        actor: Actor,
        *,
        priority: Priority = Priority.NORMAL,
        inbox_id: int | None = None,
        buttons: tuple[Button, ...] = (),
        also: Callable[[Tx], None] | None = None,
    ) -> int: ...


class Speaking:
    def __init__(self, ledger: Ledger, outbox: Outbox, now: Now = time.time) -> None:
        self._record: Together[None] = Together(ledger.write, apart=False)
        self._outbox = outbox
        self._now = now
        self._said_in_group: dict[str, deque[float]] = {}

    async def carry_out(self, message: Waiting, address: Address, look: Look, act: Act) -> Handled:
        """Send and record in one transaction; where nothing is said, record. Repeated after a crash, it sends nothing
        twice: the answer is unique by its message."""
        handled, question, reply = act.handled, act.question, None if look.answered else act.reply
        if reply is not None and (hushed := self._hush(message, look, act)) is not None:
            handled, question, reply = unsaid(handled, hushed), None, None

        def record(tx: Tx) -> None:
            now = self._now()
            if not inbox.finish(tx, message.id, handled, now):
                return
            presence.learn(tx, message, address, look)
            if question is not None:
                _remember(tx, address, question, now)

        if reply is None:
            await self._record(record)
        else:
            await self._say(message, reply, record)
        return handled

    async def _say(self, message: Waiting, reply: str, record: Callable[[Tx], None]) -> None:
        await self._outbox.send_single(
            message.channel, message.chat, reply, BOT, priority=Priority.LIFE, inbox_id=message.id, also=record
        )
        if message.is_group:
            self._said_in_group.setdefault(message.chat, deque()).append(self._now())

    def _hush(self, message: Waiting, look: Look, act: Act) -> str | None:
        """Why we say nothing: `group`, `robot`, `limited`; None where we may speak."""
        if act.always:
            return None
        now = self._now()
        if message.is_group and (not act.in_group or self._said_lately(message.chat, now) >= manners.GROUP_REPLIES):
            return "group"
        if manners.is_robot(message.text, look.past, now):
            return "robot"
        return "limited" if manners.is_over_limit(look.past, now) else None

    def _said_lately(self, chat: str, now: float) -> int:
        said = self._said_in_group.get(chat, deque())
        while said and said[0] <= now - manners.MINUTE:
            said.popleft()
        return len(said)


def unsaid(handled: Handled, why: str) -> Handled:
    """How a row ends whose answer was not sent: confirmations and the human queue stay what they are."""
    if handled.state == "answered":
        return Handled("ignored", handled.intent, why, handled.unit_code, handled.person_id, handled.broadcast_no)
    if handled.note == "menu":
        return Handled(handled.state, handled.intent, "unknown", handled.unit_code, handled.person_id)
    return handled


def _remember(tx: Tx, address: Address, question: Question, now: float) -> None:
    conversations.ask(tx, address.family, address.talker, to_json(question), now + OPEN_FOR)
