"""Looking at the ledger during a run: a delivery's state only rises, but where the ledger itself says why not."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from broadcasts.model import DeliveryState
from broadcasts.states import PRECEDENCE
from tests.faults.harness.house import House

LOOK_SECONDS: Final = 0.3


class Watcher:
    """`fell`: deliveries seen in a lower state than before, as (id, before, after)."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._over = threading.Event()
        self._seen: dict[int, int] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.fell: list[tuple[int, DeliveryState, DeliveryState]] = []
        self.looks = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        try:
            now = dict(self._house.rows("SELECT id, status FROM delivery"))
        except OSError:
            return
        self.looks += 1
        self.fell += fallen(self._seen, now)
        self._seen = now

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()


def fallen(before: Mapping[int, int], after: Mapping[int, int]) -> list[tuple[int, DeliveryState, DeliveryState]]:
    """Deliveries that are gone (after: `queued`), or stand lower than before."""
    found = []
    for id, old in before.items():
        new = after.get(id)
        if new is None or PRECEDENCE[DeliveryState(new)] < PRECEDENCE[DeliveryState(old)]:
            found.append((id, DeliveryState(old), DeliveryState(new or 0)))
    return found
