"""The calls of the simulated eSMS: CodeResult in some answers, CodeResponse in others, figures here and text there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from simulators import outages
from simulators.esms.book import PRICE_VND, Book, Message, Refused, local
from simulators.esms.callbacks import Callbacks
from text.dates import OFFICE_ZONE
from text.numbers import carrier_hint
from text.segments import measure

PAGE_SIZE_MOST = 500
Json = dict[str, Any]


class Calls:
    """`routes` under the folder of the service. `keys`: (ApiKey, SecretKey)."""

    def __init__(self, book: Book, callbacks: Callbacks, keys: tuple[str, str], turn: Callable[..., bool]) -> None:
        self._book = book
        self._callbacks = callbacks
        self._keys = keys
        self._turn = turn
        """Counts a knob down; True while it was above 0."""

    def routes(self, folder: str) -> list[web.RouteDef]:
        return [
            web.post(f"{folder}/SendMultipleMessage_V4_post_json/", self.send),
            web.post(f"{folder}/SendMultipleMessage_V4_post/", self.send),
            web.get(f"{folder}/SendMultipleMessage_V4_get", self.send),
            web.get(f"{folder}/GetSendStatus", self.status),
            web.get(f"{folder}/GetSmsReceiverStatus_get", self.receivers),
            web.get(f"{folder}/SummaryMultipleMessage_V4_get", self.summary),
            web.post(f"{folder}/GetBalance_json", self.balance),
            web.post(f"{folder}/GetSmsSentData_V2", self.sent),
        ]

    async def send(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        away = await self._away(request, "send")
        if away is not None:
            return away
        if fields is None or "ApiKey" not in fields or self._turn("malformed_next"):
            return _json({"error": "Invalid request"})
        if self._turn("status_5xx_next"):
            return await outages.away(request, "500")
        if not self._knows(fields):
            return _json({"CodeResult": "101", "CountRegenerate": 0, "ErrorMessage": "Authorize Failed"})
        try:
            message = self._book.take(fields)
        except Refused as refused:
            self._turn("code_next", resets="code")
            body = {"CodeResult": refused.code, "CountRegenerate": 0, "ErrorMessage": refused.says}
            return _json(body | refused.more)
        if fields.get("Sandbox") != "1":
            await self._callbacks.announce(message)
        return await self._answer(request, message)

    async def _answer(self, request: web.Request, message: Message) -> web.Response:
        if self._turn("drop_after_accept"):
            return outages.cut(request)
        if self._turn("hang_after_accept"):
            return await outages.away(request, "hang")
        if self._turn("garbage_after_accept"):
            return await outages.away(request, "html")
        return _json({"CodeResult": "100", "CountRegenerate": 0, "SMSID": message.smsid})

    async def status(self, request: web.Request) -> web.Response:
        away = await self._away(request, "status")
        if away is not None:
            return away
        message = self._asked(request.query)
        if isinstance(message, dict):
            return _json(message)
        status, success, failed = self._book.state_of(message)
        if self._book.faults.callback_lies:
            success, failed = 0, message.parts
        return _json(
            {
                "CodeResponse": "100", "SMSID": message.smsid, "SendFailed": failed, "SendStatus": status,
                "SendSuccess": success, "TotalPrice": PRICE_VND * message.parts, "TotalReceiver": 1, "TotalSent": 1,
            }
        )  # fmt: skip

    async def receivers(self, request: web.Request) -> web.Response:
        message = self._asked(request.query)
        if isinstance(message, dict):
            return _json(message)
        status, success, _ = self._book.state_of(message)
        receiver = {
            "Phone": local(message.number), "NetworkName": carrier_hint(message.number), "IsSent": status != 7,
            "SentResult": bool(success), "Retry": 0,
        }  # fmt: skip
        return _json({"CodeResponse": "100", "ReceiverList": [receiver]})

    async def summary(self, request: web.Request) -> web.Response:
        query = request.query
        if not self._knows(query):
            return _json({"CodeResult": "101", "ErrorMessage": "Authorize Failed"})
        if query.get("SmsType") == "2" and query.get("BrandName") not in self._book.brandnames:
            return _json({"CodeResult": "104", "ErrorMessage": "Brand name code is not exist"})
        price = PRICE_VND * measure(query.get("Content", "")).segments
        return _json({"CodeResult": "100", "TotalPrice": price, "TotalReceiver": 1})

    async def balance(self, request: web.Request) -> web.Response:
        away = await self._away(request, "balance")
        if away is not None:
            return away
        if not self._knows(await _fields(request) or {}):
            return _json({"Balance": 0, "CodeResponse": "101", "ErrorMessage": "Authorize Failed"})
        return _json({"Balance": self._book.balance(), "CodeResponse": "100", "UserID": 9999})

    async def sent(self, request: web.Request) -> web.Response:
        away = await self._away(request, "sent")
        if away is not None:
            return away
        fields = await _fields(request) or {}
        if not self._knows(fields):
            return _json({"CodeResult": "101", "ErrorMessage": "Authorize Failed."})
        since, until = (_local_moment(fields[key]) for key in ("From", "To"))
        size = min(int(fields["PageSize"]), PAGE_SIZE_MOST)
        first = (int(fields["Page"]) - 1) * size
        found = [one for one in self._book.messages.values() if since <= one.at <= until]
        return _json(
            {
                "CodeResult": "100", "CountTotal": len(found),
                "SentData": [self._line(number, one) for number, one in enumerate(found[first : first + size])],
            }
        )  # fmt: skip

    def _line(self, number: int, message: Message) -> Json:
        status, success, failed = self._book.state_of(message)
        result = 0 if failed else 1 if success else 2
        return {
            "Campaign": message.campaign, "Content": message.text, "Phone": local(message.number),
            "ReferenceId": message.smsid, "SellPrice": PRICE_VND, "SendResult": result, "SendStatus": status,
            "SentTime": f"/Date({int(message.at * 1000)}+0700)/", "SmsId": 29_000_000 + number, "SmsType": 2,
        }  # fmt: skip

    def _asked(self, query: Mapping[str, str]) -> Message | Json:
        smsid = query.get("RefId", "")
        if not self._knows(query):
            return {"CodeResponse": "101", "SMSID": smsid}
        message = self._book.messages.get(smsid)
        if message is None or self._book.now() - message.at < self._book.faults.status_seconds:
            return {"CodeResponse": "105", "SMSID": smsid}
        return message

    def _knows(self, fields: Mapping[str, str]) -> bool:
        return (fields.get("ApiKey"), fields.get("SecretKey")) == self._keys

    async def _away(self, request: web.Request, what: str) -> web.Response | None:
        self._book.stage.counters[what] += 1
        faults = self._book.faults
        if faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        return await outages.away(request, faults.outage) if faults.outage else None


async def _fields(request: web.Request) -> dict[str, str] | None:
    """Query, form or JSON as text; None for what is not readable."""
    if request.method == "GET":
        return dict(request.query)
    if request.content_type != "application/json":
        return {key: str(value) for key, value in (await request.post()).items()}
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None
    return {key: str(value) for key, value in body.items()} if isinstance(body, dict) else None


def _local_moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=OFFICE_ZONE).astimezone(UTC).timestamp()


def _json(body: Json) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
