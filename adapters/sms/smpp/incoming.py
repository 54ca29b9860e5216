"""What a person wrote (MO): text and place in a long message out of a deliver_sm or data_sm.

SMPP 3.4 5.2.19 (data_coding), 3GPP TS 23.038 4 (its coding groups), 3GPP TS 23.040 9.2.3.24 (user data header).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from adapters.sms.smpp import tlv
from adapters.sms.smpp.parts import UDH_INDICATOR
from adapters.sms.smpp.pdu import Message
from adapters.sms.smpp.tlv import Tag
from text import gsm
from text.numbers import msisdn

_IE_CONCAT_8: Final = 0x00
_IE_CONCAT_16: Final = 0x08
_BINARY: Final = frozenset({2, 4})
_LATIN: Final = frozenset({1, 3})
_UCS2: Final = 8
_FINGERPRINT_OCTETS: Final = 12
"""96 bits: two different messages of a few days do not meet by chance."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part belongs. `width` is the reference's bits, 0 for SAR parameters (SMPP 3.4 5.3.2.22)."""

    ref: int
    total: int
    seq: int
    width: int


@dataclass(frozen=True, slots=True)
class Mo:
    """`octets` without header; `fingerprint` is the same when the SMSC sends the same message again."""

    source: str
    destination: str
    octets: bytes
    coding: int
    place: Place | None
    fingerprint: str
    raw: bytes

    @property
    def sender(self) -> str:
        return address(self.source)


def address(raw: str) -> str:
    """`84…` for a Vietnamese mobile in any form; short codes and names as they are."""
    if raw.startswith("84") and raw.isdigit():
        return raw
    number = msisdn(raw) if raw.lstrip("+").isdigit() else None
    return raw if number is None else str(number)


def read(message: Message) -> Mo:
    payload = message.payload()
    octets, place = payload, None
    if message.esm_class & UDH_INDICATOR:
        octets, place = without_header(payload)
    if place is None:
        place = _sar(message.tlvs)
    # The SMSC's own ids, where it gives them, tell two equal texts apart.
    ids = b"|".join(message.tlvs.get(tag, b"") for tag in (Tag.RECEIPTED_MESSAGE_ID, Tag.USER_MESSAGE_REFERENCE))
    sar = b"" if place is None else bytes((place.total & 0xFF, place.seq & 0xFF)) + place.ref.to_bytes(2, "big")
    seed = b"\0".join((message.source.encode(), message.destination.encode(), sar, ids, payload))
    fingerprint = hashlib.blake2b(seed, digest_size=_FINGERPRINT_OCTETS).hexdigest()
    return Mo(message.source, message.destination, octets, message.data_coding, place, fingerprint, payload)


def text_of(octets: bytes, coding: int) -> str:
    """Never raises. Octets that GSM 03.38 cannot mean are read as Latin-1, as many SMSCs send it as "default"."""
    alphabet = _alphabet(coding)
    if alphabet == "utf-16-be":
        whole = octets[: len(octets) & ~1]
        return whole.decode("utf-16-be", "replace").removeprefix("\ufeff")
    if alphabet == "gsm" and (not octets or max(octets) < 0x80):
        return gsm.decode(octets)
    return octets.decode("latin-1")


def is_binary(coding: int) -> bool:
    return coding in _BINARY


def _alphabet(coding: int) -> str:
    if coding == _UCS2:
        return "utf-16-be"
    if coding in _LATIN or coding in _BINARY:
        return "latin-1"
    group = coding & 0xF0
    if group == 0x10:  # TS 23.038 4, general data coding with message class
        return ("gsm", "latin-1", "utf-16-be", "gsm")[coding >> 2 & 3]
    if group == 0xF0:
        return "latin-1" if coding & 0x04 else "gsm"
    return "gsm"


def without_header(payload: bytes) -> tuple[bytes, Place | None]:
    """The text behind the header. A header longer than the message is none: the text is shown as it came."""
    end = 1 + payload[0] if payload else 1
    if end > len(payload):
        return payload, None
    at, place = 1, None
    while at + 2 <= end:
        element, length = payload[at], payload[at + 1]
        value = payload[at + 2 : at + 2 + length]
        at += 2 + length
        if at > end:
            break
        if element == _IE_CONCAT_8 and length == 3:
            place = _place(value[0], value[1], value[2], 8)
        elif element == _IE_CONCAT_16 and length == 4:
            place = _place(int.from_bytes(value[:2], "big"), value[2], value[3], 16)
    return payload[end:], place


def _sar(tlvs: tlv.Tlvs) -> Place | None:
    ref = tlv.number(tlvs, Tag.SAR_MSG_REF_NUM)
    total = tlv.number(tlvs, Tag.SAR_TOTAL_SEGMENTS)
    seq = tlv.number(tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if ref is None or total is None or seq is None:
        return None
    return _place(ref & 0xFFFF, total, seq, 0)


def _place(ref: int, total: int, seq: int, width: int) -> Place | None:
    """None for a message of one part, and for numbers that make no sense: the text then stands alone."""
    return Place(ref, total, seq, width) if 2 <= total <= 255 and 1 <= seq <= total else None
