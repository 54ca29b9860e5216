"""Our SMPP client at the server of the npm package `smpp`, and its client at our simulated carrier."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.contract import Accepted, HealthState, ReceiptState, RejectClass, Rejected
from simulators import smsc
from tests.contract.recording import until
from tests.contract.smpp_stand import LONG, PATIENT, Stand, one
from tests.interop.conftest import Peer, Run

pytestmark = [pytest.mark.node, pytest.mark.timeout(180)]


@pytest.fixture
async def server(run: Run) -> AsyncIterator[Peer]:
    async with run("server.js") as peer:
        await peer.until(lambda: peer.of("listening"))
        yield peer


@pytest.fixture
async def stand(server: Peer) -> AsyncIterator[Stand]:
    stand = Stand(SimpleNamespace(port=server.of("listening")[0]["port"]))
    yield stand
    await stand.close()


async def test_our_client_binds_submits_and_hears_of_the_end(server: Peer, stand: Stand) -> None:
    rig = await stand.open(timers=PATIENT)
    await server.until(lambda: server.of("bound"))
    assert server.of("bound")[0]["system_id"] == smsc.SYSTEM_ID
    assert server.of("bound")[0]["version"] == 0x34
    await rig.channel.send([one("Bao so 5 [khan] @ 20:00", n=1), one("Bão số 5 vào đêm nay", n=2)], rig.book)
    await server.until(lambda: len(server.of("receipt_answered")) == 2)
    short, accented = server.of("submit")
    assert (short["text"], accented["text"]) == ("Bao so 5 [khan] @ 20:00", "Bão số 5 vào đêm nay")
    assert (short["data_coding"], accented["data_coding"]) == (0, 8)
    assert (short["from"], short["source_ton"], short["registered_delivery"]) == ("PCTT", 5, 1)
    assert [event["status"] for event in server.of("receipt_answered")] == [0, 0]
    assert rig.book.one(1) == Accepted((short["id"],))
    receipts = rig.sink.all_receipts
    assert [receipt.state for receipt in receipts] == [ReceiptState.DELIVERED] * 2
    assert receipts[0].keys[0] == short["id"], "the TLV counts for more than the decimal id in the text"


@pytest.mark.parametrize("split", ["udh", "sar", "payload"])
async def test_it_reads_our_long_messages(server: Peer, stand: Stand, split: str) -> None:
    rig = await stand.open(timers=PATIENT, split=split)
    await server.until(lambda: server.of("bound"))
    await rig.channel.send([one(LONG, n=1)], rig.book)
    parts = 1 if split == "payload" else 3
    await server.until(lambda: len(server.of("receipt_answered")) == parts)
    submitted = server.of("submit")
    assert "".join(event["text"] for event in submitted) == LONG
    if split == "udh":
        headers = [bytes.fromhex(event["udh"][0]) for event in submitted]
        assert [header[-2:] for header in headers] == [b"\3\1", b"\3\2", b"\3\3"]
    outcome = rig.book.one(1)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_ids == tuple(event["id"] for event in submitted)


async def test_its_refusal_and_its_wrong_password_are_told_apart(server: Peer, stand: Stand) -> None:
    rig = await stand.open(timers=PATIENT)
    await server.until(lambda: server.of("bound"))
    await rig.channel.send([one(to="84900000058", n=1)], rig.book)
    await server.until(lambda: server.of("submit"))
    await until(lambda: 1 in rig.book.outcomes, what="the refusal")
    wrong = await stand.open(password="wrong", timers=PATIENT)
    refused: Any = rig.book.one(1)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.cls, refused.code) == ("throttled", RejectClass.RETRY_LATER, "0x00000058")
    assert (await wrong.channel.probe()).state is not HealthState.OK


async def test_a_person_of_its_network_is_heard(server: Peer, stand: Stand) -> None:
    rig = await stand.open(timers=PATIENT)
    await server.until(lambda: server.of("bound"))
    await server.say(json.dumps({"from": "84900001234", "to": "8099", "text": "sơ tán ở đâu?", "data_coding": 8}))
    await server.until(lambda: server.of("mo_answered"))
    assert server.of("mo_answered")[0]["status"] == 0
    (message,) = rig.sink.all_incoming
    assert (message.sender, message.text) == ("84900001234", "sơ tán ở đâu?")


async def test_our_client_leaves_politely(server: Peer, stand: Stand) -> None:
    await stand.open(timers=PATIENT)
    await server.until(lambda: server.of("bound"))
    await stand.close()
    await server.until(lambda: server.of("unbind"))


async def test_its_client_at_our_carrier(run: Run) -> None:
    sim = await smsc.start(faults={"receipt_style": "both"})
    try:
        async with run("client.js", str(sim.port), smsc.PASSWORD) as peer:
            await peer.until(lambda: len(peer.of("receipt")) == 4 and peer.of("enquire"))
            assert peer.of("bound") == [{"event": "bound", "status": 0, "system_id": peer.of("bound")[0]["system_id"]}]
            answers = {event["name"]: event for event in peer.of("answer")}
            assert [answers[name]["status"] for name in ("short", "accented", "two", "one")] == [0, 0, 0, 0]
            assert answers["nobody"]["status"] == 0x0B
            assert peer.of("enquire")[0]["status"] == 0
            told = {event["id"] for event in peer.of("receipt")}
            assert {event["state"] for event in peer.of("receipt")} == {2}
            assert told == {event["id"] for event in answers.values() if event["status"] == 0}
            shown = [message.text for message in sim.stage.after(0, "84900001234")]
            assert shown[:2] == ["Bao so 5 @ $ [khan]", "Bão số 5 vào đêm nay"]
            assert shown[2] == "phan mot, phan hai", "put together whatever order they come in"
            sim.carrier.says("84900001234", smsc.SHORT_CODE, "Đã nhận ạ")
            await peer.until(lambda: peer.of("mo"))
            assert peer.of("mo")[0]["text"] == "Đã nhận ạ"
            await peer.say("unbind")
            await peer.until(lambda: peer.of("unbound"))
    finally:
        await sim.close()


async def test_a_wrong_password_of_its_client(run: Run) -> None:
    sim = await smsc.start()
    try:
        async with run("client.js", str(sim.port), "wrong") as peer:
            await peer.until(lambda: peer.of("bound"))
            assert peer.of("bound")[0]["status"] == 0x0E
    finally:
        await sim.close()
