"""Common rates of the accounts in one process."""

from __future__ import annotations

import time
from collections.abc import Callable

from adapters.rates import Share
from lanes.slots import Purse, Slots


class MemoryRates:
    alone = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: dict[str, Slots] = {}
        self._purses: dict[str, list[Purse]] = {}

    def share(self, key: str, per_second: float) -> Share:
        slots = self._slots.setdefault(key, Slots(per_second, self._clock))
        purses = self._purses.setdefault(key, [])

        def ask(wanted: int, lost: int) -> None:
            given = slots.take(wanted, lost)
            purse.add(given, self._clock())
            purse.sharers = len(purses)

        purse = Purse(per_second, ask, self._clock)
        purses.append(purse)
        return purse
