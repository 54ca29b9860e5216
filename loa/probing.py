"""How each channel is, asked side by side: one that hangs is shown as slow and keeps no other light dark."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from adapters.contract import Channel, Health, HealthState

log = structlog.get_logger(__name__)

PROBE_SECONDS = 1.5
"""How long a round waits for its channels; shorter than the first page waits for its lights. A probe that takes longer
goes on, and its answer is in the next round."""


class Probes:
    """`round` asks every channel, each at most once at a time."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._known: dict[str, Health] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def round(self) -> list[tuple[str, Health]]:
        for name, channel in self._channels.items():
            if name not in self._asking:
                self._asking[name] = asyncio.create_task(self._ask(channel), name=f"probe {name}")
        if self._asking:
            await asyncio.wait(self._asking.values(), timeout=PROBE_SECONDS)
        return [(name, self._shown(name)) for name in self._channels]

    async def _ask(self, channel: Channel) -> None:
        try:
            self._known[channel.name] = await channel.probe()
        except Exception:
            log.exception("probe_failed", channel=channel.name)
            self._known[channel.name] = Health(HealthState.DOWN, "probe_failed")
        finally:
            del self._asking[channel.name]

    def _shown(self, name: str) -> Health:
        """What the last probe said; of one that still waits for a channel that was well, that it waits."""
        known = self._known.get(name)
        if name not in self._asking or (known is not None and known.state is not HealthState.OK):
            return known or Health(HealthState.DOWN, "probe_failed")
        proven_at = known.proven_at if known is not None else None
        return Health(HealthState.DEGRADED, "probe_slow", {"seconds": PROBE_SECONDS}, proven_at)
