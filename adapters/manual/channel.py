"""`manual`: copy-ready text for a place where no program may write, and a person's tick "posted".

Nothing here is ever called accepted by itself. A hand-over leaves the program, so its honest outcome at once is
`Unknown("waiting_for_person")`: no worker waits hours for it, a crash changes nothing, and escalation does not rely on
it. The tick comes back twice over: as a receipt through the sink, at once, and as the answer to `ask`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import orjson
import structlog

from adapters.contract import (
    DurableState,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Hook,
    LedgerUnavailable,
    Now,
    Outcome,
    Receipt,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
    Unknown,
)
from adapters.manual import codes, limits
from adapters.manual.settings import ManualSettings
from text.folding import nfc

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0
"""Pause before a repeat of what could not be noted."""


@dataclass(frozen=True, slots=True)
class Note:
    """One text to be posted by hand. Times are epoch seconds."""

    delivery_id: int
    to: str
    """Where: the group's name or link."""
    text: str
    """Ready to paste."""
    at: float
    valid_until: float | None = None
    answer: str = codes.WAITING
    by: str = ""
    """Who ticked or declined."""
    answered_at: float | None = None
    reason: str = ""
    """Why it was not posted."""

    @property
    def reference(self) -> str:
        """Stands for a provider's id in outcomes and receipts."""
        return f"manual-{self.delivery_id}"


class ManualChannel:
    name = "manual"
    hooks: Mapping[str, Hook] = {}

    def __init__(self, settings: ManualSettings, state: DurableState, now: Now = time.time) -> None:
        self.traits = Traits(
            receipts=frozenset({Evidence.ACCEPTED}),
            group=True,
            text_limit=settings.text_limit,
            can_ask=True,
            hears=False,
            window=limits.WINDOW,
        )
        self._place = settings.place
        self._state = state
        self._now = now
        self._sink: Sink | None = None
        self._last_tick: float | None = None

    async def start(self, sink: Sink) -> None:
        self._sink = sink
        oldest = self._now() - limits.LATEST_SECONDS
        old = [note for note in await self._notes() if note.at < oldest]
        if old:
            await self._state.delete(*(self._key(note.delivery_id) for note in old))

    async def stop(self) -> None:
        self._sink = None

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        for envelope in sorted(batch, key=lambda e: e.priority):
            report(envelope.delivery_id, await self._note(envelope))

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """What the person answered; None while nobody has."""
        note = await self._read(envelope.delivery_id)
        return codes.outcome(note.answer, note.reference) if note else None

    async def probe(self) -> Health:
        waiting = await self.waiting()
        at = datetime.fromtimestamp(self._last_tick, UTC) if self._last_tick is not None else None
        return Health(HealthState.OK, "manual_ok", {"waiting": len(waiting)}, at)

    async def notes(self) -> list[Note]:
        """Every text of the last weeks, newest first, with what became of it."""
        return sorted(await self._notes(), key=lambda note: -note.at)

    async def waiting(self) -> list[Note]:
        """Texts that somebody should post now, oldest first. Those past their validity are closed on the way."""
        open_notes = []
        for note in sorted(await self._notes(), key=lambda n: n.at):
            if note.answer != codes.WAITING:
                continue
            if note.valid_until is not None and self._now() >= note.valid_until:
                await self._answer(note, codes.EXPIRED, "")
            else:
                open_notes.append(note)
        return open_notes

    async def tick(self, delivery_id: int, by: str) -> bool:
        """`by` has posted it. False: no such text is waiting (ticked already, declined, expired or unknown)."""
        return await self._close(delivery_id, codes.POSTED, by)

    async def decline(self, delivery_id: int, by: str, reason: str = "") -> bool:
        """`by` cannot post it (no longer in the group, say): the delivery fails and others take over."""
        return await self._close(delivery_id, codes.DECLINED, by, reason)

    async def _note(self, envelope: Envelope) -> Outcome:
        if self._sink is None:
            return Rejected("link_down", RejectClass.RETRY_LATER, "stopped", RETRY_SECONDS)
        if envelope.valid_until is not None and self._now() >= envelope.valid_until:
            return Rejected("expired", RejectClass.TEXT)
        text = nfc(envelope.text).strip()
        if not text:
            return Rejected("empty", RejectClass.TEXT)
        if max(len(text), len(text.encode("utf-16-le")) // 2) > self.traits.text_limit:
            return Rejected("too_long", RejectClass.TEXT)
        note = Note(envelope.delivery_id, envelope.to or self._place, text, self._now(), envelope.valid_until)
        try:
            known = await self._read(envelope.delivery_id)
            if known is None:
                await self._write(note)
        except LedgerUnavailable:
            return Rejected("ledger", RejectClass.RETRY_LATER, after=RETRY_SECONDS)
        answered = codes.outcome(known.answer, known.reference) if known else None
        return answered or Unknown(codes.WAITING, (note.reference,))

    async def _close(self, delivery_id: int, answer: str, by: str, reason: str = "") -> bool:
        async with self._state.lock(f"{self.name}.note.{delivery_id}"):
            note = await self._read(delivery_id)
            if note is None or note.answer != codes.WAITING:
                return False
            if note.valid_until is not None and self._now() >= note.valid_until and answer == codes.DECLINED:
                answer = codes.EXPIRED
            await self._answer(note, answer, by, reason)
            return True

    async def _answer(self, note: Note, answer: str, by: str, reason: str = "") -> None:
        """The receipt first: if the ledger refuses it, the note stays open and the person is told to try again."""
        if self._sink is None:
            raise LedgerUnavailable("the channel is not running")
        now = self._now()
        at = datetime.fromtimestamp(now, UTC)
        await self._sink.receipts([Receipt(self.name, (note.reference,), codes.RECEIPTS[answer], answer, at, note.to)])
        await self._write(replace(note, answer=answer, by=by, answered_at=now, reason=reason))
        self._last_tick = now if answer == codes.POSTED else self._last_tick
        log.info("manual_note_closed", delivery_id=note.delivery_id, answer=answer)

    async def _notes(self) -> list[Note]:
        return [Note(**orjson.loads(raw)) for raw in (await self._state.items(f"{self.name}.note.")).values()]

    async def _read(self, delivery_id: int) -> Note | None:
        raw = await self._state.get(self._key(delivery_id))
        return Note(**orjson.loads(raw)) if raw else None

    async def _write(self, note: Note) -> None:
        await self._state.put(self._key(note.delivery_id), orjson.dumps(asdict(note)))

    def _key(self, delivery_id: int) -> str:
        return f"{self.name}.note.{delivery_id}"
