"""What eSMS calls: a delivery report for a message of ours, and a person's message to the short code.

Both are GET requests to an address with a secret in it. People's messages are signed, too: MD5 over cpid + smsid +
content + receiverTime + our private key, which the documentation writes as hex and its code samples as Base64. Sources:
eSMS docs, "Callback Url", "Kết nối đầu số ngắn".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

import structlog

from adapters.contract import (
    Hook,
    HookReply,
    HookRequest,
    Incoming,
    IncomingKind,
    LedgerUnavailable,
    Now,
    Sink,
)
from adapters.sms.callers import Callers
from adapters.sms.esms.request_ids import RequestIds
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.esms.statuses import Statuses
from text.dates import OFFICE_ZONE
from text.folding import nfc
from text.numbers import mask, msisdn

log = structlog.get_logger(__name__)

SMSID_CHARACTERS: Final = 64
"""Longest id that we take; those of eSMS have up to 40."""
_OURS: Final = "loa-"
_SIGNED: Final = ("cpid", "smsid", "content", "receiverTime")


class EsmsHooks:
    """`counts`: reports, foreign, messages, forged, refused."""

    def __init__(self, name: str, account: EsmsAccount, statuses: Statuses, ids: RequestIds, now: Now) -> None:
        self.sink: Sink | None = None
        self.counts: Counter[str] = Counter()
        self._name = name
        self._callers = Callers(account)
        self._key = account.mo_private_key.get_secret_value()
        self._reply = account.mo_reply
        self._statuses = statuses
        self._ids = ids
        self._now = now
        offered: dict[str, Hook] = {account.receipt_hook: self.report, account.mo_hook: self.message}
        self.table: Mapping[str, Hook] = {hook: handler for hook, handler in offered.items() if hook}

    async def report(self, request: HookRequest) -> HookReply:
        """200 once the callback is stored; what it says is checked later."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        smsid = request.query.get("SMSID", "")
        if not 0 < len(smsid) <= SMSID_CHARACTERS or not smsid.isascii() or not smsid.isprintable():
            return self._refuse(400)
        given = request.query.get("RequestId", "")
        if given and self._ids.prefix and not given.startswith(self._ids.prefix):
            self.counts["foreign"] += 1  # another program sends through the same account
            return HookReply()
        try:
            await self._statuses.called(request.query)
        except LedgerUnavailable:
            return HookReply(503)
        self.counts["reports"] += 1
        return HookReply()

    async def message(self, request: HookRequest) -> HookReply:
        """XML with the same id once the message is stored; 403 for a wrong signature."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        query = request.query
        if not is_signed(query, self._key):
            self.counts["forged"] += 1
            log.warning("esms_message_forged", account=self._name, so_far=self.counts["forged"])
            return HookReply(403)
        number = msisdn(query.get("sender", ""))
        if number is None or not query["smsid"]:
            return self._refuse(400)
        try:
            assert self.sink is not None
            await self.sink.incoming([self._incoming(query, str(number), request)])
        except LedgerUnavailable:
            return HookReply(503)
        self.counts["messages"] += 1
        return HookReply(200, client_response(self._reply, query["smsid"], str(number)), "text/xml")

    def _incoming(self, query: Mapping[str, str], number: str, request: HookRequest) -> Incoming:
        return Incoming(
            channel=self._name,
            event_id=query["smsid"],
            kind=IncomingKind.TEXT,
            sender=number,
            chat=number,
            at=self._moment(query.get("receiverTime", "")),
            text=nfc(query.get("content", "")),
            raw=request.body,
        )

    def _moment(self, text: str) -> datetime:
        """yyyyMMddHHmmss of the office's clock; now where it is none."""
        try:
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=OFFICE_ZONE)
        except ValueError:
            return datetime.fromtimestamp(self._now(), UTC)

    def _refusal(self, request: HookRequest) -> HookReply | None:
        if request.method != "GET":
            return self._refuse(405)
        if not self._callers.may_call(request):
            log.warning("esms_hook_refused", account=self._name, remote=mask(request.remote))
            return self._refuse(403)
        return HookReply(503) if self.sink is None else None

    def _refuse(self, status: int) -> HookReply:
        self.counts["refused"] += 1
        return HookReply(status)


def signatures(query: Mapping[str, str], private_key: str) -> tuple[str, str]:
    """(hex, Base64) of the signature that a message must carry."""
    signed = "".join(query.get(key, "") for key in _SIGNED) + private_key
    digest = hashlib.md5(signed.encode(), usedforsecurity=False).digest()
    return digest.hex(), base64.b64encode(digest).decode()


def is_signed(query: Mapping[str, str], private_key: str) -> bool:
    """True for either form; compared in constant time, both always."""
    if not private_key or "smsid" not in query:
        return False
    given = query.get("sign", "").strip()
    as_hex, as_base64 = signatures(query, private_key)
    is_hex = hmac.compare_digest(given.lower().encode(), as_hex.encode())
    # A + that nobody escaped arrives as a blank.
    is_base64 = hmac.compare_digest(given.replace(" ", "+").encode(), as_base64.encode())
    return is_hex or is_base64


def client_response(text: str, smsid: str, receiver: str) -> bytes:
    """The answer that eSMS expects; its printed sample is not well-formed, this is."""
    fields = (("Message", text), ("Smsid", smsid), ("Receiver", receiver))
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields)
    return f'<?xml version="1.0" encoding="utf-8"?><ClientResponse>{inner}</ClientResponse>'.encode()
