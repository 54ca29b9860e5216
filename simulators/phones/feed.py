"""One event stream for all threads of a page (a browser keeps only six connections to a host)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import orjson
from aiohttp import web

from simulators.apps import App
from simulators.phones import view
from simulators.phones.wording import Wording
from simulators.stage import Shown

KEEPALIVE_SECONDS = 15.0
Render = Callable[[view.Thread, view.Line], str]


class Feed:
    """`position` is the number of the last line seen of each simulator: "zalo:12,smsc:4"."""

    def __init__(
        self,
        world: view.World,
        threads: Mapping[tuple[str, str], list[view.Thread]],
        say: Wording,
        render: Render,
    ) -> None:
        self._world = world
        self._threads = threads
        self._say = say
        self._render = render
        self._seen: dict[str, int] = {}

    @staticmethod
    def position(apps: Iterable[App]) -> str:
        return ",".join(f"{app.name}:{app.stage.lines[-1].n if app.stage.lines else 0}" for app in apps)

    async def serve(self, request: web.Request, since: str) -> web.StreamResponse:
        """Until the browser goes away."""
        self._seen = _parse(since)
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        queue: asyncio.Queue[tuple[App, Shown]] = asyncio.Queue()
        stops = [app.stage.listen(partial(self._keep, queue, app)) for app in self._world.apps]
        self._catch_up(queue)
        try:
            await response.write(b"retry: 1000\n\n")
            while True:
                try:
                    async with asyncio.timeout(KEEPALIVE_SECONDS):
                        app, shown = await queue.get()
                    await response.write(self._events(app, shown))
                except TimeoutError:
                    await response.write(b": alive\n\n")
        except ConnectionResetError:
            pass
        finally:
            for stop in stops:
                stop()
        return response

    def _keep(self, queue: asyncio.Queue[tuple[App, Shown]], app: App, shown: Shown) -> None:
        if (app.kind, shown.address) in self._threads:
            queue.put_nowait((app, shown))

    def _catch_up(self, queue: asyncio.Queue[tuple[App, Shown]]) -> None:
        """What came between the page (or the break) and now."""
        for app in self._world.apps:
            seen = self._seen.get(app.name)
            if seen is None:
                continue
            for shown in app.stage.after(seen, limit=len(app.stage.lines)):
                self._keep(queue, app, shown)

    def _events(self, app: App, shown: Shown) -> bytes:
        self._seen[app.name] = max(self._seen.get(app.name, 0), shown.n)
        position = ",".join(f"{name}:{n}" for name, n in self._seen.items())
        events = []
        for thread in self._threads[app.kind, shown.address]:
            line = view.line(self._world, app, shown, thread, self._say)
            data = {"thread": thread.id, "line": line.id, "mine": line.mine, "html": self._render(thread, line)}
            events.append(b"id: %s\nevent: line\ndata: %s\n\n" % (position.encode(), orjson.dumps(data)))
        return b"".join(events)


def _parse(position: str) -> dict[str, int]:
    found = {}
    for each in position.split(","):
        name, _, number = each.partition(":")
        if number.isascii() and number.isdecimal():
            found[name] = int(number)
    return found
