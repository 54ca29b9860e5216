"""What happens to one thing happens one after the other, and to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Turns:
    """Acts by name. Who gives up waiting for one breaks nothing off in the middle: the next of its name finds all of it
    done."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Task[None]] = {}

    def take(self, name: str, act: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Begins once those before it have ended, however they did. Wait for it with `asyncio.shield`."""
        before = self._last.get(name)

        async def run() -> None:
            if before is not None:
                await asyncio.wait((before,))
            await act()

        task = asyncio.create_task(run(), name=f"turn of {name}")
        self._last[name] = task
        task.add_done_callback(lambda ended: self._forget(name, ended))
        return task

    def _forget(self, name: str, ended: asyncio.Task[None]) -> None:
        if self._last.get(name) is ended:
            del self._last[name]
