"""The calls of SpeedSMS: HTTP Basic with the access token as user and "x" as password.

Source: speedsms.vn/sms-api. Errors keep HTTP 200 and `status: "error"`; over the rate comes a 429 with
X-Rate-Limit-Reset, the seconds to wait.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.sms.http import Caller, NoAnswer, NotSent, Reply
from adapters.sms.speedsms import codes, limits
from adapters.sms.speedsms.settings import SpeedSmsAccount
from text.numbers import msisdn

RESET: Final = "X-Rate-Limit-Reset"
SUCCESS: Final = "success"


@dataclass(slots=True)
class Answer:
    """`code` verbatim, or `http_<status>`. `reset`: seconds to wait, with a 429 that says so."""

    code: str
    data: Any = None
    invalid: frozenset[str] = field(default_factory=frozenset)
    """Refused numbers as `84…`."""
    reset: float | None = None

    def figure(self, name: str) -> str:
        return str(self.data.get(name) or "") if isinstance(self.data, Mapping) else ""


Called = Answer | NotSent | NoAnswer


class SpeedSmsApi:
    def __init__(self, account: SpeedSmsAccount) -> None:
        self.caller = Caller(account.connect_seconds, account.answer_seconds, account.concurrency + 2, fresh=True)
        self._account = account
        login = f"{account.access_token.get_secret_value()}:x".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}

    async def send(self, numbers: Sequence[str], text: str) -> Called:
        """`numbers` as `84…`, at most `limits.NUMBERS`."""
        account = self._account
        body: dict[str, Any] = {"to": list(numbers), "content": text, "sms_type": account.sms_type}
        if account.sender:
            body["sender"] = account.sender
        return await self._call("POST", "sms/send", body)

    async def status(self, transaction: str) -> Called:
        return await self._call("GET", f"sms/status/{transaction}")

    async def user_info(self) -> Called:
        return await self._call("GET", "user/info")

    async def _call(self, method: str, path: str, json: Any = None) -> Called:
        url = f"{self._account.base_url}/{path}"
        ending = await self.caller.call(method, url, json=json, headers=self._headers)
        return _read(ending) if isinstance(ending, Reply) else ending


def _read(reply: Reply) -> Called:
    body = reply.body
    if reply.status == 429:
        return Answer(str(body.get("status") or "http_429"), reset=_seconds(reply.headers.get(RESET, "")))
    data = body.get("data")
    if body.get("status") == SUCCESS:
        invalid = data.get("invalidPhone") if isinstance(data, Mapping) else None
        return Answer(str(body.get("code") or codes.ACCEPTED), data, _numbers(invalid))
    if body.get("status") == "error" and body.get("code") not in (None, ""):
        return Answer(str(body["code"]), data, _numbers(body.get("invalidPhone")))
    if reply.status >= 500 or reply.status < 400:
        return NoAnswer("not_understood", reply.status)
    return Answer(f"http_{reply.status}")


def _numbers(listed: Any) -> frozenset[str]:
    """Whatever form the numbers have; what is none stays as it is written."""
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(str(msisdn(str(each)) or each) for each in listed)


def _seconds(header: str) -> float | None:
    try:
        seconds = float(header)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= limits.RESET_MOST_SECONDS else None
