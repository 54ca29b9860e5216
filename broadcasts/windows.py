"""A claimer's way through its chunk, window by window: how many envelopes leave together, and how many windows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.contract import Envelope, Traits
from broadcasts.routes import Route
from store.chunks import Claim
from text.segments import measure

IN_FLIGHT_MAX = 100
"""Most deliveries of one claim that are handed over at a time; a channel that keeps fewer in flight uses its own."""
WINDOWS_AT_ONCE = 2
"""Windows of one claim that are handed over at a time: as one empties, the other keeps the channel busy."""
MARKED_AT_ONCE = WINDOWS_AT_ONCE + 1
"""Windows of one claim below its mark without a result: the most that a crash leaves in doubt."""


@dataclass(slots=True)
class Pass:
    """One claimer's way through a chunk."""

    claim: Claim
    route: Route
    step: int
    """Envelopes of one window."""
    open: int = 0
    """How many were handed over whose outcome is not yet in the ledger."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    next_try: float | None = None
    """Seconds until the earliest retry."""
    nothing_passes: bool = False
    """A whole window was refused because the link is down or the account is shut."""
    wanted: str = ""
    """The lane of an account that lives in another process and is to take what is left."""


@dataclass(slots=True)
class Window:
    """Envelopes that are handed over together. `shut`: refusals that say that nothing passes now."""

    run: Pass
    envelopes: Sequence[Envelope]
    shut: int = 0
    begun: float = 0.0
    """When it was handed over, on the monotonic clock."""


async def until_one_may_begin(under_way: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait until one more window may begin. Raises what a channel raised, though it promises not to."""
    while len(under_way) >= WINDOWS_AT_ONCE:
        ended, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        for one in ended:
            one.result()
    return under_way


def step_of(traits: Traits, envelopes: Sequence[Envelope]) -> int:
    """How many envelopes one window holds: its share of what the channel keeps in flight, where each part of a long
    SMS counts."""
    most = min(traits.window, IN_FLIGHT_MAX) // WINDOWS_AT_ONCE
    if not traits.unaccented:
        return max(1, most)
    parts = max((len(measure(text).parts) for text in {one.text for one in envelopes}), default=1)
    return max(1, most // parts)
