"""How well an account does: faults of the last minute, and how long a sample of its messages took to arrive."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

FAULT_SECONDS: Final = 60.0
FAULTS_LEAST: Final = 10
FAULT_SHARE: Final = 0.2
"""An account is bad with so many faults in a minute, if they are so large a share of its answers."""
SLOW_SECONDS: Final = 300.0
SLOW_SHARE: Final = 0.15
SLOW_LEAST: Final = 20
SLOW_WINDOW_SECONDS: Final = 900.0
"""… or when 15 % of at least 20 messages of the last 15 minutes took longer than 5 minutes. After the rule by which
GOV.UK Notify moves traffic between its providers."""
SAMPLE_MOST: Final = 200
"""Messages whose arrival is awaited at one time."""


class AccountHealth:
    """`clock` is monotonic, in seconds. `proves_arrival` off: nothing is known of arrivals, so nothing is held
    against the account."""

    def __init__(self, clock: Callable[[], float], *, proves_arrival: bool) -> None:
        self._clock = clock
        self._proves = proves_arrival
        self._seconds: deque[list[int]] = deque()
        """[second, answers, faults]"""
        self._awaited: OrderedDict[str, float] = OrderedDict()
        self._arrivals: deque[tuple[float, bool]] = deque()
        """(when it was known, whether it was slow)"""
        self._reports = False
        """Any receipt came at all: an account that is not set up to report says nothing by its silence."""

    def accepted(self, provider_id: str) -> None:
        self._count(0)
        if self._proves and len(self._awaited) < SAMPLE_MOST and provider_id:
            self._awaited[provider_id] = self._clock()

    def answered(self) -> None:
        """Refused for the message's own sake: the account works."""
        self._count(0)

    def fault(self) -> None:
        """No answer, or the provider's own trouble."""
        self._count(1)

    def ended(self, keys: tuple[str, ...]) -> None:
        """A receipt with a last state came."""
        self._reports = True
        for key in keys:
            at = self._awaited.pop(key, None)
            if at is not None:
                now = self._clock()
                self._arrivals.append((now, now - at > SLOW_SECONDS))
                return

    def fault_share(self) -> float:
        """Faults among the answers of the last minute; 0 where they are too few to mean anything."""
        self._forget()
        answers = sum(second[1] for second in self._seconds)
        faults = sum(second[2] for second in self._seconds)
        return faults / answers if faults >= FAULTS_LEAST else 0.0

    def slow_share(self) -> float:
        """Slow ones among the arrivals of the last 15 minutes; 0 where they are too few."""
        self._forget()
        slow = sum(1 for _, was_slow in self._arrivals if was_slow)
        return slow / len(self._arrivals) if self._reports and len(self._arrivals) >= SLOW_LEAST else 0.0

    def trouble(self) -> str:
        """`faults`, `slow` or ""."""
        if self.fault_share() >= FAULT_SHARE:
            return "faults"
        return "slow" if self.slow_share() >= SLOW_SHARE else ""

    def _count(self, fault: int) -> None:
        second = int(self._clock())
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
            if len(self._seconds) > FAULT_SECONDS * 2:
                self._forget()
        latest = self._seconds[-1]
        latest[1] += 1
        latest[2] += fault

    def _forget(self) -> None:
        now = self._clock()
        while self._seconds and self._seconds[0][0] < now - FAULT_SECONDS:
            self._seconds.popleft()
        while self._awaited:
            key, at = next(iter(self._awaited.items()))
            if now - at <= SLOW_SECONDS:
                break
            del self._awaited[key]
            self._arrivals.append((now, True))  # whenever it comes, it is late
        while self._arrivals and self._arrivals[0][0] < now - SLOW_WINDOW_SECONDS:
            self._arrivals.popleft()
