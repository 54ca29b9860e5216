"""The simulated carrier: its protocol, its phones, its control API, and an independent client (Rust, smpp34)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from adapters.sms.smpp.frames import FrameReader
from adapters.sms.smpp.pdu import Bind, Command, Message, bind_body, decode_message, encode, message_body
from adapters.sms.smpp.receipts import read
from simulators import smsc
from simulators.smsc.faults import Faults
from simulators.smsc.phones import DELIVERED, Phones
from simulators.stage import Stage
from tests.contract.recording import until

PHONE = "84900001234"


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


class Client:
    """The smallest ESME: one socket, no cleverness."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int, int, bytes]] = []
        self.writer: asyncio.StreamWriter | None = None
        self.over = asyncio.Event()

    async def open(self, sim: smsc.SmscSim, command: int = Command.BIND_TRANSCEIVER, **bind: Any) -> int:
        """command_status of the bind response."""
        reader, self.writer = await asyncio.open_connection(sim.host, sim.port)
        self._task = asyncio.create_task(self._read(reader))
        fields: dict[str, Any] = {"system_id": smsc.SYSTEM_ID, "password": smsc.PASSWORD} | bind
        self.say(command, 1, bind_body(Bind(**fields)))
        await until(lambda: bool(self.heard))
        return self.heard[0][1]

    def say(self, command: int, sequence: int, body: bytes = b"", status: int = 0) -> None:
        assert self.writer is not None
        self.writer.write(encode(command, sequence, body, status))

    def submit(self, sequence: int, to: str = PHONE, text: bytes = b"canh bao", **more: Any) -> None:
        message = Message("PCTT", to, text, source_ton=5, dest_ton=1, dest_npi=1, **({"registered_delivery": 1} | more))
        self.say(Command.SUBMIT_SM, sequence, message_body(message))

    async def answer(self, sequence: int, command: int | None = None) -> tuple[int, int, int, bytes]:
        def found() -> list[tuple[int, int, int, bytes]]:
            return [f for f in self.heard if f[2] == sequence and command in (None, f[0]) and f[0] & 0x80000000]

        await until(lambda: bool(found()), 3, f"an answer to {sequence} among {self.heard}")
        return found()[0]

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            await self._task

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = FrameReader()
        while data := await reader.read(65_536):
            self.heard += frames.feed(data)
        self.over.set()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    one = Client()
    yield one
    await one.close()


