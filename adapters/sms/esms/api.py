"""The calls of eSMS. Every value travels as text, as the documentation has it; the keys never leave this module.

Sources: eSMS docs, "Tin nhắn SMS OTP/CSKH", "Hàm kiểm tra tin nhắn theo SMSID", "Hàm kiểm tra trạng thái tin nhắn theo
khoảng thời gian", "Hàm lấy số dư tài khoản". The code stands under CodeResult in some answers, CodeResponse in others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.sms.esms import codes, limits
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.http import Caller, NoAnswer, NotSent, Reply

BARE_STATUSES: Final = (401, 403, 429)
"""What a gateway in front of eSMS answers without a word of eSMS's own."""


@dataclass(slots=True)
class Answer:
    """`code` verbatim, or one of ours for an answer without one."""

    code: str
    body: Mapping[str, Any]

    @property
    def smsid(self) -> str:
        return str(self.body.get("SMSID") or "")


Called = Answer | NotSent | NoAnswer


class EsmsApi:
    def __init__(self, account: EsmsAccount) -> None:
        self.caller = Caller(
            account.connect_seconds, account.answer_seconds, account.concurrency + limits.STATUS_AT_ONCE + 1
        )
        self._account = account
        self._keys = {
            "ApiKey": account.api_key.get_secret_value(),
            "SecretKey": account.secret_key.get_secret_value(),
        }

    async def send(self, number: str, text: str, request_id: str) -> Called:
        """`number` as `84…`. One care message to one number; `request_id` blocks it from being taken twice."""
        account = self._account
        body = {
            **self._keys,
            "Phone": local(number),
            "Content": text,
            "SmsType": account.sms_type,
            "IsUnicode": "0" if text.isascii() else "1",
            "Sandbox": "1" if account.sandbox else "0",
            "RequestId": request_id,
        }
        if account.sms_type == "2":
            body["Brandname"] = account.sender
        if account.callback_url:
            body["CallbackUrl"] = account.callback_url
        return await self._post("SendMultipleMessage_V4_post_json/", body)

    async def status(self, smsid: str) -> Called:
        params = {"RefId": smsid, **self._keys}
        return _read(await self.caller.call("GET", self._url("GetSendStatus"), params=params))

    async def balance(self) -> Called:
        return await self._post("GetBalance_json", self._keys)

    async def sent(self, since: datetime, until: datetime, page: int) -> Called:
        """One page of what the account sent, by the time it was made; local times."""
        form = "%Y-%m-%d %H:%M:%S"
        body = {
            **self._keys,
            "SmsType": self._account.sms_type,
            "From": since.strftime(form),
            "To": until.strftime(form),
            "Page": page,
            "PageSize": limits.PAGE_SIZE,
        }
        return await self._post("GetSmsSentData_V2", body)

    async def _post(self, name: str, body: Mapping[str, Any]) -> Called:
        return _read(await self.caller.call("POST", self._url(name), json=body))

    def _url(self, name: str) -> str:
        return f"{self._account.base_url}/{name}"


def _read(ending: Reply | NotSent | NoAnswer) -> Called:
    if not isinstance(ending, Reply):
        return ending
    code = next((str(ending.body[key]) for key in ("CodeResult", "CodeResponse") if ending.body.get(key)), "")
    if code:
        return Answer(code, ending.body)
    if ending.status in BARE_STATUSES:
        return Answer(f"http_{ending.status}", ending.body)
    if ending.status >= 500:
        return NoAnswer("not_understood", ending.status)
    if "error" in ending.body or ending.status >= 400:
        return Answer(codes.MALFORMED, ending.body)
    return NoAnswer("not_understood", ending.status)


def local(number: str) -> str:
    """84901234567 → 0901234567, the form of eSMS's documentation."""
    return f"0{number.removeprefix('84')}"


def entries(body: Mapping[str, Any], key: str) -> Iterable[Mapping[str, Any]]:
    found = body.get(key)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
