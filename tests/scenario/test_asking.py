"""What left without an answer: looked up where that is possible, sent again only when it surely never arrived."""

import pytest

from adapters.contract import Accepted, RejectClass, Rejected, Unknown
from broadcasts.asking import Asker
from broadcasts.routes import Route
from broadcasts.steps import Step
from store import broadcasts
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, accept, leader

STEPS = (Step(after=0, channels=("zalo",), roles=("chairman",)),)


@pytest.mark.parametrize(
    ("told", "counts", "left"),
    [
        (Accepted(("found",)), {"accepted": 3}, 3),
        (Rejected("lost", RejectClass.RETRY_LATER, after=0.0), {"accepted": 3}, 6),
        (Rejected("blocked", RejectClass.RECIPIENT, "-217"), {"failed": 3}, 3),
        (None, {"unknown": 3}, 3),
    ],
)
async def test_each_answer_of_the_provider(tmp_path, told, counts, left):
    clock = [1_790_000_000.0]
    asked = []

    class Answering(ScriptedChannel):
        async def ask(self, envelope, sent_at):
            asked.append((envelope.text, sent_at))
            return told

    zalo = Answering("zalo.user", lambda e, n: Unknown("timeout") if n == 1 else accept(e, n), can_ask=True)
    room = EngineRoom(tmp_path, Route(zalo, "zalo"), now=lambda: clock[0])
    asker = Asker(room.ledger, room.lanes, room.recorder, room.routes, "ĐÃ NHẬN", lambda: clock[0])
    await room.start()
    members = [leader(f"1475{n}", n, "zalo", f"z{n}") for n in range(3)]
    no = await room.approved(members=members, steps=STEPS)
    await room.clockwork.fire(no)

    async def sent():
        return (await room.ledger.read(lambda tx: broadcasts.by_no(tx, no))).state == "sent"

    await room.until(sent)
    assert await room.counts(no) == {"unknown": 3}
    await asker.tick_unknown()
    assert asked == [("chào", 1_790_000_000.0)] * 3

    async def settled():
        await room.clockwork.tick_lanes()
        clock[0] += 0.1  # one that is taken back while its chunk is under way waits for the next pass
        return await room.counts(no) == counts

    await room.until(settled)
    assert len(zalo.left) == left
    await room.stop()


async def test_a_route_that_cannot_be_asked_is_left_alone(tmp_path):
    zalo = ScriptedChannel("zalo.bot", lambda e, n: Unknown("timeout"))
    room = EngineRoom(tmp_path, Route(zalo, "zalo"), now=lambda: 1_790_000_000.0)
    asker = Asker(room.ledger, room.lanes, room.recorder, room.routes, "", lambda: 1_790_000_000.0)
    await room.start()
    no = await room.approved(members=[leader("14758", 1, "zalo", "z")], steps=STEPS)
    await room.clockwork.fire(no)

    async def doubtful():
        return (await room.counts(no)).get("unknown") == 1

    await room.until(doubtful)
    assert await asker.tick_unknown() == 0
    assert len(zalo.left) == 1
    await room.stop()