class TestProtocol:
    @pytest.mark.parametrize(
        ("bind", "status"),
        [({}, 0), ({"password": "wrong"}, 0x0E), ({"system_id": "nobody"}, 0x0F), ({"password": ""}, 0x0E)],
    )
    async def test_credentials(self, carrier: smsc.SmscSim, client: Client, bind: dict[str, Any], status: int) -> None:
        assert await client.open(carrier, **bind) == status

    async def test_bind_state_is_enforced(self, carrier: smsc.SmscSim, client: Client) -> None:
        await client.open(carrier, Command.BIND_RECEIVER)
        client.submit(7)
        assert (await client.answer(7))[:2] == (Command.SUBMIT_SM_RESP, 0x04)

    async def test_unbound_may_not_submit(self, carrier: smsc.SmscSim, client: Client) -> None:
        await client.open(carrier, password="wrong")
        client.submit(7)
        assert (await client.answer(7))[1] == 0x04
        assert carrier.carrier.accepted == 0

    async def test_submit_receipt_and_phone(self, carrier: smsc.SmscSim, client: Client) -> None:
        await client.open(carrier)
        client.submit(7)
        body = (await client.answer(7))[3]
        await until(lambda: any(frame[0] == Command.DELIVER_SM for frame in client.heard))
        receipt = read(decode_message(next(frame[3] for frame in client.heard if frame[0] == Command.DELIVER_SM)))
        assert receipt is not None
        assert receipt.id == body.rstrip(b"\0").decode()
        assert [(line.address, line.sender, line.text) for line in carrier.stage.lines] == [(PHONE, "loa", "canh bao")]

    async def test_unanswered_deliveries_come_again_to_the_next_session(self, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"receipt_delay": 0.05})
        first, second = Client(), Client()
        await first.open(carrier)
        first.submit(7)
        await until(lambda: any(frame[0] == Command.DELIVER_SM for frame in first.heard))
        await first.close()
        await second.open(carrier)
        await until(lambda: any(frame[0] == Command.DELIVER_SM for frame in second.heard))
        sequence = next(frame[2] for frame in second.heard if frame[0] == Command.DELIVER_SM)
        second.say(Command.DELIVER_SM_RESP, sequence, b"\0")
        await until(lambda: carrier.stage.counters["acknowledged"] == 1)
        await second.close()

    async def test_deliver_window_and_timeout(self, carrier: smsc.SmscSim, client: Client) -> None:
        carrier.set_faults({"deliver_window": 3, "deliver_timeout": 0.2})
        await client.open(carrier)
        for n in range(2, 12):
            client.submit(n)
        await client.answer(11)
        deliveries = [frame for frame in client.heard if frame[0] == Command.DELIVER_SM]
        assert len(deliveries) == 3
        await until(lambda: sum(frame[0] == Command.DELIVER_SM for frame in client.heard) > 3, what="again, unanswered")

    async def test_unbind_unknown_and_bad_length(self, carrier: smsc.SmscSim, client: Client) -> None:
        await client.open(carrier)
        client.say(0x1234, 5)
        assert (await client.answer(5))[:2] == (Command.GENERIC_NACK, 3)
        client.say(Command.UNBIND, 6)
        assert (await client.answer(6))[0] == Command.UNBIND_RESP
        await asyncio.wait_for(client.over.wait(), 3)
        other = Client()
        await other.open(carrier)
        assert other.writer is not None
        other.writer.write(b"\0\0\0\x01")
        await asyncio.wait_for(other.over.wait(), 3)
        assert other.heard[-1][:2] == (Command.GENERIC_NACK, 2)
        await other.close()

    @pytest.mark.parametrize("text", [b"x" * 10, b"\x05\x00\x03\x07\x02\x01ab"])
    async def test_malformed_submit_is_refused(self, carrier: smsc.SmscSim, client: Client, text: bytes) -> None:
        await client.open(carrier)
        client.say(Command.SUBMIT_SM, 7, message_body(Message("PCTT", PHONE, text))[:-3])
        assert (await client.answer(7))[1] == 0x02
        client.submit(8, to="PCTT")
        assert (await client.answer(8))[1] == 0x0B

    async def test_registered_delivery(self, carrier: smsc.SmscSim, client: Client) -> None:
        carrier.set_faults({"off_numbers": ["84900000002"]})
        await client.open(carrier)
        client.submit(2, registered_delivery=0)
        client.submit(3, registered_delivery=2)
        client.submit(4, to="84900000002", registered_delivery=2)
        await client.answer(4)
        await until(lambda: any(frame[0] == Command.DELIVER_SM for frame in client.heard))
        assert sum(frame[0] == Command.DELIVER_SM for frame in client.heard) == 1


class TestPhones:
    def test_fates_come_from_the_seed_and_the_number_only(self) -> None:
        numbers = [str(84_900_000_000 + n).encode() for n in range(5_000)]
        fates = []
        for order in (numbers, list(reversed(numbers))):
            phones = Phones(Stage(), seed=5)
            phones.set_faults(Faults(fail_ratio=0.1))
            fates.append({number: phones.fate(number) for number in order})
        assert fates[0] == fates[1]
        failed = sum(fate != DELIVERED for fate in fates[0].values())
        assert 400 < failed < 600
        other = Phones(Stage(), seed=6)
        other.set_faults(Faults(fail_ratio=0.1))
        assert {number: other.fate(number) for number in numbers} != fates[0]

    def test_above_the_rate_only_watched_phones_are_shown(self) -> None:
        stage = Stage()
        phones = Phones(stage, seed=1)
        phones.set_faults(Faults(show_rate=10))
        phones.watched.add("84900009999")
        for n in range(100):
            phones.arrive(str(84_900_000_000 + n).encode(), b"PCTT", b"bulk", 0, None, str(n), True)
        phones.arrive(b"84900009999", b"PCTT", b"goi 112", 0, None, "x", True)
        assert stage.lines[-1].text == "goi 112"
        assert len(stage.lines) + phones.unshown == 101
        assert phones.unshown >= 80
        assert sum(phones.counts().values()) == 101

    def test_duplicates_are_counted_by_part(self) -> None:
        phones = Phones(Stage(), seed=1)
        for _ in range(2):
            phones.arrive(b"84900000001", b"PCTT", b"a", 0, None, "1", True)
        phones.arrive(b"84900000002", b"PCTT", b"a", 0, None, "2", True)
        assert (phones.duplicates, phones.counts()) == (1, {"84900000001": 2, "84900000002": 1})


