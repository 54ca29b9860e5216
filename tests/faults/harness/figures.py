"""What a run measured: how soon something left after each fault, what was in doubt, what phones have twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from broadcasts.model import DeliveryState
from tests.faults.harness.compare import Night
from tests.faults.harness.faults import Suffered

RECOVERY_MOST_SECONDS: Final = 35.0
RECOVERY_MEDIAN_SECONDS: Final = 5.0


@dataclass(slots=True)
class Figures:
    recovery: list[tuple[str, float]] = field(default_factory=list)
    """(fault, seconds from its end to the next message)"""
    crashes: int = 0
    doubted: int = 0
    """Deliveries listed as in doubt, or repeated, because a worker died."""
    unknown: int = 0
    """… and that stayed without an answer in the end, broken links included."""
    doubled: int = 0
    """Messages that a phone has beyond the first."""

    @property
    def slowest(self) -> float:
        return max((seconds for _, seconds in self.recovery), default=0.0)


def measured(night: Night, suffered: Sequence[Suffered]) -> Figures:
    books, phones = night.books, night.phones
    found = Figures(
        crashes=sum(one.fault.kind.hits.startswith(("service", "role-")) for one in suffered),
        doubted=sum(one.doubted or bool(one.extra) for one in books.deliveries),
        unknown=sum(one.status == DeliveryState.UNKNOWN for one in books.deliveries),
        doubled=sum(max(0, phones.carried.get(number, 0) - 1) for number in night.numbers),
    )
    found.doubled += sum(
        max(0, sum(night.mark in text for text in texts) - len(_steps(night, key)))
        for key, texts in phones.texts.items()
    )
    for one in suffered:
        after = min((at for at in phones.at[one.probe] if at > one.ended), default=float("inf"))
        found.recovery.append((str(one.fault), max(0.0, after - whole_end(one, suffered))))
    return found


def whole_end(one: Suffered, suffered: Sequence[Suffered]) -> float:
    """When the last of the faults that overlap with this one ended."""
    end = one.ended
    while longer := [other.ended for other in suffered if other.began <= end < other.ended]:
        end = max(longer)
    return end


def _steps(night: Night, key: tuple[str, str]) -> list[int]:
    return [
        one.step for one in night.books.deliveries if one.what == "directive" and (one.provider, one.address) == key
    ]


def quantile(seconds: Sequence[float], share: float) -> float:
    """By nearest rank; 0 where nothing was measured."""
    ranked = sorted(seconds)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else 0.0
