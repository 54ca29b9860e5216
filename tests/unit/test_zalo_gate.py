"""The gate: who goes first, how many in flight, how many a minute."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Priority
from adapters.zalo.gate import Gate
from tests.contract.zalo_stand import Clock

L, U, N, B = Priority.LIFE, Priority.URGENT, Priority.NORMAL, Priority.BULK


async def test_waiting_ones_go_by_priority() -> None:
    gate = Gate(5, 1000, Clock())
    assert await gate.enter(B) == 0.0
    order: list[Priority] = []

    async def one(priority: Priority) -> None:
        assert await gate.enter(priority) == 0.0
        order.append(priority)

    tasks = [asyncio.create_task(one(priority)) for priority in (B, N, U, N)]
    await asyncio.sleep(0)
    for _ in tasks:
        gate.leave()
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    assert order == [U, N, N, B]


async def test_life_has_slots_of_its_own() -> None:
    gate = Gate(6, 1000, Clock())
    held = [await gate.enter(B) for _ in range(2)]
    waiting = asyncio.create_task(gate.enter(B))
    await asyncio.sleep(0.01)
    assert held == [0.0, 0.0]
    assert not waiting.done()
    assert [await asyncio.wait_for(gate.enter(L), 1) for _ in range(4)] == [0.0] * 4
    fifth = asyncio.create_task(gate.enter(L))
    await asyncio.sleep(0.01)
    assert not fifth.done()
    gate.leave()
    assert await fifth == 0.0
    waiting.cancel()


async def test_cancelled_waiter_keeps_no_slot() -> None:
    gate = Gate(5, 1000, Clock())
    await gate.enter(N)
    waiting = asyncio.create_task(gate.enter(N))
    await asyncio.sleep(0)
    gate.leave()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await asyncio.wait_for(gate.enter(N), 1) == 0.0


async def spend(gate: Gate, priority: Priority) -> float:
    wait = await gate.enter(priority)
    if wait == 0.0:
        gate.leave()
    return wait


async def test_bulk_leaves_a_share_of_the_minute() -> None:
    clock = Clock()
    gate = Gate(10, 100, clock)
    assert [await spend(gate, B) for _ in range(90)] == [0.0] * 90
    assert await spend(gate, B) == 60.0
    assert [await spend(gate, U) for _ in range(7)] == [0.0] * 7
    assert await spend(gate, U) == 60.0
    assert [await spend(gate, L) for _ in range(3)] == [0.0] * 3
    assert await spend(gate, L) == 60.0
    clock.now += 60
    assert await spend(gate, B) == 0.0


async def test_a_used_up_minute_holds_everybody_to_the_next() -> None:
    clock = Clock()  # 20 seconds into a minute
    gate = Gate(10, 100, clock)
    assert gate.hold() == 40.0
    assert await spend(gate, L) == 40.0
    clock.now += 40
    assert await spend(gate, L) == 0.0


async def test_the_providers_header_rules() -> None:
    clock = Clock()
    gate = Gate(10, 100, clock)
    gate.learn({"X-RateLimit-Limit": "2000", "X-RateLimit-Remain": "1999"})
    assert gate.per_minute == 2000
    gate.learn({"X-RateLimit-Limit": "nonsense"})
    assert gate.per_minute == 2000
    gate.learn({"X-RateLimit-Limit": "2000", "X-RateLimit-Remain": "0"})
    assert await spend(gate, L) == 40.0


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from([L, U, N, B])), max_size=150), st.integers(1, 20))
def test_no_minute_ever_holds_more_than_its_limit(steps: list[tuple[float, Priority]], limit: int) -> None:
    clock = Clock()
    gate = Gate(50, limit, clock)
    went: list[float] = []

    async def run() -> None:
        for pause, priority in steps:
            clock.now += pause
            if gate.wait(priority) == 0.0 and await spend(gate, priority) == 0.0:
                went.append(clock.now)

    asyncio.run(run())
    for at in went:
        assert sum(at <= other < at + 60.0 for other in went) <= limit
