"""Groups that became supergroups: their id changed, and the directory still has the old one."""

from __future__ import annotations

import structlog

from adapters.contract import DurableState

log = structlog.get_logger(__name__)

_PREFIX = "telegram.migrated."


class MovedGroups:
    """Old id → new id, durable. `used` holds the moves that a message met since the start, for the duty board."""

    def __init__(self, state: DurableState) -> None:
        self._state = state
        self._moves: dict[str, str] = {}
        self._stored: set[str] = set()
        self.used: dict[str, str] = {}

    async def load(self) -> None:
        stored = await self._state.items(_PREFIX)
        self._moves = {key.removeprefix(_PREFIX): value.decode() for key, value in stored.items()}
        self._stored = set(self._moves)

    def current(self, chat: str) -> str:
        """The id to send to: `chat` itself, or where it moved."""
        new = self._moves.get(chat)
        if new is None:
            return chat
        self.used[chat] = new
        return new

    def knows(self, old: str, new: str) -> bool:
        return self._moves.get(old) == new

    async def moved(self, old: str, new: str) -> None:
        """Returns after the commit; raises LedgerUnavailable, and the new id serves all the same until we stop.
        A supergroup's id is final: groups move once (Bot API, Message `migrate_to_chat_id`)."""
        if not self.knows(old, new):
            self._moves[old] = new
            self._stored.discard(old)
            log.warning("telegram.group_moved", old=old, new=new)
        if old not in self._stored:
            await self._state.put(_PREFIX + old, new.encode())
            self._stored.add(old)
