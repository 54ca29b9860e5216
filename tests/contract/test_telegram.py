"""Telegram against the simulated Bot API: the promises of every channel, and what is Telegram's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr, ValidationError
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter

from adapters.contract import (
    Accepted,
    Button,
    Envelope,
    HealthState,
    HookRequest,
    IncomingKind,
    Priority,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.telegram import limits
from adapters.telegram.channel import TelegramChannel
from adapters.telegram.settings import TelegramSettings
from simulators.serving import serve
from simulators.telegram import TelegramSim, start
from tests.contract.recording import EVENTUALLY, MemoryState, RecordingSink, ReportBook, until
from tests.contract.runner import (
    Case,
    Heard,
    Rig,
    Says,
    accepted,
    common_cases,
    label,
    on_screen,
    ready,
    rejected,
    run,
    unknown,
)

LEADER = "71000001"
OTHER = "71000002"
STRANGER = "71999999"
GROUP = "-5001"
TOPIC_GROUP = "-1000000005002"
SECRET = "s3cret_of-the-hook"

FAST = {"per_chat_per_second": 1000, "per_group_per_minute": 60_000, "per_second": 1000}


def settings_for(sim: TelegramSim, **more: Any) -> TelegramSettings:
    values = {"enabled": True, "base_url": sim.url, "token": SecretStr(sim.token), "poll_seconds": 2,
              "answer_seconds": 1.0, "group_chat_id": GROUP, **FAST, **more}  # fmt: skip
    return TelegramSettings(**values)


@asynccontextmanager
async def simulator() -> AsyncIterator[TelegramSim]:
    sim = await start()
    sim.add_person(LEADER, "Chủ tịch xã A")
    sim.add_person(OTHER, "Chủ tịch xã B")
    sim.add_person(STRANGER, "Chưa nhắn bot", started=False)
    sim.add_group(GROUP, "Trực PCTT", {int(LEADER)})
    sim.add_group(TOPIC_GROUP, "Trực PCTT theo chủ đề")
    yield sim
    await sim.close()


@asynccontextmanager
async def hooked(channel: TelegramChannel) -> AsyncIterator[str]:
    """The channel's hooks on a port, as the web room mounts them. Gives the address of Telegram's."""

    async def receive(request: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        hook = channel.hooks[request.match_info["name"]]
        asked = HookRequest(request.method, request.path, request.query, headers, await request.read(), "127.0.0.1")
        reply = await hook(asked)
        return web.Response(status=reply.status, body=reply.body)

    app = web.Application()
    app.router.add_route("*", "/hooks/{name}", receive)
    served = await serve(app)
    yield f"{served.url}/hooks/telegram"
    await served.close()


@asynccontextmanager
async def rig_for(mode: str, **more: Any) -> AsyncIterator[Rig]:
    async with simulator() as sim:
        state, sink = MemoryState(), RecordingSink()
        extra = {"mode": "webhook", "webhook_secret": SECRET} if mode == "webhook" else {}
        channel = TelegramChannel(settings_for(sim, **extra, **more), state)
        async with hooked(channel) as url:
            if mode == "webhook":
                await sim.updates.set_hook(url, SECRET)
            await channel.start(sink)
            yield Rig(channel, sim, sink, more={"state": state, "sim": sim})
            await channel.stop()


@pytest.fixture(params=["poll", "webhook"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rig_for(request.param) as rig:
        yield rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rig_for("poll") as made:
        yield made


@pytest.mark.parametrize("case", common_cases(LEADER, OTHER), ids=label)
async def test_what_every_channel_promises(case: Case, both: Rig) -> None:
    await run(case, both)


RECEIVED = Button("ĐÃ NHẬN", "ack:TB0825-07:27280")
ALERT = "BÃO SỐ 5 – cập nhật\nYêu cầu xã xong trước 17h."


def one(text: str = ALERT, to: str = LEADER, **more: Any) -> tuple[Envelope, ...]:
    return (Envelope(1, to, text, **more),)


async def _press(rig: Rig) -> None:
    await until(lambda: any(line.buttons for line in rig.sim.stage.lines), what="a button on the phone")
    line = next(line for line in rig.sim.stage.lines if line.buttons)
    await rig.sim.person_presses(LEADER, line, RECEIVED.payload)


async def _callback_answered(rig: Rig) -> None:
    sim: TelegramSim = rig.more["sim"]
    await until(lambda: len(sim.answered_callbacks) == 1, what="the button's clock stops")


def _replies(rig: Rig) -> str:
    (event,) = rig.sink.inbox.values()
    return event.reply_to


async def _reply_points_at_the_alert(rig: Rig) -> None:
    outcome = rig.book.one(1)
    assert isinstance(outcome, Accepted)
    assert (_replies(rig),) == outcome.provider_ids
    await _callback_answered(rig)


RETRY, RECIPIENT = RejectClass.RETRY_LATER, RejectClass.RECIPIENT
TEXT, CONFIG = RejectClass.TEXT, RejectClass.CONFIG


def refusal(status: int, says: str) -> dict[str, Any]:
    return {"fail_next": 1, "fail_status": status, "fail_says": says}


CASES = (
    Case("the first line is bold", send=one(), outcomes=accepted(1), phone={LEADER: (ALERT,)}),
    Case("the button comes back verbatim", send=one(buttons=(RECEIVED,)), outcomes=accepted(1), act=_press,
         heard=(Heard(LEADER, kind=IncomingKind.BUTTON, payload=RECEIVED.payload, chat=LEADER),),
         check=_reply_points_at_the_alert),
    Case("pressed while the ledger is down", send=one(buttons=(RECEIVED,)), outcomes=accepted(1), act=_press,
         ledger_down=1, heard=(Heard(LEADER, kind=IncomingKind.BUTTON, payload=RECEIVED.payload),),
         check=_callback_answered),
    Case("every update twice", faults={"duplicate_updates": True},
         says=(Says(LEADER, "dạ rõ"), Says(OTHER, "ok ạ")), heard=(Heard(LEADER, "dạ rõ"), Heard(OTHER, "ok ạ"))),
    Case("an enrolment link", says=(Says(LEADER, "/start KX7Q2"),),
         heard=(Heard(LEADER, kind=IncomingKind.FOLLOW, payload="KX7Q2"),)),
    Case("blocked", faults={"blocked": [LEADER]}, send=one(), outcomes=rejected(RECIPIENT, "blocked",
         "403 Forbidden: bot was blocked by the user"), phone={LEADER: ()}),
    Case("deactivated", faults={"deactivated": [LEADER]}, send=one(), outcomes=rejected(RECIPIENT, "blocked")),
    Case("never wrote to us", send=one(to=STRANGER), outcomes=rejected(RECIPIENT, "not_started")),
    Case("no such chat", send=one(to="70000000"), outcomes=rejected(RECIPIENT, "invalid_recipient",
         "400 Bad Request: chat not found")),
    Case("an address that is none", send=one(to="84900001111x"), outcomes=rejected(RECIPIENT, "invalid_recipient")),
    Case("the wrong address does not stop the others", send=(*one(to="70000000"), Envelope(2, OTHER, "x")),
         outcomes={1: rejected(RECIPIENT), 2: accepted(1)}),
    Case("too long", send=one("ả" * 4097), outcomes=rejected(TEXT, "too_long"), phone={LEADER: ()}),
    Case("as long as may be", send=one("ả" * 4096), outcomes=accepted(1)),
    Case("too long in UTF-16", send=one("🌀" * 2049), outcomes=rejected(TEXT, "too_long")),
    Case("empty", send=one(" \n"), outcomes=rejected(TEXT, "empty")),
    Case("formatting refused: plain text at once", faults={"reject_formatting": True}, send=one(),
         outcomes=accepted(1), phone={LEADER: (ALERT,)}),
    Case("a button that is too long is left out", send=one(buttons=(Button("X", "ă" * 33),)), outcomes=accepted(1),
         phone={LEADER: (ALERT,)}),
    Case("told to wait", faults={"throttle_next": 1, "retry_after": 1}, send=one(),
         outcomes=rejected(RETRY, "throttled", "429 Too Many Requests: retry after 1", after=True)),
    Case("no answer after it left", faults={"drop_after_accept": 1}, send=one(), outcomes=unknown("no_answer"),
         phone={LEADER: (ALERT,)}),
    Case("a page instead of an answer", faults={"garbage_next": 1}, send=one(), outcomes=unknown("no_answer")),
    Case("a gateway in the way", faults={"outage": "502"}, send=one(), outcomes=unknown("provider_error")),
    Case("a server too slow", faults={"slow_seconds": 1.5}, send=one(), outcomes=unknown("no_answer")),
    Case("a refusal that nobody knows", faults=refusal(400, "Bad Request: SOMETHING_NEW"), send=one(),
         outcomes=rejected(RECIPIENT, "provider_error", "400 Bad Request: SOMETHING_NEW")),
    Case("a status that nobody knows", faults=refusal(418, "I am a teapot"), send=one(),
         outcomes=rejected(RECIPIENT, "provider_error")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_telegram(case: Case, both: Rig) -> None:
    await run(case, both)


async def _send(rig: Rig, *envelopes: Envelope) -> ReportBook:
    book = ReportBook()
    await asyncio.wait_for(rig.channel.send(envelopes, book), 8)
    await until(lambda: len(book.outcomes) == len(envelopes), 8, "an outcome for each")
    return book


async def test_told_to_wait_rests_exactly_so_long_and_no_other_request_lifts_it(rig: Rig) -> None:
    await ready(rig)
    rig.sim.set_faults({"throttle_next": 1, "retry_after": 2})
    first = await _send(rig, *one())
    began = time.monotonic()
    assert first.one(1) == Rejected("throttled", RETRY, "429 Too Many Requests: retry after 2", 2.0)
    assert (await rig.channel.probe()).key == "telegram.throttled"
    await rig.sim.person_says(OTHER, None, "còn đó không")  # a request in between: polling goes on
    book = await _send(rig, Envelope(2, OTHER, "sau khi chờ"))
    assert isinstance(book.one(2), Accepted)
    assert time.monotonic() - began >= 1.95


async def test_a_group_told_to_wait_does_not_hold_up_people(rig: Rig) -> None:
    await ready(rig)
    rig.sim.set_faults({"throttle_next": 1, "retry_after": 30})
    await _send(rig, *one(to=GROUP))
    book = await _send(rig, Envelope(2, LEADER, "riêng"))
    assert isinstance(book.one(2), Accepted)


async def test_a_wait_too_long_to_sit_out_goes_back(rig: Rig) -> None:
    await ready(rig)
    rig.sim.set_faults({"throttle_next": 1, "retry_after": 60})
    await _send(rig, *one())
    outcome = (await _send(rig, Envelope(2, OTHER, "x"))).one(2)
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "throttled"
    assert outcome.after is not None
    assert 30 < outcome.after <= 60


async def test_limits_are_kept_so_that_the_server_never_says_429() -> None:
    real = {"per_chat_per_second": 1, "per_group_per_minute": 20, "per_second": 30}
    async with rig_for("poll", **real) as rig:
        await ready(rig)
        rig.sim.set_faults({"enforce_limits": True})
        book = await _send(rig, *(Envelope(n, LEADER, f"lần {n}") for n in range(3)))
        assert all(isinstance(outcomes[0], Accepted) for outcomes in book.outcomes.values())


async def test_life_overtakes_bulk() -> None:
    async with rig_for("poll", per_second=5) as rig:
        await ready(rig)
        bulk = [Envelope(n, OTHER, f"tin {n}", Priority.BULK) for n in range(1, 13)]
        book = ReportBook()
        waiting = asyncio.create_task(rig.channel.send(bulk, book))
        await until(lambda: len(book.outcomes) >= 3)
        await rig.channel.send([Envelope(99, LEADER, "gọi 112", Priority.LIFE)], book)
        await waiting
        await until(lambda: len(book.outcomes) == 13)
        order = list(book.outcomes)
        assert order.index(99) < 8


async def test_a_group_that_moved_is_followed_remembered_and_told(rig: Rig) -> None:
    await ready(rig)
    sim: TelegramSim = rig.more["sim"]
    new = sim.migrate(GROUP)
    sim.updates.waiting.clear()  # the update about it is lost: the refusal alone must do
    group = rig.channel.group  # type: ignore[attr-defined]
    await group.start(rig.sink)
    book = ReportBook()
    await group.send([Envelope(1, "", ALERT)], book)
    await until(lambda: 1 in book.outcomes)
    outcome = book.one(1)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_ids[0].startswith(f"{new}:")
    assert on_screen(rig, new) == (ALERT,)
    state: MemoryState = rig.more["state"]
    assert state.values[f"telegram.migrated.{GROUP}"] == new.encode()
    health = await group.probe()
    assert (health.state, health.key, health.params) == (
        HealthState.OK,
        "telegram.group_moved",
        {"old": GROUP, "new": new},
    )
    await group.stop()


async def test_after_a_restart_the_moved_group_is_reached_at_once() -> None:
    async with simulator() as sim:
        state = MemoryState()
        new = sim.migrate(GROUP)
        state.values[f"telegram.migrated.{GROUP}"] = new.encode()
        channel, book = TelegramChannel(settings_for(sim), state), ReportBook()
        await channel.start(RecordingSink())
        await channel.send([Envelope(1, GROUP, "x")], book)
        await until(lambda: 1 in book.outcomes)
        assert isinstance(book.one(1), Accepted)
        assert sim.calls["sendmessage"] == 1
        await channel.stop()


async def test_a_moved_group_learned_from_the_update(both: Rig) -> None:
    await ready(both)
    sim: TelegramSim = both.more["sim"]
    new = sim.migrate(GROUP)
    state: MemoryState = both.more["state"]
    await until(lambda: state.values.get(f"telegram.migrated.{GROUP}") == new.encode())


async def test_group_messages_belong_to_the_group_channel_and_lose_the_mention(both: Rig) -> None:
    await ready(both)
    await both.sim.person_says(LEADER, GROUP, "@Loa_Simulator_Bot đã nhận")
    await until(lambda: len(both.sink.inbox) == 1)
    (event,) = both.sink.inbox.values()
    assert (event.channel, event.sender, event.chat, event.text) == ("telegram.group", LEADER, GROUP, "đã nhận")
    assert event.is_group
    assert orjson.loads(event.raw)["message"]["text"] == "@Loa_Simulator_Bot đã nhận"


async def test_a_topic_of_a_forum(rig: Rig) -> None:
    await ready(rig)
    book = await _send(rig, Envelope(1, f"{TOPIC_GROUP}:45", "x"))
    assert isinstance(book.one(1), Accepted)
    sim: TelegramSim = rig.more["sim"]
    assert next(iter(sim.world.messages.values()))["message_thread_id"] == 45


async def test_html_that_is_broken_goes_as_plain_text() -> None:
    async with rig_for("poll", formatting="html") as rig:
        await ready(rig)
        book = await _send(rig, Envelope(1, LEADER, "<b>mưa</b> to"), Envelope(2, OTHER, "gió < cấp 8 <b>"))
        assert all(isinstance(outcomes[0], Accepted) for outcomes in book.outcomes.values())
        assert on_screen(rig, LEADER) == ("mưa to",)
        assert on_screen(rig, OTHER) == ("gió < cấp 8 <b>",)


async def test_a_person_who_leaves_and_comes_back(both: Rig) -> None:
    await ready(both)
    sim: TelegramSim = both.more["sim"]
    sim.person_leaves(LEADER)
    sim.person_returns(LEADER)
    await until(lambda: len(both.sink.inbox) == 2)
    assert [event.kind for event in both.sink.all_incoming[:2]] == [IncomingKind.UNFOLLOW, IncomingKind.FOLLOW]


async def test_an_outage_costs_only_what_was_in_flight(rig: Rig) -> None:
    await ready(rig)
    rig.sim.set_faults({"outage": "refuse"})
    book = ReportBook()
    await rig.channel.send([Envelope(n, LEADER, f"tin {n}") for n in range(200)], book)
    await until(lambda: len(book.outcomes) == 200)
    lost = [outcomes[0] for outcomes in book.outcomes.values() if isinstance(outcomes[0], Unknown)]
    back = [outcomes[0] for outcomes in book.outcomes.values() if isinstance(outcomes[0], Rejected)]
    assert len(lost) <= limits.CONNECTIONS
    assert all(outcome.cls is RETRY and outcome.reason == "link_down" and outcome.after for outcome in back)
    await until(lambda: rig.channel._session._link.state.value == "down")  # type: ignore[attr-defined]
    assert (await rig.channel.probe()).key == "telegram.link_down"
    assert isinstance((await _send(rig, Envelope(900, LEADER, "x"))).one(900), Rejected)
    rig.sim.set_faults({"outage": ""})
    await ready(rig)
    assert isinstance((await _send(rig, Envelope(901, LEADER, "trở lại"))).one(901), Accepted)


async def test_nobody_listens_there() -> None:
    async with simulator() as sim:
        settings = settings_for(sim)
    channel, book = TelegramChannel(settings, MemoryState()), ReportBook()
    await channel.start(RecordingSink())
    await channel.send(one(), book)
    await until(lambda: 1 in book.outcomes)
    outcome = book.one(1)
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.cls) == ("link_down", RETRY)
    await until(lambda: channel._session._link.state.value == "down")
    assert (await channel.probe()).key == "telegram.link_down"
    await channel.stop()


@pytest.mark.parametrize("token", ["7000000001:wrong-token-000000000000000000000", ""])
async def test_a_wrong_or_missing_token(token: str, caplog: pytest.LogCaptureFixture) -> None:
    async with simulator() as sim:
        channel = TelegramChannel(settings_for(sim, token=SecretStr(token)), MemoryState())
        book = ReportBook()
        await channel.start(RecordingSink())
        await channel.send(one(), book)
        await until(lambda: 1 in book.outcomes)
        outcome = book.one(1)
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.cls) == ("auth", CONFIG)
        health = await channel.probe()
        assert (health.state, health.key) == (
            HealthState.DOWN,
            "telegram.auth" if token else "telegram.credentials_missing",
        )
        await channel.stop()


async def test_the_offset_stays_while_the_ledger_is_down(rig: Rig) -> None:
    await ready(rig)
    state: MemoryState = rig.more["state"]
    sim: TelegramSim = rig.more["sim"]
    key = f"telegram.offset.{sim.token.partition(':')[0]}"
    rig.sink.refuse = 1
    await rig.sim.person_says(LEADER, None, "đã nhận")
    await until(lambda: rig.sink.refused == 1)
    assert key not in state.values
    assert len(sim.updates.waiting) == 1
    assert not rig.sink.inbox
    await until(lambda: len(rig.sink.inbox) == 1)
    await until(lambda: key in state.values)
    await until(lambda: not sim.updates.waiting, what="confirmed by the next getUpdates")


async def test_after_a_crash_polling_goes_on_where_it_was() -> None:
    async with simulator() as sim:
        state, sink = MemoryState(), RecordingSink()
        for text in ("một", "hai"):
            channel = TelegramChannel(settings_for(sim), state)
            await channel.start(sink)
            await sim.person_says(LEADER, None, text)
            await until(lambda text=text: any(event.text == text for event in sink.all_incoming))
            await until(lambda: bool(state.values))
            await channel.stop()
        assert [event.text for event in sink.inbox.values()] == ["một", "hai"]


async def test_an_offset_of_long_ago_is_not_trusted() -> None:
    async with simulator() as sim:
        state, sink = MemoryState(), RecordingSink()
        state.values["telegram.offset.7000000001"] = orjson.dumps({"offset": 999_000_000_000, "at": 1_000_000.0})
        await sim.person_says(LEADER, None, "sau một tuần im lặng")
        channel = TelegramChannel(settings_for(sim), state)
        await channel.start(sink)
        await until(lambda: len(sink.inbox) == 1)
        await channel.stop()


async def test_an_update_of_an_unknown_shape_does_not_hold_up_the_next(both: Rig) -> None:
    await ready(both)
    sim: TelegramSim = both.more["sim"]
    sim.updates.add("message", {"message_id": "?", "chat": 5})
    sim.updates.add("thing_of_2031", {"x": 1})
    await both.sim.person_says(LEADER, None, "đã nhận")
    await until(lambda: len(both.sink.inbox) == 3)
    kinds = [event.kind for event in both.sink.inbox.values()]
    assert kinds == [IncomingKind.OTHER, IncomingKind.OTHER, IncomingKind.TEXT]


async def test_a_press_is_answered_only_when_it_is_stored(both: Rig) -> None:
    await ready(both)
    sim: TelegramSim = both.more["sim"]
    await _send(both, *one(buttons=(RECEIVED,)))
    both.sink.refuse = 1
    await _press(both)
    await until(lambda: both.sink.refused == 1)
    assert not sim.answered_callbacks
    await until(lambda: len(sim.answered_callbacks) == 1)
    assert len(both.sink.inbox) == 1


@asynccontextmanager
async def forwarding(seen: list[bytes]) -> AsyncIterator[str]:
    """An HTTP proxy as an office has one: it is asked with whole addresses (RFC 9112 3.2.2) and fetches them."""

    async def carry(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            to.write(data)
        to.close()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n")
        method, address, version = head.split(b" ")
        seen.append(method)
        host, _, path = address.removeprefix(b"http://").partition(b"/")
        name, _, port = host.decode().partition(":")
        there, out = await asyncio.open_connection(name, int(port))
        rest = await reader.readuntil(b"\r\n\r\n")
        out.write(b" ".join((method, b"/" + path, version)) + b"Connection: close\r\n" + rest)
        await asyncio.gather(carry(reader, out), carry(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_everything_goes_by_the_proxy_where_one_is_set() -> None:
    seen: list[bytes] = []
    async with forwarding(seen) as proxy, rig_for("poll", proxy=SecretStr(proxy)) as rig:
        await ready(rig)
        assert isinstance((await _send(rig, *one())).one(1), Accepted)
        await rig.sim.person_says(OTHER, None, "dạ rõ")
        await until(lambda: len(rig.sink.inbox) == 1)
    assert len(seen) >= 3


async def test_a_proxy_that_is_not_there_is_said_and_nothing_has_left() -> None:
    async with simulator() as sim:
        channel, book = (
            TelegramChannel(settings_for(sim, proxy=SecretStr("http://127.0.0.1:9")), MemoryState()),
            ReportBook(),
        )
        await channel.start(RecordingSink())
        await channel.send(one(), book)
        await until(lambda: 1 in book.outcomes)
        assert isinstance(outcome := book.one(1), Rejected)
        assert (outcome.reason, outcome.cls) == ("link_down", RETRY)
        for _ in range(500):
            if (health := await channel.probe()).key == "telegram.link_down":
                break
            await asyncio.sleep(0.01)
        assert health.key == "telegram.link_down"
        assert not sim.stage.lines
        await channel.stop()


async def test_two_pollers_are_noticed(rig: Rig) -> None:
    await ready(rig)
    sim: TelegramSim = rig.more["sim"]
    async with ClientSession() as session, session.get(f"{sim.url}/bot{sim.token}/getUpdates") as response:
        assert response.status == 200

    async def degraded() -> bool:
        return (await rig.channel.probe()).key == "telegram.conflict"

    await until_async(degraded)


async def until_async(true: Callable[[], Awaitable[bool]], within: float = EVENTUALLY) -> None:
    deadline = time.monotonic() + within
    while not await true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


HOOK_CASES = {
    "wrong secret": ({"x-telegram-bot-api-secret-token": "other"}, b'{"update_id":1}', 401),
    "no secret": ({}, b'{"update_id":1}', 401),
    "not JSON": ({"x-telegram-bot-api-secret-token": SECRET}, b"{", 400),
    "no id": ({"x-telegram-bot-api-secret-token": SECRET}, b'{"message":{}}', 400),
    "id of a wrong kind": ({"x-telegram-bot-api-secret-token": SECRET}, b'{"update_id":true}', 400),
    "good": ({"x-telegram-bot-api-secret-token": SECRET}, b'{"update_id":1}', 200),
}


@pytest.mark.parametrize("name", HOOK_CASES)
async def test_webhook_answers(name: str) -> None:
    headers, body, status = HOOK_CASES[name]
    async with rig_for("webhook") as rig:
        hook = rig.channel.hooks["telegram"]
        reply = await hook(HookRequest("POST", "/hooks/telegram", {}, headers, body, "127.0.0.1"))
        assert reply.status == status
        assert len(rig.sink.inbox) == (status == 200)


async def test_webhook_hears_no_ok_while_the_ledger_is_down() -> None:
    async with rig_for("webhook") as rig:
        rig.sink.refuse = 1
        request = HookRequest("POST", "/", {}, {"x-telegram-bot-api-secret-token": SECRET}, b'{"update_id":1}', "")
        assert (await rig.channel.hooks["telegram"](request)).status == 503
        assert (await rig.channel.hooks["telegram"](request)).status == 200


async def test_the_channel_registers_its_webhook_and_polling_takes_it_away() -> None:
    async with simulator() as sim:
        webhook = {"mode": "webhook", "webhook_secret": SECRET, "webhook_url": "http://127.0.0.1:9/hooks/telegram"}
        for more, expected in ((webhook, webhook["webhook_url"]), ({}, "")):
            channel = TelegramChannel(settings_for(sim, **more), MemoryState())
            await channel.start(RecordingSink())
            await until(lambda expected=expected: sim.updates.hook.url == expected and bool(sim.calls["getme"]))
            await channel.stop()
            sim.calls.clear()


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "webhook"}, {"mode": "webhook", "webhook_secret": "có dấu"}, {"base_url": "api.telegram.org"},
     {"group_chat_id": "nhóm"}, {"tokn": "x"}, {"per_second": 0}],
    ids=str,
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TelegramSettings(**wrong)


async def test_no_token_in_logs_or_in_what_is_reported(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with rig_for("poll") as rig:
        await ready(rig)
        token = rig.more["sim"].token
        for outage in ("refuse", "502", ""):
            rig.sim.set_faults({"outage": outage, "throttle_next": 1})
            book = await _send(rig, *one())
            assert token not in repr(book)
        assert token not in repr(rig.channel._session._bot)  # type: ignore[attr-defined]
    said = capsys.readouterr()
    own = [record for record in caplog.records if not record.getMessage().startswith("Set Bot API")]
    assert all(token not in record.getMessage() for record in own)
    assert token not in said.out + said.err


async def test_the_simulator_serves_python_telegram_bot_as_it_comes() -> None:
    """Its own transport and parsing, none of ours: what the library accepts is the Bot API's protocol."""
    async with simulator() as sim:
        async with Bot(sim.token, f"{sim.url}/bot") as bot:
            assert bot.username == "loa_simulator_bot"
            key = InlineKeyboardMarkup([[InlineKeyboardButton("ĐÃ NHẬN", callback_data="ACK TB0825-07")]])
            sent = await bot.send_message(int(LEADER), "<b>Bão</b>\nđến", parse_mode="HTML", reply_markup=key)
            assert (sent.chat_id, sent.text) == (int(LEADER), "Bão\nđến")
            assert await bot.pin_chat_message(int(LEADER), sent.message_id)
            edited = await bot.edit_message_text("Bão đã qua", int(LEADER), sent.message_id)
            assert isinstance(edited, Message)
            assert sim.stage.lines[-1].text == "Bão đã qua"
            with pytest.raises(BadRequest, match="not modified"):
                await bot.edit_message_text("Bão đã qua", int(LEADER), sent.message_id)
            document = await bot.send_document(int(LEADER), b"%PDF-1.7", caption="Công điện", filename="cd04.pdf")
            assert document.caption == "Công điện"
            with pytest.raises(BadRequest, match="Chat not found"):
                await bot.send_message(70000000, "x")
            with pytest.raises(Forbidden, match="initiate"):
                await bot.send_message(int(STRANGER), "x")
            new = sim.migrate(GROUP)
            with pytest.raises(ChatMigrated) as moved:
                await bot.send_message(int(GROUP), "x")
            assert str(moved.value.new_chat_id) == new
            sim.set_faults({"throttle_next": 1, "retry_after": 7})
            with pytest.raises(RetryAfter):
                await bot.send_message(int(LEADER), "x")
            await sim.person_says(LEADER, None, "dạ rõ")
            updates = await bot.get_updates(timeout=1)
            assert [update.effective_message and update.effective_message.text for update in updates][-1] == "dạ rõ"
            assert not await bot.get_updates(offset=updates[-1].update_id + 1, timeout=0)
        with pytest.raises(InvalidToken):
            await Bot("7000000001:another-token-0000000000000000000", f"{sim.url}/bot").initialize()
