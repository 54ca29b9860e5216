"""The room of texts that a person posts by hand: what waits, the tick, the refusal, the ring when nobody comes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from adapters.contract import LedgerUnavailable, Now
from adapters.manual.channel import ManualChannel, Note
from broadcasts.model import Actor, BroadcastState, Mode, Refusal, RefusalKind, Urgency
from lanes.port import Bus
from store import alarms, audit, broadcasts
from store.chunks import ORDINAL_BITS
from store.engine import Ledger, LedgerError, Tx

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 5.0
ALARM: Final = "post_by_hand"
"""Kind of the alarm; its subject is the delivery's id."""
RINGING: Final = (Urgency.HOA_TOC, Urgency.THUONG_KHAN)
"""Urgencies for which the board rings."""
OVER: Final = (BroadcastState.CANCELLED, BroadcastState.EXPIRED)
WITHDRAWN: Final = "cancelled"
"""The reason of a text whose broadcast was cancelled before anybody posted it."""


class PostsByHand:
    """`web.services.ByHand` over the channel."""

    def __init__(
        self, ledger: Ledger, bus: Bus, channel: ManualChannel, ring_after: float, now: Now = time.time
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._channel = channel
        self._ring_after = ring_after
        self._now = now

    def jobs(self) -> tuple[tuple[Callable[[], Awaitable[None]], float], ...]:
        return ((self.tick_waiting, TICK_SECONDS),)

    async def notes(self, broadcast_no: int | None = None) -> Sequence[Note]:
        """Newest first; of one broadcast or of all. Those past their validity are closed on the way."""
        await self._channel.waiting()
        found = await self._channel.notes()
        return [one for one in found if broadcast_no is None or one.delivery_id >> ORDINAL_BITS == broadcast_no]

    async def tick(self, delivery_id: int, actor: Actor) -> None:
        """`actor` has posted it. Raises `Refusal` post_decided, and `LedgerError`."""
        await self._close(delivery_id, actor, "posted_by_hand", "", self._channel.tick(delivery_id, actor.name))

    async def decline(self, delivery_id: int, reason: str, actor: Actor) -> None:
        """`actor` cannot post it: the delivery fails, escalation goes on. Raises as `tick`."""
        closing = self._channel.decline(delivery_id, actor.name, reason)
        await self._close(delivery_id, actor, "not_posted", reason, closing)

    async def _close(self, delivery_id: int, actor: Actor, event: str, reason: str, closing: Awaitable[bool]) -> None:
        try:
            done = await closing
        except LedgerUnavailable as away:
            raise LedgerError("ledger_closed") from away
        if not done:
            raise Refusal(RefusalKind.WRONG_STATE, "post_decided")
        now, no = self._now(), delivery_id >> ORDINAL_BITS
        detail = {"reason": reason} if reason else {}

        def write(tx: Tx) -> None:
            broadcasts.note(tx, no, now, actor.name, event, detail)
            audit.record(tx, now, actor.name, event, delivery=delivery_id, **detail)
            for alarm in alarms.ringing(tx):
                if (alarm.kind, alarm.subject) == (ALARM, str(delivery_id)):
                    alarms.take(tx, alarm.id, actor.name, now)

        await self._ledger.write(write)
        self._bus.publish("alarms", {"type": "taken", "id": 0})
        self._bus.publish(f"broadcast:{no}", {"type": "deliveries", "no": no})

    async def tick_waiting(self) -> None:
        """Ring for urgent texts that wait too long, and take back those whose broadcast is over. Safe to repeat."""
        for note in await self._channel.waiting():
            no = note.delivery_id >> ORDINAL_BITS
            row = await self._ledger.read(lambda tx, no=no: broadcasts.by_no(tx, no))  # type: ignore[misc]
            if row is None or row.state in OVER:
                await self._channel.decline(note.delivery_id, "loa", WITHDRAWN)
            elif self._now() - note.at >= self._ring_after and row.urgency in RINGING and row.mode != Mode.TEST:
                await self._ring(note, row.code)

    async def _ring(self, note: Note, code: str) -> None:
        detail = {"code": code, "place": note.to}
        made = await self._ledger.write(
            lambda tx: alarms.raise_once(tx, ALARM, str(note.delivery_id), detail, self._now())
        )
        if made is not None:
            log.warning("post_by_hand_waits", delivery_id=note.delivery_id, seconds=round(self._now() - note.at))
            self._bus.publish("alarms", {"type": "raised", "id": made, "kind": ALARM})
