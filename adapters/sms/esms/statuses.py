"""What became of messages that eSMS took: its callbacks, and our own questions where none came.

A callback is not signed, so it is only a hint that there is news: it is stored, answered, and eSMS is asked
(GetSendStatus) before anything is believed. Sources: eSMS docs, "Callback Url", "Hàm kiểm tra tin nhắn theo SMSID".
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

import orjson
import structlog

from adapters.contract import EVERY_PART, DurableState, Now, Part, Receipt, ReceiptState, Sink
from adapters.sms.awaiting import FACTOR, Awaited, Awaiting
from adapters.sms.esms import codes, limits
from adapters.sms.esms.api import Answer, EsmsApi
from text.numbers import msisdn

log = structlog.get_logger(__name__)

DONE_REMEMBERED: Final = 20_000
"""Messages whose end is known, so that a repeated callback asks nothing."""

Learn = Callable[[int, str], None]
"""(number, carrier): where a number is today."""


class Statuses:
    """`accepted` and `called` bring messages in; `run` asks. Durable: each callback, and the list every few seconds."""

    def __init__(
        self,
        name: str,
        api: EsmsApi,
        state: DurableState,
        learn: Learn,
        now: Now,
        first: float,
        called: bool,
        parts: Part = EVERY_PART,
    ) -> None:
        """`first`: seconds until a message without a callback is asked about; `called`: callbacks are expected."""
        self._parts = parts
        self.asked = 0
        self._name = name
        self._api = api
        self._state = state
        self._learn = learn
        self._now = now
        self._waiting = Awaiting(
            state,
            f"{name}.waiting",
            now,
            first=first * FACTOR if called else first,
            longest=limits.STATUS_LONGEST_SECONDS,
            keep=limits.STATUS_KEPT_SECONDS,
            most=limits.WAITING_MOST,
        )
        self._called_prefix = f"{name}.called."
        self._calls: dict[str, dict[str, str]] = {}
        self._done: OrderedDict[str, str] = OrderedDict()

    @property
    def open(self) -> int:
        return len(self._waiting)

    def accepted(self, smsid: str, request_id: str) -> None:
        if smsid not in self._calls:  # a callback may overtake the answer to its send
            self._waiting.add(smsid, (request_id,))

    async def called(self, query: Mapping[str, str]) -> None:
        """Store a callback. Raises `LedgerUnavailable` when it is not stored."""
        smsid = query["SMSID"]
        _, code = codes.state_of(query)
        if self._done.get(smsid) == code:
            return
        call = {key: query.get(key, "")[:64] for key in ("RequestId", "phonenumber", "telcoid")}
        await self._state.put(self._called_prefix + smsid, orjson.dumps(call))
        if Part.SEND in self._parts:
            self._ask_now(smsid, call)

    def _ask_now(self, smsid: str, call: dict[str, str]) -> None:
        known = self._waiting.get(smsid)
        request_id = call["RequestId"] or (known.about[0] if known is not None and known.about else "")
        self._calls[smsid] = call
        self._waiting.add(smsid, (request_id,), first=0.0, pause=limits.CALLBACK_RETRY_SECONDS)

    async def run(self, sink: Sink) -> None:
        """The task: until cancelled."""
        await self._load()
        looking = None if Part.HOOK in self._parts else asyncio.create_task(self._look_for_calls())
        try:
            await self._waiting.run(partial(self._ask, sink), limits.STATUS_AT_ONCE)
        finally:
            if looking is not None:
                looking.cancel()

    async def _look_for_calls(self) -> None:
        """Callbacks that another process stored."""
        while True:
            await asyncio.sleep(limits.CALLS_LOOK_SECONDS)
            await self._load_calls()

    async def save(self) -> None:
        await self._waiting.save()

    async def _load(self) -> None:
        await self._waiting.load()
        await self._load_calls()

    async def _load_calls(self) -> None:
        try:
            calls = await self._state.items(self._called_prefix)
            for key, raw in calls.items():
                smsid = key.removeprefix(self._called_prefix)
                if smsid not in self._calls:
                    self._ask_now(smsid, orjson.loads(raw))
        except Exception as wrong:  # callbacks that cannot be read cost receipts, never the channel
            log.error("esms_callbacks_not_read", account=self._name, error=type(wrong).__name__)

    async def _ask(self, sink: Sink, entry: Awaited) -> None:
        self.asked += 1
        answer = await self._api.status(entry.key)
        if isinstance(answer, Answer):
            await self._believe(entry, answer, sink)

    async def _believe(self, entry: Awaited, answer: Answer, sink: Sink) -> None:
        call = self._calls.get(entry.key)
        if answer.code == codes.NOT_FOUND:
            if call is not None and entry.tries >= limits.UNKNOWN_CALLBACK_TRIES:
                log.warning("esms_callback_unknown", account=self._name)
                await self._forget(entry.key)
            return
        if answer.code != codes.ACCEPTED:
            return
        number = msisdn(call["phonenumber"]) if call is not None else None
        if call is not None and number is not None and call["telcoid"] in codes.CARRIER_BY_TELCOID:
            self._learn(number, codes.CARRIER_BY_TELCOID[call["telcoid"]])
        state, code = codes.state_of(answer.body)
        if state is ReceiptState.PENDING:
            return
        keys = tuple(key for key in (entry.key, *entry.about) if key)
        at = datetime.fromtimestamp(self._now(), UTC)
        told = codes.price_of(answer.body)
        await sink.receipts([Receipt(self._name, keys, state, code, at, str(number or ""), told)])
        self._remember(entry.key, code)
        await self._forget(entry.key)

    def _remember(self, smsid: str, code: str) -> None:
        self._done[smsid] = code
        if len(self._done) > DONE_REMEMBERED:
            self._done.popitem(last=False)

    async def _forget(self, smsid: str) -> None:
        self._waiting.done(smsid)
        if self._calls.pop(smsid, None) is not None:
            await self._state.delete(self._called_prefix + smsid)
