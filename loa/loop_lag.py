"""How late the event loop is: whatever blocks it delays every channel and page at once."""

from __future__ import annotations

import asyncio
from typing import Final

from prometheus_client import Gauge, Histogram

EVERY_SECONDS: Final = 1.0
LAG: Final = Histogram(
    "loa_event_loop_lag_seconds",
    "How much later than asked a timer of the event loop fired",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
LAST: Final = Gauge("loa_event_loop_lag_last_seconds", "The last of these")


async def watch_loop() -> None:
    """Until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        asked = loop.time()
        await asyncio.sleep(EVERY_SECONDS)
        late = max(0.0, loop.time() - asked - EVERY_SECONDS)
        LAG.observe(late)
        LAST.set(late)
