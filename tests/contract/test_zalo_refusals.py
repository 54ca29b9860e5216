"""Every code of Zalo's tables, said by the simulated provider and answered by the channel; and the ways round some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.contract import Accepted, Button, Envelope, Outcome, Priority, RejectClass, Rejected, Unknown
from adapters.zalo import codes, limits
from adapters.zalo.codes import Action
from simulators.zalo import GROUP_ID
from tests.contract.recording import ReportBook, until
from tests.contract.runner import on_screen
from tests.contract.zalo_stand import LEADER, LEADER_PHONE, Clock, Stand, stand

USER, GROUP, ZNS = "zalo.oa_user", "zalo.oa_group", "zalo.zns"
TO = {USER: LEADER, GROUP: GROUP_ID, ZNS: LEADER_PHONE}


@pytest.fixture
async def made() -> AsyncIterator[Stand]:
    async with stand(oa_user={}, oa_group={}, zns={}) as it:
        yield it


async def send(made: Stand, name: str, text: str = "tin", n: int = 1, **more: object) -> Outcome:
    book = ReportBook()
    await made.channels[name].send([Envelope(n, TO[name], text, **more)], book)  # type: ignore[arg-type]
    return book.one(n)


@pytest.mark.parametrize("name", [USER, GROUP, ZNS])
async def test_every_code_has_its_outcome(made: Stand, name: str) -> None:
    """One after the other on one channel, so that none of them breaks it for the next."""
    table = codes.ZNS if name == ZNS else codes.OA
    for number, code in [*table.items(), (-99_999, codes.UNKNOWN)]:
        made.sim.set_faults({"fail_next": 5, "fail_code": -number, "fail_says": "text is invalid"})
        outcome = await send(made, name)
        assert isinstance(outcome, Rejected), number
        assert (outcome.reason, outcome.cls, outcome.code) == (code.reason, code.cls, str(number))
        assert (outcome.after is not None) == (code.cls is RejectClass.RETRY_LATER)
        made.oa.gate._held_until = 0.0
        await made.oa.interactions.forget(LEADER)  # a closed window would refuse the next one beforehand,
        made.channels[ZNS]._spent_on = -1  # type: ignore[attr-defined]  # and so would a quota that is used up
    made.sim.set_faults({"fail_next": 0})
    assert isinstance(await send(made, name, n=2), Accepted)


async def test_invalid_recipient_is_told_from_an_invalid_text(made: Stand) -> None:
    made.sim.set_faults({"fail_next": 1, "fail_code": 201, "fail_says": "user_id is invalid"})
    assert await send(made, USER) == Rejected("invalid_recipient", RejectClass.RECIPIENT, "-201")


async def test_government_account_is_served_by_v2_and_that_is_remembered(made: Stand) -> None:
    made.sim.set_faults({"government": True})
    assert isinstance(await send(made, USER), Accepted)
    calls = made.sim.stage.counters
    assert (calls["/v3.0/oa/message/cs"], calls["/v2.0/oa/message"]) == (1, 1)
    async with stand(sim=made.sim, state=made.state, oa_user={}) as again:
        assert isinstance(await send(again, USER, n=2), Accepted)
        assert (await again.channels[USER].probe()).params["api"] == "v2"
    assert (calls["/v3.0/oa/message/cs"], calls["/v2.0/oa/message"]) == (1, 2)


async def test_account_that_becomes_a_business_goes_back_to_v3(made: Stand) -> None:
    made.sim.set_faults({"government": True})
    await send(made, USER)
    made.sim.set_faults({"government": False})
    assert isinstance(await send(made, USER, n=2), Accepted)
    assert (await made.channels[USER].probe()).params["api"] == "v3"


async def test_buttons_that_are_refused_are_left_out(made: Stand) -> None:
    buttons = (Button("ĐÃ NHẬN", "ACK TB0825-07"),)
    made.sim.set_faults({"fail_next": 1, "fail_code": 233})
    assert isinstance(await send(made, USER, buttons=buttons), Accepted)
    line = made.sim.stage.lines[-1]
    assert (line.text, line.buttons) == ("tin", [])


async def test_more_than_five_buttons_and_long_titles_are_cut_to_what_zalo_takes(made: Stand) -> None:
    buttons = tuple(Button("x" * 200, f"p{n}") for n in range(9))
    assert isinstance(await send(made, USER, buttons=buttons), Accepted)
    assert len(made.sim.stage.lines[-1].buttons) == limits.BUTTONS


async def test_limiter_of_the_provider_holds_everybody_until_the_next_minute() -> None:
    clock = Clock()  # 20 seconds into a minute
    async with stand(now=clock, oa_user={}, oa_group={}) as made:
        made.sim.set_faults({"fail_next": 1, "fail_code": 32})
        assert await send(made, USER) == Rejected("throttled", RejectClass.RETRY_LATER, "-32", 40.0)
        assert await send(made, GROUP, n=2) == Rejected("throttled", RejectClass.RETRY_LATER, "", 40.0)
        assert not made.sim.stage.counters["/v3.0/oa/group/message"]
        clock.now += 40
        assert isinstance(await send(made, GROUP, n=3), Accepted)


async def test_life_overtakes_a_batch(made: Stand) -> None:
    """A rescue answer handed over after 200 ordinary messages is on the wire before most of them."""
    for n in range(200):
        made.sim.add_user(f"u{n}")
    made.sim.set_faults({"slow_seconds": 0.02})
    book = ReportBook()
    bulk = [Envelope(n, f"u{n}", "tin", Priority.BULK) for n in range(200)]
    sending = asyncio.create_task(made.channels[USER].send(bulk, book))
    await until(lambda: bool(book.outcomes))
    await made.channels[USER].send([Envelope(999, LEADER, "gọi 112", Priority.LIFE)], book)
    assert isinstance(book.one(999), Accepted)
    assert len(book.outcomes) < 150
    await sending


async def test_order_inside_a_batch_is_by_priority(made: Stand) -> None:
    mixed = [Envelope(n, LEADER, f"tin {n}", Priority(3 - n % 4)) for n in range(8)]
    await made.channels[USER].send(mixed, ReportBook())
    await until(lambda: len(made.sim.stage.lines) == 8)
    shown = on_screen(made.rig(USER), LEADER)
    assert shown == ("tin 3", "tin 7", "tin 2", "tin 6", "tin 1", "tin 5", "tin 0", "tin 4")


async def test_nothing_is_listening() -> None:
    async with stand(oa={"base_url": "http://127.0.0.1:9"}, oa_user={}, oa_group={}) as made:
        for name in (USER, GROUP):
            assert await send(made, name) == Rejected("link_down", RejectClass.RETRY_LATER, "connect", 5.0)
            assert (await made.channels[name].probe()).key == "zalo_link_down"


async def test_unusable_address_is_the_operators_to_mend() -> None:
    async with stand(oa={"base_url": "openapi.zalo.me"}, oa_user={}) as made:
        assert await send(made, USER) == Rejected("bad_url", RejectClass.CONFIG)


async def test_valid_until_is_looked_at_once_more_before_the_call() -> None:
    clock = Clock()
    async with stand(now=clock, oa_user={}) as made:
        wanted = Envelope(1, LEADER, "tin", valid_until=clock.now + 10)
        call = made.oa.tokens.access

        async def slow(stale: str = "") -> object:
            clock.now += 20  # the token had to be renewed, say, and that took its time
            return await call(stale)

        made.oa.tokens.access = slow  # type: ignore[method-assign,assignment]
        book = ReportBook()
        await made.channels[USER].send([wanted], book)
        assert book.one(1) == Rejected("expired", RejectClass.TEXT)
        assert not made.sim.stage.counters["/v3.0/oa/message/cs"]


async def test_ledger_away_between_two_parts_asks_for_no_repeat(made: Stand) -> None:
    """The parts that are at Zalo could not be noted, so a repeat would double them: unknown, to be looked up."""
    await send(made, USER)
    await until(lambda: made.oa.webhook.counts["accepted"] >= 2)  # the token and the signature are in the store
    made.sim.set_faults({"fail_after": 1, "fail_next": 1, "fail_code": 200})
    made.state.refuse = 1
    outcome = await send(made, GROUP, text="một câu dài. " * 200)
    assert isinstance(outcome, Unknown)
    assert outcome.why == "partly_sent"
    assert [bool(one) for one in outcome.provider_ids] == [True, False]
    assert outcome.code == "-200"


async def test_ledger_away_for_the_token(made: Stand) -> None:
    made.sim.oauth.kill_access_tokens()
    made.oa.tokens._pair = None
    made.state.values.clear()
    made.state.refuse = 9
    outcome = await send(made, USER)
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.cls) == ("ledger", RejectClass.RETRY_LATER)


def test_ways_round_are_few() -> None:
    assert {n for n, code in codes.OA.items() if code.action in (Action.USE_V2, Action.USE_V3)} == {-235, -240}
