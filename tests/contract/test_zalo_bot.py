"""`zalo.bot` against the simulated Bot Platform: by polling and by webhook, groups, refusals, the month's budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession

from adapters.contract import (
    Accepted,
    Envelope,
    HealthState,
    HookRequest,
    IncomingKind,
    Priority,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.zalo.bot.channel import BotChannel
from adapters.zalo.settings import BotSettings
from simulators.zalo import BOT_GROUP_ID, BOT_TOKEN, TO_BOT, ZaloSim
from tests.contract.recording import MemoryState, ReportBook, until
from tests.contract.runner import Case, Heard, Rig, Says, accepted, common_cases, label, rejected, run, unknown
from tests.contract.zalo_stand import DEPUTY, LEADER, Clock, Stand, simulator, stand

NAME = "zalo.bot"
PEOPLE = "zalo.bot_user"
SECRET = "hook-secret-0001"
ONE = (Envelope(1, BOT_GROUP_ID, "canh bao lu"),)


class ToTheBot:
    """The simulator, where writing to the service means writing to the bot."""

    def __init__(self, sim: ZaloSim) -> None:
        self._sim = sim
        self.stage = sim.stage
        self.set_faults = sim.set_faults
        self.person_presses = sim.person_presses

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        await self._sim.person_says(sender, chat or TO_BOT, text)


@asynccontextmanager
async def stand_for(mode: str, state: MemoryState | None = None, **more: Any) -> AsyncIterator[Stand]:
    if mode == "poll":
        async with stand(state=state, bot=more) as made:
            yield made
        return
    hook = {"updates": "webhook", "webhook_secret": SECRET, **more}
    async with simulator() as sim, stand(sim=sim, state=state, bot=hook) as made:
        assert await registered(sim, f"{made.url}/zalo.bot")
        yield made


async def registered(sim: ZaloSim, url: str) -> bool:
    async with ClientSession() as session:
        call = f"{sim.url}/bot{BOT_TOKEN}/setWebhook"
        async with session.post(call, json={"url": url, "secret_token": SECRET}) as answer:
            return bool((await answer.json())["ok"])


@pytest.fixture(params=["poll", "webhook"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with stand_for(request.param) as made:
        yield made.rig(NAME, ToTheBot(made.sim))


@pytest.fixture(params=["poll", "webhook"])
async def people(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with stand_for(request.param) as made:
        yield made.rig(PEOPLE, ToTheBot(made.sim))


async def photo(rig: Rig) -> None:
    rig.more["stand"].sim.says(LEADER, BOT_GROUP_ID, "@Bot PCTT đê sạt", photo="https://anh.example/de.jpg")


async def answers_the_bot(rig: Rig) -> None:
    sim: ZaloSim = rig.more["stand"].sim
    await until(lambda: any(line.sender == "loa" for line in sim.stage.lines))
    line = next(line for line in sim.stage.lines if line.sender == "loa")
    sim.says(LEADER, BOT_GROUP_ID, "đã nhận", line)


CASES = (
    *(case for case in common_cases(BOT_GROUP_ID, LEADER) if not case.says),
    Case("the ledger is down for a while", says=(Says(LEADER, "@Bot PCTT da nhan", BOT_GROUP_ID),), ledger_down=2,
         heard=(Heard(LEADER, "da nhan", chat=BOT_GROUP_ID),)),
    Case("the configured group", send=(Envelope(1, "", "tin"),), outcomes=accepted(1),
         phone={BOT_GROUP_ID: ("tin",)}),
    Case("only what mentions the bot is heard, without the mention",
         says=(Says(LEADER, "trời mưa", BOT_GROUP_ID), Says(LEADER, "@Bot PCTT mực nước", BOT_GROUP_ID)),
         heard=(Heard(LEADER, "mực nước", chat=BOT_GROUP_ID),)),
    Case("an answer to the bot needs no mention", send=ONE, outcomes=accepted(1), act=answers_the_bot,
         heard=(Heard(LEADER, "đã nhận", chat=BOT_GROUP_ID),)),
    Case("a picture", act=photo,
         heard=(Heard(LEADER, "đê sạt", IncomingKind.MEDIA, "https://anh.example/de.jpg", BOT_GROUP_ID),)),
    Case("a picture in the other spelling", faults={"bot_photo_url": True, "bot_bare_updates": True}, act=photo,
         heard=(Heard(LEADER, "đê sạt", IncomingKind.MEDIA, "https://anh.example/de.jpg", BOT_GROUP_ID),)),
    Case("a group that the bot is not in", send=(Envelope(1, "zgr-ffff", "tin"),),
         outcomes=rejected(RejectClass.RECIPIENT, "invalid_recipient", "404")),
    Case("refused with HTTP 200", faults={"bot_ok_false_200": True}, send=(Envelope(1, "zgr-ffff", "tin"),),
         outcomes=rejected(RejectClass.RECIPIENT, "invalid_recipient", "404")),
    Case("text refused", faults={"bot_fail_next": 1, "bot_fail_code": 400}, send=ONE,
         outcomes=rejected(RejectClass.TEXT, "rejected_content", "400")),
    Case("token refused", faults={"bot_fail_next": 1, "bot_fail_code": 401}, send=ONE,
         outcomes=rejected(RejectClass.CONFIG, "auth", "401")),
    Case("internal error", faults={"bot_fail_next": 1, "bot_fail_code": 403}, send=ONE,
         outcomes=rejected(RejectClass.RETRY_LATER, "provider_error", "403", after=True)),
    Case("timed out inside", faults={"bot_fail_next": 1, "bot_fail_code": 408}, send=ONE, outcomes=unknown("timeout")),
    Case("a code of tomorrow", faults={"bot_fail_next": 1, "bot_fail_code": 499}, send=ONE,
         outcomes=rejected(RejectClass.RECIPIENT, "provider_error", "499")),
    Case("a wrong base_url", faults={"bot_fail_next": 1, "bot_fail_code": 404, "bot_fail_html": True}, send=ONE,
         outcomes=rejected(RejectClass.CONFIG, "bad_url", "404")),
    Case("month used up at the platform", faults={"bot_monthly_limit": 0}, send=ONE,
         outcomes=rejected(RejectClass.QUOTA, "quota", "429")),
    Case("too fast", faults={"bot_monthly_limit": 0, "bot_retry_after": 2}, send=ONE,
         outcomes=rejected(RejectClass.RETRY_LATER, "throttled", "429", after=True)),
    Case("502", faults={"bot_outage": "502"}, send=ONE, outcomes=unknown("not_json"), phone={BOT_GROUP_ID: ()}),
    Case("504", faults={"bot_outage": "504"}, send=ONE, outcomes=unknown("not_json"), phone={BOT_GROUP_ID: ()}),
    Case("cut after it was taken", faults={"bot_drop_after_commit": 1}, send=ONE, outcomes=unknown("connection_lost")),
    Case("no answer after it was taken", faults={"bot_hang_after_commit": 1}, send=ONE, outcomes=unknown("timeout")),
)  # fmt: skip


PEOPLE_CASES = (
    *common_cases(LEADER, LEADER),
    Case("each update once", faults={"webhook_duplicate": True}, says=(Says(LEADER, "một"), Says(LEADER, "hai")),
         heard=(Heard(LEADER, "một"), Heard(LEADER, "hai"))),
    Case("a person who never wrote to the bot", send=(Envelope(1, DEPUTY, "tin"),),
         outcomes=rejected(RejectClass.RECIPIENT, "invalid_recipient", "404")),
    Case("the month is used up at the platform", faults={"bot_monthly_limit": 0}, send=(Envelope(1, LEADER, "tin"),),
         outcomes=rejected(RejectClass.QUOTA, "quota", "429")),
    Case("cut after it was taken", faults={"bot_drop_after_commit": 1}, send=(Envelope(1, LEADER, "tin"),),
         outcomes=unknown("connection_lost")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_contract(case: Case, rig: Rig) -> None:
    await run(case, rig)


@pytest.mark.parametrize("case", PEOPLE_CASES, ids=label)
async def test_contract_of_single_people(case: Case, people: Rig) -> None:
    await run(case, people)


async def test_group_and_people_share_the_months_messages() -> None:
    """A directive to everybody by name and into the group; the reserve holds for both."""
    async with stand_for("poll", monthly_limit=6, reserve=4) as made:
        book = ReportBook()
        for n, (name, to, priority) in enumerate(
            [
                (PEOPLE, LEADER, Priority.NORMAL),
                (NAME, "", Priority.NORMAL),
                (PEOPLE, LEADER, Priority.NORMAL),
                (NAME, "", Priority.URGENT),
                (PEOPLE, LEADER, Priority.URGENT),
            ]
        ):
            await made.channels[name].send([Envelope(n, to, f"tin {n}", priority)], book)
        assert [isinstance(book.one(n), Accepted) for n in range(5)] == [True, True, False, True, True]
        assert isinstance(refused := book.one(2), Rejected)
        assert (refused.reason, refused.code) == ("quota", "monthly_budget")


def test_a_person_is_another_with_the_bot_than_with_the_official_account() -> None:
    channel = BotChannel(BotSettings(), MemoryState())
    assert channel.traits.id_space == channel.people.traits.id_space == NAME


async def test_an_unknown_send_cannot_be_asked(rig: Rig) -> None:
    assert rig.channel.traits.can_ask is False
    assert await rig.channel.ask(ONE[0], 0.0) is None


async def test_idle_polls_are_no_trouble() -> None:
    async with stand_for("poll") as made:
        await until(lambda: made.sim.stage.counters["bot/getUpdates"] >= 3)
        assert (await made.channels[NAME].probe()).state is HealthState.OK
        await made.sim.person_says(LEADER, TO_BOT, "còn nghe không")
        await until(lambda: len(made.sink.inbox) == 1)


async def test_polling_takes_an_old_webhook_away() -> None:
    async with simulator() as sim:
        assert await registered(sim, "http://127.0.0.1:9/none")
        async with stand(sim=sim, bot={}) as made:
            await until(lambda: sim.bot.webhook_url == "")
            await sim.person_says(LEADER, TO_BOT, "nghe rồi")
            await until(lambda: len(made.sink.inbox) == 1)


async def test_webhook_is_registered_until_the_platform_says_yes() -> None:
    async with simulator() as sim:
        sim.set_faults({"bot_outage": "502"})
        hook = {"updates": "webhook", "webhook_secret": SECRET, "webhook_url": "http://127.0.0.1:9/hooks/zalo.bot"}
        async with stand(sim=sim, bot=hook):
            await until(lambda: sim.stage.counters["bot/setWebhook"] >= 1)
            sim.set_faults({"bot_outage": ""})
            await until(lambda: sim.bot.webhook_secret == SECRET)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"x-bot-api-secret-token": "wrong-secret"}, b"{}", 401),
        ({}, b"{}", 401),
        ({"x-bot-api-secret-token": SECRET}, b"\xff not json", 200),
        ({"x-bot-api-secret-token": SECRET}, b"[]", 200),
        ({"x-bot-api-secret-token": SECRET}, b'{"ok":true,"result":{"event_name":"x"}}', 200),
    ],
)
async def test_forged_and_odd_updates_store_nothing(headers: Mapping[str, str], body: bytes, status: int) -> None:
    async with stand_for("webhook") as made:
        hook = made.channels[NAME].hooks[NAME]
        reply = await hook(HookRequest("POST", "/hooks/zalo.bot", {}, headers, body, "127.0.0.1"))
        assert reply.status == status
        assert not made.sink.inbox


async def test_other_bots_are_not_answered() -> None:
    update = b'{"event_name":"message.text.received","message":{"from":{"id":"b2","is_bot":true},"chat":{"id":"c"}}}'
    async with stand_for("webhook") as made:
        hook = made.channels[NAME].hooks[NAME]
        secret = {"x-bot-api-secret-token": SECRET}
        assert (await hook(HookRequest("POST", "/", {}, secret, update, ""))).status == 200
        assert not made.sink.inbox


async def test_budget_keeps_a_reserve_for_directives() -> None:
    """Five a month, three of them kept: two ordinary ones, then only urgent ones, then only life."""
    async with stand_for("poll", monthly_limit=5, reserve=3) as made:
        book = ReportBook()

        async def send(n: int, priority: Priority) -> Any:
            await made.channels[NAME].send([Envelope(n, BOT_GROUP_ID, f"tin {n}", priority)], book)
            return book.one(n)

        refused = Rejected("quota", RejectClass.QUOTA, "monthly_budget")
        order = [Priority.NORMAL, Priority.BULK, Priority.NORMAL, Priority.BULK]
        first = [await send(n, priority) for n, priority in enumerate(order)]
        assert [isinstance(one, Accepted) for one in first] == [True, True, False, False]
        assert first[2:] == [refused, refused]
        assert (await made.channels[NAME].probe()).key == "zalo_bot_budget_reserve"
        assert [isinstance(await send(n, Priority.URGENT), Accepted) for n in (10, 11, 12)] == [True] * 3
        assert await send(13, Priority.URGENT) == refused
        assert (await made.channels[NAME].probe()).key == "zalo_bot_budget_spent"
        assert isinstance(await send(14, Priority.LIFE), Accepted)


async def test_budget_outlives_the_process_and_starts_anew_each_month() -> None:
    clock = Clock()
    state = MemoryState()
    for month_later, accepted_now in ((False, True), (False, False), (True, True)):
        clock.now += 40 * 86_400 if month_later else 0
        async with stand(now=clock, state=state, bot={"monthly_limit": 1, "reserve": 0}) as made:
            book = ReportBook()
            await made.channels[NAME].send(ONE, book)
            assert isinstance(book.one(1), Accepted) is accepted_now


async def test_message_that_cannot_be_counted_does_not_leave() -> None:
    async with stand_for("poll") as made:
        made.state.refuse = 1
        book = ReportBook()
        await made.channels[NAME].send(ONE, book)
        assert book.one(1) == Rejected("ledger", RejectClass.RETRY_LATER, after=5.0)
        assert not made.sim.bot.sent_this_month


async def test_what_never_left_costs_nothing() -> None:
    async with stand_for("poll", monthly_limit=1, reserve=0) as made:
        book = ReportBook()
        made.sim.set_faults({"bot_fail_next": 1, "bot_fail_code": 400})
        for n in (1, 2):
            await made.channels[NAME].send([Envelope(n, BOT_GROUP_ID, "tin")], book)
        assert isinstance(book.one(1), Rejected)
        assert isinstance(book.one(2), Accepted)


async def test_an_update_in_hand_is_stored_before_the_next_is_asked_for() -> None:
    async with stand_for("poll") as made:
        made.sink.refuse = 1
        await made.sim.person_says(LEADER, TO_BOT, "một")
        await until(lambda: made.sink.refused == 1)
        asked = made.sim.stage.counters["bot/getUpdates"]
        await asyncio.sleep(0.3)
        assert made.sim.stage.counters["bot/getUpdates"] == asked
        await until(lambda: len(made.sink.inbox) == 1)


@pytest.mark.parametrize(
    ("more", "faults", "key"),
    [
        ({"token": ""}, {}, "zalo_bot_token_missing"),
        ({"token": "1:wrong"}, {}, "zalo_bot_token_refused"),
        ({}, {"bot_outage": "502"}, "zalo_no_answer"),
        ({"base_url": "http://127.0.0.1:9"}, {}, "zalo_link_down"),
    ],
)
async def test_probe_says_what_is_wrong(more: dict[str, Any], faults: dict[str, Any], key: str) -> None:
    async with stand_for("poll", **more) as made:
        made.sim.set_faults(faults)
        health = await made.channels[NAME].probe()
        assert (health.state, health.key) == (HealthState.DOWN, key)


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"token": ""}, Rejected("auth", RejectClass.CONFIG, "credentials_missing")),
        ({"base_url": "http://127.0.0.1:9"}, Rejected("link_down", RejectClass.RETRY_LATER, "connect", 5.0)),
        ({"base_url": "nonsense"}, Rejected("bad_url", RejectClass.CONFIG)),
    ],
)
async def test_what_cannot_leave_is_refused(more: dict[str, Any], outcome: Rejected) -> None:
    async with stand_for("poll", **more) as made:
        book = ReportBook()
        await made.channels[NAME].send(ONE, book)
        assert book.one(1) == outcome


async def test_stop_in_the_middle_of_a_send_says_that_it_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.zalo.limits.STOP_SECONDS", 0.1)
    async with stand_for("poll", answer_seconds=30) as made:
        made.sim.set_faults({"bot_hang_after_commit": 1})
        book = ReportBook()
        under_way = asyncio.create_task(made.channels[NAME].send(ONE, book))
        await until(lambda: bool(made.sim.bot.sent_this_month))
        await made.channels[NAME].stop()
        await under_way
        assert book.one(1) == Unknown("stopped")
