"""People's messages: text out of octets, parts out of any order, repetitions told from new messages."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sms.smpp.incoming import Mo, Place, address, read, text_of
from adapters.sms.smpp.link import Link
from adapters.sms.smpp.pdu import Message, decode_message
from adapters.sms.smpp.reassembly import DONE_SECONDS, GAP, Group, Reassembly
from adapters.sms.smpp.redelivery import FORGET_SECONDS, REBOUND_SECONDS, Redelivery
from adapters.sms.smpp.tlv import Tag
from simulators.smsc.faults import MO_SPLITS, Faults
from simulators.smsc.messages import person_writes
from tests.contract.recording import MemoryState
from text.segments import measure

PERSON = "84900005678"


@pytest.mark.parametrize(
    ("octets", "coding", "text"),
    [
        (b"sotan", 0, "sotan"),
        (b"nuoc \x00 5m \x1b\x65", 0, "nuoc @ 5m €"),
        ("sơ tán".encode("utf-16-be"), 8, "sơ tán"),
        ("\ufeffsơ tán".encode("utf-16-be"), 8, "sơ tán"),
        ("sơ tán".encode("utf-16-be")[:-1], 8, "sơ tá"),
        (b"caf\xe9", 3, "café"),
        (b"caf\xe9", 0, "café"),  # many SMSCs call Latin-1 their default
        (b"a@b", 1, "a@b"),
        ("sơ tán".encode("utf-16-be"), 0x18, "sơ tán"),
        (b"sotan", 0x10, "sotan"),
        (b"sotan", 0xF0, "sotan"),
        (b"\xe9", 0xF4, "é"),
        (b"", 0, ""),
        (b"sotan", 0x77, "sotan"),
    ],
)
def test_text(octets: bytes, coding: int, text: str) -> None:
    assert text_of(octets, coding) == text


@given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 255))
def test_any_octets_are_some_text(octets: bytes, coding: int, esm_class: int) -> None:
    mo = read(Message(PERSON, "8099", octets, esm_class=esm_class, data_coding=coding))
    assert isinstance(text_of(mo.octets, coding), str)


@pytest.mark.parametrize(
    ("payload", "octets", "place"),
    [
        (b"\x05\x00\x03\x07\x02\x01hi", b"hi", Place(7, 2, 1, 8)),
        (b"\x06\x08\x04\x01\x02\x03\x02hi", b"hi", Place(0x0102, 3, 2, 16)),
        (b"\x0a\x24\x01\x00\x25\x00\x00\x03\x09\x02\x02hi", b"hi", Place(9, 2, 2, 8)),  # other elements before it
        (b"\x05\x00\x03\x07\x01\x01hi", b"hi", None),  # one of one
        (b"\x05\x00\x03\x07\x02\x00hi", b"hi", None),  # part 0
        (b"\x05\x00\x03\x07\x02\x03hi", b"hi", None),  # part 3 of 2
        (b"\x02\x00\x03hi", b"hi", None),  # element longer than the header
        (b"\xffhi", b"\xffhi", None),  # header longer than the message
        (b"", b"", None),
    ],
)
def test_user_data_header(payload: bytes, octets: bytes, place: Place | None) -> None:
    mo = read(Message(PERSON, "8099", payload, esm_class=0x40))
    assert (mo.octets, mo.place) == (octets, place)


def test_payload_tlv_is_the_text() -> None:
    assert read(Message(PERSON, "8099", tlvs={Tag.MESSAGE_PAYLOAD: b"long"})).octets == b"long"


@pytest.mark.parametrize(
    ("raw", "sender"),
    [
        ("84900005678", PERSON),
        ("+84900005678", PERSON),
        ("0900005678", PERSON),
        ("8099", "8099"),
        ("VIETTEL", "VIETTEL"),
    ],
)
def test_sender(raw: str, sender: str) -> None:
    assert address(raw) == sender


def test_fingerprints() -> None:
    base = Message(PERSON, "8099", b"cuu voi")
    same = Message(PERSON, "8099", b"cuu voi", priority_flag=1)
    assert read(base).fingerprint == read(same).fingerprint
    others = [
        Message("84900005679", "8099", b"cuu voi"),
        Message(PERSON, "8100", b"cuu voi"),
        Message(PERSON, "8099", b"cuu voi!"),
        Message(PERSON, "8099", b"cuu voi", tlvs={Tag.RECEIPTED_MESSAGE_ID: b"5\0"}),
        Message(PERSON, "8099", b"cuu voi", tlvs={Tag.USER_MESSAGE_REFERENCE: b"\0\1"}),
    ]
    assert len({read(message).fingerprint for message in [base, *others]}) == 6


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def mos(text: str, split: str, ref: int) -> list[Mo]:
    deliveries = person_writes(Faults(mo_split=split), PERSON, "8099", text, ref, random.Random(1))
    return [read(decode_message(body)) for _, body, _ in deliveries]


async def gather(reassembly: Reassembly, arriving: list[Mo]) -> list[str]:
    """Texts that come out, as the inbox takes them."""
    out: list[str] = []
    for mo in arriving:
        group = await reassembly.add(mo)
        if group.complete and group.done_at is None:
            out.append(group.text())
            await reassembly.done(group)
    return out


long_texts = st.one_of(
    st.text("abcdefgh €^", min_size=161, max_size=800), st.text("cứu với 🆘 nước", min_size=71, max_size=400)
).filter(lambda text: len(measure(text).parts) > 1)


class TestReassembly:
    @settings(max_examples=60)
    @given(
        st.lists(long_texts, min_size=1, max_size=3), st.sampled_from(["udh8", "udh16", "sar"]), st.randoms(),
        st.booleans(), st.integers(0, 200),
    )  # fmt: skip
    def test_any_order_any_repetition_a_restart_anywhere(
        self, texts: list[str], split: str, rng: random.Random, repeat: bool, restart: int
    ) -> None:
        async def play() -> None:
            state, clock = MemoryState(), Clock()
            arriving = [mo for ref, text in enumerate(texts) for mo in mos(text, split, ref)]
            if repeat:
                arriving += rng.choices(arriving, k=len(arriving))
            rng.shuffle(arriving)
            at = restart % (len(arriving) + 1)
            first = Reassembly("sms.a", state, clock, 900)
            out = await gather(first, arriving[:at])
            second = Reassembly("sms.a", state, clock, 900)
            await second.load()
            out += await gather(second, arriving[at:])
            assert sorted(out) == sorted(texts)
            assert second.due() == []
            clock.now += DONE_SECONDS + 1
            await second.sweep()
            assert state.values == {}, "nothing is left behind"

        asyncio.run(play())

    async def test_event_id_survives_a_restart(self) -> None:
        state, clock = MemoryState(), Clock()
        parts = mos("x" * 200, "udh8", 5)
        first = Reassembly("sms.a", state, clock, 900)
        for part in parts:
            group = await first.add(part)
        clock.now += 5
        second = Reassembly("sms.a", state, clock, 900)
        await second.load()
        (due,) = second.due()
        assert due.event_id == group.event_id

    async def test_same_reference_other_text_is_another_group(self) -> None:
        reassembly = Reassembly("sms.a", MemoryState(), Clock(), 900)
        one, two = mos("x" * 200, "udh8", 5), mos("y" * 200, "udh8", 5)
        assert await gather(reassembly, [one[0], two[0], two[1], one[1]]) == ["y" * 200, "x" * 200]

    async def test_release_after_the_time(self) -> None:
        clock = Clock()
        reassembly = Reassembly("sms.a", MemoryState(), clock, 900)
        await reassembly.add(mos("x" * 400, "udh8", 5)[1])
        clock.now += 899
        assert reassembly.due() == []
        clock.now += 2
        (group,) = reassembly.due()
        assert group.text() == GAP + "x" * 153 + GAP

    async def test_part_that_could_not_be_stored_is_not_there(self) -> None:
        state = MemoryState()
        reassembly = Reassembly("sms.a", state, Clock(), 900)
        parts = mos("x" * 200, "udh8", 5)
        state.refuse = 1
        with pytest.raises(Exception, match="refused"):
            await reassembly.add(parts[0])
        group = await reassembly.add(parts[1])
        assert not group.complete
        assert (await reassembly.add(parts[0])).complete

    async def test_unreadable_state_is_skipped(self) -> None:
        state = MemoryState()
        state.values = {"sms.a:mo:k:1:1": b"{", "sms.a:mo:x": b"1", "sms.a:mo:k:1:done": b"1"}
        reassembly = Reassembly("sms.a", state, Clock(), 900)
        await reassembly.load()
        assert reassembly.due() == []

    def test_a_character_across_the_border_of_two_parts(self) -> None:
        octets = "🆘a".encode("utf-16-be")
        group = Group("k", 1, PERSON, "8099", 2, 0.0, {1: (octets[:2], 8), 2: (octets[2:], 8)})
        assert group.text() == "🆘a"

    def test_ways_are_all_known(self) -> None:
        assert set(MO_SPLITS) == {"udh8", "udh16", "sar", "payload"}


class FakeLink:
    def __init__(self, clock: Clock) -> None:
        self.loop: Any = type("Loop", (), {"time": staticmethod(clock)})()
        self.bound_at = clock.now
        self.confirmed = float("-inf")


class TestRedelivery:
    """Twins and repetitions, on a clock that the test turns."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def redelivery(self, clock: Clock) -> Redelivery:
        return Redelivery("sms.a", MemoryState(), clock)

    def link(self, clock: Clock) -> Link:
        return cast(Link, FakeLink(clock))

    mo = read(Message(PERSON, "8099", b"cuu voi"))

    async def test_twice_on_a_link_that_got_our_answer_is_two(self, redelivery: Redelivery, clock: Clock) -> None:
        link = self.link(clock)
        first = await redelivery.claim(self.mo, link)
        first.answered = clock.now
        clock.now += 1
        assert (await redelivery.claim(self.mo, link)).event_id != first.event_id

    async def test_on_the_next_link_it_is_the_one_before(self, redelivery: Redelivery, clock: Clock) -> None:
        first = await redelivery.claim(self.mo, self.link(clock))
        first.answered = clock.now
        clock.now += 3_600  # away for an hour
        link = self.link(clock)
        clock.now += 2
        assert (await redelivery.claim(self.mo, link)).event_id == first.event_id

    async def test_what_another_process_wrote_down_after_we_had_loaded(self, clock: Clock) -> None:
        """It stood still, its account went to us, and then it stored the message after all, unanswered."""
        state = MemoryState()
        before, after = Redelivery("sms.a", state, clock), Redelivery("sms.a", state, clock)
        await before.load()
        await after.load()
        first = await before.claim(self.mo, self.link(clock))
        clock.now += 5
        link = self.link(clock)
        again, other = await asyncio.gather(after.claim(self.mo, link), after.claim(self.mo, link))
        assert again.event_id == first.event_id
        assert other.event_id != first.event_id, "the person wrote it twice"
        assert len(await state.items("sms.a:seen:")) == 2

    async def test_long_after_the_bind_it_is_new(self, redelivery: Redelivery, clock: Clock) -> None:
        first = await redelivery.claim(self.mo, self.link(clock))
        first.answered = clock.now
        link = self.link(clock)
        clock.now += REBOUND_SECONDS + 1
        assert (await redelivery.claim(self.mo, link)).event_id != first.event_id

    async def test_put_off_comes_again_as_the_same(self, redelivery: Redelivery, clock: Clock) -> None:
        link = self.link(clock)
        first = await redelivery.claim(self.mo, link)
        first.refused = True
        clock.now += 0.1
        assert (await redelivery.claim(self.mo, link)).event_id == first.event_id

    async def test_slow_answer_may_cross_a_repetition(self, redelivery: Redelivery, clock: Clock) -> None:
        link = self.link(clock)
        first = await redelivery.claim(self.mo, link)
        clock.now += 12  # the ledger was slow; the SMSC's timer ran out
        assert (await redelivery.claim(self.mo, link)).event_id == first.event_id

    async def test_what_is_sure_is_forgotten(self, redelivery: Redelivery, clock: Clock) -> None:
        link = self.link(clock)
        seen = await redelivery.claim(self.mo, link)
        seen.answered = clock.now
        await redelivery.sweep(clock.now)
        assert redelivery.unsure == 1
        link.confirmed = clock.now + 0.1
        await redelivery.sweep(clock.now + 1)
        assert redelivery.unsure == 0

    async def test_after_a_restart_the_same_id(self, clock: Clock) -> None:
        state = MemoryState()
        first = Redelivery("sms.a", state, clock)
        seen = await first.claim(self.mo, self.link(clock))
        second = Redelivery("sms.a", state, clock)
        await second.load()
        assert (await second.claim(self.mo, self.link(clock))).event_id == seen.event_id
        clock.now += FORGET_SECONDS + 1
        await second.sweep(clock.now)
        assert state.values == {}
