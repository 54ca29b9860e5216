"""The 7-day window of one-to-one texts, known before sending: from events, from Zalo's list, from a refusal."""

from __future__ import annotations

import pytest

from adapters.contract import Accepted, Envelope, Rejected
from adapters.zalo import limits
from adapters.zalo.interactions import WINDOW_CLOSED
from tests.contract.recording import MemoryState, ReportBook, until
from tests.contract.zalo_stand import DEPUTY, LEADER, SILENT, Clock, Stand, simulator, stand

USER = "zalo.oa_user"
DAY = 86_400.0
STRANGER = "8000000000000000099"


async def send(made: Stand, to: str, n: int = 1) -> Accepted | Rejected:
    book = ReportBook()
    await made.channels[USER].send([Envelope(n, to, "tin")], book)
    outcome = book.one(n)
    assert isinstance(outcome, Accepted | Rejected)
    return outcome


async def test_zalos_list_tells_at_the_first_start_who_is_past_the_window() -> None:
    async with stand(oa_user={}) as made:
        await until(lambda: bool(made.oa.interactions.foresee([SILENT])), what="the list is read")
        assert made.oa.interactions.foresee([LEADER, DEPUTY, SILENT, STRANGER]) == {
            SILENT: WINDOW_CLOSED,
            STRANGER: WINDOW_CLOSED,
        }


async def test_a_refusal_is_remembered_and_not_asked_for_twice() -> None:
    async with stand(oa_user={}) as made:
        first, calls = await send(made, SILENT), made.sim.stage.counters["/v3.0/oa/message/cs"]
        again = await send(made, SILENT, 2)
        assert isinstance(first, Rejected)
        assert isinstance(again, Rejected)
        assert (first.reason, first.code) == (WINDOW_CLOSED, "-230")
        assert (again.reason, again.cls, again.code) == (WINDOW_CLOSED, first.cls, "known_before")
        assert made.sim.stage.counters["/v3.0/oa/message/cs"] == calls


async def test_one_word_opens_the_window_again() -> None:
    async with stand(oa_user={}) as made:
        await send(made, SILENT)
        await made.sim.person_says(SILENT, None, "có mặt")
        await until(lambda: not made.oa.interactions.closed(SILENT), what="the event is heard")
        assert isinstance(await send(made, SILENT, 2), Accepted)
        assert made.oa.interactions.foresee([SILENT]) == {}


async def test_it_closes_by_itself_and_outlives_a_restart() -> None:
    clock, state = Clock(), MemoryState()
    async with simulator(clock) as sim:
        async with stand(clock, sim, state, oa_user={}) as made:
            await made.sim.person_says(LEADER, None, "có mặt")
            await until(lambda: any(".met.8" in key for key in state.values), what="the interaction is stored")
            clock.now += limits.INTERACTION_WINDOW_SECONDS - 60
            assert not made.oa.interactions.closed(LEADER)
        clock.now += 120
        async with stand(clock, sim, state, oa_user={}) as made:
            assert made.oa.interactions.closed(LEADER)
            assert made.channels[USER].foresee([LEADER]) == {LEADER: WINDOW_CLOSED}  # type: ignore[attr-defined]


async def test_a_lively_chat_costs_one_row_an_hour() -> None:
    async with stand(oa_user={}) as made:
        for n in range(5):
            await made.sim.person_says(LEADER, None, f"tin {n}")
        await until(lambda: len(made.sink.inbox) == 5)
        assert made.state.journal.count(f"put zalo.oa.{made.oa.account.oa_id}.met.{LEADER}") == 1


async def test_whoever_asks_to_be_erased_is_forgotten() -> None:
    async with stand(oa_user={}) as made:
        await made.sim.person_says(LEADER, None, "có mặt")
        await until(lambda: any(".met.8" in key for key in made.state.values))
        assert await made.oa.interactions.read_list(made.oa.client)
        from simulators.zalo.control import does

        does(made.sim, {"user_id": LEADER, "does": "withdraw"})
        await until(
            lambda: not any(LEADER in key or LEADER.encode() in value for key, value in made.state.values.items()),
            what="no trace of the person",
        )
        assert LEADER not in made.oa.interactions._last


@pytest.mark.parametrize("trouble", [{"outage": "502"}, {"outage": "refuse"}])
async def test_a_list_that_cannot_be_read_concludes_nothing(trouble: dict[str, str]) -> None:
    async with simulator() as sim:
        sim.set_faults(trouble)
        async with stand(sim=sim, oa_user={}) as made:
            assert not await made.oa.interactions.read_list(made.oa.client)
            assert made.oa.interactions.foresee([SILENT, STRANGER]) == {}
