"""The ports of `lanes`, run against every kind of them. A new kind is one line in `KINDS`."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from adapters.contract import Priority
from lanes import redis_lanes
from lanes.opening import opened
from lanes.port import Work
from tests.contract.recording import EVENTUALLY
from tests.redis_stand import fresh_url

KINDS = ("memory", "redis")
ALL = tuple(Priority)


class Clock:
    """Real time, that a test may push ahead."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


@asynccontextmanager
async def opening(kind, url=None, owner="one", now=time.time):
    house = opened("memory://" if kind == "memory" else url or fresh_url(), owner, now)
    await house.start("office-1", "Văn phòng thử")
    assert house.away is None
    try:
        yield house
    finally:
        await house.stop()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def house(kind, clock):
    async with opening(kind, now=clock) as made:
        yield made


@pytest.fixture
def lanes(house):
    return house.lanes


@pytest.fixture
def bus(house):
    return house.bus


async def test_the_most_urgent_comes_first_and_the_oldest_among_equals(lanes):
    for chunk, priority in [(1, Priority.BULK), (2, Priority.NORMAL), (3, Priority.LIFE), (4, Priority.NORMAL)]:
        await lanes.announce("sms", priority, chunk)
    assert [await lanes.next("sms", ALL) for _ in range(4)] == [3, 2, 4, 1]


async def test_many_at_once_keep_their_order(lanes):
    work = [Work("sms", Priority.NORMAL, chunk << 24) for chunk in range(1, 1_200)]
    await lanes.announce_all([*work, Work("zalo", Priority.LIFE, 5), Work("sms", Priority.LIFE, 7)])
    assert await lanes.depth("sms") == 1_200
    assert await lanes.next("sms", ALL) == 7
    assert [await lanes.next("sms", ALL) for _ in range(20)] == [chunk << 24 for chunk in range(1, 21)]
    assert await lanes.next("zalo", ALL) == 5


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
    assert await asyncio.wait_for(waiting, EVENTUALLY) == 2


async def test_a_worker_for_urgent_work_leaves_bulk_alone(lanes):
    await lanes.announce("sms", Priority.BULK, 1)
    urgent = asyncio.create_task(lanes.next("sms", (Priority.LIFE, Priority.URGENT)))
    await asyncio.sleep(0.01)
    assert not urgent.done()
    await lanes.announce("sms", Priority.LIFE, 2)
    assert await asyncio.wait_for(urgent, EVENTUALLY) == 2
    assert await lanes.next("sms", ALL) == 1


async def test_work_for_later_waits_for_its_time(lanes):
    await lanes.announce("sms", Priority.LIFE, 1, not_before=time.time() + 0.3)
    await lanes.announce("sms", Priority.BULK, 2)
    assert await lanes.next("sms", ALL) == 2
    assert await lanes.depth("sms") == 1
    waiting = asyncio.create_task(lanes.next("sms", ALL))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    assert await asyncio.wait_for(waiting, EVENTUALLY) == 1


async def test_the_earlier_of_two_times_counts(lanes):
    await lanes.announce("sms", Priority.NORMAL, 1, not_before=time.time() + 3600)
    waiting = asyncio.create_task(lanes.next("sms", ALL))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await lanes.announce("sms", Priority.NORMAL, 1)
    assert await asyncio.wait_for(waiting, EVENTUALLY) == 1
    assert await lanes.depth("sms") == 0


async def test_the_clock_of_the_house_decides_what_is_due(lanes, clock):
    await lanes.announce("sms", Priority.NORMAL, 1, not_before=clock() + 600)
    waiting = asyncio.create_task(lanes.next("sms", ALL))
    await asyncio.sleep(0.02)
    clock.ahead = 601
    await lanes.announce("sms", Priority.NORMAL, 1, not_before=clock() - 1)
    assert await asyncio.wait_for(waiting, EVENTUALLY) == 1


async def test_several_waiters_get_one_chunk_each(lanes):
    waiters = [asyncio.create_task(lanes.next("sms", ALL)) for _ in range(5)]
    await asyncio.sleep(0)
    for chunk in range(5):
        await lanes.announce("sms", Priority.NORMAL, chunk)
    assert sorted(await asyncio.wait_for(asyncio.gather(*waiters), 1)) == list(range(5))


async def test_a_waiter_that_goes_away_takes_nothing_with_it(lanes):
    gone = [asyncio.create_task(lanes.next("sms", ALL)) for _ in range(3)]
    await asyncio.sleep(0.02)
    for one in gone:
        one.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    await lanes.announce("sms", Priority.NORMAL, 9)
    assert await asyncio.wait_for(lanes.next("sms", ALL), 1) == 9


async def test_followers_hear_their_topics_only_and_may_leave(bus):
    async with bus.follow("broadcast:1", "alarms") as stream:
        bus.publish("broadcast:2", {"type": "state"})
        bus.publish("broadcast:1", {"type": "state"})
        bus.publish("alarms", {"type": "rescue"})
        heard = [await asyncio.wait_for(anext(stream), EVENTUALLY) for _ in range(2)]
    assert [event["topic"] for event in heard] == ["broadcast:1", "alarms"]
    bus.publish("broadcast:1", {"type": "state"})


async def test_a_follower_that_does_not_read_costs_no_memory(bus):
    async with bus.follow("busy") as stream:
        for n in range(5_000):
            bus.publish("busy", {"n": n})
        first = await asyncio.wait_for(anext(stream), EVENTUALLY)
    assert first["n"] == 4_000


async def test_a_stop_is_quick_though_workers_wait(kind, monkeypatch):
    monkeypatch.setattr(redis_lanes, "BLOCK_SECONDS", 2 * EVENTUALLY)
    async with opening(kind) as house:
        waiting = [asyncio.create_task(house.lanes.next("sms", (Priority.LIFE,))) for _ in range(2)]
        waiting.append(asyncio.create_task(house.lanes.next("sms", ALL)))
        await asyncio.sleep(0.1)
        for one in waiting:
            one.cancel()
        began = time.monotonic()
    assert time.monotonic() - began < EVENTUALLY
