"""OAuth v4 against the simulated server: rotation, loss of the connection, two processes, two grants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from aiohttp import ClientSession

from adapters.contract import Accepted, Envelope, HealthState, Part, RejectClass, Rejected
from adapters.zalo import limits, oauth
from adapters.zalo.account import ZaloOa
from adapters.zalo.oauth import Trouble
from simulators.zalo import APP, ZaloSim, start
from tests.contract.recording import MemoryState, ReportBook, until
from tests.contract.zalo_stand import LEADER, Clock, simulator, stand, zalo_settings

ONE = (Envelope(1, LEADER, "canh bao lu"),)
SPENT = Rejected("auth", RejectClass.CONFIG, "reauth_required")
KEY = f"zalo.oa.{APP.oa_id}.tokens"


@asynccontextmanager
async def account(sim: ZaloSim, state: MemoryState, clock: Clock, **oa: Any) -> AsyncIterator[ZaloOa]:
    """An OA without channels: its tokens are asked for by hand."""
    made = ZaloOa(zalo_settings(sim, oa=oa).account(), state, clock, parts=Part.SEND)
    yield made
    await made.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sim(clock: Clock) -> AsyncIterator[ZaloSim]:
    async with simulator(clock) as made:
        yield made


async def test_new_pair_is_durable_before_its_first_use(sim: ZaloSim, clock: Clock) -> None:
    """Whenever a call carries a token, that token is in the store."""
    seen: list[bool] = []
    state = MemoryState()
    async with account(sim, state, clock) as oa:
        real = sim.oauth.check

        def check(token: str) -> int:
            seen.append(token.encode() in state.values[KEY])
            return real(token)

        sim.oauth.check = check  # type: ignore[method-assign]
        assert (await oa.probe()).state is HealthState.OK
        clock.now += limits.ACCESS_TOKEN_SECONDS
        assert (await oa.probe()).state is HealthState.OK
    assert len(seen) == 2
    assert all(seen)


async def test_pair_that_cannot_be_stored_is_not_used_and_not_lost(sim: ZaloSim, clock: Clock) -> None:
    state = MemoryState()
    async with account(sim, state, clock) as oa:
        state.refuse = 2
        assert await oa.tokens.access() is Trouble.LEDGER
        assert await oa.tokens.access() is Trouble.LEDGER
        assert not isinstance(await oa.tokens.access(), Trouble)
    assert sim.oauth.counts["refresh_token"] == 1


async def test_renewal_at_four_fifths_of_the_life(sim: ZaloSim, clock: Clock) -> None:
    async with account(sim, MemoryState(), clock) as oa:
        first = await oa.tokens.access()
        clock.now += 0.79 * limits.ACCESS_TOKEN_SECONDS
        assert await oa.tokens.refresh_if_due() is None
        clock.now += 0.02 * limits.ACCESS_TOKEN_SECONDS
        second = await oa.tokens.refresh_if_due()
        assert second not in (None, first)
        assert await oa.tokens.access() == second
        assert await oa.tokens.refresh_if_due() is None


async def test_previous_pair_is_kept(sim: ZaloSim, clock: Clock) -> None:
    state = MemoryState()
    async with account(sim, state, clock) as oa:
        first = await oa.tokens.access()
        clock.now += limits.ACCESS_TOKEN_SECONDS
        await oa.tokens.access()
    kept = oauth.Pair(**orjson.loads(state.values[KEY]))
    assert kept.previous_access == first
    assert kept.previous_refresh


async def test_many_callers_rotate_once(sim: ZaloSim, clock: Clock) -> None:
    async with account(sim, MemoryState(), clock) as oa:
        tokens = await asyncio.gather(*[oa.tokens.access() for _ in range(50)])
        assert len(set(tokens)) == 1
        await asyncio.gather(*[oa.tokens.access(stale=str(tokens[0])) for _ in range(50)])
    assert sim.oauth.counts["refresh_token"] == 2


async def test_two_processes_rotate_once(sim: ZaloSim, clock: Clock) -> None:
    """Each holds the old token; the second finds the new pair in the store."""
    state = MemoryState()
    async with account(sim, state, clock) as one, account(sim, state, clock) as two:
        old = await one.tokens.access()
        assert await two.tokens.access() == old
        new = await asyncio.gather(one.tokens.access(stale=str(old)), two.tokens.access(stale=str(old)))
        assert new[0] == new[1] != old
    assert sim.oauth.counts["refresh_token"] == 2


async def test_caller_that_gives_up_does_not_burn_the_pair(sim: ZaloSim, clock: Clock) -> None:
    state = MemoryState()
    async with account(sim, state, clock) as oa:
        task = asyncio.create_task(oa.tokens.access())
        await until(lambda: bool(sim.oauth.counts["refresh_token"]))
        task.cancel()
        await until(lambda: KEY in state.values)
        assert not isinstance(await oa.tokens.access(), Trouble)
    assert sim.oauth.counts["refresh_token"] == 1


async def test_rotation_whose_answer_was_lost_needs_a_new_grant() -> None:
    """Zalo committed, we never heard: the one repeat shows that the token is spent. An alarm, and no more tries."""
    async with simulator() as sim:
        sim.set_faults({"oauth_drop_after_rotate": 1})
        async with stand(sim=sim, oa_user={}) as made:
            book = ReportBook()
            for n in (1, 2, 3):
                await made.channels["zalo.oa_user"].send([Envelope(n, LEADER, "tin")], book)
                assert book.one(n) == SPENT
            health = await made.channels["zalo.oa_user"].probe()
            assert (health.state, health.key) == (HealthState.DOWN, "zalo_reauth_required")
        assert sim.oauth.counts["refresh_token"] == 2


async def test_lost_connection_before_the_rotation_is_repeated(sim: ZaloSim, clock: Clock) -> None:
    async with account(sim, MemoryState(), clock) as oa:
        sim.set_faults({"oauth_outage": "502"})
        assert await oa.tokens.access() is Trouble.LINK
        sim.set_faults({"oauth_outage": ""})
        assert not isinstance(await oa.tokens.access(), Trouble)


async def test_reused_token_is_reported_and_a_new_one_in_the_settings_mends_it(sim: ZaloSim, clock: Clock) -> None:
    state = MemoryState()
    sim.oauth.token(APP.app_secret, {"app_id": APP.app_id, "grant_type": "refresh_token",
                                     "refresh_token": APP.refresh_token}, 90_000)  # fmt: skip
    async with account(sim, state, clock) as oa:
        assert await oa.tokens.access() is Trouble.REAUTH
    async with account(sim, state, clock) as again:
        assert await again.tokens.access() is Trouble.REAUTH
    assert sim.oauth.counts["refresh_token"] == 2  # one by hand, one by us
    grant = sim.oauth._pair(90_000)["refresh_token"]
    async with account(sim, state, clock, refresh_token=grant) as mended:
        assert not isinstance(await mended.tokens.access(), Trouble)


async def test_spent_refresh_token_leaves_the_access_token_in_use(sim: ZaloSim, clock: Clock) -> None:
    state = MemoryState()
    async with account(sim, state, clock) as oa:
        token = await oa.tokens.access()
        sim.set_faults({"oauth_fail_next": 1, "oauth_fail_code": 14020})
        clock.now += 0.9 * limits.ACCESS_TOKEN_SECONDS
        assert await oa.tokens.refresh_if_due() is Trouble.REAUTH
        assert await oa.tokens.access() == token
        clock.now += limits.ACCESS_TOKEN_SECONDS
        assert await oa.tokens.access() is Trouble.REAUTH


@pytest.mark.parametrize("wrong", [{"app_secret": "wrong"}, {"app_id": "1"}])
async def test_wrong_credentials_are_not_asked_again_at_once(sim: ZaloSim, clock: Clock, wrong: dict[str, str]) -> None:
    async with account(sim, MemoryState(), clock, **wrong) as oa:
        for _ in range(5):
            assert await oa.tokens.access() is Trouble.REFUSED
        assert (await oa.probe()).key == "zalo_oauth_refused"
        assert sim.oauth.counts["refresh_token"] == 1
        clock.now += limits.REFUSED_REFRESH_PAUSE_SECONDS
        assert await oa.tokens.access() is Trouble.REFUSED
        assert sim.oauth.counts["refresh_token"] == 2


async def test_token_that_zalo_withdrew_is_renewed_inside_the_send() -> None:
    async with stand(oa_user={}) as made:
        book = ReportBook()
        await made.channels["zalo.oa_user"].send(ONE, book)
        made.sim.oauth.kill_access_tokens()
        await made.channels["zalo.oa_user"].send([Envelope(2, LEADER, "tin")], book)
        assert isinstance(book.one(1), Accepted)
        assert isinstance(book.one(2), Accepted)
        assert made.sim.oauth.counts["refresh_token"] == 2


async def test_token_that_ran_out_is_renewed() -> None:
    clock = Clock()
    async with stand(now=clock, oa_user={}) as made:
        book = ReportBook()
        await made.channels["zalo.oa_user"].send(ONE, book)
        clock.now += 2 * limits.ACCESS_TOKEN_SECONDS
        await made.channels["zalo.oa_user"].send([Envelope(2, LEADER, "tin")], book)
        assert isinstance(book.one(2), Accepted)


async def test_simulator_that_is_started_anew_takes_the_tokens_of_its_last_life() -> None:
    """So that a demo whose data folder outlives it does not end in reauth_required."""
    state = MemoryState()
    for _ in range(2):
        async with stand(state=state, oa_user={}) as made:
            book = ReportBook()
            await made.channels["zalo.oa_user"].send(ONE, book)
            assert isinstance(book.one(1), Accepted)


async def test_consent_page_to_first_pair(sim: ZaloSim, clock: Clock) -> None:
    verifier, challenge = oauth.verifier_and_challenge()
    assert len(verifier) == 43
    assert "=" not in challenge
    async with account(sim, MemoryState(), clock, refresh_token="") as oa, ClientSession() as browser:
        assert await oa.tokens.access() is Trouble.REAUTH
        page = oauth.permission_url(oa.account, "https://loa.example/zalo", challenge, "s1")
        async with browser.get(page, allow_redirects=False) as answer:
            back = urlsplit(answer.headers["Location"])
        query = parse_qs(back.query)
        assert query["state"] == ["s1"]
        assert query["oa_id"] == [APP.oa_id]
        assert await oa.tokens.exchange(query["code"][0], "x" * 43) is Trouble.REFUSED
        async with browser.get(page, allow_redirects=False) as answer:
            code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        assert not isinstance(await oa.tokens.exchange(code, verifier), Trouble)
        assert (await oa.probe()).state is HealthState.OK
        assert await oa.tokens.exchange(code, verifier) is Trouble.REFUSED  # one use


@pytest.mark.parametrize("key", ["app_id", "app_secret", "oa_id"])
async def test_missing_credentials_are_said_and_nothing_breaks(key: str) -> None:
    async with stand(oa={key: ""}, oa_user={}, oa_group={}) as made:
        for name, channel in made.channels.items():
            book = ReportBook()
            await channel.send([Envelope(1, LEADER, "tin")], book)
            assert book.one(1) == Rejected("auth", RejectClass.CONFIG, "credentials_missing"), name
            health = await channel.probe()
            assert (health.state, health.key) == (HealthState.DOWN, "zalo_credentials_missing")
            assert health.params["key"] == key


async def test_simulated_server_starts_alone() -> None:
    sim = await start()
    async with ClientSession() as session, session.get(f"{sim.url}/v2.0/oa/getoa") as answer:
        assert (await answer.json())["error"] == -216
    await sim.close()
