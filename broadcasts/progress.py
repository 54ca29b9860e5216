"""How a broadcast went over time: confirmations as a curve, and when half, nine tenths and all had confirmed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from broadcasts.model import AckState
from broadcasts.shown import RollcallRow

MARKS: Final = (50, 90, 100)
"""Per cent of the units addressed, whose times a report names."""
SURE: Final = (AckState.ACKNOWLEDGED, AckState.ACKNOWLEDGED_LATE, AckState.NEEDS_HELP)
"""Who needs help has answered, too."""


@dataclass(frozen=True, slots=True)
class Progress:
    total: int
    """Units that were addressed and not exempt."""
    answered: Sequence[float]
    """Seconds after the start at which each answered, rising."""

    def time_to(self, per_cent: int) -> float | None:
        """Seconds until so many per cent of all units had answered; None: they have not."""
        needed = ceil(self.total * per_cent / 100)
        return self.answered[needed - 1] if 0 < needed <= len(self.answered) else None

    def share_at(self, seconds: float) -> float:
        """0.0 to 1.0."""
        return sum(one <= seconds for one in self.answered) / self.total if self.total else 0.0


def progress(rows: Iterable[RollcallRow]) -> Progress:
    counted = [row for row in rows if row.state != AckState.EXEMPT]
    times = sorted(row.seconds for row in counted if row.state in SURE and row.seconds is not None)
    return Progress(total=len(counted), answered=[max(0.0, one) for one in times])


def steps_of(found: Progress, width: float, height: float, span: float) -> list[tuple[float, float]]:
    """Corners of the curve as (x, y), y downwards, for a drawing of that size over `span` seconds: it rises at each
    answer and stays level between them."""
    if not found.total or span <= 0:
        return [(0.0, height), (width, height)]
    corners, level = [(0.0, height)], height
    for n, at in enumerate((one for one in found.answered if one <= span), start=1):
        x = round(width * at / span, 1)
        corners.append((x, level))
        level = round(height * (1 - n / found.total), 1)
        corners.append((x, level))
    return [*corners, (width, level)]
