"""What is withdrawn while it is on its way: the provider may have it, so a crash leaves it in doubt like all the rest;
and what comes back refused does not leave a second time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.contract import Accepted, Envelope, Outcome, RejectClass, Rejected
from broadcasts.acknowledge import Acknowledgements
from broadcasts.lifecycle import withdraw
from broadcasts.model import DeliveryState
from broadcasts.routes import Route
from broadcasts.steps import Step
from store import deliveries
from store.chunks import ORDINAL_BITS
from store.engine import Tx
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, leader

BEGAN = 1_790_000_000.0
STEPS = (Step(after=0, channels=("zalo",), roles=("chairman",)),)
FIRST = 1 << ORDINAL_BITS
UNITS = ("14750", "14751", "14752")


def silent(envelope: Envelope, times: int) -> Outcome | None:
    return None


def busy_once(envelope: Envelope, times: int) -> Outcome | None:
    return Rejected("throttled", RejectClass.RETRY_LATER, after=0.0) if times == 1 else Accepted((f"id-{times}",))


async def sent_to_all(folder: Path, channel: ScriptedChannel, clock: list[float], **values: object) -> EngineRoom:
    """A room whose channel was handed the message to each unit."""
    room = EngineRoom(folder, Route(channel, "zalo"), now=lambda: clock[0])
    await room.start()
    members = [leader(unit, n, "zalo", f"z{n}") for n, unit in enumerate(UNITS)]
    await room.clockwork.fire(await room.approved(members=members, steps=STEPS, **values))
    await room.until(lambda: len(channel.left) >= len(UNITS))
    return room


async def confirm(room: EngineRoom, unit: str) -> None:
    said = await Acknowledgements(room.ledger, room.bus).confirm(
        1, unit, 1, "Ai đó", "sms", datetime.fromtimestamp(room.now(), UTC)
    )
    assert said.result == "acknowledged"


async def after_a_crash(room: EngineRoom, folder: Path, clock: list[float]) -> EngineRoom:
    await room.crash()
    again = EngineRoom(folder, Route(ScriptedChannel("zalo.user"), "zalo"), now=lambda: clock[0], owner="two")
    await again.start()
    return again


async def statuses(room: EngineRoom) -> list[DeliveryState]:
    rows = await room.ledger.read(lambda tx: deliveries.rows_of(tx, [FIRST + n for n in range(len(UNITS))]))
    return [DeliveryState(rows[FIRST + n][2]) for n in range(len(UNITS))]


async def test_who_confirms_before_our_answer_came_is_not_written_down_as_never_sent_to(tmp_path: Path) -> None:
    """The leader's tap may overtake the provider's answer; then we die."""
    clock = [BEGAN]
    room = await sent_to_all(tmp_path, ScriptedChannel("zalo.user", silent), clock)
    await confirm(room, UNITS[0])
    room = await after_a_crash(room, tmp_path, clock)
    assert await statuses(room) == [DeliveryState.UNKNOWN] * 3
    await room.stop()


@pytest.mark.parametrize("duplicate_ok", [0, 1])
async def test_a_recall_does_not_forget_what_was_in_flight(tmp_path: Path, duplicate_ok: int) -> None:
    """Withdrawn while in flight, and we die: in doubt, never `queued` for ever, and not sent again either."""
    clock = [BEGAN]
    room = await sent_to_all(tmp_path, ScriptedChannel("zalo.user", silent), clock, duplicate_ok=duplicate_ok)
    await room.ledger.write(lambda tx: withdraw(tx, 1, DeliveryState.CANCELLED, "superseded", clock[0]))
    room = await after_a_crash(room, tmp_path, clock)
    assert await statuses(room) == [DeliveryState.UNKNOWN] * 3
    clock[0] += 3_600
    await room.clockwork.tick_lanes()
    assert room.routes.all[0].channel.left == []
    assert await room.counts(1) == {"unknown": 3}
    await room.stop()


async def test_what_was_in_flight_at_a_recall_ends_as_its_provider_says(tmp_path: Path) -> None:
    """Without a crash: the answer that comes later counts."""
    clock, channel = [BEGAN], ScriptedChannel("zalo.user", silent)
    room = await sent_to_all(tmp_path, channel, clock)
    await room.ledger.write(lambda tx: withdraw(tx, 1, DeliveryState.CANCELLED, "superseded", clock[0]))
    for envelope in channel.left:
        room.recorder.outcome("zalo.user", envelope.delivery_id, Accepted((f"id-{envelope.delivery_id}",)))
    await room.until(lambda: _counts(room, {"accepted": 3}))
    await room.stop()


async def test_a_unit_that_confirms_is_not_tried_again(tmp_path: Path) -> None:
    """Its first try comes back refused for now, after the confirmation by another way."""
    clock, channel = [BEGAN], ScriptedChannel("zalo.user", silent)
    room = await sent_to_all(tmp_path, channel, clock)
    await confirm(room, UNITS[0])
    channel.answer = busy_once
    for envelope in list(channel.left):
        room.recorder.outcome(
            "zalo.user", envelope.delivery_id, Rejected("throttled", RejectClass.RETRY_LATER, after=0.0)
        )

    async def tried_again() -> bool:
        clock[0] += 1
        await room.clockwork.tick_lanes()
        return await room.counts(1) == {"accepted": 2, "skipped": 1}

    await room.until(tried_again)
    assert [one.to for one in channel.left] == ["z0", "z1", "z2", "z1", "z2"]
    await room.stop()


async def _counts(room: EngineRoom, wanted: dict[str, int]) -> bool:
    return await room.counts(1) == wanted


async def test_what_an_earlier_holder_had_answered_is_not_sent_again(tmp_path: Path) -> None:
    """Its worker stood still longer than its lease, the chunk was claimed again to be repeated, and then the answers
    came after all: between the claim's reading and the mark of the window they are about."""
    clock, channel = [BEGAN], ScriptedChannel("zalo.user", silent)
    room = await sent_to_all(tmp_path, channel, clock)
    ids = [FIRST + n for n in range(len(UNITS))]
    states = (DeliveryState.RETRYING, DeliveryState.ACCEPTED, DeliveryState.DELIVERED)

    def answered_meanwhile(tx: Tx) -> set[int]:
        for one, state in zip(ids, states, strict=True):
            deliveries.settle(tx, state, 0, deliveries.rows_of(tx, [one]).values())
        return deliveries.withdrawn(tx, ids)

    assert await room.ledger.write(answered_meanwhile) == set(ids[1:])
    await room.crash()  # a stop would wait for answers that never come
