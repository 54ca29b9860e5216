"""Which network a number is on: what providers told us of it, else its prefix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog

from adapters.contract import DurableState
from adapters.sms.carriers import CARRIERS, carrier_by_prefix

log = structlog.get_logger(__name__)

KEY: Final = "sms/carrier/"
"""Of the durable keys; no account's name begins with a slash."""
SAVED_AT_ONCE: Final = 200
"""Numbers written down in one go, so that a burst of news never holds up the ledger."""
_PREFIX_DIGITS: Final = 4
"""84 and the two digits by which numbers are given out."""


class LearnedCarriers:
    """Only numbers whose network is not their prefix's are kept: those that people took along."""

    def __init__(self, state: DurableState) -> None:
        self._state = state
        self._moved: dict[str, str] = {}
        self._by_prefix: dict[str, str] = {}
        self._unsaved: set[str] = set()

    def __len__(self) -> int:
        return len(self._moved)

    def of(self, number: str) -> str:
        """One of `CARRIERS` for an `84…` number, "" where nothing is known."""
        moved = self._moved.get(number)
        if moved is not None:
            return moved
        prefix = number[:_PREFIX_DIGITS]
        carrier = self._by_prefix.get(prefix)
        if carrier is None:
            carrier = self._by_prefix[prefix] = carrier_by_prefix(prefix)
        return carrier

    def count(self, numbers: Iterable[int | str]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for number in numbers:
            carrier = self.of(str(number))
            counts[carrier] = counts.get(carrier, 0) + 1
        return counts

    def learn(self, number: int, carrier: str) -> None:
        """A provider says so. Written down by the next `save`."""
        key = str(number)
        if carrier not in CARRIERS or self.of(key) == carrier:
            return
        if carrier == carrier_by_prefix(key):
            del self._moved[key]  # it came home
        else:
            self._moved[key] = carrier
        self._unsaved.add(key)

    async def load(self) -> None:
        """What cannot be read is learned again."""
        try:
            for key, raw in (await self._state.items(KEY)).items():
                self._moved.setdefault(key.removeprefix(KEY), raw.decode())
        except Exception as wrong:
            log.error("learned_carriers_not_read", error=type(wrong).__name__)

    async def save(self) -> None:
        """Raises `LedgerUnavailable`; what was not written stays to be saved."""
        for key in tuple(self._unsaved)[:SAVED_AT_ONCE]:
            moved = self._moved.get(key)
            if moved is None:
                await self._state.delete(KEY + key)
            else:
                await self._state.put(KEY + key, moved.encode())
            if self._moved.get(key) == moved:
                self._unsaved.discard(key)
