"""The simulated ZNS: approved templates to phone numbers, quota, status, delivery events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.stage import Stage
from simulators.zalo import limits
from simulators.zalo.answers import Refused
from simulators.zalo.events import Events
from simulators.zalo.faults import Faults
from simulators.zalo.webhook import WebhookSender
from simulators.zalo.world import Json, World, new_id

TEMPLATE_ID = "500001"
UNKNOWN_ID, ACCEPTED, DELIVERED = -1, 0, 1


@dataclass(frozen=True, slots=True)
class Template:
    """`params`: name → longest value in characters."""

    template_id: str
    text: str
    params: dict[str, int]
    approved: bool = True


class Zns:
    def __init__(
        self,
        world: World,
        stage: Stage,
        webhook: WebhookSender,
        events: Events,
        faults: Callable[[], Faults],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.templates = {TEMPLATE_ID: Template(TEMPLATE_ID, "[PCTT] {noi_dung}", {"noi_dung": 200})}
        self.sent_today = 0
        self._status: dict[str, tuple[int, str]] = {}
        self._world = world
        self._stage = stage
        self._webhook = webhook
        self._events = events
        self._faults = faults
        self._spawn = spawn

    async def send(self, body: Json) -> Json:
        template = self.templates.get(str(body.get("template_id", "")))
        if template is None:
            raise Refused(-109, "Template id is invalid")
        if not template.approved:
            raise Refused(-131, "Template is not approved")
        tracking = str(body.get("tracking_id") or "")
        if not tracking:
            raise Refused(-132, "Param invalid")
        self._check_data(template, body.get("template_data"))
        user = self._by_phone(str(body.get("phone", "")))
        faults = self._faults()
        night_banned = faults.zns_night and template.template_id not in faults.zns_night_ok
        hour = (datetime.fromtimestamp(self._world.now(), UTC) + timedelta(hours=limits.UTC_OFFSET_HOURS)).hour
        if night_banned and (hour >= limits.NIGHT_HOURS[0] or hour < limits.NIGHT_HOURS[1]):
            raise Refused(-133, "Not allowed to send at night")
        if self.sent_today >= faults.zns_daily_quota:
            raise Refused(-144, "OA exceeded daily quota")
        self.sent_today += 1
        message_id = new_id()
        self._status[message_id] = (ACCEPTED, "")
        text = template.text.format(**body["template_data"])
        self._spawn(self._arrive(message_id, tracking, str(body["phone"]), user, text))
        left = faults.zns_daily_quota - self.sent_today
        quota = {"dailyQuota": str(faults.zns_daily_quota), "remainingQuota": str(left)}
        return {"msg_id": message_id, "sent_time": str(self._world.stamp()), "sending_mode": "1", "quota": quota}

    async def status(self, query: Json) -> Json:
        status, at = self._status.get(str(query.get("message_id", "")), (UNKNOWN_ID, ""))
        return {"delivery_time": at, "message": "", "status": status}

    async def quota(self, _: Json) -> Json:
        total = self._faults().zns_daily_quota
        return {"dailyQuota": total, "remainingQuota": max(0, total - self.sent_today),
                "dailyQuotaPromotion": None, "remainingQuotaPromotion": None}  # fmt: skip

    def _check_data(self, template: Template, data: Any) -> None:
        if not isinstance(data, dict):
            raise Refused(-111, "Template data invalid")
        for name, most in template.params.items():
            if name not in data:
                raise Refused(-1122, "Template data missing param")
            if len(str(data[name])) > most:
                raise Refused(-1121, "Template data is too long")

    def _by_phone(self, phone: str) -> str:
        if not phone.removeprefix("+").isdigit() or not 9 <= len(phone) <= 13:
            raise Refused(-108, "Phone number is invalid")
        known = [user for user in self._world.users.values() if user.phone and user.phone == phone]
        if not known:
            raise Refused(-118, "Zalo account not existed")
        return known[0].user_id

    async def _arrive(self, message_id: str, tracking: str, phone: str, user_id: str, text: str) -> None:
        faults = self._faults()
        user = self._world.users[user_id]
        if not faults.zns_delivered or user.off:
            return
        if faults.zns_seconds:
            await asyncio.sleep(faults.zns_seconds)
        at = self._world.stamp()
        self._status[message_id] = (DELIVERED, str(at))
        self._stage.show(phone, "loa", text, provider_id=message_id)
        self._webhook.send(self._events.zns_received(message_id, tracking, phone, at), zns=True)
