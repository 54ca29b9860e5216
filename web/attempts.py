"""How often somebody may try to sign in. In memory: a restart forgives, which harms nobody."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from adapters.contract import Now

WINDOW_SECONDS: Final = 300.0
"""Failures are forgotten after this long."""
FAILURES_PER_NAME: Final = 5
"""Wrong passwords for one name from one address. By the pair, so that a stranger cannot lock the duty officer out."""
FAILURES_PER_ADDRESS: Final = 30
"""Wrong passwords from one address for any names: an office shares one."""
REMEMBERED: Final = 10_000
"""Counters kept; the oldest go first."""


class Attempts:
    """Counts failures; `wait` says how many seconds somebody must wait before the next try."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._failures: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait(self, name: str, address: str) -> float:
        """0.0: go ahead."""
        return max(
            self._wait((name, address), FAILURES_PER_NAME),
            self._wait(("", address), FAILURES_PER_ADDRESS),
        )

    def failed(self, name: str, address: str) -> None:
        for key in ((name, address), ("", address)):
            self._failures.setdefault(key, []).append(self._now())
            self._failures.move_to_end(key)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        self._failures.pop((name, address), None)

    def _wait(self, key: tuple[str, str], most: int) -> float:
        now = self._now()
        recent = [at for at in self._failures.get(key, ()) if at > now - WINDOW_SECONDS]
        if key in self._failures:
            self._failures[key] = recent
        if len(recent) < most:
            return 0.0
        return recent[-most] + WINDOW_SECONDS - now
