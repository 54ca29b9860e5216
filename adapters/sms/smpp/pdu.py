"""SMPP 3.4 PDUs as bytes and back. Pure; strings are Latin-1 so that no octet of a peer is ever lost."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from adapters.sms.smpp import tlv
from adapters.sms.smpp.limits import SHORT_MESSAGE_OCTETS

HEADER: Final = struct.Struct(">IIII")
"""command_length, command_id, command_status, sequence_number (SMPP 3.4 3.2)."""
RESPONSE: Final = 0x80000000
"""A response's command_id is the request's with this bit."""
INTERFACE_VERSION: Final = 0x34
EMPTY_MESSAGE_ID: Final = b"\0"
"""Body of deliver_sm_resp: its message_id is unused (SMPP 3.4 4.6.2)."""


class Command(IntEnum):
    """SMPP 3.4 5.1.2.1."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    QUERY_SM = 0x03
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    OUTBIND = 0x0B
    ENQUIRE_LINK = 0x15
    ALERT_NOTIFICATION = 0x102
    DATA_SM = 0x103
    GENERIC_NACK = 0x80000000
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER_RESP = 0x80000002
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM_RESP = 0x80000005
    UNBIND_RESP = 0x80000006
    BIND_TRANSCEIVER_RESP = 0x80000009
    ENQUIRE_LINK_RESP = 0x80000015
    DATA_SM_RESP = 0x80000103


class MalformedPdu(ValueError):
    """A body that ends before its fields do, or a field longer than it may be."""


@dataclass(frozen=True, slots=True)
class Bind:
    system_id: str
    password: str
    system_type: str = ""
    interface_version: int = INTERFACE_VERSION
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


@dataclass(slots=True)
class Message:
    """The body that submit_sm and deliver_sm share (SMPP 3.4 4.4.1, 4.6.1)."""

    source: str = ""
    destination: str = ""
    short_message: bytes = b""
    service_type: str = ""
    source_ton: int = 0
    source_npi: int = 0
    dest_ton: int = 0
    dest_npi: int = 0
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    tlvs: tlv.Tlvs = field(default_factory=dict)

    def payload(self) -> bytes:
        """The text as carried: message_payload if present, else short_message."""
        return self.tlvs.get(tlv.Tag.MESSAGE_PAYLOAD) or self.short_message


def encode(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """A whole PDU."""
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def bind_body(bind: Bind) -> bytes:
    numbers = bytes((bind.interface_version, bind.addr_ton, bind.addr_npi))
    names = _cstring(bind.system_id) + _cstring(bind.password) + _cstring(bind.system_type)
    return names + numbers + _cstring(bind.address_range)


def bind_resp_body(system_id: str, version: int | None = INTERFACE_VERSION) -> bytes:
    more = b"" if version is None else tlv.encode(tlv.Tag.SC_INTERFACE_VERSION, bytes((version,)))
    return _cstring(system_id) + more


def message_id_body(message_id: str, tlvs: tlv.Tlvs | None = None) -> bytes:
    """Body of submit_sm_resp, deliver_sm_resp and data_sm_resp."""
    return _cstring(message_id) + (tlv.encode_all(tlvs) if tlvs else b"")


def message_body(message: Message) -> bytes:
    """Body of submit_sm or deliver_sm. Raises `MalformedPdu` for a short_message above 254 octets."""
    if len(message.short_message) > SHORT_MESSAGE_OCTETS:
        raise MalformedPdu("short_message holds 254 octets at most; use message_payload")
    return b"".join(
        (
            _cstring(message.service_type),
            bytes((message.source_ton, message.source_npi)),
            _cstring(message.source),
            bytes((message.dest_ton, message.dest_npi)),
            _cstring(message.destination),
            bytes((message.esm_class, message.protocol_id, message.priority_flag)),
            _cstring(message.schedule_delivery_time),
            _cstring(message.validity_period),
            bytes((message.registered_delivery, message.replace_if_present, message.data_coding)),
            bytes((message.sm_default_msg_id, len(message.short_message))),
            message.short_message,
            tlv.encode_all(message.tlvs),
        )
    )


def data_body(message: Message) -> bytes:
    """Body of data_sm (SMPP 3.4 4.7.1): the text travels in message_payload."""
    return b"".join(
        (
            _cstring(message.service_type),
            bytes((message.source_ton, message.source_npi)),
            _cstring(message.source),
            bytes((message.dest_ton, message.dest_npi)),
            _cstring(message.destination),
            bytes((message.esm_class, message.registered_delivery, message.data_coding)),
            tlv.encode_all(message.tlvs),
        )
    )


def decode_bind(body: bytes) -> Bind:
    reader = _Reader(body)
    system_id, password, system_type = reader.cstring(), reader.cstring(), reader.cstring()
    return Bind(system_id, password, system_type, reader.octet(), reader.octet(), reader.octet(), reader.cstring())


def decode_message(body: bytes) -> Message:
    """Raises `MalformedPdu`; lengths of strings are not policed, carriers stretch them."""
    r = _Reader(body)
    service_type, source_ton, source_npi, source = r.cstring(), r.octet(), r.octet(), r.cstring()
    dest_ton, dest_npi, destination = r.octet(), r.octet(), r.cstring()
    esm_class, protocol_id, priority_flag = r.octet(), r.octet(), r.octet()
    schedule, validity = r.cstring(), r.cstring()
    registered, replace, data_coding, default_id = r.octet(), r.octet(), r.octet(), r.octet()
    short_message = r.take(r.octet())
    return Message(
        source, destination, short_message, service_type, source_ton, source_npi, dest_ton, dest_npi, esm_class,
        protocol_id, priority_flag, schedule, validity, registered, replace, data_coding, default_id,
        tlv.decode(body, r.at),
    )  # fmt: skip


def decode_data(body: bytes) -> Message:
    """A data_sm as the message that it carries. Raises `MalformedPdu`."""
    r = _Reader(body)
    service_type, source_ton, source_npi, source = r.cstring(), r.octet(), r.octet(), r.cstring()
    dest_ton, dest_npi, destination = r.octet(), r.octet(), r.cstring()
    esm_class, registered, data_coding = r.octet(), r.octet(), r.octet()
    return Message(
        source, destination, b"", service_type, source_ton, source_npi, dest_ton, dest_npi, esm_class,
        registered_delivery=registered, data_coding=data_coding, tlvs=tlv.decode(body, r.at),
    )  # fmt: skip


def decode_message_id(body: bytes) -> tuple[str, dict[int, bytes]]:
    """message_id and TLVs of a response; error responses may have no body at all (SMPP 3.4 4.4.2)."""
    message_id, _, rest = body.partition(b"\0")
    return message_id.decode("latin-1"), tlv.decode(rest)


def _cstring(value: str) -> bytes:
    data = value.encode("latin-1")
    if b"\0" in data:
        raise MalformedPdu("a C-octet string holds no NUL")
    return data + b"\0"


class _Reader:
    """A cursor over a body."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def cstring(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise MalformedPdu("a string does not end")
        value = self.data[self.at : end].decode("latin-1")
        self.at = end + 1
        return value

    def octet(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        value = self.data[self.at : self.at + count]
        if len(value) < count:
            raise MalformedPdu("the body ends early")
        self.at += count
        return value
