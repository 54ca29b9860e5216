"""What people write to us during a run, beside the leaders' confirmations: each person once, each text once. Pure,
but for `Street`, which types it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.faults.harness.surroundings import Surroundings

MESSAGES: Final = 60
CRIES_SHARE: Final = 0.25
LAST_SECONDS: Final = 7.0
CRIES: Final = (
    "cuu voi nuoc ngap den mai nha roi thon {n}",
    "CUUHO nha {n} nuoc len nhanh",
    "ket tren mai can cuu ho so {n}",
)
ASKED: Final = (
    "diem so tan p. Quang Phu, nha {n}", "cho xin sdt truc ban xa Thach Quang {n}",
    "cho hoi so tan o dau, thon {n}", "xin chao, toi o so {n}",
)  # fmt: skip
SHARES: Final = (("smsc", 6), ("zalo", 3), ("telegram", 1))
PROBES_FROM: Final = 900
"""Numbers of people who cry as a fault ends."""


@dataclass(frozen=True, slots=True)
class Said:
    provider: str
    sender: str
    text: str
    cry: bool
    at: float = 0.0
    """Seconds after the approval."""


def resident(provider: str, n: int) -> str:
    """An invented account or number."""
    return {"zalo": f"99000000000001{n:05d}", "telegram": f"99001{n:05d}"}.get(provider, f"8490020{n:04d}")


def evening(seed: int) -> list[Said]:
    dice = random.Random(f"traffic:{seed}")
    providers, weights = zip(*SHARES, strict=True)
    said = []
    for n in range(MESSAGES):
        provider = dice.choices(providers, weights)[0]
        cry = dice.random() < CRIES_SHARE
        text = dice.choice(CRIES if cry else ASKED).format(n=n)
        said.append(Said(provider, resident(provider, n), text, cry, dice.uniform(0.0, LAST_SECONDS)))
    return sorted(said, key=lambda one: one.at)


class Street:
    """Types what people say, at its time and when asked; `said` is what was typed."""

    def __init__(self, around: Surroundings, begun: float) -> None:
        self._around = around
        self._begun = begun
        self._adding = threading.Lock()
        self.said: list[Said] = []

    def walk(self, evening: Sequence[Said]) -> None:
        for one in evening:
            time.sleep(max(0.0, self._begun + one.at - time.time()))
            self._type(one)

    def cry(self, provider: str) -> None:
        """Somebody cries for help now."""
        with self._adding:
            n = PROBES_FROM + len(self.said)
        self._type(Said(provider, resident(provider, n), CRIES[0].format(n=n), cry=True))

    def _type(self, one: Said) -> None:
        self._around.providers.post(one.provider, "/_sim/say", {"sender": one.sender, "text": one.text})
        with self._adding:
            self.said.append(one)
