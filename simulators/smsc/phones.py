"""The subscribers: what reaches which phone, how often, and what shows on its screen."""

from __future__ import annotations

import random
import time
import zlib
from typing import Final

from adapters.sms.smpp.incoming import Place, text_of
from simulators.smsc.faults import Faults
from simulators.stage import Stage

DELIVERED: Final = ("DELIVRD", "000")
OFF: Final = ("EXPIRED", "027")
"""Absent subscriber (3GPP TS 29.002: error 27), until the validity ends."""
UNKNOWN: Final = ("UNDELIV", "001")
"""Unknown subscriber."""
_FAILURES: Final = (OFF, UNKNOWN, ("UNDELIV", "011"), ("REJECTD", "021"), ("UNDELIV", "031"))
"""What numbers of `fail_ratio` meet: teleservice not provisioned, facility not supported, subscriber busy, …"""
_GROUPS_KEPT: Final = 200_000
"""Long messages with parts still missing; the oldest is forgotten."""
_SPREAD: Final = 1 << 32

Fate = tuple[str, str]
"""`stat` and `err` of the receipt."""


class Phones:
    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.seed = seed
        self.random = random.Random(seed)
        self.complete: dict[bytes, int] = {}
        """Whole messages by number."""
        self.duplicates = 0
        """Parts that came again: same number, same place, same text."""
        self.parts = 0
        self.messages = 0
        self.unshown = 0
        self.watched: set[str] = set()
        """Phones that are shown at any rate: those that wrote to us, and those that somebody looks at."""
        self._seen: set[int] = set()
        self._groups: dict[tuple[bytes, bytes, int, int, int], dict[int, bytes]] = {}
        self._second = 0
        self._shown = 0
        self._faults = Faults()
        self._off: frozenset[bytes] = frozenset()
        self._unknown: frozenset[bytes] = frozenset()

    def set_faults(self, faults: Faults) -> None:
        self._faults = faults
        self._off = frozenset(number.encode() for number in faults.off_numbers)
        self._unknown = frozenset(number.encode() for number in faults.unknown_numbers)

    def fate(self, number: bytes) -> Fate:
        """The same for every message to a number, whatever the order."""
        if self._faults.receipt_stat:
            return self._faults.receipt_stat, self._faults.receipt_err
        if number in self._off:
            return OFF
        if number in self._unknown:
            return UNKNOWN
        ratio = self._faults.fail_ratio
        if ratio:
            draw = zlib.crc32(number, self.seed & 0xFFFFFFFF)
            if draw < ratio * _SPREAD:
                return _FAILURES[draw % len(_FAILURES)]
        return DELIVERED

    def arrive(
        self, number: bytes, source: bytes, octets: bytes, coding: int, place: Place | None, message_id: str,
        reached: bool,
    ) -> None:  # fmt: skip
        """The network took a part. `reached`: the phone is there to show it."""
        self.parts += 1
        seen = hash((number, place.seq if place else 0, octets))
        if seen in self._seen:
            self.duplicates += 1
        else:
            self._seen.add(seen)
        if place is not None:
            key = (number, source, place.ref, place.total, place.width)
            group = self._groups.setdefault(key, {})
            group[place.seq] = octets
            if len(group) < place.total:
                if len(self._groups) > _GROUPS_KEPT:
                    del self._groups[next(iter(self._groups))]
                return
            del self._groups[key]
            octets = b"".join(group[seq] for seq in sorted(group))
        self.messages += 1
        self.complete[number] = self.complete.get(number, 0) + 1
        if reached:
            self._show(number.decode("latin-1"), octets, coding, message_id)

    def _show(self, number: str, octets: bytes, coding: int, message_id: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._shown = second, 0
        self._shown += 1
        if self._shown > self._faults.show_rate and number not in self.watched:
            self.unshown += 1
            return
        self.stage.show(number, "loa", text_of(octets, coding), provider_id=message_id)

    def counts(self) -> dict[str, int]:
        return {number.decode("latin-1"): count for number, count in self.complete.items()}
