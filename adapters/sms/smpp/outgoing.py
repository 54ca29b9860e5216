"""One message on its way out: its parts, what the carrier said to each, and the one outcome that follows."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from adapters.contract import Accepted, Envelope, Outcome, RejectClass, Rejected, Report, Unknown
from adapters.sms.smpp.parts import Part, Parts

PART_RETRIES: Final = 5
"""How often a throttled part of a half-sent message is submitted again, at the slower pace: half a message on a phone
is worse than a late one."""


class Handover:
    """Counts the envelopes of one `send` that are not yet handed over."""

    __slots__ = ("_done", "left")

    def __init__(self, count: int) -> None:
        self.left = count
        self._done: asyncio.Future[None] | None = None

    def one(self) -> None:
        self.left -= 1
        if self.left == 0 and self._done is not None and not self._done.done():
            self._done.set_result(None)

    async def wait(self) -> None:
        if self.left > 0:
            self._done = asyncio.get_running_loop().create_future()
            await self._done


class Outgoing:
    """`next`: part to write next. `open`: parts written and not answered. `handover` is None once handed over."""

    __slots__ = (
        "again",
        "delivery_id",
        "handover",
        "ids",
        "next",
        "open",
        "parts",
        "priority",
        "queued",
        "ref",
        "refusal",
        "report",
        "retries",
        "to",
        "total",
        "unknown",
        "valid_until",
    )

    def __init__(self, envelope: Envelope, parts: Parts, ref: bytes, report: Report, handover: Handover) -> None:
        self.delivery_id = envelope.delivery_id
        self.to = envelope.to.encode()
        self.valid_until = envelope.valid_until
        self.parts: tuple[Part, ...] = parts.parts
        self.total = len(parts.parts)
        self.ref = ref
        self.priority = envelope.priority
        self.report = report
        self.handover: Handover | None = handover
        self.queued = True
        self.next = 0
        if self.total > 1:
            self.open = 0
            self.retries = 0
            self.ids = [""] * self.total
            self.again: list[int] = []
            self.refusal: Rejected | None = None
            self.unknown = ""

    # The rest is for messages of several parts; those of one part have no state between written and answered.

    @property
    def all_written(self) -> bool:
        return self.next >= self.total and not self.again

    @property
    def ended(self) -> bool:
        return self.open == 0 and self.all_written

    def take_part(self) -> int:
        """Index of the part to write now."""
        self.open += 1
        if self.again:
            return self.again.pop(0)
        self.next += 1
        return self.next - 1

    def stop(self) -> None:
        """Write no further part."""
        self.next = self.total
        self.again.clear()

    def refuse(self, refusal: Rejected) -> None:
        """The worst of the parts counts: a refusal for good outweighs one for now, the first outweighs later ones."""
        self.stop()
        if self.refusal is None or (self.refusal.cls is RejectClass.RETRY_LATER is not refusal.cls):
            self.refusal = refusal

    def may_repeat(self) -> bool:
        """A throttled part may be written again: another part is already with the carrier."""
        if self.refusal or self.unknown or self.retries >= PART_RETRIES or not (self.open or any(self.ids)):
            return False
        self.retries += 1
        return True

    def outcome(self) -> Outcome:
        """Of all parts together, once nothing is open. A part that may have left makes "try again" impossible."""
        ids = tuple(self.ids)
        for_good = self.refusal is not None and self.refusal.cls is not RejectClass.RETRY_LATER
        if self.unknown and not for_good:
            return Unknown(self.unknown, ids)
        if self.refusal is not None:
            refusal = self.refusal
            kept = ids if any(ids) else ()
            return Rejected(refusal.reason, refusal.cls, refusal.code, refusal.after, kept)
        return Accepted(ids)


class References:
    """Reference numbers of long messages: a new one for each, and never the last one again for the same number.

    One counter from a random start serves all numbers. An 8-bit one comes round after 256 messages, so the last one of
    each number is kept for a while.
    """

    REMEMBERED: Final = 65_536
    """Numbers whose last 8-bit reference is kept."""

    def __init__(self) -> None:
        self._next = secrets.randbelow(1 << 16)
        self._last: dict[str, int] = {}

    def take(self, octets: int, to: str) -> bytes:
        self._next = (self._next + 1) & 0xFFFF
        if octets == 2:
            return self._next.to_bytes(2, "big")
        ref = self._next & 0xFF
        if self._last.pop(to, None) == ref:
            self._next += 1
            ref = self._next & 0xFF
        self._last[to] = ref
        if len(self._last) > self.REMEMBERED:
            del self._last[next(iter(self._last))]
        return bytes((ref,))