class TestControl:
    async def test_people_faults_and_counts(self, carrier: smsc.SmscSim, http: ClientSession, client: Client) -> None:
        await client.open(carrier)
        say = {"sender": PHONE, "text": "so tan o dau"}
        assert (await http.post(f"{carrier.url}/_sim/say", json=say)).status == 200
        await until(lambda: any(frame[0] == Command.DELIVER_SM for frame in client.heard))
        heard = decode_message(next(frame[3] for frame in client.heard if frame[0] == Command.DELIVER_SM))
        assert (heard.source, heard.destination, heard.short_message) == (PHONE, smsc.SHORT_CODE, b"so tan o dau")
        for sequence in (7, 8):
            client.submit(sequence)
            await client.answer(sequence)
        counts = await (await http.get(f"{carrier.url}/_sim/received?format=counts")).json()
        assert counts == {PHONE: 2}
        figures = await (await http.get(f"{carrier.url}/_sim/received")).json()
        assert figures == {"messages": 2, "destinations": 1, "parts": 2, "duplicates": 1}
        stats = await (await http.get(f"{carrier.url}/_sim/stats")).json()
        assert (stats["submits"], stats["accepted"], stats["typed"], stats["delivered"]) == (2, 2, 1, 2)
        sessions = await (await http.get(f"{carrier.url}/_sim/sessions")).json()
        assert sessions["sessions"] == [{"system": "loa", "submits": True, "receives": True}]

    @pytest.mark.parametrize(
        ("knobs", "status"),
        [
            ({"status": 0x58, "receipt_style": "tlv"}, 200), ({"no_such_knob": 1}, 422), ({"status": "x"}, 422),
            ({"receipt_style": "fax"}, 422), ({"fail_ratio": 2.0}, 422), ({"deliver_window": -1}, 422),
        ],
    )  # fmt: skip
    async def test_knobs(self, carrier: smsc.SmscSim, http: ClientSession, knobs: dict[str, Any], status: int) -> None:
        answer = await http.post(f"{carrier.url}/_sim/faults", json=knobs)
        assert answer.status == status
        if status == 200:
            assert knobs.items() <= (await (await http.get(f"{carrier.url}/_sim/faults")).json()).items()
        else:
            assert (await answer.json())["error"]

    async def test_as_a_process(self, http: ClientSession) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators.smsc", "--until-stdin-closes", "--faults", '{"receipt_style": "tlv"}',
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert ready["ready"] is True
        assert (await (await http.get(f"{ready['control']}/_sim/faults")).json())["receipt_style"] == "tlv"
        host, _, port = ready["smsc"].partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 10) == 0

    async def test_wrong_knobs_on_the_command_line(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators.smsc", "--faults", '{"fax": true}', stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 1
        assert said.count(b"\n") == 1


class TestAgainstSmpp34:
    """A client that shares no line with our code."""

    @pytest.mark.parametrize("style", ["text", "tlv", "both"])
    async def test_submit_and_receipt(self, carrier: smsc.SmscSim, style: str) -> None:
        smpp34 = pytest.importorskip("smpp34")
        carrier.set_faults({"receipt_style": style})
        client = smpp34.Client(
            carrier.host, carrier.port, smsc.SYSTEM_ID, smsc.PASSWORD, bind_type="TRX", window_size=10
        )
        session = await client.connect()
        answers = [
            await session.submit_sm(f"8490000{n:04d}", b"canh bao", source_addr="PCTT", registered_delivery=1)
            for n in range(20)
        ]
        assert all(answer.is_success for answer in answers)
        events = [await asyncio.wait_for(session.next(), 3) for _ in range(20)]
        assert {type(event).__name__ for event in events} == {"DeliverSmEvent"}
        await until(lambda: carrier.stage.counters["acknowledged"] == 20)
        assert len(carrier.received()) == 20
        await client.stop()
