"""What a message comes to: how its row ends, what we answer, what we then wait for."""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation import Question
from store.inbox import Handled


@dataclass(frozen=True, slots=True)
class Act:
    """`reply` None: silence. `always`: the manners do not apply (rescue). `in_group`: worth saying before everybody."""

    handled: Handled
    reply: str | None = None
    question: Question | None = None
    always: bool = False
    in_group: bool = False
