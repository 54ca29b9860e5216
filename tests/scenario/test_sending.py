"""How deliveries leave and come back: chunks, retries, receipts in any order, crashes, expiry, cancellation."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from adapters.contract import Accepted, Receipt, ReceiptState, RejectClass, Rejected, Unknown
from broadcasts import lifecycle, recorder, views
from broadcasts.dispatch import HELD_SECONDS
from broadcasts.model import DeliveryState
from broadcasts.recorder import Recorder
from broadcasts.routes import Route
from broadcasts.steps import CLOSE_AFTER_SECONDS
from store import broadcasts, charges, delivery_pages, receipts
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, accept

NUMBERS = range(84900000001, 84900002501)


class Clock:
    def __init__(self):
        self.at = 1_790_000_000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


async def run_out(room, no, **wanted):
    async def reached():
        counts = await room.counts(no)
        return all(counts.get(state, 0) == n for state, n in wanted.items())

    await room.until(reached)


async def run_out_in_time(room, no, **wanted):
    """The same while the clock goes on: for work that is put off until a moment that nobody can foresee."""

    async def reached():
        room.now.at += 0.05
        counts = await room.counts(no)
        return all(counts.get(state, 0) == n for state, n in wanted.items())

    await room.until(reached)


async def state_of(room, no):
    row = await room.ledger.read(lambda tx: broadcasts.by_no(tx, no))
    return row.state


async def is_sent(room, no):
    return await state_of(room, no) == "sent"


async def test_a_list_leaves_once_each_and_receipts_close_it(tmp_path, clock):
    sms = ScriptedChannel("sms.one", unaccented=True, window=100)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS)
    assert await room.clockwork.fire(no)
    assert not await room.clockwork.fire(no)
    await run_out(room, no, accepted=len(NUMBERS))
    assert sorted(int(one.to) for one in sms.left) == list(NUMBERS)
    assert {one.text for one in sms.left} == {"chao"}
    await room.until(lambda: is_sent(room, no))

    receipts = [sms.receipt(one, ReceiptState.DELIVERED) for one in sms.left[:-3]]
    receipts += [sms.receipt(one, ReceiptState.FAILED, code="UNDELIV err:034") for one in sms.left[-3:]]
    random.Random(1).shuffle(receipts)
    for at in range(0, len(receipts), 300):
        await sms.sink.receipts(receipts[at : at + 300])
    await sms.sink.receipts(receipts[:50])
    assert await room.counts(no) == {"delivered": len(NUMBERS) - 3, "failed": 3}
    failed = await room.ledger.read(lambda tx: delivery_pages.page(tx, no, DeliveryState.FAILED, 0, 10))
    assert {row[7] for row in failed} == {"UNDELIV err:034"}
    await room.clockwork.tick_broadcasts()
    assert await state_of(room, no) == "closed"
    await room.stop()


async def test_a_receipt_after_a_lull_is_flushed_at_once(tmp_path, clock, monkeypatch):
    """The carrier waits for our answer to it: the pause is between two flushes, not before each."""
    sms = ScriptedChannel("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:1])
    await room.clockwork.fire(no)
    await run_out(room, no, accepted=1)
    await asyncio.sleep(recorder.FLUSH_SECONDS)
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 60.0)
    lull = Recorder(room.ledger, room.bus, clock)
    await lull.start(["sms.one"])
    await asyncio.wait_for(lull.receipts([sms.receipt(sms.left[0], ReceiptState.DELIVERED)]), 30)
    assert await room.counts(no) == {"delivered": 1}
    await room.crash()


@pytest.mark.parametrize(
    ("took", "pause"), [(0.0, 0.02), (0.004, 0.02), (0.01, 0.04), (0.015, 0.06), (0.02, 0.08), (3.0, 0.08)]
)
def test_flushes_are_rarer_where_the_ledger_is_slow(took, pause):
    assert recorder.pause_after(took) == pytest.approx(pause)


async def test_many_outcomes_do_not_wait_for_a_slow_ledger(tmp_path, clock, monkeypatch):
    """A carrier that has its whole window of receipts with us sends nothing more until they are answered."""
    sms = ScriptedChannel("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    monkeypatch.setattr(recorder, "pause_after", lambda took: 60.0)
    await room.start()
    nobody = [Receipt("sms.one", (f"{n}",), ReceiptState.DELIVERED, "", datetime.now(UTC)) for n in range(1_000)]
    for at in (0, 500):
        await asyncio.wait_for(sms.sink.receipts(nobody[at : at + recorder.FLUSH_ENOUGH]), 30)
    assert await room.ledger.read(receipts.count_orphans) == 1_000
    await room.crash()


async def test_a_receipt_that_overtakes_the_answer_waits_for_it(tmp_path, clock):
    sms = ScriptedChannel("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:20])
    early = [f"id-{(no << 24) + ordinal}-1" for ordinal in range(20)]
    template = sms.receipt
    for key in early:

        class Fake:
            delivery_id = int(key.split("-")[1])

        await sms.sink.receipts([template(Fake, ReceiptState.DELIVERED)])
    assert await room.ledger.read(receipts.count_orphans) == 20
    await room.clockwork.fire(no)
    await run_out(room, no, delivered=20)
    assert await room.ledger.read(receipts.count_orphans) == 0
    await room.stop()


async def test_refused_for_now_is_tried_again_and_each_class_ends_as_it_should(tmp_path, clock):
    def answer(envelope, times):
        kind = int(envelope.to) % 5
        if kind == 0 and times == 1:
            return Rejected("throttled", RejectClass.RETRY_LATER, "0x58", after=5.0)
        if kind == 1:
            return Rejected("invalid_recipient", RejectClass.RECIPIENT, "0x0B")
        if kind == 2:
            return Unknown("timeout")
        if kind == 3:
            return Rejected("duplicate", RejectClass.DUPLICATE, "124")
        return accept(envelope, times)

    sms = ScriptedChannel("sms.one", answer, unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:100])
    await room.clockwork.fire(no)
    await run_out(room, no, retrying=20)
    await run_out_in_time(room, no, accepted=60, failed=20, unknown=20)
    sent = [one.delivery_id for one in sms.left]
    assert len(sent) - len(set(sent)) == 20  # only what was refused for now left twice
    await room.stop()


async def test_a_link_that_is_down_holds_the_rest_back(tmp_path, clock):
    down = [True]

    def answer(envelope, times):
        return Rejected("link_down", RejectClass.RETRY_LATER, "", 0.05) if down[0] else accept(envelope, times)

    sms = ScriptedChannel("sms.one", answer, unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:500])
    await room.clockwork.fire(no)
    await run_out(room, no, retrying=5, queued=495)
    assert len(sms.left) == 5
    down[0] = False
    await run_out_in_time(room, no, accepted=500)
    await room.stop()


@pytest.mark.parametrize("cls", [RejectClass.CONFIG, RejectClass.QUOTA])
async def test_a_list_waits_for_whoever_mends_the_account(tmp_path, clock, cls):
    """No number of it fails for our password or our money; after a window the rest is not even tried."""
    shut = [True]

    def answer(envelope, times):
        return Rejected("shut", cls, "0x0E") if shut[0] else accept(envelope, times)

    sms = ScriptedChannel("sms.one", answer, unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:500])
    await room.clockwork.fire(no)
    await run_out(room, no, retrying=5, queued=495)
    assert len(sms.left) == 5
    await room.until(lambda: given_back(room))
    for _ in range(15):  # as often as would be given up if each counted
        clock.at += HELD_SECONDS
        left = len(sms.left)
        await room.clockwork.tick_lanes()
        await room.until(lambda left=left: len(sms.left) > left)
        await room.until(lambda: given_back(room))
    shut[0] = False
    clock.at += HELD_SECONDS
    await room.clockwork.tick_lanes()
    await run_out_in_time(room, no, accepted=500)
    await room.stop()


@pytest.mark.parametrize("policy", ["hold", "resend"])
async def test_a_crash_loses_nothing_and_lists_what_is_in_doubt(tmp_path, clock, policy):
    silent_after = 730

    class Stuck(ScriptedChannel):
        """The carrier stops answering; with its window full nothing more is handed over."""

        async def send(self, batch, report):
            await super().send(batch, report)
            if len(self.left) > silent_after:
                await asyncio.Event().wait()

    def answer(envelope, times):
        return accept(envelope, times) if len(sms.left) <= silent_after else None

    sms = Stuck("sms.one", answer, unaccented=True, window=50)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS, duplicate_ok=int(policy == "resend"))
    await room.clockwork.fire(no)
    await room.until(lambda: len(sms.left) > silent_after)
    await asyncio.sleep(0.1)
    await room.crash()
    left_before = {one.delivery_id for one in sms.left}

    again = ScriptedChannel("sms.one", unaccented=True, window=50)
    second = EngineRoom(tmp_path, Route(again, "sms"), now=clock, owner="two")
    unknown, repeated = await second.start()
    in_doubt = unknown if policy == "hold" else repeated
    assert 0 < in_doubt <= 2 * 2 * 50 + 50
    await second.clockwork.tick_lanes()
    if policy == "hold":
        await run_out(second, no, accepted=len(NUMBERS) - unknown, unknown=unknown)
        assert not left_before & {one.delivery_id for one in again.left}
    else:
        await run_out(second, no, accepted=len(NUMBERS))
        twice = left_before & {one.delivery_id for one in again.left}
        assert len(twice) <= repeated
    listed = await second.ledger.read(
        lambda tx: tx.execute(
            "SELECT count(*) FROM delivery_event WHERE reason IN ('worker_died', 'repeated_by_policy')"
        ).fetchone()[0]
    )
    assert listed == in_doubt
    everyone = left_before | {one.delivery_id for one in again.left}
    assert len(everyone) >= len(NUMBERS) - unknown
    await second.stop()


async def given_back(room):
    """No worker holds a chunk."""
    claimed = await room.ledger.read(lambda tx: tx.execute("SELECT count(*) FROM chunk WHERE state = 1").fetchone())
    return claimed == (0,)


async def test_nothing_leaves_after_its_validity(tmp_path, clock):
    sms = ScriptedChannel(
        "sms.one", lambda e, t: Rejected("throttled", RejectClass.RETRY_LATER, "", 60.0), unaccented=True
    )
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:30])
    await room.clockwork.fire(no)
    await run_out(room, no, retrying=30)
    await room.until(lambda: given_back(room))
    clock.at += 4000
    before = len(sms.left)
    await room.clockwork.tick_broadcasts()
    await room.clockwork.tick_lanes()
    assert await room.counts(no) == {"expired": 30}
    assert await state_of(room, no) == "expired"
    assert len(sms.left) == before
    await room.stop()


async def test_cancelling_withdraws_what_did_not_leave(tmp_path, clock):
    gate = asyncio.Event()

    class Slow(ScriptedChannel):
        async def send(self, batch, report):
            await super().send(batch, report)
            if len(self.left) >= 100:
                await gate.wait()

    sms = Slow("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS)
    await room.clockwork.fire(no)
    await room.until(lambda: len(sms.left) >= 100)

    def cancel(tx):
        broadcasts.update(tx, no, ("sending",), {"state": "cancelled"})
        return lifecycle.withdraw(tx, no, DeliveryState.CANCELLED, "cancelled", clock())

    stopped = await room.ledger.write(cancel)
    gate.set()
    await asyncio.sleep(0.2)
    counts = await room.counts(no)
    assert counts["cancelled"] == stopped
    assert sum(counts.values()) == len(NUMBERS)
    assert counts.get("queued", 0) <= 4 * 10  # marked, and then held back by the lost claim
    assert len(sms.left) <= 100 + 3 * 5 + 2 * 5  # the other windows under way, and one more of each claim was marked
    await room.stop()


async def test_bulk_never_delays_what_is_urgent(tmp_path, clock):
    class Steady(ScriptedChannel):
        async def send(self, batch, report):
            await super().send(batch, report)
            await asyncio.sleep(0.01)

    sms = Steady("sms.one", unaccented=True, window=50)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    bulk = await room.approved(numbers=NUMBERS)
    await room.clockwork.fire(bulk)
    await room.until(lambda: len(sms.left) > 200)
    from adapters.contract import Priority
    from broadcasts.model import Actor, Role
    from broadcasts.single import write_single

    delivery, made = await room.ledger.write(
        lambda tx: write_single(
            tx, room.routes.all[0], "84900009999", "Goi 112", Actor("bot", Role.OFFICER), Priority.LIFE, None, clock()
        )
    )
    handed = len(sms.left)
    await room.clockwork.announce([made])
    await room.until(lambda: any(one.delivery_id == delivery for one in sms.left))
    place = next(n for n, one in enumerate(sms.left) if one.delivery_id == delivery)
    assert place - handed <= 4 * 50  # at most the windows that were already on their way
    assert len(sms.left) < len(NUMBERS)
    await room.stop()


async def test_accepted_with_several_ids_needs_every_part(tmp_path, clock):
    sms = ScriptedChannel("sms.one", lambda e, t: Accepted((f"{e.delivery_id}a", f"{e.delivery_id}b")), unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:1])
    await room.clockwork.fire(no)
    await run_out(room, no, accepted=1)
    delivery = sms.left[0].delivery_id

    def receipt(part, state):
        return Receipt("sms.one", (f"{delivery}{part}",), state, "", datetime.now(UTC))

    await sms.sink.receipts([receipt("a", ReceiptState.DELIVERED)])
    assert await room.counts(no) == {"accepted": 1}
    await sms.sink.receipts([receipt("a", ReceiptState.DELIVERED), receipt("b", ReceiptState.DELIVERED)])
    assert await room.counts(no) == {"delivered": 1}
    await room.stop()


async def test_a_receipt_for_one_part_only_is_never_taken_for_the_whole(tmp_path, clock):
    """Nobody waits for the others for ever: the broadcast closes with the message as accepted, which is all that is
    known of it (a rank never falls back to `unknown`)."""
    sms = ScriptedChannel("sms.one", lambda e, t: Accepted(("first", "second", "third")), unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:1])
    await room.clockwork.fire(no)
    await run_out(room, no, accepted=1)
    for _ in range(2):  # some carriers say it twice
        await sms.sink.receipts([Receipt("sms.one", ("second",), ReceiptState.DELIVERED, "", datetime.now(UTC))])
    await room.clockwork.tick_broadcasts()
    assert await state_of(room, no) == "sent"
    clock.at += CLOSE_AFTER_SECONDS
    await room.clockwork.tick_broadcasts()
    assert await state_of(room, no) == "closed"
    assert await room.counts(no) == {"accepted": 1}
    await sms.sink.receipts(
        [Receipt("sms.one", (one,), ReceiptState.DELIVERED, "", datetime.now(UTC)) for one in ("third", "first")]
    )
    assert await room.counts(no) == {"delivered": 1}
    await room.stop()


async def test_one_id_for_a_long_message_needs_one_receipt_and_still_counts_its_parts(tmp_path, clock):
    """Aggregators and message_payload give one id; the parts are charged all the same."""
    sms = ScriptedChannel("sms.one", lambda e, t: Accepted((f"{e.delivery_id}",), parts=3, vnd=750.0), unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=clock)
    await room.start()
    no = await room.approved(numbers=NUMBERS[:2])
    await room.clockwork.fire(no)
    await run_out(room, no, accepted=2)
    told = [
        Receipt("sms.one", (str(one.delivery_id),), ReceiptState.DELIVERED, "", datetime.now(UTC), told_vnd=800.0)
        for one in sms.left[:1]
    ]
    await sms.sink.receipts([*told, *told])
    assert await room.counts(no) == {"delivered": 1, "accepted": 1}
    pages = await room.ledger.read(lambda tx: views.delivery_page(tx, no, None, 0, 10))
    assert [(page.parts, page.provider_id) for page in pages] == [(3, str(one.delivery_id)) for one in sms.left]
    charged = (await room.ledger.read(lambda tx: charges.of_broadcast(tx, no)))["sms.one"]
    assert (charged.messages, charged.parts, charged.vnd) == (2, 6, 1500.0)
    assert (charged.told_messages, charged.told_vnd) == (1, 800.0), "a receipt that comes twice is charged once"
    assert charged.charged == 800 + 750
    await room.stop()
