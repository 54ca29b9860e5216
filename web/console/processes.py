"""The processes of the installation, for the board: who is alive, what each holds, and whose clock is off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from store import leases, workers
from store.engine import Tx
from store.workers import Worker

CLOCK_SHOWN_SECONDS: Final = 2.0
"""A clock that is less off than this concerns nobody."""
SHOWN_SECONDS: Final = 600.0
"""How long one that ended without a word is shown."""


@dataclass(frozen=True, slots=True)
class ShownProcess:
    """`state`: ready, draining, or silent for one that ended without a word. `clock_off`: seconds, 0 where it is well.
    `holds`: sessions, polls, the lead."""

    name: str
    role: str
    version: str
    state: str
    clock_off: int
    holds: tuple[str, ...]
    started_at: float


def processes(tx: Tx) -> list[ShownProcess]:
    """None where one process does everything and shares its ledger with nobody."""
    now = leases.ledger_clock(tx)
    held = leases.held(tx, now)
    return [
        _shown(one, tuple(name for name, lease in sorted(held.items()) if lease.owner == one.id), now)
        for one in workers.everyone(tx)
        if one.expires_at >= now - SHOWN_SECONDS
    ]


def _shown(one: Worker, holds: tuple[str, ...], now: float) -> ShownProcess:
    off = round(one.clock_off) if abs(one.clock_off) >= CLOCK_SHOWN_SECONDS else 0
    state = one.state if one.expires_at >= now else "silent"
    return ShownProcess(one.name, one.role, one.version, state, off, holds, one.started_at)
