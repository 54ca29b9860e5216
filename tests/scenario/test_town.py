"""The whole town of simulators with the real adapters in front of it: an alert goes out, the leaders answer."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from adapters.contract import Button, Envelope, IncomingKind
from adapters.telegram.channel import TelegramChannel
from simulators import town
from simulators.people import Manner, Person
from tests.contract.recording import MemoryState, RecordingSink, ReportBook, until
from tests.contract.smpp_stand import Stand
from tests.contract.sms_http_stand import EsmsStand, give, hooks
from tests.contract.test_telegram import settings_for

ROOT = Path(__file__).resolve().parents[2]
RESIDENT = "84900099001"
ALERT = "BÃO SỐ 5\nBấm ĐÃ NHẬN hoặc trả lời: DANHAN TB0825-07."
SMS = "BAO SO 5. Tra loi: DANHAN TB0825-07"
CONFIRM = Button("ĐÃ NHẬN", "ACK TB0825-07")


def chairmen(count: int) -> list[Person]:
    return [
        Person(str(14000 + n), "chairman", f"Người Mẫu {n}", str(84900000000 + n), f"z{n}", str(7100000 + n))
        for n in range(count)
    ]


@pytest.fixture
async def made() -> AsyncIterator[town.Town]:
    made = await town.found(town.Plan(people=chairmen(40), seed=3, speed=3000))
    yield made
    await made.close()


@pytest.fixture
async def stand(made: town.Town) -> AsyncIterator[Stand]:
    stand = Stand(made.smsc)
    yield stand
    await stand.close()


async def test_a_resident_types_on_the_wall_and_we_hear_it_by_smpp(made: town.Town, stand: Stand) -> None:
    rig = await stand.open()
    async with ClientSession() as session:
        body = {"kind": "sms", "sender": RESIDENT, "chat": "", "text": "cuu voi nuoc ngap"}
        async with session.post(f"{made.wall.url}/say", json=body) as response:
            assert response.status == 200
        await until(lambda: len(rig.sink.inbox) == 1, what="the deliver_sm")
        (event,) = rig.sink.inbox.values()
        assert (event.sender, event.text, event.kind) == (RESIDENT, "cuu voi nuoc ngap", IncomingKind.TEXT)
        book = ReportBook()
        await rig.channel.send([Envelope(1, RESIDENT, "Goi ngay 112 (mien phi)")], book)
        await until(lambda: any(line.sender == "loa" for line in made.smsc.stage.lines))
        async with session.get(f"{made.wall.url}/?resident={RESIDENT}") as response:
            page = await response.text()
    assert page.index("cuu voi nuoc ngap") < page.index("Goi ngay 112 (mien phi)")


async def test_an_sms_by_an_aggregator_shows_on_the_same_phone_and_the_answer_goes_back_to_it(
    made: town.Town, stand: Stand
) -> None:
    async with hooks() as door, ClientSession() as session:
        aggregator = EsmsStand(made.esms, door)
        rig = await aggregator.open()
        made.esms.set_faults({"off_numbers": []})
        await give(rig, [Envelope(1, RESIDENT, "Nuoc len nhanh")])
        async with session.get(f"{made.wall.url}/?resident={RESIDENT}") as response:
            assert "Nuoc len nhanh" in await response.text()
        body = {"kind": "sms", "sender": RESIDENT, "chat": "", "text": "sotan o dau"}
        async with session.post(f"{made.wall.url}/say", json=body) as response:
            assert response.status == 200
        (event,) = rig.sink.inbox.values()
        assert (event.channel, event.sender, event.text) == ("sms.esms", RESIDENT, "sotan o dau")
        await aggregator.close()


async def test_each_leader_confirms_in_his_own_manner_by_telegram_or_by_sms(made: town.Town, stand: Stand) -> None:
    people = chairmen(40)
    by_manner = Counter(made.habits[person.key].manner for person in people)
    assert all(by_manner[manner] for manner in Manner)
    sink = RecordingSink()
    channel = TelegramChannel(settings_for(made.telegram), MemoryState())
    await channel.start(sink)
    rig = await stand.open(sink=sink)
    book = ReportBook()
    alerts = [Envelope(n, person.telegram, ALERT, buttons=(CONFIRM,)) for n, person in enumerate(people)]
    await channel.send(alerts, book)
    expected = by_manner[Manner.BUTTON] + by_manner[Manner.WORDS]
    await until(lambda: len(sink.inbox) == expected, 10, f"{expected} answers to Telegram")
    pressed = [event for event in sink.inbox.values() if event.kind is IncomingKind.BUTTON]
    assert len(pressed) == by_manner[Manner.BUTTON]
    assert {event.payload for event in pressed} == {CONFIRM.payload}
    await rig.channel.send([Envelope(100 + n, person.phone, SMS) for n, person in enumerate(people)], book)
    await until(lambda: len(sink.inbox) == expected + by_manner[Manner.SMS], 10, "those who answer an SMS")
    heard = {event.sender for event in sink.inbox.values() if event.channel == rig.channel.name}
    assert heard == {person.phone for person in people if made.habits[person.key].manner is Manner.SMS}
    lost = [receipt for receipt in sink.all_receipts if receipt.state.value in ("failed", "expired")]
    assert len(lost) == by_manner[Manner.OFF], "phones that are off"
    await channel.stop()


async def test_nobody_answers_when_told_not_to() -> None:
    made = await town.found(town.Plan(people=chairmen(5), speed=3000, replies=False))
    made.telegram.stage.show("7100001", "loa", ALERT)
    await asyncio.sleep(0.1)
    assert not made.telegram.updates.waiting
    await made.close()


async def _ready(*arguments: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", *arguments, cwd=ROOT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    return process, json.loads(await asyncio.wait_for(process.stdout.readline(), 30) or b"{}")


@pytest.mark.parametrize("ending", ["signal", "stdin"])
async def test_one_line_says_where_all_is_and_the_end_is_clean(ending: str) -> None:
    process, ready = await _ready("--until-stdin-closes", "--no-people-reply")
    assert ready["ready"] is True
    assert set(ready) == {
        "ready", "zalo", "telegram", "smsc", "smsc_control", "esms", "speedsms", "mail", "mail_page", "phones",
    }  # fmt: skip
    stats = [f"{ready[name]}/_sim/stats" for name in ("zalo", "smsc_control", "esms", "speedsms")]
    async with ClientSession() as session:
        for url in (ready["phones"], *stats):
            async with session.get(url) as response:
                assert response.status == 200
    if ending == "signal":
        process.send_signal(signal.SIGTERM)
    else:
        assert process.stdin is not None
        process.stdin.close()
    out, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert out == b""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [(("--people", "/no/such.csv"), 1, b"/no/such.csv"), (("--speed", "0"), 2, b"--speed"),
     (("--phones-port", "taken"), 2, b"--phones-port")],
)  # fmt: skip
async def test_what_is_wrong_is_said_in_a_line(arguments: tuple[str, ...], code: int, says: bytes) -> None:
    process, _ = await _ready(*arguments)
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == code
    assert says in errors
    assert b"Traceback" not in errors


async def test_a_port_that_is_taken_is_named(made: town.Town) -> None:
    process, _ = await _ready("--phones-port", str(made.wall.port))
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 1
    assert str(made.wall.port).encode() in errors
    assert b"Traceback" not in errors
