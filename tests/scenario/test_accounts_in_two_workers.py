"""SMS accounts that live in two workers: each message by the account that should take it, wherever its chunk was
claimed; and past an account that nobody has, or that does not work where it lives."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Envelope, Outcome, Part, RejectClass, Rejected
from adapters.sms.routing import LearnedCarriers, SmsRouter
from adapters.sms.settings import SmppAccount
from broadcasts.dispatch import Dispatcher
from broadcasts.recorder import Recorder
from broadcasts.routes import Route, Routes
from tests.contract.recording import MemoryState
from tests.scenario.engine_room import EngineRoom, ScriptedChannel

VIETTEL = [84_980_000_000 + n for n in range(40)]
VINAPHONE = [84_910_000_000 + n for n in range(40)]
MIXED = [number for pair in zip(VIETTEL, VINAPHONE, strict=True) for number in pair]
ACCOUNTS: dict[str, dict[str, Any]] = {
    "vt": {"carriers": ("viettel",), "price": 250},
    "vp": {"carriers": ("vinaphone",), "price": 400},
}


class Worker:
    """One process's routers and dispatchers on the engine room's ledger and lanes."""

    def __init__(self, room: EngineRoom, name: str, here: str, accounts: dict[str, dict[str, Any]]) -> None:
        self.name, self.here, self.room = name, f"sms.{here}", room
        state = MemoryState()
        settings = [
            SmppAccount(name=one, host="127.0.0.1", port=1, system_id="x", password="x", window=20, **more)
            for one, more in accounts.items()
        ]
        self.channels = {
            f"sms.{one.name}": ScriptedChannel(f"sms.{one.name}", unaccented=True, window=20) for one in settings
        }
        pairs = [(one, self.channels[f"sms.{one.name}"]) for one in settings]
        learned = LearnedCarriers(state)
        self.router = SmsRouter(pairs, learned, state, time.time, parts=Part.SEND)  # type: ignore[arg-type]
        routes = [Route(self.router, "sms"), *(Route(view, "sms") for view in self.router.views)]
        self.routes = Routes(routes)
        self.recorder = Recorder(room.ledger, room.bus)
        self.dispatchers = [
            Dispatcher(route, room.ledger, room.lanes, self.recorder, room.bus, name, "OK", routes=self.routes)
            for route in routes
            if route.name in ("sms", self.here)
        ]

    async def start(self, *, well: set[str]) -> None:
        await self.recorder.start([route.name for route in self.routes.all])
        await self.router.start(self.recorder)  # type: ignore[arg-type]
        for view in self.router.views:
            if view.name == self.here:
                await view.start(self.recorder)  # type: ignore[arg-type]
        self.router.settle(well)
        for dispatcher in self.dispatchers:
            dispatcher.start()

    async def stop(self) -> None:
        for dispatcher in self.dispatchers:
            await dispatcher.stop()
        await self.router.stop()
        await self.recorder.stop()

    @property
    def left(self) -> Counter[str]:
        return Counter(envelope.to for envelope in self.channels[self.here].left)

    def nothing_left_by_others(self) -> bool:
        return all(not channel.left for name, channel in self.channels.items() if name != self.here)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[EngineRoom]:
    made = EngineRoom(tmp_path, Route(ScriptedChannel("sms", unaccented=True), "sms"), now=time.time)
    if made.shared.shared:
        await made.shared.start("test", "test")
    yield made
    await made.stop()


async def sent(room: EngineRoom, no: int, count: int) -> None:
    async def all_accepted() -> bool:
        return (await room.counts(no)).get("accepted", 0) == count

    await room.until(all_accepted, 20)


async def events(room: EngineRoom) -> list[tuple[Any, ...]]:
    return await room.ledger.read(
        lambda tx: tx.execute("SELECT state, reason, count(*) FROM delivery_event GROUP BY state, reason").fetchall()
    )


async def test_what_another_account_should_take_goes_on_where_it_lives(room: EngineRoom) -> None:
    one, two = Worker(room, "one", "vt", ACCOUNTS), Worker(room, "two", "vp", ACCOUNTS)
    await one.start(well={"sms.vp"})
    await two.start(well={"sms.vt"})
    try:
        no = await room.approved(numbers=MIXED)
        assert await room.clockwork.fire(no)
        await sent(room, no, len(MIXED))
        assert one.left == Counter({str(number): 1 for number in VIETTEL})
        assert two.left == Counter({str(number): 1 for number in VINAPHONE})
        assert one.nothing_left_by_others()
        assert two.nothing_left_by_others()
        assert await events(room) == [], "that it went on is nobody's news"
        attempts = await room.ledger.read(lambda tx: tx.execute("SELECT DISTINCT attempts FROM delivery").fetchall())
        assert attempts == [(1,)], "it counts as no attempt"
    finally:
        await one.stop()
        await two.stop()


async def test_accounts_for_every_network_share_without_passing_on(room: EngineRoom) -> None:
    accounts: dict[str, dict[str, Any]] = {"a": {"price": 300}, "b": {"price": 300}}
    one, two = Worker(room, "one", "a", accounts), Worker(room, "two", "b", accounts)
    await one.start(well={"sms.b"})
    await two.start(well={"sms.a"})
    try:
        no = await room.approved(numbers=MIXED)
        assert await room.clockwork.fire(no)
        await sent(room, no, len(MIXED))
        assert one.left + two.left == Counter({str(number): 1 for number in MIXED})
        assert not one.left or not two.left, "one chunk, one worker"
    finally:
        await one.stop()
        await two.stop()


async def test_an_account_that_nobody_has_is_passed_by(room: EngineRoom) -> None:
    accounts: dict[str, dict[str, Any]] = {"cheap": {"price": 100}, "dear": {"price": 900}}
    one = Worker(room, "one", "dear", accounts)
    await one.start(well=set())
    try:
        no = await room.approved(numbers=MIXED)
        assert await room.clockwork.fire(no)
        await sent(room, no, len(MIXED))
        assert one.left == Counter({str(number): 1 for number in MIXED})
        assert one.nothing_left_by_others()
    finally:
        await one.stop()


async def test_the_cheaper_account_takes_it_where_it_lives(room: EngineRoom) -> None:
    accounts: dict[str, dict[str, Any]] = {"cheap": {"price": 100}, "dear": {"price": 900}}
    one, two = Worker(room, "one", "dear", accounts), Worker(room, "two", "cheap", accounts)
    await one.start(well={"sms.cheap"})
    try:
        no = await room.approved(numbers=MIXED)
        assert await room.clockwork.fire(no)
        await room.until(lambda: room.lanes.depth("sms.cheap"), 20)
        assert one.left == Counter()
        await two.start(well={"sms.dear"})
        await sent(room, no, len(MIXED))
        assert two.left == Counter({str(number): 1 for number in MIXED})
    finally:
        await one.stop()
        await two.stop()


async def test_one_that_breaks_where_it_lives_gives_way_to_the_other(room: EngineRoom) -> None:
    """The worker of the cheap account finds that nothing passes; the dear one takes over in the other worker."""
    accounts: dict[str, dict[str, Any]] = {"cheap": {"price": 100}, "dear": {"price": 900}}
    one, two = Worker(room, "one", "dear", accounts), Worker(room, "two", "cheap", accounts)

    def broken(envelope: Envelope, times: int) -> Outcome:
        return Rejected("auth", RejectClass.CONFIG)

    two.channels["sms.cheap"].answer = broken
    await one.start(well={"sms.cheap"})
    await two.start(well={"sms.dear"})
    try:
        no = await room.approved(numbers=MIXED)
        assert await room.clockwork.fire(no)
        await room.until(lambda: two.left, 20)
        one.router.settle(set())
        await sent(room, no, len(MIXED))
        assert one.left == Counter({str(number): 1 for number in MIXED})
    finally:
        await one.stop()
        await two.stop()
