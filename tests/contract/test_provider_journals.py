"""Providers that are killed remember: a second one on the same journal has what the first one took, and still owes what
nobody acknowledged to the first one. The first is never closed: it could not say goodbye."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web

from adapters.sms.smpp.incoming import Place
from simulators.journal import Journal
from simulators.serving import serve
from simulators.smsc import SmscSim, made
from simulators.smsc.memory import write_part
from simulators.telegram import TelegramSim
from simulators.zalo import ZaloSim
from tests.contract.recording import until

TIME_SCALE = 0.0001
PERSON, NUMBER = "770001", "84900000001"


class Office:
    """Our side of Zalo's webhook: `status` is what it answers, `heard` what it was told."""

    def __init__(self) -> None:
        self.status = 200
        self.heard: list[dict[str, Any]] = []
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        if body and self.status == 200:
            self.heard.append(body)
        return web.Response(status=self.status)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    found = Office()
    app = web.Application()
    app.add_routes([web.post("/", found.hear)])
    served = await serve(app)
    found.url = served.url
    yield found
    await served.close()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as found:
        yield found


def test_a_line_that_was_cut_short_is_none(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path).write("line", n=1)
    with path.open("ab") as file:
        file.write(b'{"what":"line","n":')
    assert list(Journal(path).read()) == [{"what": "line", "n": 1}]
    Journal().write("nothing", n=1)
    assert list(Journal().read()) == []


# Zalo


async def zalo(stack: AsyncExitStack, path: Path) -> ZaloSim:
    sim = ZaloSim(journal=Journal(path))
    sim.add_user(PERSON, "Mẫu")
    await sim.listen("127.0.0.1", 0)
    stack.push_async_callback(sim.close)
    sim.resume()
    return sim


async def sent(sim: ZaloSim, access: str, text: str) -> Any:
    async with ClientSession() as session:
        body = {"recipient": {"user_id": PERSON}, "message": {"text": text}}
        headers = {"access_token": access}
        async with session.post(f"{sim.url}/v3.0/oa/message/cs", json=body, headers=headers) as answer:
            return (await answer.json())["data"]["message_id"]


def refreshed(sim: ZaloSim, token: str) -> Any:
    form = {"app_id": sim.app.app_id, "grant_type": "refresh_token", "refresh_token": token}
    return sim.oauth.token(sim.app.app_secret, form, 90_000)


async def test_zalo_shows_what_it_took_and_tells_what_nobody_heard(
    tmp_path: Path, stack: AsyncExitStack, office: Office
) -> None:
    first = await zalo(stack, tmp_path / "zalo")
    first.set_faults({"webhook_time_scale": TIME_SCALE, "received_seconds": 0.0, "seen": False})
    assert await first.webhook.register(office.url)
    tokens = refreshed(first, first.app.refresh_token)
    await sent(first, tokens["access_token"], "tin 1")
    await first.person_says(PERSON, None, "đã rõ")
    await until(lambda: len(first.stage.lines) == 2 and not first.webhook.under_way)
    office.status = 503
    await first.person_says(PERSON, None, "còn đây")
    held = first.world.users[PERSON]
    held.off = True
    waiting = await sent(first, tokens["access_token"], "tin 2")

    office.status = 200
    office.heard.clear()
    again = await zalo(stack, tmp_path / "zalo")
    assert again.knobs.now.webhook_time_scale == first.knobs.now.webhook_time_scale == TIME_SCALE
    await until(lambda: {line.text for line in again.stage.lines} == {"tin 1", "đã rõ", "còn đây", "tin 2"})
    await until(lambda: any(one.get("message", {}).get("text") == "còn đây" for one in office.heard))
    assert all(one.get("message", {}).get("text") != "đã rõ" for one in office.heard)
    await until(lambda: any(one.get("message", {}).get("msg_id") == waiting for one in office.heard))
    assert again.webhook.counts["sent"] >= 2
    newest = await sent(again, tokens["access_token"], "tin 3")
    assert [one.text for one in again.world.history(PERSON, 0, 9)][:2] == ["tin 3", "tin 2"]
    assert newest not in {line.provider_id for line in first.stage.lines}


