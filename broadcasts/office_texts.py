"""Texts and tables that an office changes in its console: what is shipped stays the default, a change lies over it.

Every change is a version of its own with its author; whoever changes a version that is not the newest is told so. A
process uses its own change at once, other processes' after the `office-texts` hint or the next look.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import structlog

from broadcasts.model import Actor, Problem, Refusal, RefusalKind
from lanes.port import Bus
from store import audit, office_texts
from store.engine import Ledger, LedgerError, Tx
from store.office_texts import OfficeText
from text.dates import moment

log = structlog.get_logger(__name__)

TOPIC: Final = "office-texts"
READ_AGAIN_SECONDS: Final = 15.0
"""How often the wiring calls `refresh`: so long a change of another process may stay unseen."""
Body = Mapping[str, Any]


class TextKind(Protocol):
    """One kind of texts. A body is plain JSON; its shape is the kind's own."""

    @property
    def kind(self) -> str: ...

    def names(self) -> Sequence[str]:
        """What can be changed, in the order of the page."""

    def original(self, name: str) -> Body | None:
        """As shipped or set in config.toml; None for no such name."""

    def check(self, name: str, body: Body, others: Mapping[str, Body]) -> list[Problem]:
        """What is wrong with a change, beside the kind's `others`. May take a second: called in a thread."""

    def apply(self, changed: Mapping[str, Body]) -> None:
        """Use exactly these changes from now on, by name."""


@runtime_checkable
class Worded(Protocol):
    """A kind whose texts can be read as they would be sent."""

    def blanks(self, name: str) -> Sequence[str]:
        """What a text may hold in braces."""

    def worded(self, name: str, body: Body) -> Mapping[str, str]:
        """Form → the text with examples in its blanks."""


@dataclass(frozen=True, slots=True)
class TextView:
    """One text as it holds. `version` 0: nobody has changed it yet; `changed` None: it is as shipped."""

    name: str
    original: Body
    body: Body
    version: int
    changed: OfficeText | None
    history: Sequence[OfficeText]


class OfficeTexts:
    def __init__(
        self, ledger: Ledger, bus: Bus, kinds: Iterable[TextKind], now: Callable[[], float] = time.time
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self.kinds = {one.kind: one for one in kinds}
        self._now = now
        self._used: dict[str, dict[str, int]] = {}
        """Kind → name → the version that is in use."""

    async def refresh(self) -> None:
        """Read what holds and use it. A change that no longer fits, after an update, is left out and told."""
        found: dict[str, dict[str, OfficeText]] = {kind: {} for kind in self.kinds}
        for row in await self._ledger.read(office_texts.holding):
            found.get(row.kind, {})[row.name] = row
        for kind, rows in found.items():
            versions = {name: row.version for name, row in rows.items()}
            if versions == self._used.get(kind, {}):
                continue
            await asyncio.to_thread(self._use, self.kinds[kind], rows)
            self._used[kind] = versions

    def _use(self, kind: TextKind, rows: Mapping[str, OfficeText]) -> None:
        fit: dict[str, Body] = {}
        for name, row in rows.items():
            problems = kind.check(name, row.body or {}, fit) if kind.original(name) is not None else None
            if problems == []:
                fit[name] = row.body or {}
            else:
                reason = problems[0].key if problems else "unknown"
                log.error("office_text_left_out", kind=kind.kind, name=name, version=row.version, reason=reason)
        kind.apply(fit)

    async def run(self, bus: Bus) -> None:
        """Keep up with changes that are told, until cancelled."""
        async with bus.follow(TOPIC) as changes:
            async for _ in changes:
                try:
                    await self.refresh()
                except LedgerError as failed:
                    log.error("office_texts_not_read", reason=failed.key)

    async def changed(self) -> Mapping[tuple[str, str], OfficeText]:
        """Everything that is not as shipped, by kind and name."""
        return {(row.kind, row.name): row for row in await self._ledger.read(office_texts.holding)}

    async def view(self, kind: str, name: str) -> TextView:
        """Raises `Refusal` (`no_such_text`)."""
        original = self._original(kind, name)
        rows = await self._ledger.read(lambda tx: office_texts.history(tx, kind, name))
        held = rows[0] if rows and rows[0].body is not None else None
        body = held.body if held is not None and held.body is not None else original
        return TextView(name, original, body, rows[0].version if rows else 0, held, rows)

    async def save(self, kind: str, name: str, body: Body | None, version: int, actor: Actor) -> list[Problem]:
        """Keep another version on top of `version`; None: back to what is shipped. What is wrong with it, if anything:
        then nothing is kept. Raises `Refusal` (`no_such_text`, `text_stale`)."""
        self._original(kind, name)
        if body is not None and (problems := await self._wrong(kind, name, body)):
            return problems

        def write(tx: Tx) -> None:
            now = self._now()
            if office_texts.keep(tx, kind, name, version, body, actor.name, now) is None:
                raise stale(office_texts.newest(tx, kind, name))
            action = "change_text" if body is not None else "restore_text"
            audit.record(tx, now, actor.name, action, kind=kind, name=name, version=version + 1)

        await self._ledger.write(write)
        await self.refresh()
        self._bus.publish(TOPIC, {"type": "changed", "kind": kind, "name": name})
        return []

    async def _wrong(self, kind: str, name: str, body: Body) -> list[Problem]:
        rows = await self._ledger.read(office_texts.holding)
        others = {row.name: row.body for row in rows if row.kind == kind and row.name != name and row.body is not None}
        return await asyncio.to_thread(self.kinds[kind].check, name, body, others)

    def _original(self, kind: str, name: str) -> Body:
        known = self.kinds.get(kind)
        original = known.original(name) if known is not None else None
        if original is None:
            raise Refusal(RefusalKind.NOT_FOUND, "no_such_text", name=name)
        return original


def stale(newest: OfficeText | None) -> Refusal:
    """Somebody else changed it in between: who, and when."""
    by, at = (newest.author, moment(newest.at)) if newest is not None else ("?", "?")
    return Refusal(RefusalKind.STALE, "text_stale", by=by, at=at)
