"""What an account sent today and what that costs by its price; the day is the office's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import orjson
import structlog

from adapters.contract import DurableState, Now
from text.dates import OFFICE_ZONE

log = structlog.get_logger(__name__)

KEY: Final = "sms/spent/"
DAY_CHECK_SECONDS: Final = 1.0
"""How often the date is looked at."""


class Spending:
    """`price`: VND a part. `budget`: VND a day, 0 for none. A kill forgets what was sent since the last `save`."""

    def __init__(self, account: str, price: float, budget: float, state: DurableState, now: Now) -> None:
        self.budget = budget
        self._price = price
        self._key = KEY + account
        self._state = state
        self._now = now
        self._messages = self._parts = 0
        self._day = ""
        self._looked_at = 0.0
        self._saved = (0, 0)

    @property
    def messages(self) -> int:
        self._turn_day()
        return self._messages

    @property
    def parts(self) -> int:
        self._turn_day()
        return self._parts

    @property
    def vnd(self) -> float:
        return self.parts * self._price

    def add(self, parts: int) -> None:
        """One message was taken."""
        self._turn_day()
        self._messages += 1
        self._parts += parts

    def is_spent(self) -> bool:
        """Another part would be over the day's budget."""
        return self.budget > 0 and self.vnd + self._price > self.budget

    async def load(self) -> None:
        """What is on record for today, from whichever process; a counter that cannot be read begins anew."""
        self._turn_day()
        try:
            raw = await self._state.get(self._key)
            known = orjson.loads(raw) if raw else {}
            of_today = known.get("day") == self._day
            kept = (int(known["messages"]), int(known["parts"])) if of_today else (0, 0)
            self._messages += kept[0] - self._saved[0]
            self._parts += kept[1] - self._saved[1]
            self._saved = kept
        except Exception as wrong:
            log.error("spending_not_read", error=type(wrong).__name__)

    async def save(self) -> None:
        """Raises `LedgerUnavailable`."""
        self._turn_day()
        figures = (self._messages, self._parts)
        if figures == self._saved:
            return
        known = {"day": self._day, "messages": self._messages, "parts": self._parts}
        await self._state.put(self._key, orjson.dumps(known))
        self._saved = figures

    def _turn_day(self) -> None:
        now = self._now()
        if abs(now - self._looked_at) < DAY_CHECK_SECONDS:
            return
        self._looked_at = now
        day = datetime.fromtimestamp(now, UTC).astimezone(OFFICE_ZONE).date().isoformat()
        if day != self._day:
            self._day = day
            self._messages = self._parts = 0
            self._saved = (0, 0)
