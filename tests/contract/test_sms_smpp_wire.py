"""The octets that leave, and the answers to a peer that a carrier's engineers would test us with."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace

import pytest

from adapters.contract import Accepted, HealthState, Priority, RejectClass, Rejected, Unknown
from adapters.sms.smpp.frames import Frame
from adapters.sms.smpp.pdu import Command, decode_bind, decode_message, encode
from tests.contract.recording import EVENTUALLY, RecordingSink, until
from tests.contract.runner import Is, Rig
from tests.contract.smpp_stand import BINDS, LONG, PATIENT, PHONE, RawSmsc, Script, Stand, one, some

Peer = Callable[..., Awaitable[tuple[RawSmsc, Stand]]]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    opened: list[tuple[RawSmsc, Stand]] = []

    async def open_it(script: Script | None = None) -> tuple[RawSmsc, Stand]:
        raw = RawSmsc(script)
        await raw.open()
        opened.append((raw, Stand(raw)))
        return opened[-1]

    yield open_it
    for raw, stand in opened:
        await stand.close()
        await raw.close()


async def bound(stand: Stand, **more: object) -> Rig:
    rig = await stand.open(**more)  # type: ignore[arg-type]
    deadline = time.monotonic() + EVENTUALLY
    while (await rig.channel.probe()).state is not HealthState.OK:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    return rig


def bodies(raw: RawSmsc, command: int) -> list[bytes]:
    return [body for heard, _, _, body in raw.heard if heard == command]


async def test_bind_fields(peer: Peer) -> None:
    raw, stand = await peer()
    await bound(stand, system_type="VMS", address_range="^80")
    bind = decode_bind(bodies(raw, Command.BIND_TRANSCEIVER)[0])
    assert (bind.system_id, bind.password, bind.system_type) == ("loa", "loa-pass", "VMS")
    assert (bind.interface_version, bind.address_range) == (0x34, "^80")


@pytest.mark.parametrize(
    ("sender", "ton", "npi"), [("PCTT", 5, 0), ("8099", 3, 0), ("84900000000", 1, 1), ("", 0, 0), ("BCH PCTT", 5, 0)]
)
async def test_submit_fields(peer: Peer, sender: str, ton: int, npi: int) -> None:
    raw, stand = await peer()
    rig = await bound(stand, sender=sender, service_type="CMT", honours_priority=True)
    hour = time.time() + 3_600
    await rig.channel.send([one("nuoc len @ 5m", valid_until=hour, priority=Priority.LIFE)], rig.book)
    await until(lambda: bool(rig.book.outcomes))
    message = decode_message(bodies(raw, Command.SUBMIT_SM)[0])
    assert (message.source, message.source_ton, message.source_npi) == (sender, ton, npi)
    assert (message.destination, message.dest_ton, message.dest_npi) == (PHONE, 1, 1)
    assert message.short_message == b"nuoc len \x00 5m"  # @ is 0x00 in GSM 03.38
    assert (message.data_coding, message.esm_class, message.registered_delivery) == (0, 0, 1)
    assert (message.service_type, message.priority_flag, message.schedule_delivery_time) == ("CMT", 3, "")
    assert message.validity_period in ("000000010000000R", "000000005959000R")


async def test_no_validity_without_an_end(peer: Peer) -> None:
    raw, stand = await peer()
    rig = await bound(stand)
    await rig.channel.send([one()], rig.book)
    await until(lambda: bool(rig.book.outcomes))
    assert decode_message(bodies(raw, Command.SUBMIT_SM)[0]).validity_period == ""


async def test_parts_of_two_messages_to_one_phone_have_different_references(peer: Peer) -> None:
    raw, stand = await peer()
    rig = await bound(stand)
    await rig.channel.send([one(LONG, n=1), one(LONG, n=2)], rig.book)
    await until(lambda: len(rig.book.outcomes) == 2)
    heads = [decode_message(body).short_message[:6] for body in bodies(raw, Command.SUBMIT_SM)]
    assert [head[4:] for head in heads] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"] * 2
    assert len({head[3] for head in heads[:3]}) == len({head[3] for head in heads[3:]}) == 1
    assert heads[0][3] != heads[3][3]


async def test_unknown_requests_get_generic_nack_and_enquiries_an_answer(peer: Peer) -> None:
    raw, stand = await peer()
    await bound(stand)
    raw.say(Command.QUERY_SM, 71, b"x\0\0\0\0")
    raw.say(0x00010203, 72)
    raw.say(Command.ALERT_NOTIFICATION, 73, b"\0" * 6)
    raw.say(Command.ENQUIRE_LINK, 74)
    await until(lambda: any(frame[2] == 74 for frame in raw.heard))
    answers = [frame[:3] for frame in raw.heard if frame[2] in (71, 72, 73, 74)]
    assert answers == [
        (Command.GENERIC_NACK, 3, 71), (Command.GENERIC_NACK, 3, 72), (Command.ENQUIRE_LINK_RESP, 0, 74),
    ]  # fmt: skip


async def test_generic_nack_is_the_answer_to_that_message(peer: Peer) -> None:
    async def nack(_: RawSmsc, frame: Frame, writer: asyncio.StreamWriter) -> bool:
        if frame[0] != Command.SUBMIT_SM:
            return False
        writer.write(encode(Command.GENERIC_NACK, frame[2], status=0x58))
        return True

    _, stand = await peer(nack)
    rig = await bound(stand)
    await rig.channel.send([one()], rig.book)
    await until(lambda: bool(rig.book.outcomes))
    Is(Rejected, "throttled", code="0x00000058").check(rig.book.one(1), "nack")


async def test_bind_refused_by_generic_nack_or_without_a_word(peer: Peer) -> None:
    async def refuse(raw: RawSmsc, frame: Frame, writer: asyncio.StreamWriter) -> bool:
        if frame[0] in BINDS and raw.connections == 1:
            writer.write(encode(Command.GENERIC_NACK, frame[2], status=3))
        elif frame[0] in BINDS and raw.connections == 2:
            writer.close()
        else:
            return False
        return True

    raw, stand = await peer(refuse)
    await bound(stand)
    assert raw.connections == 3


async def test_peer_unbinds_with_answers_under_way(peer: Peer) -> None:
    async def unbind_first(raw: RawSmsc, frame: Frame, writer: asyncio.StreamWriter) -> bool:
        if frame[0] == Command.SUBMIT_SM and raw.connections == 1:
            writer.write(encode(Command.UNBIND, 900))
            await asyncio.sleep(0.05)
            writer.write(encode(Command.SUBMIT_SM_RESP, frame[2], b"late\0"))
            return True
        return False

    raw, stand = await peer(unbind_first)
    rig = await bound(stand)
    await rig.channel.send([one()], rig.book)
    await until(lambda: bool(rig.book.outcomes))
    assert rig.book.one(1) == Accepted(("late",))
    assert (Command.UNBIND_RESP, 0, 900) in [frame[:3] for frame in raw.heard]
    await until(lambda: raw.connections == 2, what="a new bind after the old link was closed")


async def test_half_a_pdu_ends_the_link(peer: Peer) -> None:
    raw, stand = await peer()
    await bound(stand)
    raw.writers[-1].write(encode(Command.ENQUIRE_LINK, 5)[:11])
    await until(lambda: raw.connections == 2)


@pytest.mark.parametrize("length", [0, 15, 70_001, 0xFFFFFFFF])
async def test_impossible_length_gets_generic_nack_and_a_new_link(peer: Peer, length: int) -> None:
    raw, stand = await peer()
    await bound(stand)
    raw.writers[-1].write(length.to_bytes(4, "big") + b"\0" * 12)
    await until(lambda: raw.connections == 2)
    assert (Command.GENERIC_NACK, 2, 0) in [frame[:3] for frame in raw.heard]


async def test_answer_after_the_response_timer_is_no_second_report(peer: Peer) -> None:
    async def late(_: RawSmsc, frame: Frame, writer: asyncio.StreamWriter) -> bool:
        if frame[0] != Command.SUBMIT_SM:
            return False
        asyncio.get_running_loop().call_later(0.8, writer.write, encode(Command.SUBMIT_SM_RESP, frame[2], b"7\0"))
        return True

    _, stand = await peer(late)
    rig = await bound(stand)
    await rig.channel.send([one()], rig.book)
    await until(lambda: bool(rig.book.outcomes))
    assert rig.book.one(1) == Unknown("timeout", ("",))
    await asyncio.sleep(0.5)
    assert len(rig.book.outcomes[1]) == 1
    assert rig.channel.figures()["strays"] == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("command", "body", "status"),
    [
        (Command.DELIVER_SM, b"", 0x65),
        (Command.DELIVER_SM, b"\0\1\1" + b"8" * 300, 0x65),
        (Command.DELIVER_SM, b"\0\1\x01849\0\0\x008099\0\0\0\0\0\0\0\0\0\0\xc8hi", 0x65),  # sm_length 200, two octets
        (Command.DATA_SM, b"\0", 0x65),
        (Command.DELIVER_SM, b"\0\1\x01849\0\0\x008099\0\x04\0\0\0\0\0\0\0\0\x07nothing", 0),  # a receipt about nothing
    ],
)
async def test_deliveries_that_cannot_be_read_are_refused_for_good(
    peer: Peer, command: int, body: bytes, status: int
) -> None:
    raw, stand = await peer()
    rig = await bound(stand)
    raw.say(command, 50, body)
    await until(lambda: any(frame[2] == 50 for frame in raw.heard))
    answer = next(frame for frame in raw.heard if frame[2] == 50)
    assert answer == (command | 0x80000000, status, 50, b"\0")
    assert not rig.sink.all_incoming
    raw.say(Command.ENQUIRE_LINK, 51)
    await until(lambda: any(frame[2] == 51 for frame in raw.heard), what="the session goes on")


async def test_receipts_of_one_read_are_one_batch_and_answered_in_order(peer: Peer) -> None:
    raw, stand = await peer()
    sink = RecordingSink(delay=0.05)
    await bound(stand, sink=sink)
    text = b"id:%d sub:001 dlvrd:001 submit date:2611220101 done date:2611220102 stat:DELIVRD err:000 text:x"
    pdus = b""
    for n in range(100, 200):
        receipt = text % n
        body = b"\0\1\x0184900001234\0\5\0PCTT\0\x04\0\0\0\0\0\0\0\0" + bytes((len(receipt),)) + receipt
        pdus += encode(Command.DELIVER_SM, n, body)
    raw.writers[-1].write(pdus)
    await until(lambda: raw.commands().count(Command.DELIVER_SM_RESP) == 100)
    assert sink.batches == [100]
    assert [frame[2] for frame in raw.heard if frame[0] == Command.DELIVER_SM_RESP] == list(range(100, 200))
    assert [receipt.keys[0] for receipt in sink.all_receipts] == [str(n) for n in range(100, 200)]
    assert {receipt.to for receipt in sink.all_receipts} == {PHONE}


async def test_ledger_that_cannot_write_makes_the_carrier_keep_it(peer: Peer) -> None:
    raw, stand = await peer()
    sink = RecordingSink(refuse=1)
    await bound(stand, sink=sink)
    raw.say(Command.DELIVER_SM, 60, b"\0\1\x0184900001234\0\0\x008099\0\0\0\0\0\0\0\0\0\0\x02hi")
    await until(lambda: any(frame[2] == 60 for frame in raw.heard))
    assert next(frame for frame in raw.heard if frame[2] == 60)[1] == 0x64
    raw.say(Command.DELIVER_SM, 61, b"\0\1\x0184900001234\0\0\x008099\0\0\0\0\0\0\0\0\0\0\x02hi")
    await until(lambda: any(frame[2] == 61 for frame in raw.heard))
    assert next(frame for frame in raw.heard if frame[2] == 61)[1] == 0
    assert len(sink.inbox) == 1


async def test_peer_that_answers_more_than_asked(peer: Peer) -> None:
    async def chatty(_: RawSmsc, frame: Frame, writer: asyncio.StreamWriter) -> bool:
        if frame[0] == Command.SUBMIT_SM:
            for sequence in (0, frame[2], frame[2], 0x7FFFFFFF, 0x80000001):
                writer.write(encode(Command.SUBMIT_SM_RESP, sequence, b"9\0"))
            writer.write(encode(Command.UNBIND_RESP, frame[2]) + encode(Command.BIND_RECEIVER_RESP, 3, status=0x0E))
            return True
        return False

    _, stand = await peer(chatty)
    rig = await bound(stand)
    await rig.channel.send(some(3), rig.book)
    await until(lambda: len(rig.book.outcomes) == 3)
    assert [rig.book.one(n) for n in (1, 2, 3)] == [Accepted(("9",))] * 3


async def test_accepted_without_an_id(peer: Peer) -> None:
    async def idless(_: RawSmsc, frame: Frame, writer: asyncio.StreamWriter) -> bool:
        if frame[0] == Command.SUBMIT_SM:
            writer.write(encode(Command.SUBMIT_SM_RESP, frame[2]))
            return True
        return False

    _, stand = await peer(idless)
    rig = await bound(stand)
    await rig.channel.send([one()], rig.book)
    await until(lambda: bool(rig.book.outcomes))
    assert rig.book.one(1) == Accepted(("",))


async def test_retries_of_one_message_end(peer: Peer) -> None:
    """0x45 is tried once more, then the message must go another way."""

    async def fail(_: RawSmsc, frame: Frame, writer: asyncio.StreamWriter) -> bool:
        if frame[0] == Command.SUBMIT_SM:
            writer.write(encode(Command.SUBMIT_SM_RESP, frame[2], status=0x45))
            return True
        return False

    _, stand = await peer(fail)
    rig = await bound(stand)
    classes = []
    for _ in range(3):
        rig.book.outcomes.clear()
        await rig.channel.send([one()], rig.book)
        await until(lambda: bool(rig.book.outcomes))
        outcome = rig.book.one(1)
        assert isinstance(outcome, Rejected)
        classes.append(outcome.cls)
    assert classes == [RejectClass.RETRY_LATER, RejectClass.RECIPIENT, RejectClass.RETRY_LATER]


async def test_against_the_server_of_smpp34() -> None:
    """An SMSC that shares no line with our code: text out, receipt and a person's words back, polite end."""
    smpp34 = pytest.importorskip("smpp34")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = smpp34.Server("127.0.0.1", port)
    await server.start()
    stand = Stand(SimpleNamespace(port=port))
    try:
        rig = await stand.open(timers=PATIENT)
        session = await asyncio.wait_for(server.next(), 5)
        sending = asyncio.create_task(rig.channel.send(some(20), rig.book))
        for _ in range(20):  # it hands them over in no order
            event = await asyncio.wait_for(server.next(), 5)
            assert (event.source_addr, event.destination_addr) == ("PCTT", PHONE)
            event.accept("id" + event.short_message.decode().removeprefix("canh bao "))
        await asyncio.wait_for(sending, EVENTUALLY)
        await until(lambda: len(rig.book.outcomes) == 20)
        assert rig.book.one(20) == Accepted(("id20",))
        receipt = b"id:id20 sub:001 dlvrd:001 submit date:2611220101 done date:2611220102 stat:DELIVRD err:000 text:"
        assert (await session.deliver_sm("PCTT", receipt, source_addr=PHONE, esm_class=4)).is_success
        assert (await session.deliver_sm("8099", b"so tan o dau", source_addr=PHONE)).is_success
        assert [receipt.keys[0] for receipt in rig.sink.all_receipts] == ["id20"]
        assert [event.text for event in rig.sink.all_incoming] == ["so tan o dau"]
    finally:
        await stand.close()
        await server.stop()
