"""What goes wrong, and when: drawn from a seed, always the same for it. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FAULTS_LEAST: Final = 2
FAULTS_MOST: Final = 4
FIRST_SECONDS: Final = 0.1
"""After the approval: the planning itself may be hit."""
LAST_SECONDS: Final = 5.0
"""Most of the work is done by then."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`hits` names what it happens to: no two faults hit the same thing at a time. `longest` and `shortest`: how long
    the fault lasts. `weight`: how often it is drawn. `hard`: every plan has one of these at least."""

    name: str
    hits: str
    shortest: float
    longest: float
    weight: float = 1.0
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    at: float
    """Seconds after the approval."""
    seconds: float

    def __str__(self) -> str:
        return f"{self.kind.name}@{self.at:.1f}+{self.seconds:.1f}"


def drawn(seed: int, kinds: Sequence[Kind]) -> list[Fault]:
    """The faults of one run, in the order of their time."""
    dice = random.Random(f"faults:{seed}")
    count = dice.randint(FAULTS_LEAST, FAULTS_MOST)
    chosen = dice.choices([one for one in kinds if one.hard], [one.weight for one in kinds if one.hard])
    chosen += dice.choices(kinds, [one.weight for one in kinds], k=count - 1)
    faults = [
        Fault(kind, dice.uniform(FIRST_SECONDS, LAST_SECONDS), dice.uniform(kind.shortest, kind.longest))
        for kind in chosen
    ]
    return sorted(faults, key=lambda fault: fault.at)
