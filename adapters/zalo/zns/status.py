"""Did a template message arrive? Asked of Zalo where its delivery event stays away (a webhook that is off, an outage).

Zalo can be asked by the id that it gave; what waits for an answer is kept in the ledger. Source: Zalo ZNS docs,
message/status: 0 accepted, not on the phone yet; 1 delivered; -1 unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from adapters.contract import DurableState, LedgerUnavailable, Now, Receipt, ReceiptState, Sink
from adapters.zalo import limits
from adapters.zalo.client import Answer, Called
from adapters.zalo.events import ZNS, moment

log = structlog.get_logger(__name__)

DELIVERED = "1"
ASKED = "message/status"
Ask = Callable[[str], Awaitable[Called]]


class StatusQuery:
    """`watch` after each accepted message; `run` asks of those that are due."""

    def __init__(self, state: DurableState, ask: Ask, now: Now) -> None:
        self._state = state
        self._ask = ask
        self._now = now
        self._waiting: dict[str, dict[str, Any]] = {}

    async def load(self) -> None:
        kept = await self._state.items(f"{ZNS}.asked.")
        self._waiting = {key.removeprefix(f"{ZNS}.asked."): orjson.loads(raw) for key, raw in kept.items()}

    async def watch(self, message_id: str) -> None:
        if not message_id:
            return
        self._waiting[message_id] = {"at": self._now(), "asked": 0}
        try:
            await self._state.put(self._key(message_id), orjson.dumps(self._waiting[message_id]))
        except LedgerUnavailable:  # asked of all the same while this process lives
            log.warning("zalo_zns_watch_not_stored")

    async def run(self, sink: Sink) -> None:
        while True:
            try:
                await self.once(sink)
            except Exception as wrong:  # the ledger may be away for a while; the loop must outlive it
                log.warning("zalo_zns_status_failed", error=type(wrong).__name__)
            await asyncio.sleep(limits.ZNS_ASK_TICK_SECONDS)

    async def once(self, sink: Sink) -> int:
        """Ask of every message that is due; how many arrived. The event may have told so before: rank only rises."""
        arrived = 0
        for message_id, waiting in list(self._waiting.items()):
            if self._now() - waiting["at"] < limits.ZNS_ASK_SECONDS[waiting["asked"]]:
                continue
            called = await self._ask(message_id)
            if isinstance(called, Answer):
                arrived += await self._answered(message_id, waiting, called, sink)
        return arrived

    async def _answered(self, message_id: str, waiting: dict[str, Any], called: Answer, sink: Sink) -> int:
        data = called.data if isinstance(called.data, dict) else {}
        arrived = str(data.get("status")) == DELIVERED
        if arrived:
            told = data.get("delivery_time")
            at = moment(told) if told else datetime.fromtimestamp(self._now(), UTC)
            await sink.receipts([Receipt(ZNS, (message_id,), ReceiptState.DELIVERED, ASKED, at)])
        waiting["asked"] += 1
        if arrived or waiting["asked"] >= len(limits.ZNS_ASK_SECONDS):
            self._waiting.pop(message_id, None)
            await self._state.delete(self._key(message_id))
        return int(arrived)

    def _key(self, message_id: str) -> str:
        return f"{ZNS}.asked.{message_id}"
