"""Is the service there? After one request without an answer nothing more leaves until a harmless getMe was answered.

A message whose answer got lost can never be asked about, so an outage must cost few of them: at most those that were
in flight when it began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum

import structlog

from adapters.telegram import limits

log = structlog.get_logger(__name__)


class LinkState(Enum):
    UP = "up"
    CHECKING = "checking"  # one request went unanswered: messages wait for the first getMe
    DOWN = "down"  # messages go back until a getMe is answered


class Link:
    """`check` calls getMe and raises when the service does not answer; `changed` is called at every turn."""

    def __init__(self, check: Callable[[], Awaitable[None]], changed: Callable[[], None]) -> None:
        self._check = check
        self._changed = changed
        self._checker: asyncio.Task[None] | None = None
        self.state = LinkState.UP
        self.retry_after = limits.BACKOFF_SECONDS[0]
        """Seconds until a message is worth another try, while the link is down."""

    def doubt(self) -> None:
        """A request found no server or got no answer."""
        if self._checker is None:
            self._turn(LinkState.CHECKING)
            self._checker = asyncio.create_task(self._until_answered(), name="telegram-link")

    async def close(self) -> None:
        if self._checker is not None:
            self._checker.cancel()
            await asyncio.gather(self._checker, return_exceptions=True)
            self._checker = None

    async def _until_answered(self) -> None:
        tries = 0
        while True:
            try:
                async with asyncio.timeout(limits.CHECK_SECONDS):
                    await self._check()
                break
            except Exception as broken:
                self.retry_after = limits.BACKOFF_SECONDS[min(tries, len(limits.BACKOFF_SECONDS) - 1)]
                tries += 1
                if self.state is not LinkState.DOWN:
                    log.warning("telegram.link_down", why=type(broken).__name__)
                    self._turn(LinkState.DOWN)
                await asyncio.sleep(self.retry_after)
        if tries:
            log.info("telegram.link_up", tries=tries)
        self._checker = None
        self._turn(LinkState.UP)

    def _turn(self, state: LinkState) -> None:
        self.state = state
        self._changed()
