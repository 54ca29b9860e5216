"""Batches into single sends: by priority, one at a time for each chat, one report for each envelope.

A text of several parts remembers the parts that Zalo took when a later part is refused, so that a repeat goes on where
it stopped and no reader gets a part twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from weakref import WeakValueDictionary

import orjson
import structlog

from adapters.contract import (
    Accepted,
    Attachment,
    DurableState,
    Envelope,
    LedgerUnavailable,
    Now,
    Outcome,
    RejectClass,
    Rejected,
    Report,
    Unknown,
)
from adapters.zalo import limits, wording

log = structlog.get_logger(__name__)

STOPPED_RETRY_SECONDS = 1.0
LEDGER_SECONDS = 5.0
"""Pauses before a repeat of what never left."""
PARTS_KEPT_SECONDS = 7 * 86_400
"""How long the parts of an unfinished text are remembered."""

SendFile = Callable[[Envelope, Attachment], Awaitable[Outcome]]
"""(envelope, file) → the outcome of the message that carries it, with one provider id when accepted."""
PartsOf = Callable[[Envelope], tuple[str, ...]]
SendPart = Callable[[Envelope, str, bool], Awaitable[Outcome]]
"""(envelope, text of this part, is it the last) → the part's outcome, with one provider id when accepted."""


def expired(valid_until: float | None, now: float) -> Rejected | None:
    if valid_until is not None and now >= valid_until:
        return Rejected("expired", RejectClass.TEXT)
    return None


def parts_of(envelope: Envelope) -> tuple[str, ...]:
    """The texts that Zalo is given for an envelope, in order: the same on every attempt."""
    return wording.split(wording.prepare(envelope.text))


def in_one(envelope: Envelope) -> tuple[str, ...]:
    """For a channel whose messages are never split."""
    text = wording.prepare(envelope.text)
    return (text,) if text else ()


Step = Callable[[], Awaitable[Outcome]]


class Sending:
    """The sending half that Zalo's channels share. `name` is the channel's and the prefix of its durable keys."""

    def __init__(
        self,
        name: str,
        state: DurableState,
        send_part: SendPart,
        now: Now,
        send_file: SendFile | None = None,
        parts: PartsOf = parts_of,
    ) -> None:
        self._name = name
        self._state = state
        self._send_part = send_part
        self._send_file = send_file
        self._now = now
        self._parts_of = parts
        self._tasks: set[asyncio.Task[None]] = set()
        self._chats: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._leaving: set[int] = set()
        self._open = True

    async def start(self) -> None:
        self._open = True
        oldest = self._now() - PARTS_KEPT_SECONDS
        kept = await self._state.items(f"{self._name}.parts.")
        old = [key for key, raw in kept.items() if orjson.loads(raw)["at"] < oldest]
        if old:
            await self._state.delete(*old)

    async def stop(self) -> None:
        """Refuse new work, wait a bounded time for answers in flight, then say of the rest that it is not known."""
        self._open = False
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=limits.STOP_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        tasks = [
            asyncio.create_task(self._one(envelope, report)) for envelope in sorted(batch, key=lambda e: e.priority)
        ]
        self._tasks.update(tasks)
        for task in tasks:
            task.add_done_callback(self._tasks.discard)
        if tasks:
            await asyncio.wait(tasks)

    async def remember(self, delivery_id: int, ids: Sequence[str]) -> None:
        """These parts, the first ones, are at Zalo; a repeat of the envelope goes on after them."""
        await self._state.put(self._key(delivery_id), orjson.dumps({"ids": list(ids), "at": self._now()}))

    async def taken_before(self, delivery_id: int) -> list[str]:
        """Provider ids of the first parts of a text that an earlier attempt brought over."""
        raw = await self._state.get(self._key(delivery_id))
        return list(orjson.loads(raw)["ids"]) if raw else []

    async def forget(self, delivery_id: int) -> None:
        await self._state.delete(self._key(delivery_id))

    def _key(self, delivery_id: int) -> str:
        return f"{self._name}.parts.{delivery_id}"

    async def _one(self, envelope: Envelope, report: Report) -> None:
        try:
            outcome = await self._whole(envelope)
        except asyncio.CancelledError:
            left = envelope.delivery_id in self._leaving
            outcome = Unknown("stopped") if left else _stopped()
        except LedgerUnavailable:
            left = envelope.delivery_id in self._leaving
            outcome = Unknown("ledger") if left else Rejected("ledger", RejectClass.RETRY_LATER, after=LEDGER_SECONDS)
        except Exception as wrong:  # a defect of ours must not cost the report: the core would wait for ever
            log.error("zalo_send_crashed", channel=self._name, error=type(wrong).__name__)
            outcome = Unknown("internal_error")
        finally:
            self._leaving.discard(envelope.delivery_id)
        report(envelope.delivery_id, outcome)

    async def _whole(self, envelope: Envelope) -> Outcome:
        if not self._open:
            return _stopped()
        if not envelope.to:
            return Rejected("invalid_recipient", RejectClass.RECIPIENT)
        parts = self._parts_of(envelope)
        if not parts:
            return Rejected("empty", RejectClass.TEXT)
        if len(parts) > limits.MAX_PARTS:
            return Rejected("too_long", RejectClass.TEXT)
        texts: list[Step] = [
            partial(self._send_part, envelope, text, n == len(parts)) for n, text in enumerate(parts, 1)
        ]
        files: list[Step] = [partial(self._send_file, envelope, one) for one in envelope.attachments if self._send_file]
        ids = await self.taken_before(envelope.delivery_id) if len(texts) + len(files) > 1 else []
        resumed = bool(ids)
        lock = self._chats.setdefault(envelope.to, asyncio.Lock())
        async with lock:
            broken = await self._go_on(envelope, ids, texts, len(files))
        if broken is None:  # an upload may take long, and others may speak in this chat meanwhile
            broken = await self._go_on(envelope, ids, [*texts, *files], 0)
        if broken is not None:
            return broken
        if resumed:
            await self.forget(envelope.delivery_id)
        return Accepted(tuple(ids))

    async def _go_on(
        self, envelope: Envelope, ids: list[str], steps: Sequence[Step], more: int
    ) -> Rejected | Unknown | None:
        """Take the steps that `ids` do not stand for yet, adding to them. None: all are at Zalo."""
        for step in steps[len(ids) :]:
            outcome: Outcome | None = expired(envelope.valid_until, self._now())
            if outcome is None:
                self._leaving.add(envelope.delivery_id)
                outcome = await step()
            if not isinstance(outcome, Accepted):
                return await self._broken_off(envelope.delivery_id, ids, len(steps) + more, outcome)
            ids.extend(outcome.provider_ids)
        return None

    async def _broken_off(
        self, delivery_id: int, ids: list[str], count: int, outcome: Rejected | Unknown
    ) -> Rejected | Unknown:
        if isinstance(outcome, Unknown):
            here = outcome.provider_ids or ("",)
            return Unknown(outcome.why, (*ids, *here, *[""] * (count - len(ids) - 1)), outcome.code)
        if ids:
            outcome.provider_ids = (*ids, *[""] * (count - len(ids)))
            try:
                await self.remember(delivery_id, ids)
            except Exception as wrong:  # not durable: a repeat would double the first parts, so none is asked for
                log.error("zalo_parts_not_stored", channel=self._name, error=type(wrong).__name__)
                return Unknown("partly_sent", outcome.provider_ids, outcome.code)
        return outcome


def _stopped() -> Rejected:
    return Rejected("link_down", RejectClass.RETRY_LATER, "stopped", STOPPED_RETRY_SECONDS)
