"""A receipt is taken in by one process and its send is recorded by another; whoever commits first, they meet."""

from __future__ import annotations

import asyncio

from adapters.contract import ReceiptState
from broadcasts import recorder
from broadcasts.recorder import Recorder
from broadcasts.routes import Route
from broadcasts.steps import Step
from store import receipts
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, accept, leader

BEGAN = 1_790_000_000.0
STEPS = (Step(after=0, channels=("zalo",), roles=("chairman",)),)


async def test_a_receipt_that_overtakes_its_send_in_another_process(tmp_path):
    channel = ScriptedChannel("zalo.user", lambda envelope, times: None)
    room = EngineRoom(tmp_path, Route(channel, "zalo"), now=lambda: BEGAN)
    await room.start()
    web = Recorder(room.ledger, room.bus, lambda: BEGAN)
    await web.start(["zalo.user"])
    members = [leader(f"1475{n}", n, "zalo", f"z{n}") for n in range(2)]
    await room.clockwork.fire(await room.approved(members=members, steps=STEPS))
    await room.until(lambda: len(channel.left) == 2)
    await web.receipts([channel.receipt(channel.left[0], ReceiptState.DELIVERED)])
    changed = []
    web.on_flushed(lambda recorded: changed.extend(one.delivery_id for one in recorded.changes))
    for envelope in channel.left:
        room.recorder.outcome("zalo.user", envelope.delivery_id, accept(envelope, 1))

    async def accepted():
        counts = await room.counts(1)
        return counts.get("accepted", 0) + counts.get("delivered", 0) == 2

    await room.until(accepted)
    await web.tick_waiting()
    assert await room.counts(1) == {"accepted": 1, "delivered": 1}
    assert changed == [channel.left[0].delivery_id]
    await web.tick_waiting()
    assert changed == [channel.left[0].delivery_id]
    await web.stop()
    await room.crash()  # a stop would wait for a channel that tells its dispatcher nothing


async def test_a_receipt_that_comes_a_moment_before_its_send_is_looked_for_once_more(tmp_path, monkeypatch):
    """One that waits in the ledger takes eight statements more, and where several workers share a carrier's system
    every fourth came so early."""
    channel = ScriptedChannel("sms.one", lambda envelope, times: None, unaccented=True)
    room = EngineRoom(tmp_path, Route(channel, "sms"), now=lambda: BEGAN)
    await room.start()
    no = await room.approved(numbers=range(84_900_000_000, 84_900_000_003))
    await room.clockwork.fire(no)
    await room.until(lambda: len(channel.left) == 3)
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 1.0)
    other = Recorder(room.ledger, room.bus, lambda: BEGAN)
    await other.start(["sms.one"])
    flushed: list[int] = []
    other.on_flushed(lambda recorded: flushed.append(len(recorded.early)))
    first, second, third = (channel.receipt(one, ReceiptState.DELIVERED) for one in channel.left)
    bringing = [asyncio.create_task(other.receipts(batch)) for batch in ([first], [second, third])]
    await room.until(lambda: flushed == [3])
    assert await room.counts(no) == {"queued": 3}
    for envelope in channel.left[:2]:
        room.recorder.outcome("sms.one", envelope.delivery_id, accept(envelope, 1))
    assert not any(one.done() for one in bringing), "only what is stored is answered"
    await asyncio.gather(*bringing)
    assert flushed == [3, 0]
    assert await room.counts(no) == {"delivered": 2, "queued": 1}
    assert await room.ledger.read(receipts.count_orphans) == 1, "the third waits in the ledger"
    await other.stop()
    await room.crash()
