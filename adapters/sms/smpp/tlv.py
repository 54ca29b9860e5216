"""Optional parameters (SMPP 3.4 5.3; congestion_state from SMPP 5.0 4.8.4.18)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

_HEAD: Final = struct.Struct(">HH")


class Tag(IntEnum):
    RECEIPTED_MESSAGE_ID = 0x001E
    USER_MESSAGE_REFERENCE = 0x0204
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427
    CONGESTION_STATE = 0x0428


Tlvs = Mapping[int, bytes]
"""Value by tag, as on the wire. A tag that occurs twice keeps its first value."""


def encode(tag: int, value: bytes) -> bytes:
    return _HEAD.pack(tag, len(value)) + value


def encode_all(tlvs: Tlvs) -> bytes:
    return b"".join([encode(tag, value) for tag, value in tlvs.items()])


def decode(data: bytes, start: int = 0) -> dict[int, bytes]:
    """Every whole TLV from `start` on. A cut-off tail is left out: carriers pad, and a receipt is worth reading."""
    found: dict[int, bytes] = {}
    end = len(data)
    while end - start >= _HEAD.size:
        tag, length = _HEAD.unpack_from(data, start)
        start += _HEAD.size + length
        if start > end:
            break
        found.setdefault(tag, data[start - length : start])
    return found


def number(tlvs: Tlvs, tag: int) -> int | None:
    """An integer TLV of any width, None when absent or empty."""
    value = tlvs.get(tag)
    return int.from_bytes(value, "big") if value else None


def text(tlvs: Tlvs, tag: int) -> str:
    """A C-octet string TLV without its NUL (some peers leave it out), "" when absent."""
    return tlvs.get(tag, b"").split(b"\0", 1)[0].decode("latin-1")
