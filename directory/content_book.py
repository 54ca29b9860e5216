"""The entries that hold now, in memory: an answer is looked up without waiting for the ledger.

Whoever changes an entry publishes `content` on the bus; the book reads again then, and from time to time in any case.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from directory.content import GROUP
from directory.units import Unit
from lanes.port import Bus
from store import content, directory
from store.content import ContentRow
from store.engine import Ledger, LedgerError, Tx
from text.folding import fold

log = structlog.get_logger(__name__)

TOPIC: Final = "content"
READ_AGAIN_SECONDS: Final = 15.0
"""How often the wiring calls `refresh`: so long a change of another process, or of a group, may stay unseen."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Newest first. `groups`: name → its units."""

    rows: Sequence[ContentRow] = ()
    groups: dict[str, frozenset[str]] = field(default_factory=dict)


class ContentBook:
    def __init__(self, ledger: Ledger, now: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._now = now
        self._snapshot = Snapshot()

    async def refresh(self) -> None:
        self._snapshot = await self._ledger.read(self._read)

    def _read(self, tx: Tx) -> Snapshot:
        groups = {group.name: directory.group_members(tx, group.name) or frozenset() for group in directory.groups(tx)}
        return Snapshot(content.current(tx, self._now()), groups)

    async def run(self, bus: Bus) -> None:
        """Keep up with changes that are told, until cancelled."""
        async with bus.follow(TOPIC) as changes:
            async for _ in changes:
                try:
                    await self.refresh()
                except LedgerError as failed:
                    log.error("content_not_read", reason=failed.key)

    def latest(self, kinds: Sequence[str], unit: Unit | None, subjects: Sequence[str]) -> list[ContentRow]:
        """What holds of these kinds, newest first.

        `subjects` (a river, a reservoir) choose by what an entry is about. Else the unit's own entries; where there are
        none, those of its groups; else the province's.
        """
        now = self._now()
        rows = [row for row in self._snapshot.rows if row.kind in kinds and now < row.valid_until]
        if subjects:
            wanted = [fold(subject) for subject in subjects]
            return [row for row in rows if any(_is_about(row, subject) for subject in wanted)]
        for fits in self._scopes(unit):
            if found := [row for row in rows if fits(row.scope)]:
                return found
        return []

    def _scopes(self, unit: Unit | None) -> list[Callable[[str], bool]]:
        province: Callable[[str], bool] = lambda scope: not scope  # noqa: E731
        if unit is None:
            return [province]
        code, groups = unit.code, self._snapshot.groups
        return [
            lambda scope: scope == code,
            lambda scope: scope.startswith(GROUP) and code in groups.get(scope.removeprefix(GROUP), ()),
            province,
        ]


_KINDS_OF_WATER: Final = ("ho chua ", "ho ", "thuy dien ", "dap ")
"""Folded words before a reservoir's name; one dam is called by either."""


def _is_about(row: ContentRow, wanted: str) -> bool:
    """True where the subject names `wanted` (folded), whole words: "đê sông Chu" is about "song chu"."""
    name = next((wanted.removeprefix(kind) for kind in _KINDS_OF_WATER if wanted.startswith(kind)), wanted)
    return f" {name} " in f" {fold(row.subject)} "
