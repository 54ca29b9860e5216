"""A text as the parts in which SMPP carries it: UDH, SAR parameters or one message_payload.

What does not depend on the recipient is built once per text; a submit_sm is then spliced from four pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from adapters.contract import Priority
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp import tlv
from adapters.sms.smpp.limits import PAYLOAD_OCTETS, SHORT_MESSAGE_OCTETS
from adapters.sms.smpp.tlv import Tag
from text import gsm, segments

UDH_INDICATOR: Final = 0x40
"""esm_class bit: the text begins with a user data header (SMPP 3.4 5.2.12)."""
CODING_UCS2: Final = 8
_CODING: Final = {"gsm": 0, "ascii": 1, "latin1": 3, "ucs2": CODING_UCS2}
"""data_coding (SMPP 3.4 5.2.19) of text that fits the GSM alphabet."""
_PRIORITY_FLAGS: Final = {Priority.LIFE: 3, Priority.URGENT: 2}
_UDH_CONCAT_8: Final = b"\x05\x00\x03"
"""Length, element "concatenated, 8-bit reference", its length (3GPP TS 23.040 9.2.3.24.1)."""
_UDH_CONCAT_16: Final = b"\x06\x08\x04"
CACHED_TEXTS: Final = 512
"""Different texts kept ready: bulk sends repeat one text, answers repeat a few hundred."""


class UnsendableText(ValueError):
    """`reason` is one of ours: `empty`, `too_long`, `rejected_content`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces of a submit_sm body: `lead` (from the NUL after the destination to schedule_delivery_time), then
    validity_period, then `before`, the reference number, and `after`."""

    lead: bytes
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """`ref_octets` is 0 where no reference number is needed."""

    parts: tuple[Part, ...]
    ref_octets: int


def splitter(account: SmppAccount) -> Callable[[str, Priority], Parts]:
    """How this account splits a text; remembers the last texts. It raises `UnsendableText`."""

    @lru_cache(maxsize=CACHED_TEXTS)
    def split(text: str, priority: Priority) -> Parts:
        flag = _PRIORITY_FLAGS.get(priority, 0) if account.honours_priority else 0
        return _Builder(account, flag).build(text)

    return split


class _Builder:
    def __init__(self, account: SmppAccount, priority_flag: int) -> None:
        self.account = account
        self.priority_flag = priority_flag

    def build(self, text: str) -> Parts:
        if not text:
            raise UnsendableText("empty")
        account = self.account
        wide = account.split == "udh" and account.udh_ref == 16
        measured = segments.measure(text, wide_ref=wide)
        if len(measured.parts) > account.max_parts:
            raise UnsendableText("too_long")
        coding, encode = self._coding(text)
        if coding == CODING_UCS2 and measured.encoding != "UCS-2":
            pieces = _ucs2_pieces(text, wide)
            if len(pieces) > account.max_parts:
                raise UnsendableText("too_long")
        else:
            pieces = [part.text for part in measured.parts]
        if len(pieces) == 1:
            return Parts((self._whole(coding, encode(text)),), 0)
        if account.split == "payload":
            return Parts((self._payload(coding, encode(text)),), 0)
        build = self._sar if account.split == "sar" else self._udh
        total = len(pieces)
        parts = (build(coding, encode(piece), total, n) for n, piece in enumerate(pieces, start=1))
        return Parts(tuple(parts), 2 if account.split == "sar" or wide else 1)

    def _coding(self, text: str) -> tuple[int, Callable[[str], bytes]]:
        """data_coding and the way to octets. Text outside the carrier's alphabet goes as UCS-2."""
        alphabet = self.account.alphabet
        if alphabet != "ucs2" and gsm.is_gsm(text):
            if alphabet == "gsm":
                return _CODING["gsm"], gsm.encode
            if _encodable(text, alphabet):
                return _CODING[alphabet], lambda piece: piece.encode(alphabet)
        return CODING_UCS2, _utf16

    def _lead(self, esm_class: int) -> bytes:
        return b"\0" + bytes((esm_class, 0, self.priority_flag)) + b"\0"

    def _fixed(self, coding: int, length: int) -> bytes:
        """registered_delivery, replace_if_present, data_coding, sm_default_msg_id, sm_length."""
        return bytes((self.account.registered_delivery, 0, coding, 0, length))

    def _whole(self, coding: int, octets: bytes) -> Part:
        if len(octets) > SHORT_MESSAGE_OCTETS:
            return self._payload(coding, octets)
        return Part(self._lead(0), self._fixed(coding, len(octets)) + octets, b"")

    def _payload(self, coding: int, octets: bytes) -> Part:
        if len(octets) > PAYLOAD_OCTETS:
            raise UnsendableText("too_long")
        return Part(self._lead(0), self._fixed(coding, 0) + tlv.encode(Tag.MESSAGE_PAYLOAD, octets), b"")

    def _udh(self, coding: int, octets: bytes, total: int, n: int) -> Part:
        head = _UDH_CONCAT_16 if self.account.udh_ref == 16 else _UDH_CONCAT_8
        length = head[0] + 1 + len(octets)
        return Part(self._lead(UDH_INDICATOR), self._fixed(coding, length) + head, bytes((total, n)) + octets)

    def _sar(self, coding: int, octets: bytes, total: int, n: int) -> Part:
        head = self._fixed(coding, len(octets)) + octets + tlv.encode(Tag.SAR_MSG_REF_NUM, b"..")[:-2]
        tail = tlv.encode(Tag.SAR_TOTAL_SEGMENTS, bytes((total,))) + tlv.encode(Tag.SAR_SEGMENT_SEQNUM, bytes((n,)))
        return Part(self._lead(0), head, tail)


def _encodable(text: str, alphabet: str) -> bool:
    try:
        text.encode(alphabet)
    except UnicodeEncodeError:
        return False
    return True


def _utf16(text: str) -> bytes:
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError as lone:
        raise UnsendableText("rejected_content") from lone


def _ucs2_pieces(text: str, wide: bool) -> list[str]:
    """Parts of a text that fits GSM-7 and yet travels as UCS-2: all of its characters are one unit."""
    if len(text) <= segments.UCS2_SINGLE:
        return [text]
    size = segments.UCS2_PART_WIDE if wide else segments.UCS2_PART
    return [text[at : at + size] for at in range(0, len(text), size)]
