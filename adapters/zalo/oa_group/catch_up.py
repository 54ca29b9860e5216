"""Messages of the group that no webhook brought: an outage of ours, or a webhook that Zalo switched off.

The group's history is read now and then. It is trusted only while its ids are those of the webhook (Zalo's pages do not
promise that), since otherwise every message would be taken for a new one.
Source: Zalo OA docs, group/conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from adapters.contract import Incoming, IncomingKind
from adapters.zalo import events, limits
from adapters.zalo.account import ZaloOa
from adapters.zalo.history import OURS, ReadPage, read_back, seconds

log = structlog.get_logger(__name__)

MISMATCH_AT_LEAST = 3
"""Messages that both ways must have brought before differing ids prove anything."""


class CatchUp:
    """`trusted` turns False for good when the two id spaces turn out to differ."""

    def __init__(self, oa: ZaloOa, group_id: str, read_page: ReadPage, every: float) -> None:
        self.trusted = True
        self._oa = oa
        self._group_id = group_id
        self._read_page = read_page
        self._every = every
        self._key = f"{events.OA_GROUP}.caught_up.{group_id}"

    async def run(self) -> None:
        while self.trusted:
            try:
                found = await self.once()
            except Exception as wrong:  # the ledger may be away for a while; the loop must outlive it
                log.warning("zalo_catch_up_failed", error=type(wrong).__name__)
            else:
                if found:
                    log.warning("zalo_webhook_missed_messages", count=found)
            await asyncio.sleep(self._every)

    async def once(self) -> int:
        """Store what the webhook missed since the last time; how many messages. The first time only sets the mark."""
        began = self._oa.now()
        raw = await self._oa.state.get(self._key)
        if raw is None:
            await self._mark(began)
            return 0
        since = float(raw) - limits.CATCH_UP_OVERLAP_SECONDS
        entries, reached = await read_back(self._read_page, since, limits.CATCH_UP_PAGES)
        said = [entry for entry in entries if entry.get("src") != OURS and seconds(entry) >= since]
        if self._differs(said, since):
            self.trusted = False
            log.error("zalo_history_ids_differ")
            return 0
        missed = [self._event(entry) for entry in reversed(said) if str(entry.get("message_id")) not in self._heard()]
        if missed and self._oa.webhook.sink is not None:
            await self._oa.webhook.sink.incoming(missed)
            self._oa.webhook.heard.extend(missed)
        if reached or len(entries) >= limits.CATCH_UP_PAGES * limits.HISTORY_PAGE:
            await self._mark(began)
        return len(missed)

    def _differs(self, said: Sequence[Mapping[str, Any]], since: float) -> bool:
        """Both ways brought messages of this time, and not one id is the same."""
        came = [e for e in self._oa.webhook.heard if e.chat == self._group_id and e.at.timestamp() >= since]
        same = {event.event_id for event in came} & {str(entry.get("message_id")) for entry in said}
        return min(len(came), len(said)) >= MISMATCH_AT_LEAST and not same

    def _heard(self) -> set[str]:
        return {event.event_id for event in self._oa.webhook.heard}

    def _event(self, entry: Mapping[str, Any]) -> Incoming:
        text = str(entry.get("message") or "")
        is_text = str(entry.get("type")) == "text"
        kind, payload = events.spoken(text) if is_text else (IncomingKind.MEDIA, str(entry.get("url") or ""))
        return Incoming(
            channel=events.OA_GROUP,
            event_id=str(entry.get("message_id")),
            kind=kind,
            sender=str(entry.get("from_id") or ""),
            chat=self._group_id,
            at=events.moment(entry.get("time")),
            text=text,
            payload=payload,
            sender_name=str(entry.get("from_display_name") or ""),
            is_group=True,
        )

    async def _mark(self, at: float) -> None:
        await self._oa.state.put(self._key, str(at).encode())
