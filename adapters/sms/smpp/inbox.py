"""deliver_sm and data_sm: into the ledger first, then "ok" to the SMSC.

Reading goes on meanwhile: receipts and people's messages wait in two lists. Everything that has gathered in one is
handed to the sink as one batch, in order, and then the SMSC is answered in one write. While a batch of receipts is
being stored the next is handed over, so that both may share the commit after it. When the ledger cannot
write, or too much is waiting, the SMSC is asked to keep the message (ESME_RX_T_APPN) and sends it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from adapters.contract import DurableState, LedgerUnavailable, Now, Receipt, Sink
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp import incoming, receipts
from adapters.sms.smpp.carrier_clock import CarrierClock
from adapters.sms.smpp.codes import Status
from adapters.sms.smpp.limits import MAX_INBOUND
from adapters.sms.smpp.link import Answer, Delivered, Link, answer_all
from adapters.sms.smpp.mo_inbox import MoInbox
from adapters.sms.smpp.pdu import Command, MalformedPdu, decode_data, decode_message
from adapters.sms.smpp.receipt_ids import ReceiptIds
from text.numbers import mask

log = structlog.get_logger(__name__)

_FLUSH_POLL_SECONDS: Final = 0.01
_BATCHES: Final = 2
"""Batches of receipts with the sink at a time: one that is being stored, one that waits for the next commit. An SMSC
keeps a window of receipts in flight; with one batch a window took two commits."""


class Inbox:
    def __init__(self, name: str, account: SmppAccount, ids: ReceiptIds, state: DurableState, now: Now) -> None:
        self.counters: Counter[str] = Counter()
        self._name = name
        self._ids = ids
        self._ids_key = f"{name}:ids"
        self._state = state
        self._now = now
        self._clock = CarrierClock()
        self._mos = MoInbox(name, state, now, account.timers.mo_parts, self.counters)
        self._receipts: list[Receipt] = []
        self._answers: list[Answer] = []
        self._committing = 0
        self._wake = asyncio.Event()
        self._open = False
        self._told = bool(log.is_enabled_for(logging.DEBUG))
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def held(self) -> int:
        """deliver_sm that wait for the ledger."""
        return len(self._receipts) + self._committing + self._mos.held

    def start(self, sink: Sink) -> None:
        self._open = True
        self._tasks = [
            asyncio.create_task(self._keep_all(sink), name=f"{self._name} receipts"),
            asyncio.create_task(self._mos.keep(sink), name=f"{self._name} incoming"),
        ]

    async def stop(self, seconds: float) -> None:
        """Wait until the ledger has what came, at most so long; what is not stored is not answered and comes again."""
        self._open = False
        deadline = asyncio.get_running_loop().time() + seconds
        while self.held and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  two lists, one end
            await asyncio.sleep(_FLUSH_POLL_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    # From the link, in its read.

    def delivered(self, link: Link, pdus: list[Delivered]) -> None:
        if not self._open or self.held + len(pdus) > MAX_INBOUND:
            self.counters["put_off"] += len(pdus)
            link.answer_deliveries([(command, sequence) for command, sequence, _ in pdus], Status.RX_T_APPN)
            return
        now = self._now()
        at = datetime.fromtimestamp(now, UTC)
        refused: list[tuple[int, int]] = []
        keys_of, name, happened = self._ids.keys, self._name, self._clock.happened
        add, add_answer = self._receipts.append, self._answers.append
        for command, sequence, body in pdus:
            said = receipts.fast(body) if command == Command.DELIVER_SM else None
            if said is None:
                try:
                    said = self._read(link, command, sequence, body)
                except MalformedPdu:
                    log.error("smpp_malformed_delivery", octets=len(body))
                    refused.append((command, sequence))
                if said is None:
                    continue
            keys = keys_of(said.id) if said.id else ()
            when = happened(said.done, now)
            then = at if when == now else datetime.fromtimestamp(when, UTC)
            add(Receipt(name, keys, said.state, said.code, then, _to(said.source)))
            add_answer((link, command, sequence))
            if self._told:
                facts = {"id": said.id, "state": said.state.value, "code": said.code, "to": mask(_to(said.source))}
                log.debug("deliver_sm", account=name, sequence=sequence, **facts)
        if refused:
            link.answer_deliveries(refused, Status.RX_P_APPN)
        if self._receipts:
            self._wake.set()

    def _read(self, link: Link, command: int, sequence: int, body: bytes) -> receipts.Said | None:
        """The long way: a receipt of another make, or a person's message (None: it is put aside here)."""
        message = decode_data(body) if command == Command.DATA_SM else decode_message(body)
        said = receipts.read(message)
        if said is None:
            self._mos.put(incoming.read(message), (link, command, sequence))
        return said

    # To the sink

    async def _keep_all(self, sink: Sink) -> None:
        await self._ids_step(self._load_ids())
        await asyncio.gather(*(self._keep(sink) for _ in range(_BATCHES)))

    async def _keep(self, sink: Sink) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._receipts = self._receipts, []
            answers, self._answers = self._answers, []
            if not batch:  # the other one took it
                continue
            self._committing += len(batch)
            nameless = sum(not receipt.keys for receipt in batch)
            if nameless:
                log.warning("smpp_receipt_without_id", count=nameless)
            status = Status.ROK
            try:
                await sink.receipts([receipt for receipt in batch if receipt.keys] if nameless else batch)
                self.counters["receipts"] += len(batch)
            except LedgerUnavailable:
                status = Status.RX_T_APPN
            except Exception:
                log.exception("smpp_receipts_not_stored")
                status = Status.RX_T_APPN
            if status:
                self.counters["put_off"] += len(batch)
            self._committing -= len(batch)
            answer_all(answers, status)
            if self._ids.changed:
                await self._ids_step(self._state.put(self._ids_key, self._ids.dump()))

    async def _load_ids(self) -> None:
        known = await self._state.get(self._ids_key)
        if known is not None:
            self._ids.load(known)

    async def _ids_step(self, step: Coroutine[Any, Any, None]) -> None:
        """The shape of ids is a convenience: without it, receipts of before a restart have fewer spellings."""
        try:
            await step
        except Exception:
            log.exception("smpp_id_shape")


def _to(source: str) -> str:
    """The number that the message went to, as we write it."""
    return source if source.startswith("84") else incoming.address(source)
