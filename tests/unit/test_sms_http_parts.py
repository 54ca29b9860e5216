"""The parts that accounts over HTTP share: pace, the list of what to ask about, ids of requests."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Envelope, LedgerUnavailable, Priority
from adapters.sms.awaiting import FACTOR, Awaiting
from adapters.sms.budget import Budget
from adapters.sms.esms import limits
from adapters.sms.esms.request_ids import RequestIds
from tests.contract.recording import MemoryState


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@settings(max_examples=80)
@given(
    limit=st.integers(1, 20),
    seconds=st.sampled_from([1.0, 10.0, 60.0]),
    reserve=st.integers(0, 5),
    even=st.booleans(),
    steps=st.lists(st.tuples(st.floats(0, 3), st.sampled_from(list(Priority))), min_size=1, max_size=150),
)
def test_no_stretch_of_time_holds_more_than_the_provider_takes(
    limit: int, seconds: float, reserve: int, even: bool, steps: list[tuple[float, Priority]]
) -> None:
    clock = Clock()
    budget = Budget(limit, seconds, clock, reserve=reserve, even=even)
    sent: list[tuple[float, Priority]] = []
    for pause, priority in steps:
        clock.now += pause
        if budget.wait(priority) == 0:
            budget.spend()
            sent.append((clock.now, priority))
    for at, _ in sent:
        within = [p for t, p in sent if at <= t < at + seconds]
        assert len(within) <= limit
    if even:
        assert all(b[0] - a[0] >= seconds / limit - 1e-9 for a, b in itertools.pairwise(sent))


@given(st.integers(2, 60), st.integers(1, 10), st.sampled_from(list(Priority)))
def test_a_share_is_kept_for_what_is_urgent(limit: int, reserve: int, priority: Priority) -> None:
    clock = Clock()
    budget = Budget(limit, 60.0, clock, reserve=reserve)
    sent = 0
    while budget.wait(priority) == 0:
        budget.spend()
        sent += 1
    assert sent == (limit if priority <= Priority.URGENT else max(1, limit - reserve))
    assert 0 < budget.wait(priority) <= 61


def test_a_wait_that_is_waited_is_enough() -> None:
    clock = Clock()
    budget = Budget.per_second(0.5, clock)
    budget.spend()
    clock.now += budget.wait(Priority.BULK)
    assert budget.wait(Priority.BULK) == 0
    assert budget.rate == 0.5
    budget.hold(30.0)
    assert budget.wait(Priority.LIFE) == budget.held == 30.0
    budget.hold(5.0)
    assert budget.held == 30.0, "a later word does not shorten an earlier one"


def _awaiting(clock: Clock, state: MemoryState | None = None, most: int = 1000) -> Awaiting:
    return Awaiting(state or MemoryState(), "x.waiting", clock, first=60.0, longest=3_600.0, keep=86_400.0, most=most)


def test_pauses_grow_until_nobody_asks_any_more() -> None:
    clock = Clock()
    waiting = _awaiting(clock)
    waiting.add("a", ["b"])
    asked: list[float] = []
    start = clock.now
    while waiting:
        clock.now += waiting.wait()
        asked += [clock.now - start for entry in waiting.due(10) if entry.about == ["b"]]
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert asked[0] == 60.0
    assert gaps[:4] == [60.0, 60.0 * FACTOR, 60.0 * FACTOR**2, 60.0 * FACTOR**3]
    assert max(gaps) == 3_600.0
    assert asked[-1] <= 86_400.0


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["add", "now", "done", "due"]), st.floats(0, 500)))
)
def test_what_is_due_is_what_was_added_and_not_done(steps: list[tuple[str, str, float]]) -> None:
    clock = Clock()
    waiting = _awaiting(clock)
    known: set[str] = set()
    for key, what, seconds in steps:
        clock.now += seconds
        if what in ("add", "now"):
            waiting.add(key, first=0.0 if what == "now" else None)
            known.add(key)
        elif what == "done":
            waiting.done(key)
            known.discard(key)
        else:
            found = [entry.key for entry in waiting.due(100)]
            assert len(found) == len(set(found))
            assert set(found) <= known
        assert len(waiting) == len(known)
        assert waiting.wait() >= 0


def test_the_oldest_give_way() -> None:
    waiting = _awaiting(Clock(), most=3)
    for key in "abcde":
        waiting.add(key)
    assert [key for key in "abcde" if waiting.get(key)] == ["c", "d", "e"]


async def test_the_list_outlives_us_and_a_ledger_that_is_away() -> None:
    clock, state = Clock(), MemoryState()
    waiting = _awaiting(clock, state)
    waiting.add("a", ["1", "2"])
    state.refuse = 1
    await waiting.save()
    assert not state.values
    await waiting.save()
    again = _awaiting(clock, state)
    await again.load()
    entry = again.get("a")
    assert entry is not None
    assert (entry.about, entry.due) == (["1", "2"], clock.now + 60)
    state.values["x.waiting"] = b"no list"
    broken = _awaiting(clock, state)
    await broken.load()
    assert len(broken) == 0


async def test_a_question_that_fails_is_asked_again_and_stops_nothing() -> None:
    clock = Clock()
    waiting = _awaiting(clock)
    asked: list[str] = []

    async def ask(entry: object) -> None:
        key = entry.key  # type: ignore[attr-defined]
        asked.append(key)
        if key == "ledger" and asked.count(key) == 1:
            raise LedgerUnavailable("away")
        if key == "odd":
            raise ValueError("an answer of a strange shape")
        waiting.done(key)

    for key in ("odd", "ledger", "well"):
        waiting.add(key, first=0.0)
    task = asyncio.create_task(waiting.run(ask, 2))
    for _ in range(200):
        await asyncio.sleep(0.001)
        clock.now += 0.05
        waiting.add("tick", first=0.0)
        if asked.count("ledger") == 2:
            break
    task.cancel()
    assert {"odd", "ledger", "well"} <= set(asked)
    assert asked.count("well") == 1


@given(st.lists(st.tuples(st.integers(1, (1 << 48) - 1), st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]))))
def test_request_ids_are_one_to_one_with_sends_and_short_enough(sends: list[tuple[int, str, str]]) -> None:
    async def play() -> None:
        ids = RequestIds(MemoryState(), "sms.esms")
        made: dict[str, tuple[int, str, str]] = {}
        for delivery, to, text in sends:
            request = await ids.of(Envelope(delivery, to, text))
            assert len(request) <= limits.REQUEST_ID_CHARACTERS
            assert request.startswith(ids.prefix)
            assert made.setdefault(request, (delivery, to, text)) == (delivery, to, text)

    asyncio.run(play())


@pytest.mark.parametrize("refusals", [1, 9, 10, 99])
async def test_a_refusal_makes_the_next_try_a_new_request(refusals: int) -> None:
    ids = RequestIds(MemoryState(), "sms.esms")
    envelope = Envelope((1 << 48) - 1, "84900000001", "x")
    seen = {await ids.of(envelope)}
    for _ in range(refusals):
        ids.refused(envelope.delivery_id)
        seen.add(await ids.of(envelope))
    assert len(seen) == refusals + 1
    assert max(map(len, seen)) <= limits.REQUEST_ID_CHARACTERS
