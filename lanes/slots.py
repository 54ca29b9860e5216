"""The arithmetic of a common rate: moments that are a fixed distance apart, handed out in blocks, each only once.

GCRA turned into reservations (docs/decisions/0019): the theoretical arrival time is the first moment that nobody has. A
block of moments, a little ahead of time, costs one question for many messages, and since no moment is given twice, the
sum of all who ask does not exceed the rate, wherever a second begins. What was not used in time comes back with the
next question and is handed out again while others still wait; it is not saved up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

HORIZON_SECONDS: Final = 0.25
"""How far ahead moments are handed out; the longest that a message waits for those which others hold."""
LATE_SECONDS: Final = 0.1
"""A moment may be used so much later: timers wake late on a busy machine. Then it is lost."""
SLACK_SECONDS: Final = 0.02
"""How old a moment may be that nobody asked for in time: what a second can hold too much, 2 % of it."""
ASKING_SECONDS: Final = 0.002
"""Until an answer is looked for again."""
STOPPED_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Grant:
    """`count` moments, the first in `first` seconds, `spacing` seconds apart; `retry`: until more are worth asking for,
    where there are none now. `sharers`: how many sessions asked lately."""

    first: float
    spacing: float
    count: int
    retry: float = 0.0
    sharers: int = 1


def grant(
    free: float | None, now: float, spacing: float, wanted: int, lost: int = 0, horizon: float = HORIZON_SECONDS
) -> tuple[float, Grant]:
    """Hand out moments from `free`, the first that nobody has (None: not known, so everything that anybody may hold
    counts as handed out). `lost`: moments given earlier that nobody used. Returns the new `free`. The same in Lua:
    `lanes.redis_rates`."""
    if free is None or free > now + 4 * horizon + spacing:
        start = now + horizon + spacing
    else:
        start = max(free - lost * spacing, now - SLACK_SECONDS)
    room = floor((now + horizon - start) / spacing + 1e-9) + 1 if start <= now + horizon else 0
    count = max(0, min(wanted, room))
    retry = 0.0 if count else max(0.0, start - now - horizon)
    return start + count * spacing, Grant(start - now, spacing, count, retry)


class Purse:
    """The moments that one session holds. `ask(n, lost)` begins to ask for n more and tells of those that it let
    pass; the answer comes by `add`."""

    def __init__(self, per_second: float, ask: Callable[[int, int], None], clock: Callable[[], float]) -> None:
        self.per_second = per_second
        self.sharers = 1
        self._ask = ask
        self._clock = clock
        self._moments: deque[float] = deque()
        self._asking = False
        self._lost = 0
        self._not_before = float("-inf")

    @property
    def block(self) -> int:
        """Moments that are asked for at once: half of the horizon, shared by all."""
        return max(1, ceil(self.per_second * HORIZON_SECONDS / 2 / self.sharers))

    def allowance(self, wanted: int) -> int:
        now = self._clock()
        self._forget(now)
        held = len(self._moments)
        missing = min(wanted, 2 * self.block) - held
        if missing > 0 and held <= self.block and not self._asking and now >= self._not_before:
            self._asking = True
            lost, self._lost = self._lost, 0
            self._ask(min(missing, self.block), lost)
        ready = 0
        for moment in self._moments:
            if moment > now or ready >= wanted:
                break
            ready += 1
        return ready

    def spend(self, count: int) -> None:
        for _ in range(min(count, len(self._moments))):
            self._moments.popleft()

    def wait(self) -> float:
        now = self._clock()
        if self._moments:
            return max(0.0, self._moments[0] - now)
        if self._asking:
            return ASKING_SECONDS
        return max(ASKING_SECONDS, self._not_before - now)

    def add(self, given: Grant, at: float) -> None:
        """An answer as of `at` by our clock."""
        self._asking = False
        self.sharers = given.sharers
        self._moments.extend(at + given.first + n * given.spacing for n in range(given.count))
        self._not_before = at + given.retry

    def failed(self, pause: float = STOPPED_SECONDS) -> None:
        """No answer came."""
        self._asking = False
        self._not_before = self._clock() + pause

    def _forget(self, now: float) -> None:
        while self._moments and self._moments[0] < now - LATE_SECONDS:
            self._moments.popleft()
            self._lost += 1


class Slots:
    """One common rate inside a process: what all its purses are filled from."""

    def __init__(self, per_second: float, clock: Callable[[], float], free: float | None = 0.0) -> None:
        self._spacing = 1.0 / per_second
        self._clock = clock
        self._free = free

    def take(self, wanted: int, lost: int = 0, sharers: int = 1) -> Grant:
        """`sharers`: so many divide the rate, none of whom knows of the others."""
        self._free, given = grant(self._free, self._clock(), self._spacing * sharers, wanted, lost)
        return given
