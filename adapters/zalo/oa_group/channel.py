"""`zalo.oa_group`: a group chat (GMF) that the Official Account itself made.

It never reaches an ordinary group, and no receipt of a single member exists: Zalo's echo of our own message is the
best proof that it is in the group. Source: Zalo OA docs, nhom-chat-gmf.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import structlog

from adapters.contract import (
    EVERY_PART,
    Accepted,
    Attachment,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Outcome,
    Part,
    Priority,
    Report,
    Sink,
    Traits,
)
from adapters.zalo import limits
from adapters.zalo.account import OaSide, ZaloOa
from adapters.zalo.client import Answer, Called, Refused
from adapters.zalo.events import OA_GROUP
from adapters.zalo.history import Lookup, ReadPage
from adapters.zalo.media import OA_MEDIA
from adapters.zalo.oa_group import members
from adapters.zalo.oa_group.catch_up import CatchUp
from adapters.zalo.sending import Sending
from adapters.zalo.settings import OaGroupSettings

log = structlog.get_logger(__name__)

NAMES_SECONDS = 3600.0
"""How often the names of the group's members are read."""


class OaGroupChannel(OaSide):
    name = OA_GROUP
    traits = Traits(
        receipts=frozenset({Evidence.ACCEPTED}),
        group=True,
        text_limit=limits.WHOLE_LIMIT,
        can_ask=True,
        window=limits.WINDOW,
        media=OA_MEDIA,
    )

    def __init__(self, settings: OaGroupSettings, oa: ZaloOa) -> None:
        self.hooks = oa.hooks
        self._settings = settings
        self._oa = oa
        self._sending = Sending(self.name, oa.state, self._send_part, oa.now, self._send_file)
        self._lookup = Lookup(self._sending, oa.now)
        group_id = settings.group_id
        pages = self._pages(group_id, Priority.NORMAL)
        self.catch_up = CatchUp(oa, group_id, pages, settings.catch_up_seconds)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, sink: Sink) -> None:
        await self._oa.start(sink)
        await self._sending.start()
        if not self._settings.group_id or self._oa.refusal() is not None:
            return
        if Part.HOOK in self._oa.parts:
            self._tasks = [asyncio.create_task(self._learn_names())]
        if self._oa.parts == EVERY_PART and self._settings.catch_up_seconds:  # it compares with what the hook heard
            self._tasks.append(asyncio.create_task(self.catch_up.run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sending.stop()
        await self._oa.stop()

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """`to` is a group id; "" means the configured group."""
        await self._sending.send([self._addressed(envelope) for envelope in batch], report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        addressed = self._addressed(envelope)
        return await self._lookup.ask(addressed, sent_at, self._pages(addressed.to, envelope.priority))

    async def probe(self) -> Health:
        health = await self._oa.probe()
        if health.state is HealthState.DOWN:
            return health
        if not self._settings.group_id:
            found = await members.group_by_link(self._oa.client, self._settings.group_link)
            return self._oa.health(HealthState.DOWN, "zalo_group_id_missing", found=found)
        called = await self._oa.client.call(
            "GET",
            "/v3.0/oa/group/getgroup",
            params={"group_id": self._settings.group_id},
            priority=Priority.URGENT,
        )
        if not isinstance(called, Answer):
            return self._oa.not_well(called)
        worse = self._of_group(called.data if isinstance(called.data, Mapping) else {})
        return worse or health

    async def members(self) -> Sequence[tuple[str, str]] | None:
        """Who is in the configured group, by the OA's own user ids (Zalo OA docs, group/listmember)."""
        if not self._settings.group_id or self._oa.refusal() is not None:
            return None
        found = await members.whole_list(self._oa.client, self._settings.group_id)
        return None if found is None else [(member.user_id, member.name) for member in found]

    def _addressed(self, envelope: Envelope) -> Envelope:
        return envelope if envelope.to else replace(envelope, to=self._settings.group_id)

    def _pages(self, group_id: str, priority: Priority) -> ReadPage:
        async def page(offset: int) -> Called:
            return await self._oa.client.call(
                "GET",
                "/v3.0/oa/group/conversation",
                params={"group_id": group_id, "offset": str(offset), "count": str(limits.HISTORY_PAGE)},
                priority=priority,
            )

        return page

    async def _send_part(self, envelope: Envelope, text: str, _last: bool) -> Outcome:
        if refusal := self._oa.refusal():
            return refusal
        return self._outcome(envelope, await self._post(envelope, {"text": text}))

    async def _send_file(self, envelope: Envelope, file: Attachment) -> Outcome:
        called = await self._oa.uploads.send(file, envelope.priority, lambda message: self._post(envelope, message))
        return self._outcome(envelope, called)

    async def _post(self, envelope: Envelope, message: Mapping[str, Any]) -> Called:
        return await self._oa.client.call(
            "POST",
            "/v3.0/oa/group/message",
            json={"recipient": {"group_id": envelope.to}, "message": message},
            priority=envelope.priority,
            valid_until=envelope.valid_until,
        )

    def _outcome(self, envelope: Envelope, called: Called) -> Outcome:
        if isinstance(called, Refused):
            return self._oa.client.outcome(called)
        if not isinstance(called, Answer):
            return called
        self._lookup.known(called.message_id, envelope.delivery_id)
        return Accepted((called.message_id,))

    def _of_group(self, data: Mapping[str, Any]) -> Health | None:
        """What an operator must do about the group itself, soonest trouble first."""
        info, asset = data.get("group_info") or {}, data.get("asset_info") or {}
        if str(info.get("status", "enabled")) != "enabled":
            return self._oa.health(HealthState.DOWN, "zalo_group_disabled", group=str(info.get("name", "")))
        if (days := self._days_left(str(asset.get("valid_through", "")))) is not None:
            return self._oa.health(HealthState.DEGRADED, "zalo_group_expires", days=days)
        total, most = _number(info.get("total_member")), _number(info.get("max_member"))
        if most and total >= most:
            return self._oa.health(HealthState.DEGRADED, "zalo_group_full", members=total, most=most)
        return None

    def _days_left(self, until: str) -> int | None:
        """Days to the end of the group's package when that is near, from `dd/MM/yyyy`."""
        local = timezone(timedelta(hours=limits.LOCAL_UTC_OFFSET_HOURS))
        try:
            end = datetime.strptime(until, "%d/%m/%Y").replace(tzinfo=local)
        except ValueError:
            return None
        left = end - datetime.fromtimestamp(self._oa.now(), UTC)
        return max(0, left.days) if left.total_seconds() < limits.GROUP_EXPIRY_WARNING_SECONDS else None

    async def _learn_names(self) -> None:
        """Group events carry no names, so the member list is read now and then."""
        while True:
            found: list[members.Member] = []
            try:
                found = await members.list_members(self._oa.client, self._settings.group_id)
            except Exception as wrong:  # names are a comfort: no trouble with them may end the loop
                log.warning("zalo_names_not_read", error=type(wrong).__name__)
            self._oa.names.update({member.user_id: member.name for member in found if member.name})
            log.info("zalo_group_members", count=len(found))
            await asyncio.sleep(NAMES_SECONDS if found else limits.BACKOFF_MOST_SECONDS)


def _number(value: object) -> int:
    """Counts come as numbers or strings."""
    text = str(value)
    return int(text) if text.isdigit() else 0
