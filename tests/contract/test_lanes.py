"""The ports of `lanes`, run against every adapter of them. A new adapter is one line in `LANES` or `BUSES`."""

import asyncio

import pytest

from adapters.contract import Priority
from lanes.memory import MemoryBus, MemoryLanes

LANES = {"memory": MemoryLanes}
BUSES = {"memory": MemoryBus}
ALL = tuple(Priority)


@pytest.fixture(params=LANES)
def lanes(request):
    return LANES[request.param]()


@pytest.fixture(params=BUSES)
def bus(request):
    return BUSES[request.param]()


async def test_the_most_urgent_comes_first_and_the_oldest_among_equals(lanes):
    for chunk, priority in [(1, Priority.BULK), (2, Priority.NORMAL), (3, Priority.LIFE), (4, Priority.NORMAL)]:
        await lanes.announce("sms", priority, chunk)
    assert [await lanes.next("sms", ALL) for _ in range(4)] == [3, 2, 4, 1]


async def test_a_doubled_announcement_is_one(lanes):
    await lanes.announce("sms", Priority.BULK, 1)
    await lanes.announce("sms", Priority.BULK, 1)
    assert await lanes.next("sms", ALL) == 1
    assert await lanes.depth("sms") == 0
    await lanes.announce("sms", Priority.BULK, 1)
    assert await lanes.next("sms", ALL) == 1


async def test_one_channel_never_waits_for_another(lanes):
    await lanes.announce("zalo", Priority.LIFE, 1)
    waiting = asyncio.create_task(lanes.next("sms", ALL))
    await asyncio.sleep(0)
    await lanes.announce("sms", Priority.BULK, 2)
    assert await asyncio.wait_for(waiting, 1) == 2


async def test_a_worker_for_urgent_work_leaves_bulk_alone(lanes):
    await lanes.announce("sms", Priority.BULK, 1)
    urgent = asyncio.create_task(lanes.next("sms", (Priority.LIFE, Priority.URGENT)))
    await asyncio.sleep(0.01)
    assert not urgent.done()
    await lanes.announce("sms", Priority.LIFE, 2)
    assert await asyncio.wait_for(urgent, 1) == 2
    assert await lanes.next("sms", ALL) == 1


async def test_work_for_later_waits_for_its_time():
    clock = [100.0]
    lanes = MemoryLanes(lambda: clock[0])
    await lanes.announce("sms", Priority.LIFE, 1, not_before=100.05)
    await lanes.announce("sms", Priority.BULK, 2)
    assert await lanes.next("sms", ALL) == 2
    waiting = asyncio.create_task(lanes.next("sms", ALL))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    clock[0] = 100.06
    assert await asyncio.wait_for(waiting, 1) == 1


async def test_several_waiters_get_one_chunk_each(lanes):
    waiters = [asyncio.create_task(lanes.next("sms", ALL)) for _ in range(5)]
    await asyncio.sleep(0)
    for chunk in range(5):
        await lanes.announce("sms", Priority.NORMAL, chunk)
    assert sorted(await asyncio.wait_for(asyncio.gather(*waiters), 1)) == list(range(5))


async def test_followers_hear_their_topics_only_and_may_leave(bus):
    async with bus.follow("broadcast:1", "alarms") as stream:
        bus.publish("broadcast:2", {"type": "state"})
        bus.publish("broadcast:1", {"type": "state"})
        bus.publish("alarms", {"type": "rescue"})
        heard = [await asyncio.wait_for(anext(stream), 1) for _ in range(2)]
    assert [event["topic"] for event in heard] == ["broadcast:1", "alarms"]
    bus.publish("broadcast:1", {"type": "state"})


async def test_a_follower_that_does_not_read_costs_no_memory(bus):
    async with bus.follow("busy") as stream:
        for n in range(5_000):
            bus.publish("busy", {"n": n})
        first = await asyncio.wait_for(anext(stream), 1)
    assert first["n"] == 4_000
