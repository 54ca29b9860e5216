"""Several processes on one ledger: each session lives in one of them, and moves when that one ends, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loa.roles.identity import own_identity, still_runs
from loa.roles.membership import CLOCK_REFUSED_SECONDS
from store import leases, workers
from store.engine import Ledger, LedgerError
from store.revisions import own_revision
from tests.membership_stand import HOMES, LEASE, Office, join, nothing, office_on


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with office_on(tmp_path) as made:
        yield made


async def test_each_session_lives_in_one_process(office: Office) -> None:
    one, at_one = office.process("one")
    two, at_two = office.process("two")
    await join(one, nothing)
    await join(two, nothing)
    assert at_one.live == set(HOMES)
    assert at_two.live == set()
    office.clock.at += 11.0
    for _ in range(3):
        await one.round()
        await asyncio.sleep(0.01)
        await two.round()
    assert len(at_one.live) == 2
    assert at_one.live | at_two.live == set(HOMES)
    assert not at_one.live & at_two.live


async def test_what_a_silent_process_held_moves_when_its_lease_ends(office: Office) -> None:
    one, _ = office.process("one")
    two, at_two = office.process("two")
    await join(one, nothing)
    await join(two, nothing)
    office.clock.at += LEASE - 0.1
    await two.round()
    assert at_two.live == set(), "its holder may still live"
    office.clock.at += 0.2
    await two.round()
    assert at_two.live == set(HOMES)


async def test_a_process_that_surely_runs_no_more_is_not_waited_for(office: Office) -> None:
    one, _ = office.process("one", pid=2**22 - 1)
    two, at_two = office.process("two")
    await join(one, nothing)
    await join(two, nothing)
    await two.round()
    assert at_two.live == set(HOMES)
    assert set((await office.holders()).values()) == {"two"}


async def test_one_that_slept_lets_go_before_it_goes_on(office: Office) -> None:
    one, at_one = office.process("one")
    two, at_two = office.process("two")
    await join(one, nothing)
    await join(two, nothing)
    office.clock.at += LEASE - 1.0
    await two.round()
    office.clock.at += 2.0
    await two.round()
    await one.round()
    assert at_one.live == set()
    assert at_two.live == set(HOMES)
    office.clock.at += 11.0
    await two.round()
    await one.round()
    await two.round()
    await asyncio.sleep(0.01)
    await one.round()
    assert at_one.live, "it belongs to us again"
    assert at_one.live | at_two.live == set(HOMES)


async def test_a_session_is_free_only_when_it_has_ended(office: Office) -> None:
    one, at_one = office.process("one")
    two, at_two = office.process("two")
    await join(one, nothing)
    at_one.release.clear()
    draining = asyncio.create_task(one.drain())
    await asyncio.sleep(0.05)
    await join(two, nothing)
    assert at_two.live == set()
    office.clock.at += LEASE - 1.0
    await one.round()
    office.clock.at += LEASE - 1.0
    await two.round()
    assert at_two.live == set(), "it is prolonged for as long as it takes to end"
    at_one.release.set()
    await draining
    await two.round()
    assert at_two.live == set(HOMES)
    assert at_one.live == set()


async def test_a_process_of_another_role_holds_nothing(office: Office) -> None:
    web, at_web = office.process("web", role="web")
    await join(web, nothing)
    assert at_web.live == set()


@pytest.mark.parametrize("off", [-CLOCK_REFUSED_SECONDS - 1, CLOCK_REFUSED_SECONDS + 1])
async def test_a_wrong_clock_is_refused(office: Office, off: float) -> None:
    wrong, sessions = office.process("wrong", off=off)
    with pytest.raises(LedgerError) as refused:
        await join(wrong, nothing)
    assert refused.value.key == "clock_off"
    assert sessions.taken == []
    assert await office.ledger.read(lambda tx: workers.everyone(tx)) == []


async def test_a_clock_a_little_off_is_told(office: Office) -> None:
    late, sessions = office.process("late", off=-3.0)
    await join(late, nothing)
    assert sessions.live == set(HOMES)
    assert late.clock_off == pytest.approx(-3.0, abs=0.5)
    assert [round(one.clock_off) for one in await office.ledger.read(workers.everyone)] == [-3]


async def test_a_program_that_the_schema_has_outgrown_is_refused_and_ended(office: Office) -> None:
    old, _ = office.process("old", schema=own_revision())
    ends: list[str] = []
    await join(old, lambda why: ends.append(why.key))

    await office.ledger.write(lambda tx: tx.execute("UPDATE schema_floor SET revision = '9999'"))
    await old.round()
    assert ends == ["program_too_old"]
    older, _ = office.process("older", schema=own_revision())
    with pytest.raises(LedgerError) as refused:
        await join(older, nothing)
    assert refused.value.key == "program_too_old"


def test_a_process_is_known_to_others_on_its_machine() -> None:
    own = own_identity()
    assert own.born
    assert still_runs(own.machine, own.pid, own.born)
    assert not still_runs(own.machine, own.pid, "1"), "the number is somebody else's now"
    assert not still_runs(own.machine, 2**22 - 1, own.born)
    assert still_runs("another machine", 2**22 - 1, own.born), "nobody can know from here"


async def test_one_that_does_all_is_alone(office: Office) -> None:
    one, _ = office.process("one", role="all", pid=2**22 - 1)
    await join(one, nothing)
    again, _ = office.process("again", role="all")
    await join(again, nothing)
    assert [worker.id for worker in await office.ledger.read(lambda tx: workers.alive(tx, office.clock.at))] == [
        "again"
    ]
    beside, _ = office.process("beside")
    with pytest.raises(LedgerError) as refused:
        await office.ledger.write(beside._enter)
    assert refused.value.key == "not_alone"


async def test_what_ran_out_and_nobody_took_goes_on(office: Office) -> None:
    """The ledger was busy for longer than a lease lasts, for everybody."""
    one, at_one = office.process("one")
    await join(one, nothing)
    office.clock.at += 2 * LEASE
    await one.round()
    assert at_one.live == set(HOMES)
    assert at_one.taken == list(HOMES), "nothing was begun again"


async def test_a_lease_that_was_taken_unknown_to_us_is_taken_up(office: Office) -> None:
    """The round that took it was given up before its answer came."""
    one, at_one = office.process("one")
    await one.enter(nothing)
    await office.ledger.write(lambda tx: leases.take(tx, "telegram", "one", office.clock.at, LEASE))
    await one.join()
    assert at_one.live == set(HOMES)


class Busy:
    """A ledger on which every transaction waits its turn for a while."""

    def __init__(self, ledger: Ledger, seconds: float) -> None:
        self._ledger, self._seconds = ledger, seconds

    async def write_presence(self, *arguments):
        await asyncio.sleep(self._seconds)
        return await self._ledger.write_presence(*arguments)

    def __getattr__(self, name: str):
        return getattr(self._ledger, name)


async def test_who_was_silent_for_too_long_is_given_time_to_come_back(office: Office, monkeypatch) -> None:
    """Under load a round may take a moment; nothing is held any more that a longer wait could endanger."""
    monkeypatch.setattr("loa.roles.membership.ROUND_SECONDS", 0.01)
    one, at_one = office.process("one")
    await join(one, nothing)
    one._ledger = Busy(office.ledger, 0.3)
    one._round_at -= LEASE + 1.0
    for _ in range(250):
        if one._left() > 0 and at_one.live == set(HOMES):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(at_one)


async def test_what_was_taken_is_begun_though_the_round_is_given_up(office: Office) -> None:
    """Else a lease would be held, and prolonged for ever, by a process that does nothing for it."""
    one, at_one = office.process("one")
    await one.enter(nothing)
    slow = asyncio.Event()

    async def take_up(home: str) -> None:
        await slow.wait()
        at_one.live.add(home)

    at_one.take_up = take_up  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one.round(), 0.2)
    slow.set()
    await asyncio.sleep(0.05)
    assert at_one.live == set(one.homes)
    assert at_one.live


async def test_what_is_lost_ends_though_the_round_is_given_up_and_only_then_begins_again(office: Office) -> None:
    """A process that slept past its leases has a moment for its first round. A session that was left in the middle of
    its end would never work again in this process, which holds its lease and renews it."""
    one, at_one = office.process("one")
    two, _ = office.process("two")
    await join(one, nothing)
    await join(two, nothing)
    office.clock.at += LEASE + 1.0
    await two.round()
    slow, ended = asyncio.Event(), []

    async def let_go(home: str) -> None:
        await slow.wait()
        ended.append(home)
        at_one.live.discard(home)

    at_one.let_go = let_go  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one.round(), 0.2)
    assert not any(one.holds(home) for home in HOMES), "they are another's"
    await two.drain()
    await two.leave()
    at_one.taken.clear()
    again = asyncio.create_task(one.round())
    await asyncio.sleep(0.2)
    assert at_one.taken == [], "the end comes first"
    slow.set()
    await again
    assert sorted(ended) == sorted(HOMES)
    assert at_one.live == set(HOMES) == set(one.homes)
    assert set((await office.holders()).values()) == {"one"}


async def test_a_handing_over_that_is_overtaken_gives_nothing_back(office: Office) -> None:
    """The lease ran out meanwhile, and was taken again."""
    one, at_one = office.process("one")
    await join(one, nothing)
    at_one.release.clear()
    one._start_handing_over("telegram")
    await asyncio.sleep(0)
    losing = asyncio.create_task(one._let_go(["telegram"], "lease_lost"))
    await asyncio.sleep(0)
    taking = asyncio.create_task(one.round())
    await asyncio.sleep(0.05)
    at_one.release.set()
    await asyncio.gather(losing, taking)
    await asyncio.sleep(0.05)
    assert (await office.holders())["telegram"] == "one"
    assert one.holds("telegram")
    assert "telegram" in at_one.live


@pytest.mark.parametrize("turns", range(8))
async def test_who_leaves_as_a_round_ends_has_left(office: Office, monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    """`asyncio.wait_for` of Python 3.11 forgets a cancellation that comes as what it waits for is done: the process
    went on for ever and was killed at last."""
    monkeypatch.setattr("loa.roles.membership.ROUND_SECONDS", 0.001)
    one, _ = office.process("one")
    await join(one, nothing)
    begun, over = asyncio.Event(), asyncio.Event()

    async def round_of_its_own() -> None:
        begun.set()
        await over.wait()

    monkeypatch.setattr(one, "round", round_of_its_own)
    await begun.wait()
    over.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await one.leave()
