"""Octets that no carrier should send: the readers of PDUs and of receipts never crash, hang or misread.

Hypothesis chooses where to begin; each example is then damaged in many ways, so that a failure still shrinks. CI tries
some ten thousand inputs. `LOA_FUZZ_INPUTS=1000000 pytest tests/unit/test_smpp_fuzz.py` tries a million of each kind.
"""

from __future__ import annotations

import os
import random
import re
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sms.smpp import incoming, receipts, tlv
from adapters.sms.smpp.frames import FrameReader
from adapters.sms.smpp.pdu import (
    Command,
    MalformedPdu,
    Message,
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

INPUTS = int(os.environ.get("LOA_FUZZ_INPUTS", "10000"))
DAMAGES = 200 if INPUTS > 10_000 else 50
"""Inputs that one example makes."""
HARD = settings(
    max_examples=max(1, INPUTS // DAMAGES), database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
TEXT = "id:{} sub:001 dlvrd:001 submit date:2611220100 done date:2611220101 stat:{} err:{} text:Bao so 5"

words = st.sampled_from(
    ["DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "ENROUTE", "ACCEPTD", "UNKNOWN", "BUFFRED", "X", ""]
)
ids = st.one_of(
    st.integers(0, 2**40).map(str), st.integers(0, 2**40).map("{:X}".format), st.text("0aA-:. ", max_size=9)
)
receipt_texts = st.builds(TEXT.format, ids, words, st.text("0123456789abc", max_size=4))
payloads = st.one_of(receipt_texts.map(str.encode), st.binary(max_size=200), st.text(max_size=60).map(str.encode))
tlvs = st.dictionaries(st.sampled_from([int(tag) for tag in Tag] + [0x1400]), st.binary(max_size=12), max_size=4)
messages = st.builds(
    Message, source=st.sampled_from(["84900001234", "", "PCTT"]), destination=st.just("8099"),
    esm_class=st.sampled_from([0, 4, 0x20, 0x40, 0x44, 0xFF]),
    data_coding=st.sampled_from([0, 1, 3, 4, 8, 0x18, 0xF5, 0xFF]),
    short_message=payloads, tlvs=tlvs,
)  # fmt: skip
seeds = st.integers(0, 2**32)


def damaged(rng: random.Random, octets: bytes) -> bytes:
    """One to three wounds: an octet changed, lost, doubled or put in, an end cut off, a piece repeated."""
    data = bytearray(octets)
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(data)) if data else 0
        wound = rng.randrange(6)
        if wound == 0 and data:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif wound == 1:
            del data[at : at + rng.randint(1, 4)]
        elif wound == 2:
            data[at:at] = rng.randbytes(rng.randint(1, 4))
        elif wound == 3:
            del data[at:]
        elif wound == 4:
            data[at:at] = data[at : at + 20]
        elif data:
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


@HARD
@given(st.lists(st.tuples(st.sampled_from(list(Command)), messages), min_size=1, max_size=4), seeds)
def test_a_stream_reads_the_same_however_it_is_cut(pdus: list[tuple[Command, Message]], seed: int) -> None:
    rng = random.Random(seed)
    whole = b"".join(encode(command, n + 1, message_body(message)) for n, (command, message) in enumerate(pdus))
    for _ in range(DAMAGES):
        stream = damaged(rng, whole)
        at_once, in_pieces = FrameReader(), FrameReader()
        frames, pieces, at = at_once.feed(stream), [], 0
        while at < len(stream):
            step = rng.choice((1, 3, 16, 17, 200))
            pieces += in_pieces.feed(stream[at : at + step])
            at += step
        assert pieces == frames
        assert in_pieces.broken == at_once.broken
        assert sum(len(body) + 16 for *_, body in frames) <= len(stream)
        if stream == whole:
            assert [body for *_, body in frames] == [message_body(message) for _, message in pdus]


@HARD
@given(messages, seeds)
def test_a_damaged_delivery_is_read_or_refused(message: Message, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(DAMAGES):
        read_everything(damaged(rng, message_body(message)))
        for decode, body in ((decode_data, data_body(message)), (decode_bind, message_body(message))):
            with suppress(MalformedPdu):
                decode(damaged(rng, body))


def read_everything(body: bytes) -> None:
    """Whatever reads a deliver_sm. The quick reader of receipts may only say what the careful one says."""
    quick = receipts.fast(body)
    try:
        message = decode_message(body)
    except MalformedPdu:
        assert quick is None
        return
    careful = receipts.read(message)
    assert quick is None or quick == careful
    mo = incoming.read(message)
    assert isinstance(incoming.text_of(mo.octets, mo.coding), str)
    assert mo.place is None or 1 <= mo.place.seq <= mo.place.total


@HARD
@given(ids, words, seeds)
def test_a_damaged_receipt_never_says_another_id_or_end(message_id: str, word: str, seed: int) -> None:
    """What is read out of a receipt stands in it, in its own field."""
    rng = random.Random(seed)
    for _ in range(DAMAGES):
        text = damaged(rng, TEXT.format(message_id, word, "000").encode())[:254]
        body = message_body(Message(source="84900001234", destination="8099", esm_class=4, short_message=text))
        read_everything(body)
        said = receipts.read(decode_message(body))
        assert said is not None, "it is marked as a receipt"
        shown = text.decode("latin-1")
        stat, _, err = said.code.partition("/")
        for field, value in (("id", said.id), ("stat", stat), ("err", err)):
            assert not value or re.search(rf"\b{field}:\s*{re.escape(value)}", shown, re.IGNORECASE), said


@HARD
@given(st.text("0123456789abcdefABCDEF", max_size=64), tlvs, seeds)
def test_a_damaged_answer_is_read_or_refused(message_id: str, more: dict[int, bytes], seed: int) -> None:
    rng = random.Random(seed)
    body = message_id_body(message_id, more)
    assert decode_message_id(body)[0] == message_id
    for _ in range(DAMAGES):
        wounded = damaged(rng, body)
        with suppress(MalformedPdu):
            decode_message_id(wounded)
            tlv.decode(wounded)
