"""The reader of the TCP stream: whole PDUs out of any cutting, and nothing else out of anything."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sms.smpp.frames import Frame, FrameReader
from adapters.sms.smpp.limits import MAX_PDU_OCTETS
from adapters.sms.smpp.pdu import HEADER, encode

word = st.integers(0, 0xFFFFFFFF)
frames = st.lists(st.tuples(word, word, word, st.binary(max_size=60)), max_size=12)


def stream(pdus: list[Frame]) -> bytes:
    return b"".join(encode(command, sequence, body, status) for command, status, sequence, body in pdus)


def cut(data: bytes, borders: list[int]) -> list[bytes]:
    at = [0, *sorted(border % (len(data) + 1) for border in borders), len(data)]
    return [data[a:b] for a, b in pairwise(at)]


@given(frames, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_cutting_gives_the_same_pdus(pdus: list[Frame], borders: list[int]) -> None:
    reader = FrameReader()
    read = [frame for piece in cut(stream(pdus), borders) for frame in reader.feed(piece)]
    assert read == pdus
    assert not reader.waiting
    assert reader.broken is None


@given(frames)
def test_octet_by_octet(pdus: list[Frame]) -> None:
    reader, data = FrameReader(), stream(pdus)
    assert [frame for at in range(len(data)) for frame in reader.feed(data[at : at + 1])] == pdus


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_fuzz_same_result_however_cut_and_never_a_crash(data: bytes, borders: list[int]) -> None:
    whole, pieces = FrameReader(), FrameReader()
    at_once = whole.feed(data)
    one_by_one = [frame for piece in cut(data, borders) for frame in pieces.feed(piece)]
    assert one_by_one == at_once
    assert pieces.broken == whole.broken
    assert all(len(body) <= MAX_PDU_OCTETS - HEADER.size for *_, body in at_once)


@pytest.mark.parametrize("length", [0, 1, 15, MAX_PDU_OCTETS + 1, 0x48545450, 0xFFFFFFFF])
def test_impossible_lengths_break_the_stream_at_once(length: int) -> None:
    reader = FrameReader()
    good = encode(0x15, 7)
    assert reader.feed(good + length.to_bytes(4, "big")) == [(0x15, 0, 7, b"")]
    assert reader.broken == length
    assert reader.feed(good) == [], "what follows cannot be trusted"


@pytest.mark.parametrize("size", [16, 17, MAX_PDU_OCTETS])
def test_lengths_at_the_borders(size: int) -> None:
    reader = FrameReader()
    pdu = encode(5, 1, b"x" * (size - 16))
    assert reader.feed(pdu[:-1]) == []
    assert reader.waiting
    assert reader.feed(pdu[-1:])[0][3] == b"x" * (size - 16)


def test_a_large_pdu_in_single_octets_is_linear_work() -> None:
    reader, pdu = FrameReader(), encode(5, 1, bytes(MAX_PDU_OCTETS - 16))
    read = [frame for at in range(len(pdu)) for frame in reader.feed(pdu[at : at + 1])]
    assert len(read) == 1
