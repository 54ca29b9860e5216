"""`manual`: a text waits for a person; only the person's word counts, and it survives the process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.contract import (
    Accepted,
    Envelope,
    LedgerUnavailable,
    Priority,
    ReceiptState,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.manual import limits
from adapters.manual.channel import ManualChannel
from adapters.manual.settings import ManualSettings
from tests.contract.recording import MemoryState, RecordingSink, ReportBook
from tests.contract.zalo_stand import Clock

PLACE = "https://zalo.me/g/truongtructhu"
WAITING = Unknown("waiting_for_person", ("manual-1",))


class Office:
    def __init__(self) -> None:
        self.clock = Clock()
        self.state = MemoryState()
        self.sink = RecordingSink()
        self.book = ReportBook()
        self.channel = self.anew()

    def anew(self) -> ManualChannel:
        return ManualChannel(ManualSettings(enabled=True, place=PLACE), self.state, self.clock)

    async def post(self, *envelopes: Envelope) -> None:
        await self.channel.send(envelopes, self.book)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    made = Office()
    await made.channel.start(made.sink)
    yield made
    await made.channel.stop()


def text(n: int = 1, body: str = "Bão số 5", **more: object) -> Envelope:
    return Envelope(n, "", body, **more)  # type: ignore[arg-type]


async def test_nothing_is_accepted_by_itself(office: Office) -> None:
    await office.post(text())
    assert office.book.one(1) == WAITING
    assert await office.channel.ask(text(), 0.0) is None
    assert office.sink.all_receipts == []


async def test_tick_is_a_receipt_and_the_answer_to_ask(office: Office) -> None:
    await office.post(text())
    (note,) = await office.channel.waiting()
    assert (note.to, note.text) == (PLACE, "Bão số 5")
    assert await office.channel.tick(1, "Cán bộ A")
    (receipt,) = office.sink.all_receipts
    assert (receipt.account, receipt.keys, receipt.state) == ("manual", ("manual-1",), ReceiptState.ACCEPTED)
    assert await office.channel.ask(text(), 0.0) == Accepted(("manual-1",), "posted")
    assert await office.channel.waiting() == []
    assert (await office.channel.probe()).proven_at is not None


async def test_tick_counts_once(office: Office) -> None:
    await office.post(text())
    assert [await office.channel.tick(1, "A"), await office.channel.tick(1, "B")] == [True, False]
    assert not await office.channel.decline(1, "C")
    assert len(office.sink.all_receipts) == 1


async def test_nobody_can_tick_what_was_never_asked_for(office: Office) -> None:
    assert not await office.channel.tick(99, "A")
    assert office.sink.all_receipts == []


async def test_declined_text_fails(office: Office) -> None:
    await office.post(text())
    assert await office.channel.decline(1, "Cán bộ A")
    assert office.sink.all_receipts[0].state is ReceiptState.FAILED
    assert await office.channel.ask(text(), 0.0) == Rejected("declined", RejectClass.RECIPIENT, "declined")


async def test_waiting_texts_survive_the_process(office: Office) -> None:
    await office.post(text())
    await office.channel.stop()
    again = office.anew()
    await again.start(office.sink)
    assert [note.delivery_id for note in await again.waiting()] == [1]
    assert await again.tick(1, "Cán bộ A")
    assert await again.ask(text(), 0.0) == Accepted(("manual-1",), "posted")


async def test_same_delivery_twice_is_one_note(office: Office) -> None:
    await office.post(text())
    await office.channel.tick(1, "A")
    book = ReportBook()
    await office.channel.send([text()], book)
    assert book.one(1) == Accepted(("manual-1",), "posted")
    assert await office.channel.waiting() == []


async def test_what_expires_while_it_waits_is_closed(office: Office) -> None:
    await office.post(text(valid_until=office.clock.now + 60))
    office.clock.now += 61
    assert await office.channel.waiting() == []
    assert office.sink.all_receipts[0].state is ReceiptState.EXPIRED
    assert await office.channel.ask(text(), 0.0) == Rejected("expired", RejectClass.TEXT, "expired")


async def test_late_tick_is_still_the_truth(office: Office) -> None:
    """Somebody posted it in time or not: it stands in the group, and the record says so."""
    await office.post(text(valid_until=office.clock.now + 60))
    office.clock.now += 61
    assert await office.channel.tick(1, "A")
    assert office.sink.all_receipts[0].state is ReceiptState.ACCEPTED


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        (text(body=" "), "empty"),
        (text(body="x" * (limits.TEXT_LIMIT + 1)), "too_long"),
        (text(body="🌊" * (limits.TEXT_LIMIT // 2 + 1)), "too_long"),
        (text(valid_until=1.0), "expired"),
    ],
)
async def test_what_cannot_be_posted(office: Office, envelope: Envelope, reason: str) -> None:
    await office.post(envelope)
    assert office.book.one(1) == Rejected(reason, RejectClass.TEXT)
    assert await office.channel.waiting() == []


async def test_ledger_away(office: Office) -> None:
    office.state.refuse = 1
    await office.post(text())
    assert office.book.one(1) == Rejected("ledger", RejectClass.RETRY_LATER, after=5.0)
    await office.post(text(2))
    office.sink.refuse = 1
    with pytest.raises(LedgerUnavailable):
        await office.channel.tick(2, "A")
    assert [note.delivery_id for note in await office.channel.waiting()] == [2]
    assert await office.channel.tick(2, "A")


async def test_stopped(office: Office) -> None:
    await office.channel.stop()
    await office.post(text())
    assert office.book.one(1) == Rejected("link_down", RejectClass.RETRY_LATER, "stopped", 5.0)


async def test_old_notes_are_dropped_at_start(office: Office) -> None:
    await office.post(text())
    office.clock.now += limits.LATEST_SECONDS + 1
    again = office.anew()
    await again.start(office.sink)
    assert await again.waiting() == []
    assert not office.state.values


async def test_order_is_by_priority_then_age(office: Office) -> None:
    await office.post(text(1), text(2, priority=Priority.URGENT))
    assert [note.delivery_id for note in await office.channel.waiting()] == [2, 1]
