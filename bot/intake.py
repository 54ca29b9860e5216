"""The way in: stored once, before the provider hears "ok"; then handled, cries for help first (DESIGN 5).

Handling may be repeated at any point (a crash, a lost connection to the ledger): the answer is unique by the message
that it answers, an alarm by the message that raised it, and a row is finished once.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog
from structlog.contextvars import bound_contextvars

from adapters.contract import Incoming, IncomingKind, LedgerUnavailable, Now, Priority
from bot.mishap import trace
from broadcasts.tracing import inbox_trace, keep, span
from lanes.port import Bus
from store import conversations, inbox
from store.engine import Ledger, LedgerError, Tx
from text.numbers import mask

log = structlog.get_logger(__name__)

AT_ONCE: Final = 24
"""Messages that are handled at the same time; each mostly waits for the ledger."""
AT_ONCE_LIFE: Final = 8
"""More places, for cries for help only."""
FETCH: Final = 200
"""Rows that are read at a time."""
IN_MEMORY: Final = 1_000
"""Waiting messages that are kept in memory; above it they wait in the ledger."""
SWEEP_SECONDS: Final = 5.0
"""How often all `new` rows are looked at again: retries, and rows that another process stored."""
FORGET_SECONDS: Final = 600.0
"""How often questions that nobody answered in time are deleted."""

Handle = Callable[[inbox.Waiting], Awaitable[inbox.Handled]]
IsLife = Callable[[str], bool]
Check = Callable[[Tx], None]
"""The last that a transaction does before its commit. Raises `LedgerError`: it must not be."""

Person = tuple[str, str]
"""(channel, sender)"""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def unchecked(tx: Tx) -> None:
    """Whoever stores may."""


@dataclass(slots=True)
class Line:
    """Messages that wait, in order. `more`: the ledger has some above `seen` that are not here."""

    read: Callable[[Tx, int, int], list[inbox.Waiting]]
    rows: dict[int, inbox.Waiting] = field(default_factory=dict)
    seen: int = 0
    known: int = 0
    """The highest id that was ever read or pushed: `seen` goes back to read again, this does not."""
    more: bool = True
    reading: bool = False

    def push(self, row: inbox.Waiting) -> None:
        """Take a row that was just stored, unless older ones are still to be read, or it may have been read already:
        the ledger knows of a row before the one who stored it hears so."""
        if self.more or self.reading or len(self.rows) >= IN_MEMORY or row.id <= self.known:
            self.seen = min(self.seen, row.id - 1)
            self.more = True
            return
        self.rows[row.id] = row
        self.read_to(row.id)

    def read_to(self, last: int) -> None:
        self.seen = last
        self.known = max(self.known, last)

    @property
    def is_waiting(self) -> bool:
        return self.more or self.reading or bool(self.rows)

    def look_again(self) -> None:
        self.seen = 0
        self.more = True


class Intake:
    """`store` is what channels call (`Sink.incoming`), `run` works off what was stored until it is cancelled.

    `handle` turns one message into acts and says how it was dealt with; `is_life` is a quick look at a text for a cry
    for help.
    """

    def __init__(self, ledger: Ledger, bus: Bus, handle: Handle, is_life: IsLife, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._handle = handle
        self._is_life = is_life
        self._now = now
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._life = Line(inbox.waiting_for_life)
        self._other = Line(inbox.waiting)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._running_other: set[Person] = set()

    async def store(self, batch: Sequence[Incoming], check: Check = unchecked) -> None:
        """Returns after the commit. Raises `LedgerUnavailable` where nothing was stored."""
        messages = [self._message(one) for one in batch]
        came_at = self._now()

        def kept(tx: Tx) -> list[int | None]:
            ids = inbox.keep(tx, messages, came_at)
            check(tx)
            return ids

        with span("inbox", messages=len(messages)):
            try:
                ids = await self._ledger.write(kept, beside=True)
            except LedgerError as failed:
                raise LedgerUnavailable(failed.key) from failed
            new = [
                inbox.stored(inbox_id, message, came_at)
                for inbox_id, message in zip(ids, messages, strict=True)
                if inbox_id is not None
            ]
            for row in new:
                keep(inbox_trace(row.id))
        for row in new:
            log.debug("stored", inbox=row.id, channel=row.channel, kind=row.kind, sender=mask(row.sender))
            (self._life if row.priority == inbox.LIFE else self._other).push(row)
        if new:
            self._idle.clear()
            self._wake.set()
            self._bus.publish("inbox", {"type": "stored", "count": len(new), "last": new[-1].id})

    def look_again(self) -> None:
        """Another process may have stored something."""
        self._life.look_again()
        self._other.look_again()
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; what was begun then is cancelled, too, and handled again at the next start."""
        clock = asyncio.create_task(self._clock())
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._read(self._life)
                self._start_life()
                await self._read(self._other)
                self._start_life()
                self._start_other()
                if not (self._running or self._life.is_waiting or self._other.is_waiting):
                    self._idle.set()
        finally:
            for task in (clock, *self._running.values()):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def drained(self) -> None:
        """Wait until every message that is stored now was handled once (tests, an orderly stop)."""
        await self._idle.wait()

    def _message(self, one: Incoming) -> inbox.NewMessage:
        text = storable(one.text)
        return inbox.NewMessage(
            channel=one.channel,
            event_id=one.event_id,
            kind=one.kind.value,
            sender=one.sender,
            chat=one.chat,
            text=text,
            payload=storable(one.payload),
            sender_name=storable(one.sender_name),
            is_group=one.is_group,
            reply_to=one.reply_to,
            at=one.at.timestamp(),
            raw=one.raw,
            priority=self._priority(one.kind, text).value,
        )

    def _priority(self, kind: IncomingKind, text: str) -> Priority:
        if kind not in (IncomingKind.TEXT, IncomingKind.MEDIA) or not text:
            return Priority.NORMAL
        try:
            return Priority.LIFE if self._is_life(text) else Priority.NORMAL
        except Exception as raised:
            log.error("inbox_text_not_understood", chars=len(text), **trace(raised))
            return Priority.NORMAL

    async def _read(self, line: Line) -> None:
        if not line.more or len(line.rows) >= FETCH:
            return
        line.more, line.reading = False, True
        working = set(self._running)
        try:
            rows = await self._ledger.read(lambda tx: line.read(tx, line.seen, FETCH))
        except Exception as raised:
            log.error("inbox_not_readable", **trace(raised))
            rows = []  # the sweep looks again
        finally:
            line.reading = False
        for row in rows:
            if row.id not in working and row.id not in self._running:
                line.rows[row.id] = row
        if rows:
            line.read_to(rows[-1].id)
        line.more = line.more or len(rows) == FETCH

    def _start_life(self) -> None:
        for row in list(self._life.rows.values()):
            if len(self._running) >= AT_ONCE + AT_ONCE_LIFE:
                return
            del self._life.rows[row.id]
            self._begin(row, None)

    def _start_other(self) -> None:
        """One message of a person at a time, in order, so that "2" follows the question that it answers."""
        for row in list(self._other.rows.values()):
            if len(self._running_other) >= AT_ONCE:
                return
            person = (row.channel, row.sender)
            if person not in self._running_other:
                del self._other.rows[row.id]
                self._running_other.add(person)
                self._begin(row, person)

    def _begin(self, row: inbox.Waiting, person: Person | None) -> None:
        self._idle.clear()
        self._running[row.id] = asyncio.create_task(self._work(row, person))

    async def _work(self, row: inbox.Waiting, person: Person | None) -> None:
        try:
            await self._handle_one(row)
        finally:
            del self._running[row.id]
            if person is not None:
                self._running_other.discard(person)
            self._wake.set()

    async def _handle_one(self, row: inbox.Waiting) -> None:
        try:
            with bound_contextvars(inbox=row.id), span("answer", inbox_trace(row.id), channel=row.channel):
                handled = await self._handle(row)
        except LedgerError as failed:
            log.error("inbox_waits_for_ledger", inbox_id=row.id, reason=failed.key)
            return  # still `new`: the sweep brings it back
        except Exception as raised:
            log.error("inbox_message_failed", inbox_id=row.id, channel=row.channel, **trace(raised))
            await self._give_to_person(row)
            return
        log.debug("handled", inbox=row.id, state=handled.state, intent=handled.intent, note=handled.note)
        if handled.state == "human":
            self._bus.publish("inbox", {"type": "human", "id": row.id})

    async def _give_to_person(self, row: inbox.Waiting) -> None:
        failed = inbox.Handled("human", note="failed")
        try:
            await self._ledger.write(lambda tx: inbox.finish(tx, row.id, failed, self._now()))
        except LedgerError as reason:
            log.error("inbox_waits_for_ledger", inbox_id=row.id, reason=reason.key)
            return
        self._bus.publish("inbox", {"type": "human", "id": row.id})

    async def _clock(self) -> None:
        """Look at everything again from time to time, and forget old questions."""
        forget_at = self._now()
        while True:
            self.look_again()
            if self._now() >= forget_at:
                forget_at = self._now() + FORGET_SECONDS
                with suppress(LedgerError):
                    await self._ledger.write(lambda tx: conversations.sweep(tx, self._now()))
            await asyncio.sleep(SWEEP_SECONDS)


def storable(text: str) -> str:
    """`text` without what a database refuses: NUL and lone surrogates become U+FFFD. The raw event keeps them."""
    return _UNSTORABLE.sub("\ufffd", text)
