"""Server-sent events (html.spec.whatwg.org, 9.2): headers that keep proxies from holding them back, comments that keep
the line open, wake-ups from the bus, and an end when the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from store.engine import LedgerError
from web.context import services_of
from web.security import secure

log = structlog.get_logger(__name__)

KEEPALIVE_SECONDS: Final = 15.0
"""Proxies cut a line that is silent for 30 to 60 s."""
HINT_GAP_SECONDS: Final = 0.25
"""Shortest time between two looks at the ledger for one stream: a burst of 166 answers is a few looks."""
RETRY_MS: Final = 3_000
"""When a browser comes back after its stream was cut."""
STOPPING: Final = web.AppKey("stopping", asyncio.Event)
HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@asynccontextmanager
async def opened(request: web.Request) -> AsyncIterator[web.StreamResponse]:
    """An open event stream. It ends quietly when its reader is gone, and when the ledger cannot be read: the reader
    comes back by itself and gets a proper answer then."""
    response = web.StreamResponse(headers=HEADERS)
    secure(response, https=services_of(request).settings.is_https, private=True)
    await response.prepare(request)
    try:
        yield response
    except ConnectionResetError:
        log.debug("stream_reader_gone", path=request.path)
    except LedgerError as failed:
        log.warning("stream_ended", path=request.path, reason=failed.key)


async def begin(response: web.StreamResponse) -> None:
    await response.write(b"retry: %d\n\n" % RETRY_MS)


async def send(response: web.StreamResponse, data: bytes, *, event: str = "", id_: str = "") -> None:
    """One event. `data` is JSON on one line."""
    head = (f"id: {id_}\n" if id_ else "") + (f"event: {event}\n" if event else "")
    await response.write(head.encode() + b"data: " + data + b"\n\n")


async def comment(response: web.StreamResponse) -> None:
    await response.write(b": alive\n\n")


class Hints:
    """Wake-ups for one stream."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._due = asyncio.Event()

    def wake(self) -> None:
        self._due.set()

    async def wait(self, seconds: float) -> bool:
        """Until something was hinted or the time is over; False: the service stops, so end the stream."""
        waits = [asyncio.ensure_future(self._due.wait()), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if self._due.is_set() and not self._stopping.is_set():
                await asyncio.wait(waits[1:], timeout=HINT_GAP_SECONDS)  # let a burst gather
        finally:
            for wait in waits:
                wait.cancel()
        self._due.clear()
        return not self._stopping.is_set()


@asynccontextmanager
async def hints(request: web.Request, *topics: str) -> AsyncIterator[Hints]:
    """Follow these topics of the bus for as long as the stream is open."""
    found = Hints(request.app[STOPPING])

    async def listen() -> None:
        async with services_of(request).bus.follow(*topics) as events:
            async for _ in events:
                found.wake()

    listener = asyncio.create_task(listen())
    try:
        yield found
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
