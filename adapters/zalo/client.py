"""Calls to the OA OpenAPI: token, priority, rate and the envelope `{"data", "error", "message"}`.

Failures keep HTTP 200 and a negative `error`; gateways may answer HTML, nothing, or a bare 401.
Source: Zalo OA docs, "Tổng quan" and "Mã lỗi".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from adapters.contract import Now, Priority, RejectClass, Rejected, Unknown
from adapters.zalo import codes, http
from adapters.zalo.codes import Action, Code
from adapters.zalo.gate import Gate
from adapters.zalo.oauth import Tokens, Trouble
from adapters.zalo.settings import OaAccount

log = structlog.get_logger(__name__)

UNAUTHORISED = 401
TOO_MANY = 429
LINK_RETRY_SECONDS = 5.0
"""Pause after a call that never left."""


_ADDRESS_KEYS = ("user_id", "group_id", "recipient")
"""Names in "<field> is invalid" that speak of the recipient and not of the text."""


@dataclass(slots=True)
class Answer:
    """`error` 0. `data` is an object, a list or None, as the call documents."""

    data: Any

    @property
    def message_id(self) -> str:
        return str(self.data.get("message_id") or "") if isinstance(self.data, Mapping) else ""


@dataclass(slots=True)
class Refused:
    """A negative `error`, not yet an outcome: the channel may know another way."""

    number: int
    code: Code
    message: str


Called = Answer | Refused | Rejected | Unknown


class OaClient:
    """One account's way to `openapi.zalo.me` (and, for ZNS, `business.openapi.zalo.me`)."""

    def __init__(
        self, account: OaAccount, tokens: Tokens, gate: Gate, session: Callable[[], aiohttp.ClientSession], now: Now
    ) -> None:
        self.proven_at: float | None = None
        """Epoch seconds of Zalo's last answer."""
        self.gate = gate
        self._account = account
        self._tokens = tokens
        self._session = session
        self._now = now

    async def call(
        self,
        method: str,
        path: str,
        *,
        priority: Priority = Priority.NORMAL,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        form: Callable[[], aiohttp.FormData] | None = None,
        answer_seconds: float | None = None,
        host: str = "",
        table: Mapping[int, Code] = codes.OA,
        valid_until: float | None = None,
    ) -> Called:
        """Call once; once more when the token had to be renewed, which Zalo refuses before it does anything.

        `valid_until` (epoch seconds) is looked at again when the gate has let the call through. `form` makes the body
        of an upload, anew for each try; `answer_seconds` where it takes longer than usual.
        """
        url = (host or self._account.base_url) + path
        token = await self._tokens.access()
        for attempt in (1, 2):
            if isinstance(token, Trouble):
                return from_trouble(token)
            ending = await self._through_gate(
                method, url, token, priority, json, params, valid_until, form() if form else None, answer_seconds
            )
            called = ending if isinstance(ending, Rejected) else self._read(ending, table)
            if attempt == 2 or not (isinstance(called, Refused) and called.code.action is Action.REFRESH):
                return called
            token = await self._tokens.access(stale=token)
        raise AssertionError("unreachable")

    async def _through_gate(
        self,
        method: str,
        url: str,
        token: str,
        priority: Priority,
        json: Any,
        params: Mapping[str, str] | None,
        valid_until: float | None,
        form: aiohttp.FormData | None,
        answer_seconds: float | None,
    ) -> http.Ending | Rejected:
        if wait := await self.gate.enter(priority):
            return Rejected("throttled", RejectClass.RETRY_LATER, after=wait)
        try:
            if valid_until is not None and self._now() >= valid_until:
                return Rejected("expired", RejectClass.TEXT)
            return await http.call(
                self._session(),
                method,
                url,
                headers={"access_token": token},
                json=json,
                params=params,
                form=form,
                answer_seconds=answer_seconds or self._account.answer_seconds,
            )
        finally:
            self.gate.leave()

    def _read(self, ending: http.Ending, table: Mapping[int, Code]) -> Called:
        if isinstance(ending, http.NotSent):
            return not_sent(ending)
        if isinstance(ending, http.NoAnswer):
            return Unknown(ending.why, code=f"http_{ending.status}" if ending.status else "")
        self.gate.learn(ending.headers)
        return self._read_envelope(ending, table)

    def _read_envelope(self, reply: http.Reply, table: Mapping[int, Code]) -> Called:
        number = reply.body.get("error")
        if number is None:
            return self._without_error(reply)
        self.proven_at = self._now()
        try:
            number = int(number)
        except (TypeError, ValueError):
            return Unknown("not_understood")
        if number == 0:
            return Answer(reply.body.get("data"))
        code = table.get(number, codes.UNKNOWN)
        if code is codes.UNKNOWN or code.alarm:
            log.error("zalo_refused_alarm", code=number, reason=code.reason)
        if code.action is Action.HOLD:
            return codes.rejected(code, number, self._now(), self.gate.hold())
        return Refused(number, code, str(reply.body.get("message", "")))

    def _without_error(self, reply: http.Reply) -> Called:
        raw = f"http_{reply.status}"
        if reply.status == UNAUTHORISED:
            return Refused(reply.status, codes.AUTH, "")
        if reply.status == TOO_MANY:
            return Rejected("throttled", RejectClass.RETRY_LATER, raw, self.gate.hold())
        if reply.status >= 400:
            return Rejected("provider_error", RejectClass.CONFIG, raw)
        return Unknown("not_understood", code=raw)

    def outcome(self, refused: Refused) -> Rejected:
        """The final word on a refusal that the channel cannot go round."""
        if refused.number == codes.OA_INVALID and any(key in refused.message.lower() for key in _ADDRESS_KEYS):
            return Rejected("invalid_recipient", RejectClass.RECIPIENT, str(refused.number))
        return codes.rejected(refused.code, refused.number, self._now())


def not_sent(ending: http.NotSent) -> Rejected:
    if ending.why == "bad_url":
        return Rejected("bad_url", RejectClass.CONFIG)
    return Rejected("link_down", RejectClass.RETRY_LATER, ending.why, LINK_RETRY_SECONDS)


def from_trouble(trouble: Trouble) -> Rejected:
    """No token, so nothing left."""
    if trouble is Trouble.LINK:
        return Rejected("link_down", RejectClass.RETRY_LATER, "oauth", LINK_RETRY_SECONDS)
    if trouble is Trouble.LEDGER:
        return Rejected("ledger", RejectClass.RETRY_LATER, "", LINK_RETRY_SECONDS)
    return Rejected("auth", RejectClass.CONFIG, trouble.value)
