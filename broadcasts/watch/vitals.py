"""Whether the work really moves: what the dead-man heartbeat stands for. What answers may still do nothing."""

from __future__ import annotations

import struct
import time
from typing import Final

from adapters.contract import Now
from store import channel_state, outages, rollcalls, watch
from store.engine import Ledger, LedgerError, Tx

IDLE_SECONDS: Final = 120.0
"""Something to send that nobody touches for so long: lanes do not drain."""
UNREAD_SECONDS: Final = 60.0
STEP_SECONDS: Final = 60.0
CLOCK_BACK_SECONDS: Final = 5.0
"""How far our clock may have gone back since the last beat."""


class Vitals:
    def __init__(self, ledger: Ledger, now: Now = time.time) -> None:
        self._ledger = ledger
        self._now = now

    def now(self) -> float:
        return self._now()

    async def failing(self) -> str:
        """Why no beat may be given: `ledger`, `clock`, `inbox`, `steps` or `lanes`; "" when all is well.

        A durable write is part of the look, so that a full disk or a stuck writer is seen."""
        now = self._now()
        try:
            return await self._ledger.write(lambda tx: _look(tx, now))
        except LedgerError:
            return "ledger"


def _look(tx: Tx, now: float) -> str:
    known = channel_state.get(tx, watch.BEAT)
    if known is not None and len(known) == 8 and struct.unpack("!d", known)[0] > now + CLOCK_BACK_SECONDS:
        return "clock"
    channel_state.put(tx, watch.BEAT, struct.pack("!d", now), now)
    unread, step = watch.oldest_unread(tx), rollcalls.next_due(tx)
    if unread is not None and unread < now - UNREAD_SECONDS:
        return "inbox"
    if step is not None and step < now - STEP_SECONDS:
        return "steps"
    down = set(outages.open_now(tx))
    if any(one.channel not in down for one in watch.idle_chunks(tx, now - IDLE_SECONDS)):
        return "lanes"
    return ""
