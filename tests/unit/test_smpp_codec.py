"""SMPP PDUs: tables of octets, round trips, and agreement with an independent codec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sms.smpp import tlv
from adapters.sms.smpp.pdu import (
    Bind,
    Command,
    MalformedPdu,
    Message,
    bind_body,
    bind_resp_body,
    data_body,
    decode_bind,
    decode_data,
    decode_message,
    decode_message_id,
    encode,
    message_body,
    message_id_body,
)
from adapters.sms.smpp.tlv import Tag

octet = st.integers(0, 255)
address = st.text("0123456789", max_size=20)
name = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=5)
tlvs = st.dictionaries(st.integers(1, 0xFFFF), st.binary(max_size=40), max_size=4)  # any tag, vendor ones included
messages = st.builds(
    Message, source=address, destination=address, short_message=st.binary(max_size=254), service_type=name,
    source_ton=octet, source_npi=octet, dest_ton=octet, dest_npi=octet, esm_class=octet, protocol_id=octet,
    priority_flag=octet, schedule_delivery_time=st.just(""), validity_period=st.sampled_from(["", "000000060000000R"]),
    registered_delivery=octet, replace_if_present=octet, data_coding=octet, sm_default_msg_id=octet, tlvs=tlvs,
)  # fmt: skip


@pytest.mark.parametrize(
    ("pdu", "hexadecimal"),
    [
        (encode(Command.ENQUIRE_LINK, 1), "00000010 00000015 00000000 00000001"),
        (encode(Command.UNBIND_RESP, 0x7FFFFFFF), "00000010 80000006 00000000 7fffffff"),
        (encode(Command.GENERIC_NACK, 0, status=2), "00000010 80000000 00000002 00000000"),
        (encode(Command.DELIVER_SM_RESP, 9, b"\0", 0x64), "00000011 80000005 00000064 00000009 00"),
        (
            encode(Command.BIND_TRANSCEIVER, 1, bind_body(Bind("loa", "secret", "VMA"))),
            "00000023 00000009 00000000 00000001 6c6f6100 73656372657400 564d4100 34 00 00 00",
        ),
        (
            encode(Command.BIND_TRANSCEIVER_RESP, 1, bind_resp_body("SMSC")),
            "0000001a 80000009 00000000 00000001 534d534300 0210 0001 34",
        ),
        (
            encode(Command.SUBMIT_SM_RESP, 5, message_id_body("a1b2", {Tag.CONGESTION_STATE: b"\x5b"})),
            "0000001a 80000004 00000000 00000005 6131623200 0428 0001 5b",
        ),
    ],
)
def test_octets(pdu: bytes, hexadecimal: str) -> None:
    assert pdu == bytes.fromhex(hexadecimal)


def test_submit_sm_octets() -> None:
    message = Message(
        "PCTT", "84900001234", b"hi", source_ton=5, dest_ton=1, dest_npi=1, registered_delivery=1,
        validity_period="000000060000000R",
    )  # fmt: skip
    expected = (
        "00 0500 5043545400 0101 383439303030303132333400 000000 00 30303030303036303030303030305200"
        .replace("30303030303036303030303030305200", b"000000060000000R\0".hex())
        + " 01 00 00 00 02 6869"
    )  # fmt: skip
    assert message_body(message) == bytes.fromhex(expected)


@given(messages)
def test_message_round_trip(message: Message) -> None:
    assert decode_message(message_body(message)) == message


@given(messages)
def test_data_sm_round_trip(message: Message) -> None:
    back = decode_data(data_body(message))
    assert (back.source, back.destination, back.esm_class) == (message.source, message.destination, message.esm_class)
    assert (back.registered_delivery, back.data_coding, back.tlvs) == (
        message.registered_delivery, message.data_coding, message.tlvs,
    )  # fmt: skip


@given(st.builds(Bind, system_id=name, password=name, system_type=name, addr_ton=octet, address_range=name))
def test_bind_round_trip(bind: Bind) -> None:
    assert decode_bind(bind_body(bind)) == bind


@given(messages, st.integers(0, 400))
def test_a_cut_body_is_malformed_or_loses_tlvs_only(message: Message, keep: int) -> None:
    body = message_body(message)
    try:
        back = decode_message(body[:keep])
    except MalformedPdu:
        return
    assert back.short_message == message.short_message
    assert back.tlvs.items() <= message.tlvs.items()


@given(st.binary(max_size=300))
def test_no_body_can_crash_the_decoders(body: bytes) -> None:
    for decode in (decode_message, decode_data, decode_bind):
        try:
            decode(body)
        except MalformedPdu:
            continue
    decode_message_id(body)


def test_short_message_of_255_octets_is_refused() -> None:
    assert len(message_body(Message(short_message=b"x" * 254))) == 16 + 254 + 1
    with pytest.raises(MalformedPdu):
        message_body(Message(short_message=b"x" * 255))


def test_strings_hold_no_nul() -> None:
    with pytest.raises(MalformedPdu):
        bind_body(Bind("lo\0a", "x"))


def test_payload_is_the_tlv_where_there_is_one() -> None:
    assert Message(short_message=b"a", tlvs={Tag.MESSAGE_PAYLOAD: b"b"}).payload() == b"b"
    assert Message(short_message=b"a").payload() == b"a"


class TestTlv:
    def test_first_of_two_counts(self) -> None:
        assert tlv.decode(tlv.encode(1, b"a") + tlv.encode(1, b"b")) == {1: b"a"}

    def test_cut_off_tail_is_left_out(self) -> None:
        assert tlv.decode(tlv.encode(1, b"a") + b"\x04\x27\x00\x05\x01") == {1: b"a"}
        assert tlv.decode(b"\x04\x27\x00") == {}

    def test_numbers_and_texts(self) -> None:
        values = {1: b"\x01\x02", 2: b"abc\0", 3: b"abc", 4: b""}
        assert [tlv.number(values, tag) for tag in (1, 4, 9)] == [258, None, None]
        assert [tlv.text(values, tag) for tag in (2, 3, 4, 9)] == ["abc", "abc", "", ""]


class TestAgainstSmpp34:
    """The Rust codec `smpp34` shares no line with ours."""

    @given(messages, st.integers(1, 0x7FFFFFFF), st.sampled_from(["SubmitSm", "DeliverSm"]))
    def test_same_octets_and_same_fields(self, message: Message, sequence: int, kind: str) -> None:
        smpp34 = pytest.importorskip("smpp34")
        theirs = getattr(smpp34, kind)(
            message.source, message.destination, message.short_message, service_type=message.service_type,
            source_addr_ton=message.source_ton, source_addr_npi=message.source_npi, dest_addr_ton=message.dest_ton,
            dest_addr_npi=message.dest_npi, esm_class=message.esm_class, protocol_id=message.protocol_id,
            priority_flag=message.priority_flag, schedule_delivery_time=message.schedule_delivery_time,
            validity_period=message.validity_period, registered_delivery=message.registered_delivery,
            replace_if_present_flag=message.replace_if_present, data_coding=message.data_coding,
            sm_default_msg_id=message.sm_default_msg_id,
            tlvs=[smpp34.Tlv(tag, value) for tag, value in message.tlvs.items()], sequence_number=sequence,
        )  # fmt: skip
        command = Command.SUBMIT_SM if kind == "SubmitSm" else Command.DELIVER_SM
        ours = encode(command, sequence, message_body(message))
        assert theirs.encode() == ours
        back = smpp34.decode(ours)
        assert (back.source_addr, back.destination_addr) == (message.source, message.destination)
        assert (back.short_message, back.esm_class) == (message.short_message, message.esm_class)
        assert {found.tag: found.value for found in back.tlvs} == message.tlvs
        assert decode_message(theirs.encode()[16:]) == message

    @given(st.sampled_from(list(Command)), st.integers(1, 0x7FFFFFFF), st.integers(0, 0xFFFFFFFF))
    def test_headers(self, command: Command, sequence: int, status: int) -> None:
        smpp34 = pytest.importorskip("smpp34")
        if command in (Command.SUBMIT_SM, Command.DELIVER_SM):
            return
        back = smpp34.decode(encode(command, sequence, b"", status))
        assert (back.command_id, back.command_status, back.sequence_number) == (command, status, sequence)
