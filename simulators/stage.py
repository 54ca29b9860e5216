"""The message log of one simulated provider: what phones show and what people type, with a control API for it.

Every simulator owns one `Stage`. It is the only thing that the phone wall, the crowd of simulated people and the
tests know of a simulator; the provider's protocol stays in the simulator's own module.

Control API, mounted on the simulator's own port under `/_sim/`:

- `GET messages?after=N&address=A&limit=L` → `{"messages": [...], "last": n}`: shown and typed messages after N
- `GET events?after=N` → the same as server-sent events
- `POST say {"sender", "chat"?, "text"}` → a person types (`chat` names a group, else the service itself)
- `POST press {"sender", "message": n, "payload"}` → a person presses a button of message n
- `GET|POST faults` → the simulator's fault knobs, as one flat JSON object
- `GET stats` → counters
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

import orjson
from aiohttp import web

from simulators.journal import Journal

STAGE_MEMORY = 50_000
"""Messages kept for the control API; a benchmark's older ones are only counted."""
SSE_KEEPALIVE_SECONDS = 15.0


@dataclass(slots=True)
class Shown:
    """One line on a phone. `address` is whose phone or which group; `sender` is "loa" for what the service sent."""

    n: int
    address: str
    sender: str
    text: str
    at: float
    group: bool = False
    provider_id: str = ""
    buttons: list[dict[str, str]] = field(default_factory=list)
    pressed_by: list[str] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)
    """Files in the message: `{"name", "media", "id"}`, their bytes at `/_sim/files/<id>`; or `url` in place of `id`."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An upload as the provider keeps it."""

    name: str
    media: str
    content: bytes

    def shown(self, id: str) -> dict[str, str]:
        return {"name": self.name, "media": self.media, "id": id}


class Provider(Protocol):
    """What a simulator does when a person acts: turn it into the provider's real event (webhook, update, deliver_sm).

    An act that is not possible (no such group, no such button) raises LookupError.
    """

    async def person_says(self, sender: str, chat: str | None, text: str) -> None: ...

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None: ...

    def faults(self) -> dict[str, Any]: ...

    def set_faults(self, knobs: dict[str, Any]) -> None:
        """Raises ValueError with one clear sentence for an unknown knob or value."""


@runtime_checkable
class Acts(Protocol):
    """A provider whose people do more than write."""

    async def person_does(self, sender: str, what: str, chat: str | None) -> None:
        """`what`: follow, unfollow, join or leave (`chat` names the group). Raises LookupError for what is not possible
        there."""


Listener = Callable[[Shown], None]


class Stage:
    """Append-only log with numbered lines, live listeners and counters."""

    def __init__(self, journal: Journal | None = None) -> None:
        """`journal`: keeps every line; those that it has are there already."""
        self.lines: deque[Shown] = deque(maxlen=STAGE_MEMORY)
        self.counters: Counter[str] = Counter()
        self.files: dict[str, StoredFile] = {}
        """What was uploaded, by the provider's id."""
        self._listeners: list[Listener] = []
        self._last = 0
        self._remember(journal or Journal())

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for every new line, from the event loop; returns the way to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def show(self, address: str, sender: str, text: str, **more: Any) -> Shown:
        self._last += 1
        line = Shown(n=self._last, address=address, sender=sender, text=text, at=time.time(), **more)
        self.lines.append(line)
        for listener in tuple(self._listeners):
            listener(line)
        return line

    def revise(self, line: Shown) -> None:
        """A message was edited or its button pressed: listeners get the same line, with its old number, once more."""
        for listener in tuple(self._listeners):
            listener(line)

    def _remember(self, journal: Journal) -> None:
        if not journal.on:
            return
        known = {one["line"]["n"]: Shown(**one["line"]) for one in journal.read() if one["what"] == "line"}
        self.lines.extend(known[n] for n in sorted(known))
        self._last = max(known, default=0)
        self.listen(lambda line: journal.write("line", line=line))

    def find(self, n: int) -> Shown | None:
        return next((line for line in reversed(self.lines) if line.n == n), None)

    def after(self, n: int, address: str | None = None, limit: int = 500) -> list[Shown]:
        return [line for line in self.lines if line.n > n and (address is None or line.address == address)][:limit]


def routes(stage: Stage, provider: Provider) -> list[web.RouteDef]:
    """The control API of one simulator."""

    async def messages(request: web.Request) -> web.Response:
        query = request.query
        found = stage.after(int(query.get("after", 0)), query.get("address"), int(query.get("limit", 500)))
        return _json({"messages": [asdict(line) for line in found], "last": found[-1].n if found else 0})

    async def events(request: web.Request) -> web.StreamResponse:
        return await _events(stage, request)

    async def say(request: web.Request) -> web.Response:
        body = await request.json()
        return await _act(provider.person_says(body["sender"], body.get("chat"), body["text"]))

    async def press(request: web.Request) -> web.Response:
        body = await request.json()
        line = stage.find(int(body["message"]))
        if line is None:
            return _json({"error": "no such message"}, 404)
        return await _act(press_button(stage, provider, body["sender"], line, body["payload"]))

    async def get_faults(_: web.Request) -> web.Response:
        return _json(provider.faults())

    async def set_faults(request: web.Request) -> web.Response:
        try:
            provider.set_faults(await request.json())
        except ValueError as wrong:
            return _json({"error": str(wrong)}, 422)
        return _json(provider.faults())

    async def file(request: web.Request) -> web.Response:
        stored = stage.files.get(request.match_info["id"])
        if stored is None:
            return _json({"error": "no such file"}, 404)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return web.Response(body=stored.content, content_type=stored.media, headers=headers)

    async def stats(_: web.Request) -> web.Response:
        return _json(dict(stage.counters))

    return [
        web.get("/_sim/messages", messages),
        web.get("/_sim/events", events),
        web.post("/_sim/say", say),
        web.post("/_sim/press", press),
        web.get("/_sim/faults", get_faults),
        web.post("/_sim/faults", set_faults),
        web.get("/_sim/stats", stats),
        web.get("/_sim/files/{id}", file),
    ]


async def press_button(stage: Stage, provider: Provider, sender: str, line: Shown, payload: str) -> None:
    """A person presses a button, and the phone shows that it was pressed."""
    await provider.person_presses(sender, line, payload)
    line.pressed_by.append(sender)
    stage.revise(line)


async def _act(action: Awaitable[None]) -> web.Response:
    try:
        await action
    except LookupError as wrong:
        return _json({"error": str(wrong)}, 404)
    return _json({"ok": True})


async def _events(stage: Stage, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    queue: asyncio.Queue[Shown] = asyncio.Queue()
    for line in stage.after(int(request.query.get("after", 0))):
        queue.put_nowait(line)
    stop = stage.listen(queue.put_nowait)
    try:
        while True:
            try:
                async with asyncio.timeout(SSE_KEEPALIVE_SECONDS):
                    line = await queue.get()
                await response.write(b"id: %d\ndata: %s\n\n" % (line.n, orjson.dumps(asdict(line))))
            except TimeoutError:
                await response.write(b": alive\n\n")
    except ConnectionResetError:
        pass
    finally:
        stop()
    return response


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
