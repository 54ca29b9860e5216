"""Receipts: every word and every state, every way to write one, and the fast way against the long one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.contract import ReceiptState
from adapters.sms.smpp.pdu import Message, decode_message, message_body
from adapters.sms.smpp.receipts import fast, read
from adapters.sms.smpp.tlv import Tag

PENDING, DELIVERED, FAILED = ReceiptState.PENDING, ReceiptState.DELIVERED, ReceiptState.FAILED
EXPIRED, UNKNOWN = ReceiptState.EXPIRED, ReceiptState.UNKNOWN

STATES = [
    ("SCHEDULED", 0, PENDING),
    ("ENROUTE", 1, PENDING),
    ("DELIVRD", 2, DELIVERED),
    ("EXPIRED", 3, EXPIRED),
    ("DELETED", 4, FAILED),
    ("UNDELIV", 5, FAILED),
    ("ACCEPTD", 6, PENDING),
    ("UNKNOWN", 7, UNKNOWN),
    ("REJECTD", 8, FAILED),
    ("SKIPPED", 9, FAILED),
    ("BUFFRED", None, PENDING),
    ("FAILED", None, FAILED),
    ("SENT", None, PENDING),
    ("NEWWORD", None, PENDING),
]
TEXT = "id:{id} sub:001 dlvrd:001 submit date:2611220101 done date:2611220102 stat:{stat} err:{err} text:Canh bao lu"


def receipt(text: str = "", esm_class: int = 4, tlvs: dict[int, bytes] | None = None, coding: int = 0) -> Message:
    octets = text.encode("utf-16-be") if coding == 8 else text.encode("latin-1")
    return Message(
        "84900001234", "PCTT", octets, source_ton=1, source_npi=1, dest_ton=5, esm_class=esm_class,
        data_coding=coding, tlvs=tlvs or {},
    )  # fmt: skip


@pytest.mark.parametrize(("stat", "number", "state"), STATES)
def test_each_state_by_word_and_by_number(stat: str, number: int | None, state: ReceiptState) -> None:
    message = receipt(TEXT.format(id="77", stat=stat, err="006"))
    for said in (read(message), fast(message_body(message))):
        assert said is not None
        assert (said.id, said.state, said.code, said.done) == ("77", state, f"{stat}/006", "2611220102")
        assert said.source == "84900001234"
    if number is not None:
        said = read(receipt(tlvs={Tag.RECEIPTED_MESSAGE_ID: b"77\0", Tag.MESSAGE_STATE: bytes((number,))}))
        assert said is not None
        assert (said.id, said.state, said.code) == ("77", state, stat)


def test_unheard_of_state_number_changes_nothing() -> None:
    said = read(receipt(tlvs={Tag.RECEIPTED_MESSAGE_ID: b"77", Tag.MESSAGE_STATE: b"\x63"}))
    assert said is not None
    assert (said.state, said.code) == (PENDING, "STATE99")


@pytest.mark.parametrize(
    ("text", "message_id", "state", "code", "done"),
    [
        ("id:0A1b-2 stat:DELIVRD err:000", "0A1b-2", DELIVERED, "DELIVRD/000", ""),
        ("ID:9 SUB:1 DLVRD:1 SUBMIT DATE:261122010203 DONE DATE:261122010204 STAT:DELIVRD ERR:0 TEXT:",
         "9", DELIVERED, "DELIVRD/0", "261122010204"),
        ("id:9 sub:001 dlvrd:000 submit date:2611220101 done date:2611220101 stat:UNDELIV err:0x45 Text:abc",
         "9", FAILED, "UNDELIV/0x45", "2611220101"),
        ("id:9 stat:UNDELIV err:E-17", "9", FAILED, "UNDELIV/E-17", ""),
        ("id: 9 stat: EXPIRED", "9", EXPIRED, "EXPIRED", ""),
        ("id:9 x:1 stat:delivrd err:000 network:VT", "9", DELIVERED, "DELIVRD/000", ""),
        ("id:9 done date: stat:REJECTD err:", "9", FAILED, "REJECTD", ""),
        ("id:9 sub:001 dlvrd:001 submit_date:2611220101 done_date:2611220102 stat:DELIVRD err:000",
         "9", DELIVERED, "DELIVRD/000", "2611220102"),
        ("id:9 stat:UNDELIV err:001 text:id:8 stat:DELIVRD err:000", "9", FAILED, "UNDELIV/001", ""),
        ("stat:DELIVRD", "", DELIVERED, "DELIVRD", ""),
        ("", "", PENDING, "", ""),
    ],
)  # fmt: skip
def test_tolerant_text(text: str, message_id: str, state: ReceiptState, code: str, done: str) -> None:
    said = read(receipt(text))
    assert said is not None
    assert (said.id, said.state, said.code, said.done) == (message_id, state, code, done)


@pytest.mark.parametrize("esm_class", [0x00, 0x04, 0x44, 0x07])
def test_found_by_its_text_whatever_the_esm_class(esm_class: int) -> None:
    said = read(receipt(TEXT.format(id="77", stat="DELIVRD", err="000"), esm_class))
    assert said is not None
    assert said.state is DELIVERED


def test_receipt_in_ucs2() -> None:
    said = read(receipt(TEXT.format(id="77", stat="UNDELIV", err="001"), coding=8))
    assert said is not None
    assert (said.id, said.state) == ("77", FAILED)


def test_tlvs_win_over_the_text() -> None:
    tlvs: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: b"88\0", Tag.MESSAGE_STATE: b"\x05", Tag.NETWORK_ERROR_CODE: b"\x03\x00\x1b",
    }  # fmt: skip
    said = read(receipt(TEXT.format(id="77", stat="DELIVRD", err="000"), tlvs=tlvs))
    assert said is not None
    assert (said.id, said.state, said.code) == ("88", FAILED, "UNDELIV/3.27")
    assert fast(message_body(receipt(TEXT.format(id="77", stat="DELIVRD", err="000"), tlvs=tlvs))) is None


def test_intermediate_notice_is_never_an_end() -> None:
    said = read(receipt(TEXT.format(id="77", stat="UNDELIV", err="000"), esm_class=0x20))
    assert said is not None
    assert said.state is PENDING


@pytest.mark.parametrize(
    "message",
    [
        receipt("Nuoc len roi, id nha toi o dau", esm_class=0),
        receipt("stat: xa Mau Lam, id: 12", esm_class=0),
        receipt("", esm_class=0),
        receipt("tinh hinh", esm_class=0, tlvs={Tag.RECEIPTED_MESSAGE_ID: b"5\0"}),
        receipt("da nhan", esm_class=0x08),
        receipt("da nhan", esm_class=0x10),
    ],
)
def test_people_are_not_receipts(message: Message) -> None:
    assert read(message) is None
    assert fast(message_body(message)) is None


words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=10)


@given(
    st.text("0123456789abcdefABCDEF-", min_size=1, max_size=20), words, st.text("0123456789abcXYZ", max_size=5),
    st.sampled_from(["", "2611220102", "261122010203", "26112201"]), st.sampled_from([4, 5, 0, 0x20, 0x44]),
    st.binary(max_size=20),
)  # fmt: skip
@example("1", "DELIVRD", "000", "2611220102", 4, b"\x00\x01")
def test_the_fast_way_says_what_the_long_way_says(
    message_id: str, stat: str, err: str, done: str, esm_class: int, quoted: bytes
) -> None:
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2611220101 done date:{done} stat:{stat} err:{err}".encode()
    message = Message("84900001234", "PCTT", text + b" text:" + quoted, esm_class=esm_class)
    quick = fast(message_body(message))
    if quick is not None:
        assert quick == read(message)
    elif done != "26112201" and esm_class in (4, 5):
        raise AssertionError("the customary form must take the fast way")


@given(st.binary(max_size=120))
def test_fuzz_fast(body: bytes) -> None:
    said = fast(body)
    if said is not None:
        assert said == read(decode_message(body))


@given(st.text(max_size=200), st.integers(0, 255), st.dictionaries(st.sampled_from(list(Tag)), st.binary(max_size=8)))
def test_fuzz_read(text: str, esm_class: int, tlvs: dict[int, bytes]) -> None:
    octets = text.encode("utf-8")[:254]
    said = read(Message("84900001234", "PCTT", octets, esm_class=esm_class, tlvs=tlvs))
    if said is not None:
        assert isinstance(said.state, ReceiptState)
