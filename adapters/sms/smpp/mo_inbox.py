"""People's messages: durable records and parts first, then the ledger, then "ok" to the SMSC."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from adapters.contract import DurableState, Incoming, IncomingKind, LedgerUnavailable, Now, Sink
from adapters.sms.smpp import incoming
from adapters.sms.smpp.codes import Status
from adapters.sms.smpp.incoming import Mo
from adapters.sms.smpp.link import Answer, answer_all
from adapters.sms.smpp.reassembly import Group, Reassembly
from adapters.sms.smpp.redelivery import Redelivery, Seen

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 1.0
"""How often half messages, old records and refused groups are looked at."""

Kept = Seen | Group | None
"""What became durable of one PDU; None: nothing."""


class MoInbox:
    def __init__(self, name: str, state: DurableState, now: Now, parts_ttl: float, counters: Counter[str]) -> None:
        self._name = name
        self._counters = counters
        self._reassembly = Reassembly(name, state, now, parts_ttl)
        self._redelivery = Redelivery(name, state, now)
        self._sweep_seconds = min(SWEEP_SECONDS, parts_ttl / 4)
        self._waiting: list[tuple[Mo, Answer]] = []
        self._committing = 0
        self._wake = asyncio.Event()

    @property
    def held(self) -> int:
        return len(self._waiting) + self._committing

    def put(self, mo: Mo, answer: Answer) -> None:
        self._waiting.append((mo, answer))
        self._wake.set()

    async def keep(self, sink: Sink) -> None:
        """The task: until cancelled."""
        await self._load()
        loop, swept_at = asyncio.get_running_loop(), float("-inf")
        while True:
            if loop.time() - swept_at >= self._sweep_seconds:  # not after every batch: a flood has many
                swept_at = loop.time()
                await self._guarded(self._release(sink))
                await self._guarded(self._redelivery.sweep(swept_at))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_seconds):
                    await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            if batch:
                self._committing = len(batch)
                await self._store(sink, batch)
                self._committing = 0

    async def _load(self) -> None:
        """What an earlier process left. Nothing is answered before it is known."""
        while True:
            try:
                await self._reassembly.load()
                await self._redelivery.load()
                return
            except Exception:
                log.exception("smpp_state_not_loaded")
            await asyncio.sleep(self._sweep_seconds)

    async def _store(self, sink: Sink, batch: list[tuple[Mo, Answer]]) -> None:
        kept = await asyncio.gather(*(self._keep_one(mo, answer) for mo, answer in batch))
        events: dict[str, Incoming] = {}
        whole: list[Group] = []
        for (mo, _), record in zip(batch, kept, strict=True):
            if isinstance(record, Seen):
                events[record.event_id] = self._single(record, mo)
            elif isinstance(record, Group) and record.complete and record.done_at is None and record not in whole:
                whole.append(record)
                events[record.event_id] = self._long(record)
        stored = await self._commit(sink, list(events.values()))
        if stored:
            await self._guarded(self._finish(whole))
        now = asyncio.get_running_loop().time()
        good: list[Answer] = []
        bad: list[Answer] = []
        for (_, answer), record in zip(batch, kept, strict=True):
            if isinstance(record, Seen):
                record.answered, record.refused = (now, False) if stored else (None, True)
            fine = record is not None and (stored or (isinstance(record, Group) and record not in whole))
            (good if fine else bad).append(answer)
        self._counters["put_off"] += len(bad)
        answer_all(bad, Status.RX_T_APPN)
        answer_all(good, Status.ROK)

    async def _keep_one(self, mo: Mo, answer: Answer) -> Kept:
        try:
            return await (self._redelivery.claim(mo, answer[0]) if mo.place is None else self._reassembly.add(mo))
        except LedgerUnavailable:
            return None
        except Exception:
            log.exception("smpp_incoming_not_kept")
            return None

    async def _commit(self, sink: Sink, events: list[Incoming]) -> bool:
        if not events:
            return True
        try:
            await sink.incoming(events)
        except LedgerUnavailable:
            return False
        except Exception:
            log.exception("smpp_incoming_not_stored")
            return False
        self._counters["incoming"] += len(events)
        return True

    async def _release(self, sink: Sink) -> None:
        """Groups that waited long enough, or that a crash or a full disk kept from the ledger."""
        due = self._reassembly.due()
        if due and await self._commit(sink, [self._long(group) for group in due]):
            await self._finish(due)
        await self._reassembly.sweep()

    async def _finish(self, groups: list[Group]) -> None:
        for group in groups:
            await self._reassembly.done(group)

    async def _guarded(self, step: Coroutine[Any, Any, None]) -> None:
        """Housekeeping must not end the task; it is tried again at the next sweep."""
        try:
            await step
        except LedgerUnavailable:
            log.warning("smpp_housekeeping_put_off")
        except Exception:
            log.exception("smpp_housekeeping_failed")

    def _single(self, seen: Seen, mo: Mo) -> Incoming:
        kind = IncomingKind.OTHER if incoming.is_binary(mo.coding) else IncomingKind.TEXT
        text = "" if kind is IncomingKind.OTHER else incoming.text_of(mo.octets, mo.coding)
        return self._event(seen.event_id, kind, mo.source, seen.at, text, mo.raw)

    def _long(self, group: Group) -> Incoming:
        return self._event(group.event_id, IncomingKind.TEXT, group.source, group.first_at, group.text(), group.raw())

    def _event(self, event_id: str, kind: IncomingKind, source: str, at: float, text: str, raw: bytes) -> Incoming:
        sender = incoming.address(source)
        return Incoming(self._name, event_id, kind, sender, sender, datetime.fromtimestamp(at, UTC), text, raw=raw)
