"""What the tests of SMS accounts over HTTP stand on: hooks mounted as the web room mounts them, quick repeats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from adapters.contract import Channel, Envelope, Hook, HookReply, HookRequest
from adapters.sms.esms import limits as esms_limits
from adapters.sms.esms.channel import EsmsChannel
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.speedsms.channel import SpeedSmsChannel
from adapters.sms.speedsms.settings import SpeedSmsAccount
from simulators import esms, speedsms
from simulators.serving import serve
from tests.contract.recording import MemoryState, RecordingSink, ReportBook, until
from tests.contract.runner import Rig

PHONE = "84900001234"
OTHER = "84900005678"
TOKEN = "abcdefghijklmnop-0123456789"


class Clock:
    """The real time, moved by the test. Epoch seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Hooks:
    """A door at `url` whose names may change while it is open."""

    url: str = ""
    table: Mapping[str, Hook] = field(default_factory=dict)
    remote: str = "127.0.0.1"
    replies: list[HookReply] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)


@asynccontextmanager
async def hooks() -> AsyncIterator[Hooks]:
    door = Hooks()

    async def receive(request: web.Request) -> web.Response:
        hook = door.table.get(request.match_info["name"])
        if hook is None:
            return web.Response(status=404)
        headers = {key.lower(): value for key, value in request.headers.items()}
        asked = HookRequest(
            request.method, request.path, dict(request.query), headers, await request.read(), door.remote
        )
        reply = await hook(asked)
        door.replies.append(reply)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

    app = web.Application()
    app.router.add_route("*", "/hooks/{name}", receive)
    served = await serve(app)
    door.url = served.url
    try:
        yield door
    finally:
        await served.close()


class Stand:
    """Opens channels on one simulated aggregator and closes them at the end."""

    def __init__(self, sim: Any, door: Hooks) -> None:
        self.sim = sim
        self.door = door
        self._opened: list[Channel] = []

    async def close(self) -> None:
        for channel in self._opened:
            await channel.stop()

    async def _open(self, channel: Channel, sink: RecordingSink | None, state: MemoryState, **more: Any) -> Rig:
        sink = sink or RecordingSink()
        await channel.start(sink)
        self._opened.append(channel)
        self.door.table = {**self.door.table, **channel.hooks}
        return Rig(channel, self.sim, sink, more={"state": state, "stand": self, **more})


class EsmsStand(Stand):
    sim: esms.EsmsSim

    def settings(self, **more: Any) -> EsmsAccount:
        fields: dict[str, Any] = {
            "name": "esms", "base_url": self.sim.base_url, "api_key": esms.API_KEY, "secret_key": esms.SECRET_KEY,
            "sender": esms.BRANDNAME, "public_url": self.door.url, "hook_token": TOKEN, "tps": 500,
            "mo_private_key": esms.PRIVATE_KEY, "answer_seconds": 0.4, "connect_seconds": 1, "status_after": 0.3,
        }  # fmt: skip
        return EsmsAccount(**(fields | more))

    async def open(
        self, state: MemoryState | None = None, sink: RecordingSink | None = None,
        now: Callable[[], float] = time.time, **more: Any,
    ) -> Rig:  # fmt: skip
        state = state or MemoryState()
        settings = self.settings(**more)
        learned: dict[int, str] = {}
        channel = EsmsChannel(settings, state, now, learned.__setitem__)
        rig = await self._open(channel, sink, state, settings=settings, learned=learned)
        self.sim.callbacks.mo_url = f"{self.door.url}/hooks/{settings.mo_hook}" if settings.mo_hook else ""
        return rig


class SpeedStand(Stand):
    sim: speedsms.SpeedSmsSim

    def settings(self, **more: Any) -> SpeedSmsAccount:
        fields: dict[str, Any] = {
            "name": "speed", "base_url": self.sim.base_url, "access_token": speedsms.ACCESS_TOKEN,
            "hook_token": TOKEN, "answer_seconds": 0.4, "connect_seconds": 1, "status_after": 0.3,
        }  # fmt: skip
        return SpeedSmsAccount(**(fields | more))

    async def open(
        self, state: MemoryState | None = None, sink: RecordingSink | None = None,
        now: Callable[[], float] = time.time, **more: Any,
    ) -> Rig:  # fmt: skip
        state = state or MemoryState()
        settings = self.settings(**more)
        rig = await self._open(SpeedSmsChannel(settings, state, now), sink, state, settings=settings)
        self.sim.hook_url = f"{self.door.url}/hooks/{settings.hook}" if settings.hook else ""
        return rig


@pytest.fixture
async def esms_stand(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EsmsStand]:
    monkeypatch.setattr(esms_limits, "REPEAT_SECONDS", (0.02, 0.05, 0.1))
    monkeypatch.setattr(esms_limits, "CALLBACK_RETRY_SECONDS", 0.05)
    sim = await esms.start()
    async with hooks() as door:
        stand = EsmsStand(sim, door)
        yield stand
        await stand.close()
    await sim.close()


@pytest.fixture
async def speed_stand() -> AsyncIterator[SpeedStand]:
    sim = await speedsms.start()
    async with hooks() as door:
        stand = SpeedStand(sim, door)
        yield stand
        await stand.close()
    await sim.close()


async def give(rig: Rig, batch: Sequence[Envelope], book: ReportBook | None = None) -> ReportBook:
    """Send, and wait for an outcome of each."""
    book = book or rig.book
    await asyncio.wait_for(rig.channel.send(batch, book), 10)
    await until(lambda: {envelope.delivery_id for envelope in batch} <= book.outcomes.keys(), 10, "all outcomes")
    return book


def one(text: str = "canh bao", to: str = PHONE, n: int = 1, **more: Any) -> Envelope:
    return Envelope(n, to, text, **more)


def some(count: int, text: str = "canh bao") -> tuple[Envelope, ...]:
    """`count` texts of their own to one number."""
    return tuple(one(f"{text} {n}", n=n) for n in range(1, count + 1))


def numbers(count: int, text: str = "canh bao") -> tuple[Envelope, ...]:
    """One text to `count` numbers."""
    return tuple(one(text, to=str(84900010000 + n), n=n) for n in range(1, count + 1))
