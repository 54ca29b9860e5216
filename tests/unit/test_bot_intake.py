"""The way in with a real ledger: once, in order, cries for help first, and nothing lost by a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.contract import Incoming, IncomingKind, LedgerUnavailable
from bot.intake import Intake, Line, storable
from lanes.memory import MemoryBus
from store import inbox
from store.engine import Ledger, LedgerError, LedgerWriteError, Tx
from tests.ledgers import ledger_of

T = TypeVar("T")
AT = datetime(2025, 8, 24, 19, 0, tzinfo=UTC)


def said(event_id: str, text: str, sender: str = "84900001234", channel: str = "sms.one") -> Incoming:
    return Incoming(channel, event_id, IncomingKind.TEXT, sender, sender, AT, text)


def is_life(text: str) -> bool:
    return "cuu" in text


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = ledger_of(tmp_path)
    opened.open()
    yield opened
    await opened.close()


class Handler:
    """Records what it is given and finishes the row as the real one does."""

    def __init__(self, ledger: Ledger, act: Callable[[inbox.Waiting], None] = lambda _: None) -> None:
        self.ledger = ledger
        self.act = act
        self.seen: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self._saw = asyncio.Condition()

    async def saw(self, count: int) -> None:
        async with self._saw:
            await self._saw.wait_for(lambda: len(self.seen) >= count)

    async def handle(self, message: inbox.Waiting) -> inbox.Handled:
        async with self._saw:
            self.seen.append(message.text)
            self._saw.notify_all()
        await self.hold.wait()
        self.act(message)
        handled = inbox.Handled("answered")
        await self.ledger.write(lambda tx: inbox.finish(tx, message.id, handled, message.came_at))
        return handled


@asynccontextmanager
async def running(intake: Intake) -> AsyncIterator[Intake]:
    task = asyncio.create_task(intake.run())
    try:
        yield intake
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def rows(ledger: Ledger) -> list[inbox.InboxRow]:
    return (await ledger.read(lambda tx: inbox.listing(tx, limit=10_000)))[::-1]


async def test_the_same_event_fifty_times_is_one_message(ledger: Ledger) -> None:
    handler = Handler(ledger)
    intake = Intake(ledger, MemoryBus(), handler.handle, is_life)
    async with running(intake):
        await asyncio.gather(*(intake.store([said("e1", "ok"), said("e1", "ok")]) for _ in range(25)))
        await intake.store([said("e1", "ok", channel="sms.two")])
        await intake.drained()
    assert handler.seen == ["ok", "ok"]
    assert [(row.channel, row.state) for row in await rows(ledger)] == [
        ("sms.one", "answered"),
        ("sms.two", "answered"),
    ]


async def test_stored_before_it_is_handled_and_handled_after_a_crash(ledger: Ledger) -> None:
    first = Handler(ledger)
    await Intake(ledger, MemoryBus(), first.handle, is_life).store([said("e1", "ok"), said("e2", "cuu voi")])
    assert [row.state for row in await rows(ledger)] == ["new", "new"]
    assert first.seen == []

    second = Handler(ledger)
    restarted = Intake(ledger, MemoryBus(), second.handle, is_life)
    async with running(restarted):
        await restarted.drained()
    assert second.seen == ["cuu voi", "ok"]

    third = Handler(ledger)
    again = Intake(ledger, MemoryBus(), third.handle, is_life)
    async with running(again):
        await again.drained()
    assert third.seen == []


async def test_a_crash_in_the_middle_leaves_the_row_for_the_next_start(ledger: Ledger) -> None:
    stuck = Handler(ledger)
    stuck.hold.clear()
    intake = Intake(ledger, MemoryBus(), stuck.handle, is_life)
    async with running(intake):
        await intake.store([said("e1", "ok")])
        await stuck.saw(1)
    assert [row.state for row in await rows(ledger)] == ["new"]
    healthy = Handler(ledger)
    async with running(Intake(ledger, MemoryBus(), healthy.handle, is_life)) as restarted:
        await restarted.drained()
    assert [row.state for row in await rows(ledger)] == ["answered"]


async def test_cries_for_help_overtake_a_backlog(ledger: Ledger) -> None:
    before = Intake(ledger, MemoryBus(), Handler(ledger).handle, is_life)
    await before.store([said(f"e{n}", f"hoi {n}", sender=f"84900{n:06}") for n in range(1_500)])
    await before.store([said("life", "cuu voi", sender="84911000000")])
    handler = Handler(ledger)
    async with running(Intake(ledger, MemoryBus(), handler.handle, is_life)) as intake:
        await intake.drained()
    assert handler.seen[0] == "cuu voi"
    assert len(handler.seen) == 1_501
    assert {row.state for row in await rows(ledger)} == {"answered"}


async def test_cries_for_help_have_places_of_their_own(ledger: Ledger) -> None:
    def stop_others(message: inbox.Waiting) -> None:
        assert is_life(message.text)

    handler = Handler(ledger, stop_others)
    held = asyncio.Event()

    async def handle(message: inbox.Waiting) -> inbox.Handled:
        if not is_life(message.text):
            await held.wait()
        return await handler.handle(message)

    async with running(Intake(ledger, MemoryBus(), handle, is_life)) as intake:
        await intake.store([said(f"e{n}", "hoi", sender=f"84900{n:06}") for n in range(100)])
        await asyncio.sleep(0.05)
        await intake.store([said("life", "cuu voi", sender="84900000001")])
        await handler.saw(1)
        assert handler.seen == ["cuu voi"]
        held.set()


async def test_one_bad_message_goes_to_a_person_and_blocks_nobody(ledger: Ledger) -> None:
    def fail(message: inbox.Waiting) -> None:
        if message.text == "bad":
            raise ZeroDivisionError

    handler = Handler(ledger, fail)
    async with running(Intake(ledger, MemoryBus(), handler.handle, is_life)) as intake:
        await intake.store([said("e1", "bad"), said("e2", "good"), said("e3", "bad", sender="84900009999")])
        await intake.drained()
    assert [(row.text, row.state, row.note) for row in await rows(ledger)] == [
        ("bad", "human", "failed"),
        ("good", "answered", ""),
        ("bad", "human", "failed"),
    ]


async def test_one_message_of_a_person_at_a_time_in_order(ledger: Ledger) -> None:
    running_now: set[str] = set()

    async def handle(message: inbox.Waiting) -> inbox.Handled:
        assert message.sender not in running_now
        running_now.add(message.sender)
        await asyncio.sleep(0.001)
        running_now.discard(message.sender)
        return await handler.handle(message)

    handler = Handler(ledger)
    async with running(Intake(ledger, MemoryBus(), handle, is_life)) as intake:
        batch = [said(f"{who}-{n}", f"{who} {n}", sender=f"8490000000{who}") for n in range(20) for who in range(3)]
        for one in batch:
            await intake.store([one])
        await intake.drained()
    for who in range(3):
        assert [text for text in handler.seen if text.startswith(f"{who} ")] == [f"{who} {n}" for n in range(20)]
    assert {row.state for row in await rows(ledger)} == {"answered"}


async def test_a_ledger_that_fails_keeps_the_message_new_and_tries_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.SWEEP_SECONDS", 0.02)
    failures = iter([True, True, False])

    def disk_full(_: inbox.Waiting) -> None:
        if next(failures, False):
            raise LedgerWriteError("disk_full")

    handler = Handler(ledger, disk_full)
    async with running(Intake(ledger, MemoryBus(), handler.handle, is_life)) as intake:
        await intake.store([said("e1", "ok")])
        await handler.saw(3)
        await intake.drained()
    assert handler.seen == ["ok", "ok", "ok"]
    assert [row.state for row in await rows(ledger)] == ["answered"]


async def test_a_read_that_fails_is_tried_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.intake.SWEEP_SECONDS", 0.02)
    await Intake(ledger, MemoryBus(), Handler(ledger).handle, is_life).store([said("e1", "ok")])
    read, failures = ledger.read, iter([True, True])

    async def unreliable(fn: Callable[[Tx], object]) -> object:
        if next(failures, False):
            raise LedgerError("ledger_unreachable")
        return await read(fn)

    monkeypatch.setattr(ledger, "read", unreliable)
    handler = Handler(ledger)
    async with running(Intake(ledger, MemoryBus(), handler.handle, is_life)):
        await handler.saw(1)
    assert handler.seen == ["ok"]


def test_a_row_that_was_read_stays_read_when_an_older_one_comes_late() -> None:
    """Where several write, ids are not committed in their order; reading again from the older one on tells nothing of
    those above it that were handled meanwhile."""

    def row(no: int) -> inbox.Waiting:
        return inbox.stored(no, message, AT.timestamp())

    message = inbox.NewMessage(
        channel="sms.one", event_id="1", kind="text", sender="84900000001", chat="", text="hoi", payload="",
        sender_name="", is_group=False, reply_to="", at=AT.timestamp(), raw=b"", priority=inbox.LIFE + 1,
    )  # fmt: skip
    line = Line(inbox.waiting, more=False)
    line.read_to(40)
    line.push(row(37))
    assert line.more
    line.more = False
    line.read_to(37)
    line.push(row(38))
    assert line.more
    assert not line.rows, "the ledger says whether it still waits"
    line.more = False
    line.push(row(41))
    assert list(line.rows) == [41]


async def test_a_row_that_is_read_before_its_caller_hears_of_it_is_handled_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.SWEEP_SECONDS", 0.005)
    handler, write = Handler(ledger), ledger.write

    async def slow_to_tell(fn: Callable[[Tx], T], *, beside: bool = False) -> T:
        value = await write(fn, beside=beside)
        await asyncio.sleep(0.02)
        return value

    async with running(Intake(ledger, MemoryBus(), handler.handle, is_life)) as intake:
        monkeypatch.setattr(ledger, "write", slow_to_tell)
        texts = [f"hoi {n}" for n in range(40)]
        batch = [said(text, text, sender=f"84900{n:06}") for n, text in enumerate(texts)]
        await asyncio.gather(*(intake.store([one]) for one in batch))
        await handler.saw(40)
        await intake.drained()
    assert sorted(handler.seen) == sorted(texts)


async def test_the_provider_hears_no_ok_when_nothing_was_stored(ledger: Ledger) -> None:
    await ledger.close()
    intake = Intake(ledger, MemoryBus(), Handler(ledger).handle, is_life)
    with pytest.raises(LedgerUnavailable):
        await intake.store([said("e1", "ok")])


async def test_what_no_database_takes_is_stored_all_the_same(ledger: Ledger) -> None:
    def wrong(text: str) -> bool:
        raise ValueError(text)

    intake = Intake(ledger, MemoryBus(), Handler(ledger).handle, wrong)
    odd = "a\x00b\ud800c"
    message = said("e1", odd)
    message.sender_name = "\udfff"
    message.raw = b"\x00\xff" * 10
    await intake.store([message, said("e2", "x" * 100_000), said("e3", "")])
    stored = await rows(ledger)
    assert [row.text for row in stored] == ["a\ufffdb\ufffdc", "x" * 100_000, ""]
    assert storable("Dạ rõ 😀") == "Dạ rõ 😀"


async def test_pages_hear_of_new_messages(ledger: Ledger) -> None:
    bus = MemoryBus()
    intake = Intake(ledger, bus, Handler(ledger).handle, is_life)
    async with bus.follow("inbox") as events:
        await intake.store([said("e1", "ok")])
        await intake.store([said("e1", "ok")])
        await intake.store([said("e2", "ok")])
        heard = [await anext(events), await anext(events)]
    assert [(event["type"], event["count"]) for event in heard] == [("stored", 1), ("stored", 1)]
