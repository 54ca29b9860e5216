"""Deliveries for later, by the hundredth of a second: one timer for all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from simulators.smsc.messages import Delivery

if TYPE_CHECKING:
    from simulators.smsc.system import System

TICK_SECONDS: Final = 0.01
_EPSILON: Final = 1e-3
"""Share of a tick: a timer that fires a hair early still means its tick."""


class Wheel:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ticks: dict[int, list[tuple[System, Delivery]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0

    def add(self, seconds: float, system: System, delivery: Delivery) -> None:
        tick = int((self._loop.time() + seconds) / TICK_SECONDS) + 1
        self._ticks.setdefault(tick, []).append((system, delivery))
        if self._timer is None or tick < self._next:
            self._set(tick)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, tick: int) -> None:
        self.close()
        self._next = tick
        self._timer = self._loop.call_at(tick * TICK_SECONDS, self._turn)

    def _turn(self) -> None:
        now = int(self._loop.time() / TICK_SECONDS + _EPSILON)
        self._timer = None
        systems: dict[System, None] = {}
        for tick in sorted(tick for tick in self._ticks if tick <= now):
            for system, delivery in self._ticks.pop(tick):
                system.outbox.append(delivery)
                systems[system] = None
        for system in systems:
            system.flush()
        if self._ticks and self._timer is None:
            self._set(min(self._ticks))
