"""A sign of life to an address outside: when it stays away, somebody outside rings (a dead man's switch)."""

from __future__ import annotations

from typing import Final

import aiohttp
import structlog

from broadcasts.watch.vitals import Vitals

log = structlog.get_logger(__name__)

ANSWER_SECONDS: Final = 10.0


class Heartbeat:
    """`tick` every minute. `url` may hold a secret and is never logged or shown."""

    def __init__(self, url: str, vitals: Vitals) -> None:
        self._url = url
        self._vitals = vitals
        self.held = ""
        """Why the last beat was not given, see `Vitals.failing`."""
        self.refused = ""
        """What stood in the way of the last beat outside: a status, or the kind of the error."""
        self.last_at: float | None = None

    @property
    def is_set(self) -> bool:
        return bool(self._url)

    async def tick(self) -> None:
        """Beat, if the work moves. Never raises."""
        self.held = await self._vitals.failing()
        if self.held:
            log.warning("heartbeat_held", why=self.held)
            return
        if not self._url:
            return
        self.refused = await self._beat()
        if self.refused:
            log.warning("heartbeat_failed", why=self.refused)
        else:
            self.last_at = self._vitals.now()

    async def _beat(self) -> str:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(self._url) as answer:
                return "" if answer.status < 400 else str(answer.status)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as failed:
            return type(failed).__name__
