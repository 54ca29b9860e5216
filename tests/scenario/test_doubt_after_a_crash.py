"""What a crash left in doubt: asked where that is possible, repeated where silence is worse, else left to people."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Accepted, Envelope, Outcome, Priority, RejectClass, Rejected, Traits, Unknown
from broadcasts.asking import ASK_AFTER_CRASH_SECONDS, Asker
from broadcasts.doubt import ranges
from broadcasts.model import Actor, Role
from broadcasts.routes import Route
from broadcasts.single import write_single
from broadcasts.steps import GIVE_UP_AFTER_SECONDS, Step
from broadcasts.views import view
from broadcasts.windows import IN_FLIGHT_MAX, WINDOWS_AT_ONCE, step_of
from store import broadcasts, deliveries, inbox
from store.chunks import ORDINAL_BITS
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, leader

STEPS = (Step(after=0, channels=("zalo",), roles=("chairman",)),)
BEGAN = 1_790_000_000.0


class Mute(ScriptedChannel):
    """Takes everything and answers nothing."""

    def __init__(self, name: str, **traits: object) -> None:
        super().__init__(name, lambda envelope, times: None, **traits)


class Asked(ScriptedChannel):
    """Remembers when each send was looked up, and gives one answer to all."""

    def __init__(self, name: str, told: Outcome | None) -> None:
        super().__init__(name, can_ask=True)
        self.told = told
        self.asked: list[float] = []

    async def ask(self, envelope, sent_at):
        self.asked.append(sent_at)
        return self.told


async def killed(folder: Path, channel: ScriptedChannel, act, handed_over: int) -> None:
    """A process that dies while `channel` has so many and has answered nothing."""
    room = EngineRoom(folder, Route(channel, channel.name.partition(".")[0]), now=lambda: BEGAN)
    await room.start()
    await act(room)
    await room.until(lambda: len(channel.left) == handed_over)
    await room.crash()


@pytest.mark.parametrize(
    ("told", "counts", "sent_again"),
    [
        (Accepted(("found",)), {"accepted": 3}, 0),
        (Rejected("lost", RejectClass.RETRY_LATER, after=0.0), {"accepted": 3}, 3),
        (None, {"unknown": 3}, 0),
    ],
)
async def test_a_provider_is_asked_once_it_surely_has_or_has_not(tmp_path, told, counts, sent_again):
    async def direct(room):
        members = [leader(f"1475{n}", n, "zalo", f"z{n}") for n in range(3)]
        await room.clockwork.fire(await room.approved(members=members, steps=STEPS))

    await killed(tmp_path, Mute("zalo.user", can_ask=True), direct, 3)
    clock = [BEGAN + 5.0]
    zalo = Asked("zalo.user", told)
    room = EngineRoom(tmp_path, Route(zalo, "zalo"), now=lambda: clock[0], owner="two")
    asker = Asker(room.ledger, room.lanes, room.recorder, room.routes, "ĐÃ NHẬN", lambda: clock[0])
    assert await room.start() == (3, 0)
    assert await asker.tick_unknown() == 0
    assert zalo.asked == []  # it may still be on its way into the provider's books
    clock[0] += ASK_AFTER_CRASH_SECONDS
    await asker.tick_unknown()
    assert zalo.asked == [BEGAN] * 3  # no later than it can have left

    async def settled():
        clock[0] += 0.1
        await room.clockwork.tick_lanes()
        return await room.counts(1) == counts

    await room.until(settled)
    assert len(zalo.left) == sent_again
    events = await room.ledger.read(lambda tx: broadcasts.timeline(tx, 1, 0))
    (noted,) = (event[4] for event in events if event[3] == "in_doubt")
    first = 1 << ORDINAL_BITS
    assert noted == {"reason": "worker_died", "deliveries": 3, "ranges": [[first, first + 2]]}
    await room.stop()


@pytest.mark.parametrize(
    ("priority", "counts", "sent_again"), [(Priority.LIFE, {"accepted": 2}, 2), (Priority.NORMAL, {"unknown": 2}, 0)]
)
async def test_an_answer_to_a_cry_for_help_is_rather_given_twice_than_never(tmp_path, priority, counts, sent_again):
    who = Actor("bot", Role.OFFICER)

    async def answers(room):
        route = room.routes.all[0]
        for answered in range(2):
            _, made = await room.ledger.write(
                lambda tx, answered=answered: write_single(
                    tx, route, f"8490000000{answered}", "Goi 112", who, priority, answered, BEGAN
                )
            )
            await room.clockwork.announce([made])

    await killed(tmp_path, Mute("sms.one", unaccented=True), answers, 2)
    sms = ScriptedChannel("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=lambda: BEGAN + 5.0, owner="two")
    await room.start()

    async def settled():
        return await room.counts(1) == counts

    await room.until(settled)
    await asyncio.sleep(0.05)
    assert len(sms.left) == sent_again
    await room.stop()


@pytest.mark.parametrize(
    ("cry", "counts", "times"), [(Priority.LIFE, {"accepted": 1}, 3), (Priority.NORMAL, {"unknown": 1}, 1)]
)
async def test_so_is_one_whose_link_broke_before_the_provider_answered(tmp_path, cry, counts, times):
    """Nobody died but the connection, twice: who cried for help gets it again, any other answer stays in doubt."""

    def broken(envelope, handed):
        return Unknown("connection_lost") if handed < 3 else Accepted(("id",))

    clock = [BEGAN]
    sms = ScriptedChannel("sms.one", broken, unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=lambda: clock[0])
    await room.start()
    message = inbox.NewMessage(
        "sms.one", "e1", "text", "84900000001", "84900000001", "cuu voi", "", "", False, "", BEGAN, b"", cry.value
    )

    def answer(tx):
        (kept,) = inbox.keep(tx, [message], BEGAN)
        who = Actor("bot", Role.OFFICER)
        return write_single(tx, room.routes.all[0], "84900000001", "Goi 112", who, Priority.LIFE, kept, BEGAN)[1]

    await room.clockwork.announce([await room.ledger.write(answer)])

    async def settled():
        clock[0] += 1
        await room.clockwork.tick_lanes()
        return await room.counts(1) == counts

    await room.until(settled)
    await asyncio.sleep(0.05)
    assert len(sms.left) == times
    events = await room.ledger.read(lambda tx: deliveries.events_of(tx, sms.left[0].delivery_id))
    assert [reason for _, _, reason, _ in events].count("repeated_by_policy") == times - 1
    await room.stop()


async def test_nobody_waits_for_ever_for_what_stays_unknown(tmp_path):
    """`final` ends `loa send --wait`: a list on a route that cannot be asked is over some time after it was sent."""

    async def listed(room):
        await room.clockwork.fire(await room.approved(numbers=range(84_900_000_000, 84_900_000_003)))

    await killed(tmp_path, Mute("sms.one", unaccented=True), listed, 3)
    clock = [BEGAN + 5.0]
    sms = ScriptedChannel("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(sms, "sms"), now=lambda: clock[0], owner="two")
    await room.start()

    def look(tx):
        row = broadcasts.by_no(tx, 1)
        return row.state, view(tx, row, room.routes, clock[0]).final

    async def sent():
        return (await room.ledger.read(look))[0] == "sent"

    await room.until(sent)
    assert await room.counts(1) == {"unknown": 3}
    assert await room.ledger.read(look) == ("sent", False)
    clock[0] += GIVE_UP_AFTER_SECONDS
    assert await room.ledger.read(look) == ("sent", True)
    await room.stop()


@pytest.mark.parametrize(
    ("text", "unaccented", "window", "step"),
    [
        ("Bao so 5", True, 100, 50),
        ("a" * 332, True, 100, 16),
        ("ộ" * 100, True, 100, 25),
        ("a" * 332, True, 2, 1),
        ("Bao so 5", True, 5_000, IN_FLIGHT_MAX // WINDOWS_AT_ONCE),
        ("a" * 332, False, 32, 16),
    ],
)
def test_a_window_holds_half_of_what_the_channel_keeps_in_flight(text, unaccented, window, step):
    """And so many at most, three times a claim, can a crash leave in doubt beside what was answered."""
    traits = Traits(frozenset(), unaccented=unaccented, window=window)
    assert step_of(traits, [Envelope(n, "84900000000", text) for n in range(3)]) == step


@given(st.sets(st.integers(0, 60)))
def test_ranges_hold_every_id_and_no_other(ids):
    found = ranges(sorted(ids))
    assert [one for first, last in found for one in range(first, last + 1)] == sorted(ids)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(found))
