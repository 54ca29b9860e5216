"""`zalo.zns`: template messages of the Official Account to phone numbers (ZNS, sold as ZBS since 2026).

Only the parameters of an approved template vary, so this suits a short call to one person, never a free text. A send
without an answer is matched by its `tracking_id` when the delivery event comes; it cannot be asked about.
Source: Zalo ZNS docs, "Gửi tin" and "Bảng mã lỗi".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.contract import (
    Accepted,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Outcome,
    Priority,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
    Unknown,
)
from adapters.zalo import codes, limits, wording
from adapters.zalo.account import OaSide, ZaloOa
from adapters.zalo.client import Answer, Called, Refused
from adapters.zalo.events import ZNS
from adapters.zalo.sending import Sending
from adapters.zalo.settings import ZnsSettings


class ZnsChannel(OaSide):
    name = ZNS

    def __init__(self, settings: ZnsSettings, oa: ZaloOa) -> None:
        self.hooks = oa.hooks
        self.traits = Traits(
            receipts=frozenset({Evidence.ACCEPTED, Evidence.DELIVERED}),
            text_limit=settings.text_param_limit,
            window=limits.WINDOW,
        )
        self._settings = settings
        self._oa = oa
        self._sending = Sending(self.name, oa.state, self._send_part, oa.now)

    async def start(self, sink: Sink) -> None:
        await self._oa.start(sink)
        await self._sending.start()

    async def stop(self) -> None:
        await self._sending.stop()
        await self._oa.stop()

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """`to` is a number as `84…`."""
        await self._sending.send(batch, report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """`message/status` wants the id that an unknown send does not have."""
        return None

    async def probe(self) -> Health:
        health = await self._oa.probe()
        if health.state is HealthState.DOWN:
            return health
        if not self._settings.template_id:
            return self._oa.health(HealthState.DOWN, "zalo_zns_template_missing", key="template_id")
        called = await self._call("GET", "/message/quota", Priority.URGENT)
        if not isinstance(called, Answer):
            return self._oa.not_well(called)
        left = str(called.data.get("remainingQuota", "")) if isinstance(called.data, dict) else ""
        if left == "0":
            return self._oa.health(HealthState.DOWN, "zalo_zns_quota_spent")
        health.params["quota_left"] = left
        return health

    async def _send_part(self, envelope: Envelope, text: str, _last: bool) -> Outcome:
        refusal = self._oa.refusal()
        if refusal is None and not self._settings.template_id:
            refusal = Rejected("template", RejectClass.CONFIG, "template_id_missing")
        if refusal is None and wording.length(text) > self._settings.text_param_limit:
            refusal = Rejected("too_long", RejectClass.TEXT)
        if refusal is not None:
            return refusal
        tracking = f"loa{envelope.delivery_id}"
        body = {
            "phone": envelope.to,
            "template_id": self._settings.template_id,
            "template_data": {**self._settings.fixed_params, self._settings.text_param: text},
            "tracking_id": tracking[: limits.ZNS_TRACKING_LIMIT],
        }
        called = await self._call("POST", "/message/template", envelope.priority, body, envelope.valid_until)
        if isinstance(called, Refused):
            return self._oa.client.outcome(called)
        if isinstance(called, Answer):
            data = called.data if isinstance(called.data, dict) else {}
            return Accepted((str(data.get("msg_id") or ""),))
        return Unknown(called.why, (tracking,), called.code) if isinstance(called, Unknown) else called

    async def _call(
        self, method: str, path: str, priority: Priority, json: Any = None, valid_until: float | None = None
    ) -> Called:
        return await self._oa.client.call(
            method,
            path,
            host=self._settings.zns_url,
            table=codes.ZNS,
            json=json,
            priority=priority,
            valid_until=valid_until,
        )
