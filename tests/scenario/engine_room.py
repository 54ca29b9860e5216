"""The sending half of Loa over a real ledger, with channels that tests script. No web, no bot, no directory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from adapters.contract import Accepted, Envelope, Evidence, Health, HealthState, Outcome, Receipt, ReceiptState, Traits
from broadcasts.clockwork import Clockwork
from broadcasts.dispatch import Dispatcher
from broadcasts.recorder import Recorder
from broadcasts.routes import Route, Routes
from broadcasts.seal import kept_seal, numbers_of
from broadcasts.steps import Plan, Step
from lanes.opening import opened
from store import broadcasts, chunks
from store.broadcasts import MemberRow
from tests.ledgers import ledger_of
from tests.redis_stand import drop, lanes_url

ALL_RECEIPTS = frozenset({Evidence.ACCEPTED, Evidence.DELIVERED, Evidence.SEEN})
Answer = Callable[[Envelope, int], Outcome | None]
"""(envelope, how often this delivery was handed over) → outcome; None: no answer ever comes."""


def accept(envelope: Envelope, times: int) -> Outcome:
    return Accepted((f"id-{envelope.delivery_id}-{times}",))


class ScriptedChannel:
    """Answers as it is told, at once, and remembers everything that left."""

    def __init__(self, name: str, answer: Answer = accept, **traits: object) -> None:
        self.name = name
        self.traits = Traits(**{"receipts": ALL_RECEIPTS, "window": 10, **traits})  # type: ignore[arg-type]
        self.hooks = {}
        self.answer = answer
        self.left: list[Envelope] = []
        self.sink = None

    async def start(self, sink):
        self.sink = sink

    async def stop(self):
        pass

    async def send(self, batch: Sequence[Envelope], report):
        for envelope in batch:
            self.left.append(envelope)
            times = sum(1 for one in self.left if one.delivery_id == envelope.delivery_id)
            outcome = self.answer(envelope, times)
            if outcome is not None:
                report(envelope.delivery_id, outcome)
        await asyncio.sleep(0)

    async def ask(self, envelope, sent_at):
        return None

    async def probe(self):
        return Health(HealthState.OK, "scripted")

    def receipt(self, envelope: Envelope, state: ReceiptState, times: int = 1, code: str = "") -> Receipt:
        key = f"id-{envelope.delivery_id}-{times}"
        return Receipt(self.name, (key,), state, code, datetime.now(UTC))


class EngineRoom:
    """One process's engine; `crash()` leaves it as a kill would, a new one on the same folder is the restart."""

    def __init__(self, folder: Path, *routes: Route, now: Callable[[], float], owner: str = "one") -> None:
        self.now = now
        self.ledger = ledger_of(folder)
        self.ledger.open()
        self.shared = opened(lanes_url(folder), f"{owner}-{id(self)}", now)
        self.lanes, self.bus = self.shared.lanes, self.shared.bus
        self.routes = Routes(routes)
        self.recorder = Recorder(self.ledger, self.bus, now)
        self.clockwork = Clockwork(self.ledger, self.lanes, self.bus, self.routes, owner, now)
        self.dispatchers = [
            Dispatcher(route, self.ledger, self.lanes, self.recorder, self.bus, owner, "ĐÃ NHẬN", now)
            for route in routes
        ]

    async def start(self):
        await self.shared.start("room", "Phòng thử")
        await self.recorder.start([route.name for route in self.routes.all], self.routes.systems())
        for route in self.routes.all:
            await route.channel.start(self.recorder)
        doubted = await self.clockwork.recover()
        await self.clockwork.tick_lanes()
        for dispatcher in self.dispatchers:
            dispatcher.start()
        return doubted

    async def stop(self):
        for dispatcher in self.dispatchers:
            await dispatcher.stop()
        await self.recorder.stop()
        await self.shared.stop()
        await self.ledger.close()

    async def crash(self):
        """Nothing is flushed, nothing is given back."""
        await drop(self.shared)
        tasks = [task for dispatcher in self.dispatchers for task in dispatcher._tasks]
        if self.recorder._task:
            tasks.append(self.recorder._task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.ledger.close()

    async def approved(self, *, numbers=(), members: Sequence[MemberRow] = (), steps: Sequence[Step] = (), **values):
        """An approved broadcast that is due now; returns its number."""
        now = self.now()
        families = tuple({member.channel for member in members} | ({"sms"} if numbers else set()))
        row = {
            "code": "TB1126-01",
            "state": "scheduled",
            "mode": "actual",
            "kind": "alert",
            "urgency": "hoa-toc",
            "title": "Thử",
            "content": orjson.dumps({"forms": {"chat": "chào", "sms": "chao", "sms_leader": "chao lanh dao"}}).decode(),
            "audience": "list:x",
            "frozen": orjson.dumps({"numbers": len(numbers), "units": 0}).decode(),
            "plan": Plan(families=families, steps=tuple(steps), close_after=600).model_dump_json(),
            "valid_until": now + 3600,
            "content_hash": "h",
            "approved_hash": "h",
            "created_by": "a",
            "created_at": now,
            **values,
        }

        def write(tx):
            no = broadcasts.insert(tx, row)
            lists = []
            if numbers:
                tx.execute("INSERT INTO number_list (id, name, complete, created_at) VALUES (?, '', 1, 0)", (no,))
                tx.executemany("INSERT INTO number_list_entry VALUES (?, ?)", [(no, number) for number in numbers])
                lists = [no]
            broadcasts.freeze_audience(tx, no, members, lists)
            if "content_hash" not in values:
                sealed = kept_seal(tx, broadcasts.by_no(tx, no), numbers_of(tx, no))
                hashes = {"content_hash": sealed, "approved_hash": values.get("approved_hash", sealed)}
                broadcasts.update(tx, no, (row["state"],), hashes)
            return no

        return await self.ledger.write(write)

    async def counts(self, no: int) -> dict[str, int]:
        found = await self.ledger.read(lambda tx: chunks.counts(tx, no))
        return {name.removeprefix("c_"): n for name, n in zip(chunks.STATE_COLUMNS, found, strict=True) if n}

    async def until(self, check, seconds: float = 30.0):
        """Wait until `check()` (maybe a coroutine function) is true."""
        async with asyncio.timeout(seconds):
            while True:
                value = check()
                if asyncio.iscoroutine(value):
                    value = await value
                if value:
                    return value
                await asyncio.sleep(0.01)


def leader(unit: str, person: int, channel: str, value: str, role: str = "chairman") -> MemberRow:
    return MemberRow(unit, person, f"Người {person}", role, channel, person * 10 + len(channel), value)
