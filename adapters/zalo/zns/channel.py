"""`zalo.zns`: template messages of the Official Account to phone numbers (ZNS, sold as ZBS since 2026).

Only the parameters of an approved template vary, so this suits a short call to one person, never a free text. Which
template a message fills goes by its kind and urgency. A send without an answer is matched by its `tracking_id` when the
delivery event comes; it cannot be asked about. What was taken is asked about until it arrived.
Source: Zalo ZNS docs, "Gửi tin" and "Bảng mã lỗi".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.contract import (
    Accepted,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Outcome,
    Part,
    Priority,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
    Unknown,
)
from adapters.zalo import codes, limits
from adapters.zalo.account import OaSide, ZaloOa
from adapters.zalo.client import Answer, Called, Refused
from adapters.zalo.events import ZNS
from adapters.zalo.sending import Sending, in_one
from adapters.zalo.settings import ZnsSettings, ZnsTemplate
from adapters.zalo.zns.status import StatusQuery
from adapters.zalo.zns.templates import Unfit, all_templates, choose, fill


class ZnsChannel(OaSide):
    name = ZNS

    def __init__(self, settings: ZnsSettings, oa: ZaloOa) -> None:
        self.hooks = oa.hooks
        self._templates = all_templates(settings)
        free = any("{text}" in pattern for one in self._templates for pattern in one.params.values())
        self.traits = Traits(
            receipts=frozenset({Evidence.ACCEPTED, Evidence.DELIVERED}),
            text_limit=settings.text_param_limit if free else limits.WHOLE_LIMIT,
            window=limits.WINDOW,
            id_space="sms",  # it reaches telephone numbers, as the directory has them
        )
        self._settings = settings
        self._oa = oa
        self._sending = Sending(self.name, oa.state, self._send_part, oa.now, parts=in_one)
        self._status = StatusQuery(oa.state, self._ask_status, oa.now)
        self._no_night: set[str] = set()
        """Templates that Zalo refused at night (-133)."""
        self._spent_on = -1
        """Day (of Asia/Ho_Chi_Minh, since the epoch) on which Zalo said that the quota is used up."""
        self._task: asyncio.Task[None] | None = None

    async def start(self, sink: Sink) -> None:
        await self._oa.start(sink)
        await self._sending.start()
        await self._status.load()
        if Part.SEND in self._oa.parts and self._oa.refusal() is None:
            self._task = asyncio.create_task(self._status.run(sink))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
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
        if not self._templates:
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
        if refusal := self._oa.refusal():
            return refusal
        if not self._templates:
            return Rejected("template", RejectClass.CONFIG, "template_id_missing")
        template = choose(self._templates, envelope.about)
        if template is None:
            return Rejected("template", RejectClass.RECIPIENT, "no_template_for_this_kind")
        filled = fill(template, envelope)
        if isinstance(filled, Unfit):
            return Rejected(filled.reason, RejectClass.TEXT, filled.param)
        if refusal := self._not_now(template):
            return refusal
        tracking = f"loa{envelope.delivery_id}"
        body = {
            "phone": envelope.to,
            "template_id": template.id,
            "template_data": filled.data,
            "tracking_id": tracking[: limits.ZNS_TRACKING_LIMIT],
        }
        called = await self._call("POST", "/message/template", envelope.priority, body, envelope.valid_until)
        if isinstance(called, Refused):
            self._learn(called, template)
            return self._oa.client.outcome(called)
        if isinstance(called, Answer):
            return await self._taken(called)
        return Unknown(called.why, (tracking,), called.code) if isinstance(called, Unknown) else called

    async def _taken(self, called: Answer) -> Accepted:
        data = called.data if isinstance(called.data, dict) else {}
        message_id, quota = str(data.get("msg_id") or ""), data.get("quota")
        if isinstance(quota, dict) and str(quota.get("remainingQuota")) == "0":
            self._spent_on = self._day()
        await self._status.watch(message_id)
        return Accepted((message_id,))

    def _not_now(self, template: ZnsTemplate) -> Rejected | None:
        """What Zalo would refuse, without asking it."""
        now = self._oa.now()
        if self._spent_on == self._day():
            return Rejected("quota", RejectClass.QUOTA, "daily_quota")
        if (not template.night or template.id in self._no_night) and is_night(now):
            return Rejected("night", RejectClass.RETRY_LATER, "known_before", codes.seconds_to_morning(now))
        return None

    def _learn(self, called: Refused, template: ZnsTemplate) -> None:
        if called.code.night:
            self._no_night.add(template.id)
        if called.number in codes.ZNS_DAY_SPENT:
            self._spent_on = self._day()

    def _day(self) -> int:
        return int((self._oa.now() + limits.LOCAL_UTC_OFFSET_HOURS * 3600) // 86_400)

    async def _ask_status(self, message_id: str) -> Called:
        return await self._call("GET", "/message/status", Priority.NORMAL, params={"message_id": message_id})

    async def _call(
        self,
        method: str,
        path: str,
        priority: Priority,
        json: Any = None,
        valid_until: float | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Called:
        return await self._oa.client.call(
            method,
            path,
            host=self._settings.zns_url,
            table=codes.ZNS,
            json=json,
            params=params,
            priority=priority,
            valid_until=valid_until,
        )


def is_night(now: float) -> bool:
    """From 22:00 to 06:00 in Asia/Ho_Chi_Minh."""
    hour = (now + limits.LOCAL_UTC_OFFSET_HOURS * 3600) % 86_400 // 3600
    return hour >= limits.NIGHT_STARTS_HOUR or hour < limits.NIGHT_ENDS_HOUR
