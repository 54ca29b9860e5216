"""Delivery receipts: from a deliver_sm or data_sm to what it says (SMPP 3.4 5.2.12, 5.2.28, Appendix B).

The text of Appendix B is a habit, not a rule: carriers drop fields, add others and change case. So each field is found
on its own; TLVs win over the text. The receipt's id is matched elsewhere (`receipt_ids`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from adapters.contract import ReceiptState
from adapters.sms.smpp import tlv
from adapters.sms.smpp.pdu import Message
from adapters.sms.smpp.tlv import Tag

RECEIPT_BITS: Final = 0x3C
"""Message type bits of esm_class (SMPP 3.4 5.2.12)."""
DELIVERY_RECEIPT: Final = 0x04
INTERMEDIATE: Final = 0x20
UCS2: Final = 8

STATES: Final = {
    "SCHEDULED": ReceiptState.PENDING,
    "ENROUTE": ReceiptState.PENDING,
    "DELIVRD": ReceiptState.DELIVERED,
    "EXPIRED": ReceiptState.EXPIRED,
    "DELETED": ReceiptState.FAILED,
    "UNDELIV": ReceiptState.FAILED,
    "ACCEPTD": ReceiptState.PENDING,
    "UNKNOWN": ReceiptState.UNKNOWN,
    "REJECTD": ReceiptState.FAILED,
    "SKIPPED": ReceiptState.FAILED,
    "BUFFRED": ReceiptState.PENDING,
    "FAILED": ReceiptState.FAILED,
    "SENT": ReceiptState.PENDING,
    "DELIVERED": ReceiptState.DELIVERED,
    "UNDELIVERABLE": ReceiptState.FAILED,
    "ACCEPTED": ReceiptState.PENDING,
    "REJECTED": ReceiptState.FAILED,
}
"""By the `stat` word; the long forms and the last three of the short ones are seen in the wild. A word that is not here
changes nothing (`PENDING`) and is kept verbatim."""
MESSAGE_STATES: Final = {
    0: "SCHEDULED",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
    9: "SKIPPED",
}
"""message_state (SMPP 3.4 5.2.28, SMPP 5.0 4.7.15) → the word of Appendix B."""

_ID: Final = re.compile(r"\bid:\s*([^\s:]+)(?![^\s:]*:)", re.IGNORECASE)
_STAT: Final = re.compile(r"\bstat:\s*([A-Za-z]+)(?![A-Za-z]*:)", re.IGNORECASE)
_ERR: Final = re.compile(r"\berr:\s*([0-9A-Za-z_.\-]+)(?![0-9A-Za-z_.\-]*:)", re.IGNORECASE)
"""A blank may follow the colon; where the field is empty, the next field's name is not its value."""
_DONE: Final = re.compile(r"\bdone[ _]?date:\s*(\d{10}(?:\d\d)?)\b", re.IGNORECASE)
_TEXT_FIELD: Final = re.compile(r"\btext:", re.IGNORECASE)

_FAST: Final = re.compile(
    rb"[^\0]{0,5}\0..([^\0]{0,20})\0..[^\0]{0,20}\0[\x04-\x07]..[^\0]{0,16}\0[^\0]{0,16}\0..[\x00\x01\x03].(.)"
    rb"(id:([0-9A-Za-z\-]+) sub:\d* dlvrd:\d* submit date:\d* done date:(\d{10}(?:\d\d)?|) "
    rb"stat:([A-Z]+) err:([0-9A-Za-z]+(?= |\Z)|(?= text:|\Z)))",
    re.DOTALL,
)
"""A whole deliver_sm body that holds the customary receipt and nothing unusual: one match instead of forty steps."""


class Said(NamedTuple):
    """What a receipt says. `id` and `code` as the carrier wrote them; `done` is its `YYMMDDhhmm[ss]`, "" if none."""

    id: str
    state: ReceiptState
    code: str
    done: str
    source: str
    """The receipt's source address: the number that the message went to."""


def fast(body: bytes) -> Said | None:
    """The customary receipt without TLVs, or None: then ask `read`. Both say the same where both speak."""
    found = _FAST.match(body)
    if found is None or found.start(3) + found[2][0] != len(body):
        return None
    source, _, _, message_id, done, stat, err = found.groups()
    state, code = _customary(stat, err)
    return Said(message_id.decode(), state, code, done.decode(), source.decode("latin-1"))


def read(message: Message) -> Said | None:
    """What a deliver_sm or data_sm says as a receipt; None when it is not one but a person's message."""
    tlvs = message.tlvs
    text = _text_of(message)
    fields = _TEXT_FIELD.split(text, maxsplit=1)[0]
    found_id, stat = _ID.search(fields), _STAT.search(fields)
    marked = message.esm_class & RECEIPT_BITS in (DELIVERY_RECEIPT, INTERMEDIATE)
    by_text = found_id is not None and stat is not None and found_id.start() < stat.start()
    if not (marked or Tag.RECEIPTED_MESSAGE_ID in tlvs or by_text):
        return None
    if not marked and not by_text and Tag.MESSAGE_STATE not in tlvs:
        return None  # a person's message to which the SMSC gave its own id
    word = _word(tlvs, stat)
    err = _network_error(tlvs) or _first(_ERR, fields)
    message_id = tlv.text(tlvs, Tag.RECEIPTED_MESSAGE_ID) or (found_id[1] if found_id else "")
    state = _state(word)
    if message.esm_class & RECEIPT_BITS == INTERMEDIATE and state is not ReceiptState.DELIVERED:
        state = ReceiptState.PENDING  # an intermediate notice is never an end (SMPP 3.4 5.2.12)
    return Said(message_id, state, _code(word, err), _first(_DONE, fields), message.source)


def _word(tlvs: tlv.Tlvs, stat: re.Match[str] | None) -> str:
    number = tlv.number(tlvs, Tag.MESSAGE_STATE)
    if number is None:
        return stat[1].upper() if stat else ""
    return MESSAGE_STATES.get(number, f"STATE{number}")


def _network_error(tlvs: tlv.Tlvs) -> str:
    """network_error_code (SMPP 3.4 5.3.2.31) as "type.code", "" when absent or zero."""
    value = tlvs.get(Tag.NETWORK_ERROR_CODE, b"")
    if len(value) != 3 or not any(value[1:]):
        return ""
    return f"{value[0]}.{int.from_bytes(value[1:], 'big')}"


def _text_of(message: Message) -> str:
    payload = message.payload()
    return payload.decode("utf-16-be", "replace") if message.data_coding == UCS2 else payload.decode("latin-1")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


@lru_cache(maxsize=256)
def _customary(stat: bytes, err: bytes) -> tuple[ReceiptState, str]:
    word = stat.decode()
    return _state(word), _code(word, err.decode())


def _state(word: str) -> ReceiptState:
    return STATES.get(word, ReceiptState.PENDING)


def _code(word: str, err: str) -> str:
    """The carrier's word and its error number, verbatim: "UNDELIV/006"."""
    return f"{word}/{err}" if err else word
