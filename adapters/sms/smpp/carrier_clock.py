"""When a receipt's event happened, by the carrier's own clock, whose zone and error nobody tells us.

`done date` has no zone and mostly no seconds. But receipts usually come at once, so the smallest lag between their
dates and our clock is the carrier's offset; what a receipt lags beyond it, it was really late (a link that was down).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

FRESH_SECONDS: Final = 120.0
"""A lag this small is rounding to minutes: it happened now, and our clock is the finer one."""
ODD_SECONDS: Final = 72 * 3_600.0
"""SMSCs keep messages for three days; a receipt that seems later has a wrong date."""
WINDOW_SECONDS: Final = 3_600.0
"""The offset is looked at anew each hour: clocks are set right, and then nothing looks old for ever."""
_REMEMBERED: Final = 1_024


class CarrierClock:
    def __init__(self) -> None:
        self._stamps: dict[str, float] = {}
        self._offset: float | None = None
        self._since = 0.0

    def happened(self, done: str, now: float) -> float:
        """Epoch seconds of the event. `done` is `YYMMDDhhmm[ss]` or ""; `now` when the receipt came."""
        if not done:
            return now
        stamp = self._stamps.get(done)
        if stamp is None:
            if len(self._stamps) >= _REMEMBERED:
                self._stamps.clear()
            stamp = self._stamps[done] = _stamp(done)
        lag = now - stamp
        if self._offset is None or lag < self._offset or now - self._since > WINDOW_SECONDS:
            self._offset, self._since = lag, now
        late = lag - self._offset
        return now - late if FRESH_SECONDS <= late <= ODD_SECONDS else now


def _stamp(done: str) -> float:
    """The date as if it were UTC; minus infinity for digits that are no time (infinitely late: not believed)."""
    pattern = "%y%m%d%H%M%S" if len(done) == 12 else "%y%m%d%H%M"
    try:
        return datetime.strptime(done, pattern).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return float("-inf")
