"""What became of messages that SpeedSMS took: its reports, and our own question where some did not come.

One transaction covers up to a hundred numbers, each with a report of its own. Source: speedsms.vn/sms-api, "Webhook";
the body of the status call is not published in full, so any list of (phone, status) in it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from adapters.contract import DurableState, Now, Receipt, ReceiptState, Sink
from adapters.sms.awaiting import Awaited, Awaiting
from adapters.sms.speedsms import codes, limits
from adapters.sms.speedsms.api import Answer, SpeedSmsApi
from adapters.sms.speedsms.sending import provider_id
from text.numbers import msisdn

FINAL = (ReceiptState.DELIVERED, ReceiptState.FAILED)


class Reports:
    """`accepted` and `reported` bring news in; `run` asks for what is missing."""

    def __init__(
        self, name: str, api: SpeedSmsApi, state: DurableState, now: Now, first: float, may_ask: Callable[[], bool]
    ) -> None:
        """`may_ask` takes one request off the account's rate, False where none is to spare."""
        self.asked = 0
        self._may_ask = may_ask
        self._name = name
        self._api = api
        self._now = now
        self._waiting = Awaiting(
            state,
            f"{name}.waiting",
            now,
            first=first,
            longest=limits.STATUS_LONGEST_SECONDS,
            keep=limits.STATUS_KEPT_SECONDS,
            most=limits.WAITING_MOST,
        )

    @property
    def open(self) -> int:
        return len(self._waiting)

    def accepted(self, transaction: str, numbers: Sequence[str]) -> None:
        self._waiting.add(transaction, numbers)

    def receipt(self, transaction: str, phone: str, status: Any) -> Receipt | None:
        """What a report says; None where it says nothing that can be read."""
        state, number = codes.state_of(status), msisdn(phone)
        if state is None or number is None or not transaction:
            return None
        at = datetime.fromtimestamp(self._now(), UTC)
        return Receipt(self._name, (provider_id(transaction, str(number)),), state, str(status), at, str(number))

    def settled(self, receipts: Iterable[Receipt]) -> None:
        """These are stored: nobody needs to ask for them."""
        for receipt in receipts:
            transaction = receipt.keys[0].partition("/")[0]
            entry = self._waiting.get(transaction)
            if entry is None or receipt.state not in FINAL:
                continue
            if receipt.to in entry.about:
                entry.about.remove(receipt.to)
            if not entry.about:
                self._waiting.done(transaction)

    async def run(self, sink: Sink) -> None:
        """The task: until cancelled."""
        await self._waiting.load()
        await self._waiting.run(partial(self._ask, sink), 1)

    async def save(self) -> None:
        await self._waiting.save()

    async def _ask(self, sink: Sink, entry: Awaited) -> None:
        if not self._may_ask():
            self._waiting.add(entry.key, entry.about, first=limits.WINDOW_SECONDS)
            return
        self.asked += 1
        answer = await self._api.status(entry.key)
        if not isinstance(answer, Answer) or answer.code != codes.ACCEPTED:
            return
        found = [self.receipt(entry.key, phone, status) for phone, status in _pairs(answer.data)]
        receipts = [one for one in found if one is not None and one.state in FINAL and one.to in entry.about]
        if receipts:
            await sink.receipts(receipts)
            self.settled(receipts)


def _pairs(data: Any) -> Iterable[tuple[str, Any]]:
    listed = data if isinstance(data, list) else data.get("data") if isinstance(data, Mapping) else None
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping) and "phone" in each and "status" in each:
            yield str(each["phone"]), each["status"]
