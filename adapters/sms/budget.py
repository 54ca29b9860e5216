"""How many requests a provider takes: so many in any stretch of time, with a share kept for urgent ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from adapters.contract import Priority
from adapters.rates import UNSHARED, Share

AHEAD_SECONDS: Final = 0.1
"""Requests that are asked for at once of a common rate."""
MOMENT_SECONDS: Final = 0.001
"""Shortest wait for a share of a common rate."""
JITTER_SECONDS: Final = 0.05
"""Requests reach the provider later than they leave, and not all by the same: our stretch is so much longer."""


class Budget:
    """At most `limit` requests in any `seconds`, wherever they begin; `reserve` of them only for rescue answers and
    urgent directives (for long stretches; in a short one the next place is theirs anyway). `even`: not in bursts.
    `clock` is monotonic, in seconds."""

    def __init__(
        self, limit: int, seconds: float, clock: Callable[[], float], *, reserve: int = 0, even: bool = False,
        share: Share = UNSHARED,
    ) -> None:  # fmt: skip
        self.limit = limit
        self.seconds = seconds
        self._window = seconds + JITTER_SECONDS
        self._gap = seconds / limit if even else 0.0
        self._open = max(1, limit - reserve)
        self._clock = clock
        self._share = share
        self._ahead = max(1, int(limit / seconds * AHEAD_SECONDS))
        self._spent: deque[float] = deque()
        self._held_until = 0.0

    @classmethod
    def per_second(cls, rate: float, clock: Callable[[], float], share: Share = UNSHARED) -> Budget:
        """`rate` may be below 1."""
        if rate < 1:
            return cls(1, 1.0 / rate, clock, share=share)
        return cls(int(rate), 1.0, clock, even=True, share=share)

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
        own = max(0.0, until - now, self._held_until - now)
        return own if own or self._share.allowance(self._ahead) else max(MOMENT_SECONDS, self._share.wait())

    def spend(self) -> None:
        """One request leaves now."""
        self._spent.append(self._clock())
        self._share.spend(1)

    def hold(self, seconds: float) -> None:
        """The provider named a pause."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    @property
    def held(self) -> float:
        """Seconds left of the provider's pause."""
        return max(0.0, self._held_until - self._clock())
