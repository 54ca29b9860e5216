"""Long texts as parts: sizes, borders, references, the three ways, and the one outcome of several answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Accepted, Envelope, Outcome, Priority, RejectClass, Rejected, Unknown
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp import incoming, parts
from adapters.sms.smpp.outgoing import PART_RETRIES, Handover, Outgoing, References
from adapters.sms.smpp.parts import Part, Parts, UnsendableText, splitter
from adapters.sms.smpp.pdu import Message, decode_message
from adapters.sms.smpp.pump import relative_time
from adapters.sms.smpp.tlv import Tag
from text import gsm

BASIC = "".join(sorted(gsm.BASIC))
REF = b"\x5a\x5b"


def account(**more: Any) -> SmppAccount:
    return SmppAccount(name="a", host="localhost", system_id="x", password="y", **more)


def split(text: str, priority: Priority = Priority.NORMAL, **more: Any) -> Parts:
    return splitter(account(**more))(text, priority)


def message_of(part: Part, ref: bytes) -> Message:
    """A part as the receiver sees it."""
    return decode_message(b"\0\5\0PCTT\0\1\x0184900001234" + part.lead + b"\0" + part.before + ref + part.after)


def joined(found: Parts, ref: bytes = REF) -> str:
    mos = [incoming.read(message_of(part, ref[: found.ref_octets])) for part in found.parts]
    return incoming.text_of(b"".join(mo.octets for mo in mos), mos[0].coding)


@pytest.mark.parametrize(
    ("text", "more", "octets"),
    [
        ("x" * 160, {}, [160]),
        ("x" * 161, {}, [6 + 153, 6 + 8]),
        ("x" * 161, {"udh_ref": 16}, [7 + 152, 7 + 9]),
        ("x" * 161, {"split": "sar"}, [153, 8]),
        ("x" * 152 + "€" + "y" * 20, {}, [6 + 152, 6 + 22]),
        ("x" * 152 + "€" + "y" * 20, {"split": "sar"}, [152, 22]),
        ("ạ" * 70, {}, [140]),
        ("ạ" * 71, {}, [6 + 134, 6 + 8]),
        ("ạ" * 71, {"split": "sar"}, [134, 8]),
        ("ạ" * 71, {"udh_ref": 16}, [7 + 132, 7 + 10]),
        ("a" * 66 + "😀" + "b" * 10, {}, [6 + 132, 6 + 24]),
        ("x" * 70, {"alphabet": "ucs2"}, [140]),
        ("x" * 71, {"alphabet": "ucs2"}, [6 + 134, 6 + 8]),
        ("é" * 70, {"alphabet": "ascii"}, [140]),
        ("é" * 160, {"alphabet": "latin1"}, [160]),
    ],
)
def test_part_sizes(text: str, more: dict[str, Any], octets: list[int]) -> None:
    found = split(text, **more)
    messages = [message_of(part, b"r" * found.ref_octets) for part in found.parts]
    assert [len(message.short_message) for message in messages] == octets
    assert all(message.registered_delivery == 1 for message in messages), "a receipt for every part"
    assert joined(found, b"rr") == text


@pytest.mark.parametrize(("size", "more"), [(161, {}), (4_700, {"max_parts": 31}), (161, {"alphabet": "ucs2"})])
def test_payload_carries_the_whole_text(size: int, more: dict[str, Any]) -> None:
    (part,) = split("x" * size, split="payload", **more).parts
    message = message_of(part, b"")
    assert message.short_message == b""
    assert len(message.tlvs[Tag.MESSAGE_PAYLOAD]) == (2 * size if more.get("alphabet") == "ucs2" else size)


def test_udh_octets() -> None:
    found = split("x" * 154)
    assert found.ref_octets == 0
    found = split("x" * 170)
    heads = [message_of(part, b"\x5a").short_message[:6] for part in found.parts]
    assert heads == [b"\x05\x00\x03\x5a\x02\x01", b"\x05\x00\x03\x5a\x02\x02"]
    assert all(message_of(part, b"\x5a").esm_class == 0x40 for part in found.parts)
    wide = split("x" * 170, udh_ref=16)
    heads = [message_of(part, b"\x12\x34").short_message[:7] for part in wide.parts]
    assert heads == [b"\x06\x08\x04\x12\x34\x02\x01", b"\x06\x08\x04\x12\x34\x02\x02"]


def test_sar_tlvs() -> None:
    found = split("x" * 170, split="sar")
    tlvs = [message_of(part, b"\x12\x34").tlvs for part in found.parts]
    assert [tlv[Tag.SAR_MSG_REF_NUM] for tlv in tlvs] == [b"\x12\x34"] * 2
    assert [(tlv[Tag.SAR_TOTAL_SEGMENTS], tlv[Tag.SAR_SEGMENT_SEQNUM]) for tlv in tlvs] == [
        (b"\x02", b"\x01"), (b"\x02", b"\x02"),
    ]  # fmt: skip


texts = st.one_of(
    st.text(BASIC + "^{}\\[~]|€", min_size=1, max_size=700),
    st.text(st.sampled_from("aăạ😀🆘ờđ^€ "), min_size=1, max_size=400),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
)


@given(texts, st.sampled_from(["udh", "sar", "payload"]), st.sampled_from([8, 16]),
       st.sampled_from(["gsm", "ascii", "latin1", "ucs2"]))  # fmt: skip
def test_what_leaves_is_what_arrives(text: str, way: str, ref: int, alphabet: str) -> None:
    found = split(text, split=way, udh_ref=ref, alphabet=alphabet, max_parts=31)
    assert joined(found, b"rr") == text
    for part in found.parts:
        message = message_of(part, b"r" * found.ref_octets)
        assert len(message.short_message) <= (160 if message.data_coding == 0 else 254)
        octets = incoming.read(message).octets
        if message.data_coding == 0:
            assert not octets.endswith(b"\x1b"), "no part ends inside an escape pair"
        if message.data_coding == 8:
            octets.decode("utf-16-be")  # no part ends inside a surrogate pair


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("", {}, "empty"),
        ("x" * 1_531, {}, "too_long"),
        ("x" * 161, {"max_parts": 1}, "too_long"),
        ("x" * 600, {"alphabet": "ucs2", "max_parts": 4}, "too_long"),
        ("\ud83d", {}, "rejected_content"),
        ("ạ" * 66 + "\ud83d" + "b" * 60, {}, "rejected_content"),
    ],
)
def test_unsendable(text: str, more: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsendableText) as wrong:
        split(text, **more)
    assert wrong.value.reason == reason


def test_priority_flag_only_where_the_carrier_reads_it() -> None:
    assert message_of(split("x", Priority.LIFE).parts[0], b"").priority_flag == 0
    flags = [message_of(split("x", p, honours_priority=True).parts[0], b"").priority_flag for p in Priority]
    assert flags == [3, 2, 0, 0]


def test_repeated_text_is_built_once() -> None:
    ready = splitter(account())
    assert ready("canh bao", Priority.BULK) is ready("canh bao", Priority.BULK)
    assert parts.CACHED_TEXTS >= 100


@pytest.mark.parametrize(
    ("seconds", "octets"),
    [
        (6 * 3_600, b"000000060000000R\0"),
        (1.9, b"000000000001000R\0"),
        (0.2, b"000000000001000R\0"),
        (-5, b"000000000001000R\0"),
        (86_400 + 3_661, b"000001010101000R\0"),
        (400 * 86_400, b"000030000000000R\0"),
    ],
)
def test_relative_validity(seconds: float, octets: bytes) -> None:
    """SMPP 3.4 7.1.1.2: YYMMDDhhmmss000R."""
    assert relative_time(seconds) == octets


class TestReferences:
    def test_two_messages_to_one_number_never_share_one(self) -> None:
        references = References()
        for octets in (1, 2):
            for n in range(2_000):
                before = references.take(octets, "84900001234")
                for other in range(n % 600):
                    references.take(octets, str(other))
                assert references.take(octets, "84900001234") != before
                if n > 40:
                    break

    def test_the_memory_of_numbers_is_bounded(self) -> None:
        references = References()
        for n in range(References.REMEMBERED + 100):
            references.take(1, str(n))
        assert len(references._last) == References.REMEMBERED


OK_1, OK_2, OK_3 = ("accept", "a"), ("accept", "b"), ("accept", "c")
FOR_NOW = Rejected("throttled", RejectClass.RETRY_LATER, "0x00000014", 60)
FOR_GOOD = Rejected("invalid_recipient", RejectClass.RECIPIENT, "0x0000000B")


def kept(refusal: Rejected, *ids: str) -> Rejected:
    return replace(refusal, provider_ids=ids)


def outgoing(total: int) -> Outgoing:
    part = Part(b"", b"", b"")
    return Outgoing(Envelope(1, "84900001234", "x"), Parts((part,) * total, 1), b"r", lambda *_: None, Handover(1))


class TestWorstOfTheParts:
    @pytest.mark.parametrize(
        ("answers", "expected"),
        [
            ([OK_1, OK_2, OK_3], Accepted(("a", "b", "c"))),
            ([OK_1, FOR_GOOD, OK_3], kept(FOR_GOOD, "a", "", "c")),
            ([OK_1, FOR_NOW, OK_3], kept(FOR_NOW, "a", "", "c")),
            ([FOR_NOW, FOR_GOOD, FOR_NOW], FOR_GOOD),
            ([FOR_GOOD, FOR_NOW, FOR_NOW], FOR_GOOD),
            ([OK_1, "timeout", OK_3], Unknown("timeout", ("a", "", "c"))),
            (["timeout", FOR_NOW, FOR_NOW], Unknown("timeout", ("", "", ""))),
            (["timeout", FOR_GOOD, OK_3], kept(FOR_GOOD, "", "", "c")),
        ],
    )  # fmt: skip
    def test_outcome(self, answers: list[Any], expected: Outcome) -> None:
        message = outgoing(3)
        for _ in answers:
            message.take_part()
        for index, answer in enumerate(answers):
            message.open -= 1
            if isinstance(answer, Rejected):
                message.refuse(answer)
            elif isinstance(answer, tuple):
                message.ids[index] = answer[1]
            else:
                message.unknown = answer
                message.stop()
        assert message.ended
        assert message.outcome() == expected

    def test_a_refusal_stops_the_parts_not_yet_written(self) -> None:
        message = outgoing(3)
        message.take_part()
        message.refuse(FOR_GOOD)
        assert message.all_written

    def test_a_throttled_part_goes_again_only_when_others_are_out_and_not_for_ever(self) -> None:
        alone = outgoing(3)
        alone.take_part()
        alone.open -= 1
        assert not alone.may_repeat(), "nothing of it is with the carrier: the dispatcher sends it again whole"
        half = outgoing(3)
        half.take_part()
        half.ids[0] = "a"
        assert [half.may_repeat() for _ in range(PART_RETRIES + 1)] == [True] * PART_RETRIES + [False]
