"""How many submit_sm may leave now: the carrier's TPS, kept to the message, and slower when the carrier says so.

Two gates: a token bucket spreads sends evenly (a pause of our own is caught up by at most `BURST_SECONDS`), and a ring
of counters keeps any one second, wherever it begins, at the limit or below, as carriers count. Times are of a monotonic
clock, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adapters.sms.smpp import limits

BURST_SECONDS: Final = 0.05
SLOTS: Final = 102
"""A second and a little: what we send evenly arrives less evenly."""
SLOT_SECONDS: Final = 0.01
EDGE_SECONDS: Final = 0.02
"""Pause after a throttled answer."""
UNLIMITED: Final = 1 << 30


class Pace:
    """`limit` messages a second, 0 for none. `rate` is what is allowed now, 0 while nothing limits it."""

    def __init__(self, limit: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self.rate = limit
        self.slowed = 0
        """How often the carrier made us slow down."""
        self._clock = clock
        now = clock()
        self._tokens = 1.0
        self._filled_at = now
        self._ring = [0] * SLOTS
        self._slot = int(now / SLOT_SECONDS)
        self._in_ring = 0
        self._slowed_at = float("-inf")
        self._hits = 0
        self._hits_since = float("-inf")
        self._rate_before_hits = 0.0
        self._raised_at = now

    def allowance(self) -> int:
        """Messages that may leave at this moment."""
        if not self.rate and not self.limit:
            self._turn(self._clock())
            return UNLIMITED
        now = self._clock()
        self._turn(now)
        self._raise(now)
        if not self.rate:
            return UNLIMITED
        burst = max(2.0, self.rate * BURST_SECONDS)  # below 2, being woken late would cost the fraction
        self._tokens = min(burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        return max(0, min(int(self._tokens), int(max(self.rate, 1)) - self._in_ring))

    def spend(self, count: int) -> None:
        """So many have just left, after `allowance`."""
        self._tokens -= count
        self._ring[self._slot % SLOTS] += count
        self._in_ring += count

    def wait(self) -> float:
        """Seconds until another `allowance` is worth asking for."""
        return max(SLOT_SECONDS, (1.0 - self._tokens) / self.rate) if self.rate else SLOT_SECONDS

    def throttled(self) -> None:
        """0x58 or 0x14. A few among many are the edge of the carrier's counting: a short pause and 1 % less. More than
        that: halve the rate, once for all the answers of one second."""
        now = self._clock()
        self._turn(now)
        if now - self._hits_since >= 1.0:
            self._hits, self._hits_since, self._rate_before_hits = 0, now, self.rate
            if self.rate:
                self.rate = max(limits.MIN_TPS, self.rate * limits.EDGE_FACTOR)
                self._raised_at = now
        self._hits += 1
        self._tokens = min(self._tokens, -self.rate * EDGE_SECONDS)
        if self._hits > max(limits.EDGE_HITS, limits.EDGE_SHARE * self._in_ring):
            self._slow(limits.THROTTLE_FACTOR, self._rate_before_hits)

    def congested(self, level: int) -> None:
        """congestion_state of a response, 0 to 100 percent."""
        if level > limits.CONGESTED:
            self._slow(limits.THROTTLE_FACTOR if level >= 100 else limits.CONGESTION_FACTOR)

    def _slow(self, factor: float, rate: float | None = None) -> None:
        now = self._clock()
        if now - self._slowed_at < 1.0:
            return
        self._turn(now)
        current = rate or self.rate or float(self._in_ring)  # without a limit: what left in the last second
        self.rate = max(limits.MIN_TPS, current * factor)
        self._tokens = 0.0
        self._filled_at = self._slowed_at = self._raised_at = now
        self.slowed += 1

    def _raise(self, now: float) -> None:
        while self.rate and self.rate != self.limit and now - self._raised_at >= limits.RAISE_SECONDS:
            self._raised_at += limits.RAISE_SECONDS
            self.rate *= limits.RAISE_FACTOR
            if self.limit and self.rate >= self.limit:
                self.rate = self.limit

    def _turn(self, now: float) -> None:
        """Forget the counters that are more than a second old."""
        slot = int(now / SLOT_SECONDS)
        for passed in range(self._slot + 1, min(slot, self._slot + SLOTS) + 1):
            self._in_ring -= self._ring[passed % SLOTS]
            self._ring[passed % SLOTS] = 0
        self._slot = slot
