"""Looking up a send that got no answer: is the text in the chat?

Zalo has no status query and no idempotency key for OA messages, but both chats can be read back, newest first.
Sources: Zalo OA docs, group/conversation and oa/conversation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from adapters.contract import Accepted, Envelope, Now, Outcome, RejectClass, Rejected
from adapters.zalo import limits
from adapters.zalo.client import Answer, Called
from adapters.zalo.sending import Sending, parts_of
from text.folding import nfc

OURS = 0
"""`src` of a message that the OA sent."""
TEXT = "text"
ANY_FILE = "\0file"
"""Stands for an entry that is no text: a history names neither the upload nor its bytes, so the first one behind the
text is taken for the file that follows it."""
IDS_REMEMBERED = 5000

ReadPage = Callable[[int], Awaitable[Called]]
"""Offset → one page of a chat, newest first."""


class Lookup:
    """Finds the parts of an envelope in a chat's history."""

    def __init__(self, sending: Sending, now: Now) -> None:
        self._sending = sending
        self._now = now
        self._known: dict[str, int] = {}

    def known(self, provider_id: str, delivery_id: int) -> None:
        """This id belongs to a delivery, so it proves nothing about another one with the same text."""
        self._known[provider_id] = delivery_id
        if len(self._known) > IDS_REMEMBERED:
            del self._known[next(iter(self._known))]

    async def ask(self, envelope: Envelope, sent_at: float, read_page: ReadPage) -> Outcome | None:
        """Accepted when every part is there; "lost", to be sent again, when the whole time since `sent_at` was read
        long enough afterwards and a part is missing; otherwise None."""
        since = sent_at - limits.CLOCK_SKEW_SECONDS
        asked_at = self._now()
        entries, reached = await read_back(read_page, since)
        if not reached:
            return None
        taken = await self._sending.taken_before(envelope.delivery_id)
        wanted = [*parts_of(envelope), *[ANY_FILE] * len(envelope.attachments)][len(taken) :]
        found = self._match(entries, wanted, since, envelope.delivery_id)
        ids = [*taken, *found]
        whole = len(found) == len(wanted)
        if not whole and asked_at - sent_at < limits.SETTLE_SECONDS:
            return None
        for provider_id in found:
            self.known(provider_id, envelope.delivery_id)
        if whole:
            await self._sending.forget(envelope.delivery_id)
            return Accepted(tuple(ids))
        if ids:
            await self._sending.remember(envelope.delivery_id, ids)
        return Rejected("lost", RejectClass.RETRY_LATER, after=0.0)

    def _match(
        self, entries: Sequence[Mapping[str, Any]], wanted: Sequence[str], since: float, delivery_id: int
    ) -> list[str]:
        """Ids of the longest beginning of `wanted` that the chat shows in this order."""
        ours = (
            (provider_id, _same(str(entry.get("message", ""))), entry.get("type", TEXT))
            for entry in reversed(entries)
            if entry.get("src") == OURS
            and seconds(entry) >= since
            and self._known.get(provider_id := str(entry.get("message_id", "")), delivery_id) == delivery_id
        )
        found = []
        for text in map(_same, wanted):
            first = next(
                (
                    provider_id
                    for provider_id, shown, kind in ours
                    if (kind != TEXT if text == ANY_FILE else shown == text)
                ),
                None,
            )
            if first is None:
                break
            found.append(first)
        return found


async def read_back(
    read_page: ReadPage, since: float, pages: int = limits.HISTORY_PAGES
) -> tuple[list[Mapping[str, Any]], bool]:
    """Entries newest first, and whether all since `since` (epoch seconds) are among them."""
    entries: list[Mapping[str, Any]] = []
    for page in range(pages):
        called = await read_page(page * limits.HISTORY_PAGE)
        if not isinstance(called, Answer):
            return entries, False
        rows = called.data if isinstance(called.data, list) else []
        entries.extend(row for row in rows if isinstance(row, Mapping))
        if len(rows) < limits.HISTORY_PAGE or (entries and seconds(entries[-1]) < since):
            return entries, True
    return entries, False


def seconds(entry: Mapping[str, Any]) -> float:
    """`time` of an entry, milliseconds there, as epoch seconds."""
    try:
        return float(str(entry.get("time"))) / 1000
    except ValueError:
        return 0.0


def _same(text: str) -> str:
    return " ".join(nfc(text).split())
