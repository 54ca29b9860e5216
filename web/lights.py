"""A light per channel for the top bar. Probes are kept for a while, so that no page waits for a provider."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from aiohttp import web

from adapters.contract import Health, Now
from web.locale import Catalogue
from web.services import Channels

log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 10.0
"""How old a light may be before the channels are asked again."""
WAIT_SECONDS: Final = 2.0
"""How long the very first page waits for the lights."""


@dataclass(frozen=True, slots=True)
class Light:
    name: str
    state: str
    """ok, degraded, down or off."""
    key: str
    params: dict[str, str | int | float]
    proven_at: datetime | None

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]

    def says(self, say: Catalogue) -> str:
        return say.say(f"health.{self.key}.says", **self.params)

    def mend(self, say: Catalogue) -> str:
        key = f"health.{self.key}.mend"
        return say.say(key, **self.params) if say.has(key) else ""

    def line(self, say: Catalogue) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state,
            "says": self.says(say),
            "mend": self.mend(say),
            "proven_at": self.proven_at,
        }


class Lights:
    """Asks the channels at most every `FRESH_SECONDS`, one probe at a time, and keeps what they said."""

    def __init__(self, channels: Channels, now: Now) -> None:
        self._channels = channels
        self._now = now
        self._known: list[Light] = []
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def now(self) -> list[Light]:
        """What is known now; the first time, what can be learned within `WAIT_SECONDS`."""
        if self._now() - self._asked_at >= FRESH_SECONDS and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask())
        if not self._known and self._asking is not None:
            await asyncio.wait({self._asking}, timeout=WAIT_SECONDS)
        return self._known

    async def _ask(self) -> None:
        self._asked_at = self._now()
        try:
            answers = await self._channels.health()
        except Exception:
            log.exception("channel_health_failed")
            return
        self._known = [light_of(name, health) for name, health in answers]

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)


def light_of(name: str, health: Health) -> Light:
    return Light(name, health.state.value, health.key, dict(health.params), health.proven_at)


LIGHTS: Final = web.AppKey("lights", Lights)
