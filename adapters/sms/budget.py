"""How many requests a provider takes: so many in any stretch of time, with a share kept for urgent ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from adapters.contract import Priority

JITTER_SECONDS: Final = 0.05
"""Requests reach the provider later than they leave, and not all by the same: our stretch is so much longer."""


class Budget:
    """At most `limit` requests in any `seconds`, wherever they begin; `reserve` of them only for rescue answers and
    urgent directives (for long stretches; in a short one the next place is theirs anyway). `even`: not in bursts.
    `clock` is monotonic, in seconds."""

    def __init__(
        self, limit: int, seconds: float, clock: Callable[[], float], *, reserve: int = 0, even: bool = False
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self._window = seconds + JITTER_SECONDS
        self._gap = seconds / limit if even else 0.0
        self._open = max(1, limit - reserve)
        self._clock = clock
        self._spent: deque[float] = deque()
        self._held_until = 0.0

    @classmethod
    def per_second(cls, rate: float, clock: Callable[[], float]) -> Budget:
        """`rate` may be below 1."""
        return cls(int(rate), 1.0, clock, even=True) if rate >= 1 else cls(1, 1.0 / rate, clock)

    @property
    def rate(self) -> float:
        """Requests a second that this allows."""
        return self.limit / self.seconds

    def wait(self, priority: Priority) -> float:
        """Seconds until one more request of this priority may leave; 0: now."""
        now = self._clock()
        while self._spent and self._spent[0] <= now - self._window:
            self._spent.popleft()
        limit = self.limit if priority <= Priority.URGENT else self._open
        over = len(self._spent) - limit
        until = self._spent[over] + self._window if over >= 0 else now
        if self._gap and self._spent:
            until = max(until, self._spent[-1] + self._gap)
        return max(0.0, until - now, self._held_until - now)

    def spend(self) -> None:
        """One request leaves now."""
        self._spent.append(self._clock())

    def hold(self, seconds: float) -> None:
        """The provider named a pause."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    @property
    def held(self) -> float:
        """Seconds left of the provider's pause."""
        return max(0.0, self._held_until - self._clock())
