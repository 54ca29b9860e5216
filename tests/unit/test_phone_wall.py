"""The phone wall: three phones over the simulators' stages, typed on and pressed like real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession

from simulators import esms, phones, smsc, speedsms, telegram, zalo
from simulators.apps import App, GroupChat
from simulators.people import Person
from simulators.phones.server import PhoneWall
from simulators.phones.wording import LANGUAGES, presets, wording
from simulators.stage import Shown, Stage
from tests.contract.recording import until

LEADER = Person("14779", "chairman", "Lê Văn Mẫu", "84900000101", "z1", "7001")
DEPUTY = Person("14779", "deputy", "Phạm Thị Thử", "84900000102", "z2", "")
RESIDENT = "84900099001"
GROUP = "-4001"
BUTTON = {"label": "ĐÃ NHẬN", "payload": "ACK TB0825-07"}


class Carrier:
    """SMS as a stage sees it."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.texts: list[tuple[str, str]] = []
        self.knobs: dict[str, Any] = {"outage": False, "throttle_tps": 0.0}

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        self.texts.append((sender, text))
        self.stage.show(sender, sender, text)

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None:
        raise LookupError("an SMS has no button")

    def faults(self) -> dict[str, Any]:
        return dict(self.knobs)

    def set_faults(self, knobs: dict[str, Any]) -> None:
        if unknown := set(knobs) - set(self.knobs):
            raise ValueError(f"no such knob: {unknown}")
        self.knobs.update(knobs)


class Wall:
    def __init__(self, wall: PhoneWall, bot: telegram.TelegramSim, carrier: Carrier, session: ClientSession) -> None:
        self.server, self.bot, self.carrier, self.session = wall, bot, carrier, session

    async def get(self, path: str) -> str:
        async with self.session.get(self.server.url + path) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    async def post(self, path: str, body: Any) -> tuple[int, str]:
        async with self.session.post(self.server.url + path, json=body) as response:
            return response.status, await response.text()


@pytest.fixture
async def wall() -> AsyncIterator[Wall]:
    bot, carrier = await telegram.start(), Carrier()
    bot.add_person(LEADER.telegram, LEADER.name)
    bot.add_group(GROUP, "Trực ban")
    apps = (App("telegram", "telegram", bot.stage, bot), App("smsc", "sms", carrier.stage, carrier))
    groups = (GroupChat("telegram", GROUP, "Trực ban PCTT", 166, "telegram"),)
    made = await phones.start(phones.World(apps, (LEADER, DEPUTY), groups, {"14779": "Xã Mẫu"}))
    async with ClientSession() as session:
        yield Wall(made, bot, carrier, session)
    await made.close()
    await bot.close()


async def test_the_page_shows_what_each_phone_got_and_escapes_it(wall: Wall) -> None:
    wall.bot.stage.show(LEADER.telegram, "loa", "gió < cấp 8 <script>", buttons=[BUTTON])
    wall.carrier.stage.show(RESIDENT, "loa", "Khan cap goi 112")
    wall.carrier.stage.show("84900077777", "loa", "cho may khac")
    page = await wall.get("/?resident=0900099001")
    assert "gió &lt; cấp 8 &lt;script&gt;" in page
    assert "Khan cap goi 112" in page
    assert "cho may khac" not in page
    assert "Xã Mẫu – Chủ tịch – Lê Văn Mẫu" in page
    assert "GSM-7 · 1 tin" in page
    assert "<script>" not in page.replace('<script src="', "")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_word_is_there_in_every_language(wall: Wall, language: str) -> None:
    wall.bot.stage.show(LEADER.telegram, "loa", "x", buttons=[BUTTON])
    page = await wall.get(f"/?lang={language}&leader=14779:deputy&resident=12")
    assert f'lang="{language}"' in page
    assert wording(language).words.keys() == wording("vi").words.keys()


async def test_a_resident_types_and_the_carrier_gets_it(wall: Wall) -> None:
    body = {"kind": "sms", "sender": RESIDENT, "chat": "", "text": " cuu voi nuoc ngap "}
    assert (await wall.post("/say", body))[0] == 200
    assert wall.carrier.texts == [(RESIDENT, "cuu voi nuoc ngap")]


async def test_a_member_types_into_the_group(wall: Wall) -> None:
    body = {"kind": "telegram", "sender": LEADER.telegram, "chat": GROUP, "text": "dạ rõ"}
    assert (await wall.post("/say", body))[0] == 200
    (update,) = wall.bot.updates.waiting
    assert (update["message"]["chat"]["id"], update["message"]["text"]) == (int(GROUP), "dạ rõ")


