"""What SpeedSMS posts: reports on our messages, and messages of people. Unsigned, so the address holds a secret.

`{"type": "report", "tranId", "phone", "status"}` and `{"type": "sms", "phone", "content"}` (speedsms.vn/sms-api,
"Webhook"); what is not answered with 2xx comes again. A person's message has no id of its own.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from adapters.contract import (
    Hook,
    HookReply,
    HookRequest,
    Incoming,
    IncomingKind,
    LedgerUnavailable,
    Now,
    Receipt,
    Sink,
)
from adapters.sms.callers import Callers
from adapters.sms.speedsms import limits
from adapters.sms.speedsms.reports import Reports
from adapters.sms.speedsms.settings import SpeedSmsAccount
from text.folding import nfc
from text.numbers import mask, msisdn

log = structlog.get_logger(__name__)

REMEMBERED = 10_000
"""People's latest messages, to know one again."""


class SpeedSmsHooks:
    """`counts`: reports, messages, refused."""

    def __init__(self, name: str, account: SpeedSmsAccount, reports: Reports, now: Now) -> None:
        self.sink: Sink | None = None
        self.counts: Counter[str] = Counter()
        self._name = name
        self._callers = Callers(account)
        self._reports = reports
        self._now = now
        self._recent: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self.table: Mapping[str, Hook] = {account.hook: self.handle} if account.hook else {}

    async def handle(self, request: HookRequest) -> HookReply:
        """200 once everything in it is stored, 503 while the ledger is away, so that SpeedSMS comes again."""
        if request.method != "POST":
            return self._refuse(405)
        if not self._callers.may_call(request):
            log.warning("speedsms_hook_refused", account=self._name, remote=mask(request.remote))
            return self._refuse(403)
        if self.sink is None:
            return HookReply(503)
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            return self._refuse(400)
        events = body if isinstance(body, list) else [body]
        if not all(isinstance(event, dict) for event in events) or not 0 < len(events) <= limits.REPORTS_MOST:
            return self._refuse(400)
        try:
            return await self._store(self.sink, events, request.body)
        except LedgerUnavailable:
            return HookReply(503)

    async def _store(self, sink: Sink, events: list[dict[str, Any]], raw: bytes) -> HookReply:
        receipts = [self._report(event) for event in events if event.get("type") == "report"]
        messages = [self._message(event, raw) for event in events if event.get("type") == "sms"]
        known = [one for one in receipts if one is not None]
        said = [one for one in messages if one is not None]
        if known:
            await sink.receipts(known)
            self._reports.settled(known)
            self.counts["reports"] += len(known)
        if said:
            await sink.incoming(said)
            self.counts["messages"] += len(said)
        unread = len(events) - len(known) - len(said)
        if unread:  # 200 all the same: it would not get better by being sent again
            self.counts["refused"] += unread
            log.warning("speedsms_event_unreadable", account=self._name, events=unread)
        return HookReply()

    def _report(self, event: Mapping[str, Any]) -> Receipt | None:
        return self._reports.receipt(str(event.get("tranId") or ""), str(event.get("phone") or ""), event.get("status"))

    def _message(self, event: Mapping[str, Any], raw: bytes) -> Incoming | None:
        number = msisdn(str(event.get("phone") or ""))
        content = event.get("content")
        if number is None or not isinstance(content, str):
            return None
        now = self._now()
        return Incoming(
            channel=self._name,
            event_id=self._event_id(str(number), content, now),
            kind=IncomingKind.TEXT,
            sender=str(number),
            chat=str(number),
            at=datetime.fromtimestamp(now, UTC),
            text=nfc(content),
            raw=raw,
        )

    def _event_id(self, number: str, content: str, now: float) -> str:
        """Number, text and minute; over the turn of a minute the one that we gave shortly before."""
        said = hashlib.blake2b(f"{number}\n{content}".encode(), digest_size=12).hexdigest()
        known = self._recent.get(said)
        if known is not None and 0 <= now - known[0] < limits.SAME_MESSAGE_SECONDS:
            return known[1]
        event_id = f"{said}-{int(now // limits.SAME_MESSAGE_SECONDS)}"
        self._recent[said] = (now, event_id)
        self._recent.move_to_end(said)
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return event_id

    def _refuse(self, status: int) -> HookReply:
        self.counts["refused"] += 1
        return HookReply(status)
