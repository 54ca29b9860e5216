"""Homes: what lives in one process at a time, who lives there, and what one look at their leases tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Holder(Protocol):
    """What lives here while its lease is held."""

    async def take_up(self, home: str) -> None:
        """Begin; the lease is ours. Raises nothing: what cannot begin says so by its light."""

    async def hand_over(self, home: str) -> None:
        """Finish what is under way and end. The lease is given back after it returns."""

    async def let_go(self, home: str) -> None:
        """End now: another process may have it already."""


@dataclass(slots=True)
class Group:
    """Homes that processes of some roles share among them."""

    roles: frozenset[str]
    homes: Sequence[str]
    holder: Holder


@dataclass(slots=True)
class Seen:
    """What one round learned. `lost`: leases of ours that ran out; `taken`, `given`: what changes now."""

    alive: bool
    at: float
    """Of the process's own count (monotonic), not after the ledger's clock was read."""
    taken: list[tuple[str, int, Group]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    held: Mapping[str, str] = field(default_factory=dict)
    floor: str = ""
    clock_off: float = 0.0
