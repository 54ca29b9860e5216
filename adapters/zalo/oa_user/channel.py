"""`zalo.oa_user`: consultation messages of the Official Account to single people who wrote to it within 7 days.

Business accounts use v3.0 `message/cs`; some state bodies' accounts are refused there (-235) and served by v2.0
`message`, and the reverse (-240). Which one serves this account is found out once and remembered.
Source: Zalo OA docs, tin-tu-van and "cấu trúc của tham số buttons".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import structlog

from adapters.contract import (
    Accepted,
    Attachment,
    Button,
    Envelope,
    Evidence,
    Health,
    LedgerUnavailable,
    Outcome,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
)
from adapters.joining import Invitation
from adapters.zalo import limits
from adapters.zalo.account import OaSide, ZaloOa
from adapters.zalo.client import Answer, Called, Refused
from adapters.zalo.codes import Action
from adapters.zalo.events import OA_USER, wire_payload
from adapters.zalo.history import Lookup
from adapters.zalo.interactions import WINDOW_CLOSED
from adapters.zalo.media import OA_MEDIA
from adapters.zalo.sending import Sending
from adapters.zalo.settings import OaUserSettings

log = structlog.get_logger(__name__)

PROFILE = "https://zalo.me/"
"""Before an account's id: its page, with the button to follow it and to write to it (Zalo OA docs)."""
_PATHS = {"v3": "/v3.0/oa/message/cs", "v2": "/v2.0/oa/message"}
_OTHER = {Action.USE_V2: "v2", Action.USE_V3: "v3"}


class OaUserChannel(OaSide):
    name = OA_USER
    traits = Traits(
        receipts=frozenset({Evidence.ACCEPTED, Evidence.DELIVERED, Evidence.SEEN}),
        buttons=True,
        text_limit=limits.WHOLE_LIMIT,
        can_ask=True,
        window=limits.WINDOW,
        media=OA_MEDIA,
    )

    def __init__(self, settings: OaUserSettings, oa: ZaloOa) -> None:
        self.hooks = oa.hooks
        self._settings = settings
        self._oa = oa
        self._api_key = f"{self.name}.api.{oa.account.oa_id}"
        self._api = ""
        self._sending = Sending(self.name, oa.state, self._send_part, oa.now, self._send_file)
        self._lookup = Lookup(self._sending, oa.now)
        self._task: asyncio.Task[None] | None = None

    def invitation(self, code: str) -> Invitation | None:
        """The account's page; Zalo hands no text over by a link, so people type the code."""
        oa_id = self._oa.account.oa_id
        return Invitation(f"{PROFILE}{oa_id}") if oa_id else None

    async def name_of(self, account: str) -> str:
        """Zalo OA docs, user/detail."""
        if self._oa.refusal() is not None:
            return ""
        params = {"data": orjson.dumps({"user_id": account}).decode()}
        called = await self._oa.client.call("GET", "/v3.0/oa/user/detail", params=params)
        data = called.data if isinstance(called, Answer) and isinstance(called.data, Mapping) else {}
        return str(data.get("display_name") or "")

    async def start(self, sink: Sink) -> None:
        await self._oa.start(sink)
        await self._sending.start()
        await self._version()
        await self._oa.interactions.load()
        if self._oa.refusal() is None:
            self._task = asyncio.create_task(self._oa.interactions.run(self._oa.client, ask=self._oa.listen))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._sending.stop()
        await self._oa.stop()

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        await self._sending.send(batch, report)

    def foresee(self, addresses: Iterable[str]) -> dict[str, str]:
        """People past the 7-day window, as far as known."""
        return self._oa.interactions.foresee(addresses)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        async def page(offset: int) -> Called:
            data = {"user_id": envelope.to, "offset": offset, "count": limits.HISTORY_PAGE}
            return await self._oa.client.call(
                "GET", "/v2.0/oa/conversation", params={"data": orjson.dumps(data).decode()}, priority=envelope.priority
            )

        return await self._lookup.ask(envelope, sent_at, page)

    async def probe(self) -> Health:
        health = await self._oa.probe()
        health.params["api"] = await self._version()
        return health

    async def _send_part(self, envelope: Envelope, text: str, last: bool) -> Outcome:
        if refusal := self._oa.refusal():
            return refusal
        if self._oa.interactions.closed(envelope.to):  # Zalo would say the same (-230): save the request and the time
            return Rejected(WINDOW_CLOSED, RejectClass.RECIPIENT, "known_before")
        version = await self._version()
        buttons = envelope.buttons if last else ()
        called = await self._post(envelope, text, buttons, version)
        if isinstance(called, Refused) and _OTHER.get(called.code.action, version) != version:
            version = _OTHER[called.code.action]
            called = await self._post(envelope, text, buttons, version)
            if isinstance(called, Answer):
                await self._remember(version)
        if isinstance(called, Refused) and called.code.action is Action.PLAIN and buttons:
            log.warning("zalo_buttons_refused", code=called.number)
            called = await self._post(envelope, text, (), version)
        return await self._outcome(envelope, called)

    async def _send_file(self, envelope: Envelope, file: Attachment) -> Outcome:
        version = await self._version()  # settled by the text before it
        called = await self._oa.uploads.send(
            file, envelope.priority, lambda message: self._call(envelope, message, version)
        )
        return await self._outcome(envelope, called)

    async def _outcome(self, envelope: Envelope, called: Called) -> Outcome:
        if isinstance(called, Refused):
            if called.code.reason == WINDOW_CLOSED:
                await self._oa.interactions.refused(envelope.to)
            return self._oa.client.outcome(called)
        if not isinstance(called, Answer):
            return called
        self._lookup.known(called.message_id, envelope.delivery_id)
        return Accepted((called.message_id,))

    async def _post(self, envelope: Envelope, text: str, buttons: Sequence[Button], version: str) -> Called:
        return await self._call(envelope, message(text, buttons), version)

    async def _call(self, envelope: Envelope, message: Mapping[str, Any], version: str) -> Called:
        return await self._oa.client.call(
            "POST",
            _PATHS[version],
            json={"recipient": {"user_id": envelope.to}, "message": message},
            priority=envelope.priority,
            valid_until=envelope.valid_until,
        )

    async def _version(self) -> str:
        if not self._api:
            raw = await self._oa.state.get(self._api_key)
            self._api = raw.decode() if raw and raw.decode() in _PATHS else "v3"
        return self._api

    async def _remember(self, version: str) -> None:
        self._api = version
        log.info("zalo_message_api", version=version)
        try:
            await self._oa.state.put(self._api_key, version.encode())
        except LedgerUnavailable:  # found out again after a restart; the message itself is at Zalo
            log.warning("zalo_message_api_not_stored")


def message(text: str, buttons: Sequence[Button]) -> Mapping[str, Any]:
    """The `message` object: a text, and under it at most five buttons that answer in the person's name."""
    if not buttons:
        return {"text": text}
    rows = [
        {"title": b.label[: limits.BUTTON_TITLE], "type": "oa.query.hide", "payload": wire_payload(b.payload)}
        for b in buttons[: limits.BUTTONS]
    ]
    return {"text": text, "attachment": {"type": "template", "payload": {"buttons": rows}}}
