"""The bytes that a carrier writes: ids, receipts, and people's messages as deliver_sm or data_sm."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from adapters.sms.smpp import tlv
from adapters.sms.smpp.pdu import Command, Message, data_body, message_body
from adapters.sms.smpp.receipts import MESSAGE_STATES
from adapters.sms.smpp.tlv import Tag
from simulators.smsc.faults import Faults
from text import gsm, segments

VIET_NAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")
DEC_DIGITS: Final = 20
HEX_DIGITS: Final = 16
_STYLES: Final[dict[str, Callable[[int], str]]] = {
    "dec": str,
    "hex": lambda n: f"{n:x}",
    "hex_upper": lambda n: f"{n:X}",
    "dec_padded": lambda n: f"{n:0{DEC_DIGITS}d}",
    "hex_padded": lambda n: f"{n:0{HEX_DIGITS}x}",
    "hex_upper_padded": lambda n: f"{n:0{HEX_DIGITS}X}",
}
_STATE_NUMBERS: Final = {word: number for number, word in MESSAGE_STATES.items()}
_QUOTED_OCTETS: Final = 20
"""Of the message in the receipt (SMPP 3.4 Appendix B)."""

Delivery = tuple[int, bytes, bool]
"""command_id, body, and whether a person wrote it."""


def written(delivery: Delivery) -> tuple[int, str, bool]:
    """As a journal keeps it."""
    return int(delivery[0]), delivery[1].decode("latin-1"), delivery[2]


def read(kept: Sequence[Any]) -> Delivery:
    return kept[0], kept[1].encode("latin-1"), kept[2]


def id_style(name: str) -> Callable[[int], str]:
    return _STYLES[name]


class Dates:
    """`YYMMDDhhmm` of Viet Nam, made once a minute."""

    def __init__(self) -> None:
        self._minute = -1
        self._text = b""

    def at(self, epoch: float) -> bytes:
        minute = int(epoch // 60)
        if minute != self._minute:
            self._minute, self._text = minute, datetime.fromtimestamp(epoch, VIET_NAM).strftime("%y%m%d%H%M").encode()
        return self._text


def receipt(
    faults: Faults, receipt_id: str, to: bytes, sender: bytes, stat: str, err: str, octets: bytes, submitted: bytes,
    done: bytes,
) -> Delivery:  # fmt: skip
    """A delivery receipt in the style of the knobs; `to` and `sender` as in the submit_sm that it answers."""
    style = faults.receipt_style
    text = b"id:%s sub:001 dlvrd:%s submit date:%s done date:%s stat:%s err:%s text:%s" % (
        receipt_id.encode(), b"001" if stat == "DELIVRD" else b"000", submitted, done, stat.encode(), err.encode(),
        octets[:_QUOTED_OCTETS].replace(b"\0", b"@"),
    )  # fmt: skip
    if style == "text":
        mark = b"\0" if faults.receipt_unmarked else b"\x20" if stat == "ENROUTE" else b"\x04"
        head = b"\0\1\1" + to + b"\0\5\0" + sender + b"\0" + mark
        return Command.DELIVER_SM, head + b"\0\0\0\0\0\0\0\0" + bytes((len(text),)) + text, False
    tlvs: dict[int, bytes] = {Tag.RECEIPTED_MESSAGE_ID: receipt_id.encode() + b"\0"}
    if stat in _STATE_NUMBERS:  # the words of the wild have no number
        tlvs[Tag.MESSAGE_STATE] = bytes((_STATE_NUMBERS[stat],))
    if err.isdigit() and int(err):
        tlvs[Tag.NETWORK_ERROR_CODE] = b"\x03" + int(err).to_bytes(2, "big")
    message = Message(
        to.decode("latin-1"), sender.decode("latin-1"), text if style == "both" else b"", source_ton=1, source_npi=1,
        dest_ton=5, esm_class=0x04, tlvs=tlvs,
    )  # fmt: skip
    if style == "data_sm":
        return Command.DATA_SM, data_body(message), False
    return Command.DELIVER_SM, message_body(message), False


def person_writes(faults: Faults, source: str, to: str, text: str, ref: int, rng: random.Random) -> list[Delivery]:
    """A person's text as the network hands it on: one deliver_sm, or parts in the order of the knobs."""
    split = faults.mo_split
    measured = segments.measure(text, wide_ref=split == "udh16")
    coding = 8 if measured.encoding == "UCS-2" else 0
    pieces = [_octets(part.text, coding) for part in measured.parts] or [b""]

    def deliver(esm_class: int, short_message: bytes, tlvs: tlv.Tlvs) -> Delivery:
        message = Message(
            source, to, short_message, source_ton=1, source_npi=1, esm_class=esm_class, data_coding=coding, tlvs=tlvs
        )
        return Command.DELIVER_SM, message_body(message), True

    if split == "payload" and len(pieces) > 1:
        return [deliver(0, b"", {Tag.MESSAGE_PAYLOAD: _octets(text, coding)})]
    if len(pieces) == 1:
        return [deliver(0, pieces[0], {})]
    total, parts = len(pieces), []
    for seq, octets in enumerate(pieces, start=1):
        if split == "sar":
            place: dict[int, bytes] = {
                Tag.SAR_MSG_REF_NUM: ref.to_bytes(2, "big"),
                Tag.SAR_TOTAL_SEGMENTS: bytes((total,)),
                Tag.SAR_SEGMENT_SEQNUM: bytes((seq,)),
            }
            parts.append(deliver(0, octets, place))
            continue
        head = b"\x06\x08\x04" + ref.to_bytes(2, "big") if split == "udh16" else b"\x05\x00\x03" + bytes((ref & 0xFF,))
        parts.append(deliver(0x40, head + bytes((total, seq)) + octets, {}))
    if faults.mo_order == "reverse":
        parts.reverse()
    elif faults.mo_order == "shuffle":
        rng.shuffle(parts)
    return parts


def _octets(text: str, coding: int) -> bytes:
    return text.encode("utf-16-be") if coding == 8 else gsm.encode(text)