async def test_zalo_knows_which_tokens_were_used_up(tmp_path: Path, stack: AsyncExitStack) -> None:
    first = await zalo(stack, tmp_path / "zalo")
    one = refreshed(first, first.app.refresh_token)
    two = refreshed(first, one["refresh_token"])
    again = await zalo(stack, tmp_path / "zalo")
    assert refreshed(again, one["refresh_token"])["error"]
    assert again.oauth.check(one["access_token"]) != 0
    assert again.oauth.check(two["access_token"]) == 0
    assert "access_token" in refreshed(again, two["refresh_token"])


# Telegram


async def telegram(stack: AsyncExitStack, path: Path) -> TelegramSim:
    sim = TelegramSim(journal=Journal(path))
    await sim.listen("127.0.0.1", 0)
    stack.push_async_callback(sim.close)
    return sim


async def asked(sim: TelegramSim, method: str, **params: Any) -> Any:
    async with (
        ClientSession() as session,
        session.post(f"{sim.url}/bot{sim.token}/{method}", json=params) as answer,
    ):
        return (await answer.json())["result"]


async def test_telegram_keeps_chats_and_the_updates_that_the_bot_did_not_confirm(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    first = await telegram(stack, tmp_path / "telegram")
    await first.person_says(PERSON, None, "một")
    await first.person_says(PERSON, None, "hai")
    keys = {"inline_keyboard": [[{"text": "ĐÃ NHẬN", "callback_data": "ack"}]]}
    mine = await asked(first, "sendMessage", chat_id=int(PERSON), text="báo động", reply_markup=keys)
    shown = first.stage.find(first.stage.after(0)[-1].n)
    assert shown is not None
    await first.person_presses(PERSON, shown, "ack")
    updates = await asked(first, "getUpdates")
    await asked(first, "getUpdates", offset=updates[1]["update_id"])

    again = await telegram(stack, tmp_path / "telegram")
    assert [line.text for line in again.stage.lines] == ["một", "hai", "báo động"]
    left = await asked(again, "getUpdates")
    assert [one["update_id"] for one in left] == [one["update_id"] for one in updates[1:]]
    assert await asked(again, "answerCallbackQuery", callback_query_id=left[-1]["callback_query"]["id"]) is True
    edited = await asked(
        again, "editMessageText", chat_id=int(PERSON), message_id=mine["message_id"], text="đã xong"
    )  # fmt: skip
    assert edited["text"] == "đã xong"
    other = await asked(again, "sendMessage", chat_id=int(PERSON), text="tin nữa")
    assert other["message_id"] > mine["message_id"]
    await again.person_says(PERSON, None, "ba")
    assert (await asked(again, "getUpdates"))[-1]["update_id"] > left[-1]["update_id"]


# The carrier


def carrier(path: Path) -> SmscSim:
    return made(journal=Journal(path))


async def test_the_carrier_counts_what_it_took_and_delivers_what_was_not_acknowledged(tmp_path: Path) -> None:
    first = carrier(tmp_path / "smsc")
    await first.person_says(NUMBER, None, "cứu với")
    await first.person_says(NUMBER, None, "da nhan")
    system = next(iter(first.carrier.systems.values()))
    system.answered(system.outbox[1], 0)
    journal, number = first.carrier.journal, NUMBER.encode()
    write_part(journal, first.carrier.last_id + 1, number, b"8099", b"mot", 0, None)
    write_part(journal, first.carrier.last_id + 2, number, b"8099", b"ha", 0, Place(7, 2, 1, 8))

    again = carrier(tmp_path / "smsc")
    owed = next(iter(again.carrier.systems.values()))
    assert [one[1] for one in owed.outbox] == [system.outbox[0][1]]
    assert [line.text for line in again.stage.lines] == ["cứu với", "da nhan"]
    assert again.received() == {NUMBER: 1}
    again.carrier.phones.arrive(number, b"8099", b"i", 0, Place(7, 2, 2, 8), "", reached=True)
    assert again.received() == {NUMBER: 2}
    assert again.stage.lines[-1].text == "hai"
    assert again.carrier.last_id >= first.carrier.last_id + 2