async def test_the_button_is_pressed_and_stays_pressed(wall: Wall) -> None:
    chat = wall.bot.world.person(int(LEADER.telegram))
    message = wall.bot.world.write(chat, wall.bot.world.bot, text="x")
    shown = wall.bot.stage.show(
        LEADER.telegram, "loa", "x", buttons=[BUTTON], provider_id=f"{chat.id}:{message['message_id']}"
    )
    body = {"line": f"telegram-{shown.n}", "sender": LEADER.telegram, "button": "0"}
    assert (await wall.post("/press", body))[0] == 200
    assert wall.bot.updates.waiting[0]["callback_query"]["data"] == BUTTON["payload"]
    assert "Đã bấm" in await wall.get("/")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/say", {"kind": "sms", "sender": RESIDENT}, 422),
        ("/say", {"kind": "sms", "sender": RESIDENT, "text": "  "}, 422),
        ("/say", {"kind": "sms", "sender": RESIDENT, "text": "x" * 2001}, 422),
        ("/say", {"kind": "fax", "sender": RESIDENT, "text": "x"}, 404),
        ("/say", {"kind": "telegram", "sender": "7001", "chat": "-9", "text": "x"}, 404),
        ("/say", [], 422),
        ("/press", {"line": "telegram-99", "sender": "7001", "button": "0"}, 404),
        ("/press", {"line": "fax-1", "sender": "7001", "button": "0"}, 404),
        ("/press", {"line": "telegram-x", "sender": "7001", "button": "²"}, 404),
        ("/faults/fax", {"reset": True}, 404),
        ("/faults/telegram", {"preset": "earthquake"}, 404),
        ("/faults/telegram", {"knobs": {"outage": "flood"}}, 422),
    ],
)
async def test_what_cannot_be_done_is_refused(wall: Wall, path: str, body: Any, status: int) -> None:
    assert (await wall.post(path, body))[0] == status


async def test_another_site_s_form_is_refused(wall: Wall) -> None:
    async with wall.session.post(wall.server.url + "/say", data={"kind": "sms"}) as response:
        assert response.status == 415


async def test_new_lines_come_live_and_only_those_of_the_phones_shown(wall: Wall) -> None:
    url = f"{wall.server.url}/feed?resident=0900099001&since=smsc:0,telegram:0"
    wall.carrier.stage.show(RESIDENT, "loa", "truoc khi noi")
    async with wall.session.get(url) as stream:
        got: list[dict[str, Any]] = []

        async def read() -> None:
            async for raw in stream.content:
                if raw.startswith(b"data: "):
                    got.append(orjson.loads(raw[6:]))

        reading = asyncio.create_task(read())
        await until(lambda: len(got) == 1, what="what came before the stream")
        wall.carrier.stage.show("84900077777", "loa", "cho may khac")
        wall.bot.stage.show(GROUP, LEADER.telegram, "dạ rõ", group=True)
        wall.carrier.stage.show(RESIDENT, RESIDENT, "cuu voi")
        await until(lambda: len(got) == 3)
        reading.cancel()
    assert [(each["thread"], each["mine"]) for each in got] == [
        ("resident-sms", False), ("group0", True), ("resident-sms", True),
    ]  # fmt: skip
    assert "truoc khi noi" in got[0]["html"]


async def test_a_broken_stream_goes_on_after_the_last_line(wall: Wall) -> None:
    first = wall.carrier.stage.show(RESIDENT, "loa", "mot")
    wall.carrier.stage.show(RESIDENT, "loa", "hai")
    url = f"{wall.server.url}/feed?resident=0900099001&since=smsc:0"
    async with wall.session.get(url, headers={"Last-Event-ID": f"smsc:{first.n}"}) as stream:
        async for raw in stream.content:
            if raw.startswith(b"data: "):
                assert "hai" in orjson.loads(raw[6:])["html"]
                break


async def test_a_preset_makes_a_fault_and_normal_takes_it_away(wall: Wall) -> None:
    status, card = await wall.post("/faults/telegram?lang=vi", {"preset": "outage"})
    assert status == 200
    assert "Đang có sự cố" in card
    assert wall.bot.faults()["outage"] == "502"
    _, card = await wall.post("/faults/telegram", {"preset": "slow"})
    assert wall.bot.faults()["outage"] == ""
    _, card = await wall.post("/faults/telegram", {"reset": True})
    assert "Hoạt động bình thường" in card
    assert wall.bot.faults()["slow_seconds"] == 0


async def test_every_preset_fits_its_simulator_and_has_a_name() -> None:
    made = {"telegram": telegram, "zalo": zalo, "smsc": smsc, "esms": esms, "speedsms": speedsms}
    sims: dict[str, Any] = {name: await simulator.start() for name, simulator in made.items()}
    for name, own in presets().items():
        for key, knobs in own.items():
            assert f"presets.{key}" in wording("vi").words
            sims[name].set_faults(dict(knobs))
    for sim in sims.values():
        await sim.close()
