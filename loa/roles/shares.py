"""Who holds what: sessions spread evenly over the processes that may hold them. Pure; the ledger settles races."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Moves:
    """What one process tries to take now, and what it is to hand over."""

    take: tuple[str, ...] = ()
    give: tuple[str, ...] = ()


def moves(
    me: str, peers: Collection[str], homes: Sequence[str], held: Mapping[str, str], settled: Collection[str] = ()
) -> Moves:
    """`peers`: processes that may hold `homes`, this one among them; `held`: home → its holder; `settled`: peers that
    have been there for a while. A free home is taken at once, up to an even share. One is handed over only to a settled
    peer that has two fewer, by the one that has most: a process that starts and dies again moves nothing.
    """
    if me not in peers:
        return Moves(give=tuple(home for home in homes if held.get(home) == me))
    counts = {peer: sum(held.get(home) == peer for home in homes) for peer in peers}
    free = [home for home in homes if held.get(home) not in counts]
    room = max(0, ceil(len(homes) / len(counts)) - counts[me])
    if free:
        return Moves(take=tuple(free[:room]))
    richest = min(counts, key=lambda peer: (-counts[peer], peer))
    poorest = min((counts[peer] for peer in settled if peer in counts), default=counts[richest])
    if me == richest and counts[me] - poorest >= 2:
        return Moves(give=tuple(home for home in homes if held.get(home) == me)[-1:])
    return Moves()
