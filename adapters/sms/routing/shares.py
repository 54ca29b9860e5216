"""How traffic is spread over the accounts that reach one network, and when it moves.

Shares are points of 100. Where no account has a weight, the cheapest takes all and equals share. An account that does
badly loses ten points at a time to one that does better, never to one that does badly itself; after a quiet quarter of
an hour the points drift back. (The rule by which GOV.UK Notify spreads text messages over its providers.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

log = structlog.get_logger(__name__)

WHOLE: Final = 100.0
STEP: Final = 10.0
"""Points that move at one time."""
FAULT_PAUSE_SECONDS: Final = 60.0
SLOW_PAUSE_SECONDS: Final = 300.0
"""Least time between two moves, for faults and for slowness: the last move must be felt first."""
QUIET_SECONDS: Final = 900.0
DRIFT_SECONDS: Final = 300.0
CHANGES_KEPT: Final = 100


class Scored(Protocol):
    """What this needs to know of an account."""

    @property
    def name(self) -> str: ...

    @property
    def price(self) -> float: ...

    @property
    def weight(self) -> float: ...

    @property
    def works(self) -> bool:
        """Nothing keeps messages from it now."""

    def trouble(self) -> str:
        """`faults`, `slow` or ""."""

    def badness(self) -> float:
        """To compare two accounts in trouble; 0 is well."""


@dataclass(frozen=True, slots=True)
class Change:
    """Points moved. `at` is monotonic; `reason`: `faults`, `slow` or `quiet`."""

    at: float
    reason: str
    source: str
    target: str
    points: float


class Shares:
    """For one set of accounts. `clock` is monotonic, in seconds."""

    def __init__(self, accounts: Sequence[Scored], clock: Callable[[], float]) -> None:
        self.accounts = tuple(accounts)
        self.normal = normal(accounts)
        self.points = list(self.normal)
        self.changes: deque[Change] = deque(maxlen=CHANGES_KEPT)
        self._clock = clock
        self._credit = [0.0] * len(accounts)
        self._changed_at = float("-inf")
        self._troubled_at = float("-inf")

    def pick(self) -> int:
        """Index of the account whose turn it is: smooth weighted round robin, so any stretch shows the shares."""
        if len(self.points) == 1:
            return 0
        credit, points = self._credit, self.points
        best = 0
        for index, share in enumerate(points):
            credit[index] += share
            if credit[index] > credit[best]:
                best = index
        credit[best] -= WHOLE
        return best

    def order(self) -> list[int]:
        """Indices, by what they get now, then by price: who is tried next."""
        return sorted(range(len(self.points)), key=lambda i: (-self.points[i], self.accounts[i].price, i))

    def adjust(self) -> Change | None:
        """Move points if something calls for it. To be called now and then."""
        now = self._clock()
        worst = self._worst()
        if worst is not None:
            self._troubled_at = now
            return self._away_from(worst, now)
        quiet = now - max(self._troubled_at, float("-inf")) >= QUIET_SECONDS
        if quiet and self.points != self.normal and now - self._changed_at >= DRIFT_SECONDS:
            return self._home(now)
        return None

    def _worst(self) -> int | None:
        bad = [i for i, one in enumerate(self.accounts) if self.points[i] > 0 and one.works and one.trouble()]
        return max(bad, key=lambda i: self.accounts[i].badness(), default=None)

    def _away_from(self, worst: int, now: float) -> Change | None:
        account = self.accounts[worst]
        reason = account.trouble()
        pause = FAULT_PAUSE_SECONDS if reason == "faults" else SLOW_PAUSE_SECONDS
        if now - self._changed_at < pause:
            return None
        better = [
            i for i, one in enumerate(self.accounts)
            if i != worst and one.works and not one.trouble() and one.badness() < account.badness() / 2
        ]  # fmt: skip
        if not better:
            return None
        target = min(better, key=lambda i: (self.accounts[i].badness(), self.accounts[i].price, i))
        return self._move(worst, target, min(STEP, self.points[worst]), reason, now)

    def _home(self, now: float) -> Change:
        over = [self.points[i] - self.normal[i] for i in range(len(self.points))]
        source, target = over.index(max(over)), over.index(min(over))
        return self._move(source, target, min(STEP, over[source], -over[target]), "quiet", now)

    def _move(self, source: int, target: int, points: float, reason: str, now: float) -> Change:
        self.points[source] -= points
        self.points[target] += points
        if all(abs(a - b) < 1e-6 for a, b in zip(self.points, self.normal, strict=True)):
            self.points = list(self.normal)
        self._changed_at = now
        change = Change(now, reason, self.accounts[source].name, self.accounts[target].name, points)
        self.changes.append(change)
        log.info("sms_share_moved", reason=reason, source=change.source, target=change.target, points=points)
        return change


def normal(accounts: Sequence[Scored]) -> list[float]:
    """Points by the settings alone."""
    weights = [one.weight for one in accounts]
    if not any(weights):
        cheapest = min(one.price for one in accounts)
        weights = [float(one.price == cheapest) for one in accounts]
    whole = sum(weights)
    return [WHOLE * weight / whole for weight in weights]
