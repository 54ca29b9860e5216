"""Codes of a document's course: folded forward only, whatever the order in which they were learned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.document_replies import read_reply
from broadcasts.document_codes import fold_statuses, load_codes, standing
from broadcasts.documents import find_number, short_name
from store.document_statuses import StatusRow

CODES = load_codes()


def row(code, at, unit="u1"):
    return StatusRow(unit, code, at, "Người", "sms.one")


@pytest.mark.parametrize(
    ("came", "stands"),
    [
        ("01", "01"), ("01 03", "03"), ("03 01", "03"), ("01 03 04 05 06", "06"), ("06 03", "06"), ("01 02", "02"),
        ("01 02 03 06", "02"), ("03 13 15", "03"), ("13", ""), ("05 04", "05"),
    ],
)  # fmt: skip
def test_a_unit_only_moves_forward(came, stands):
    lines = fold_statuses([row(code, at) for at, code in enumerate(came.split())], CODES)
    assert standing(lines, CODES).get("u1", "") == stands
    assert len(lines) == len(came.split())


@given(st.permutations([("01", 1.0), ("03", 2.0), ("13", 3.0), ("04", 4.0), ("15", 5.0), ("06", 6.0)]))
def test_the_order_of_learning_does_not_matter(rows):
    lines = fold_statuses([row(code, at) for code, at in rows], CODES)
    assert [line.code for line in lines] == ["01", "03", "13", "04", "15", "06"]
    assert all(line.counts for line in lines)


@given(st.lists(st.sampled_from(sorted(CODES.says)), max_size=12))
def test_what_counts_never_goes_back(codes):
    lines = fold_statuses([row(code, float(at)) for at, code in enumerate(codes)], CODES)
    steps = [CODES.step[line.code] for line in lines if line.counts and line.code in CODES.step]
    assert steps == sorted(set(steps))
    refused = [at for at, line in enumerate(lines) if line.counts and line.code in CODES.ends]
    after = lines[refused[0] + 1 :] if refused else []
    assert not any(line.counts and line.code in CODES.step for line in after)


@pytest.mark.parametrize(
    ("text", "code", "rest"),
    [
        ("đã phân công anh Nam", "04", "anh Nam"),
        ("da phan cong: dong chi Pho Chu tich", "04", "dong chi Pho Chu tich"),
        ("dạ đang xử lý ạ", "05", "ạ"),
        ("Đã xong TB0825-07", "06", "TB0825-07"),
        ("báo cáo đã hoàn thành", "06", ""),
        ("sai noi nhan", "02", ""),
        ("DONGY TB0825-08", "15", "TB0825-08"),
        ("không đồng ý thu hồi cđ 04", "16", "cđ 04"),
        ("từ chối, đã triển khai", "16", "đã triển khai"),
    ],
)
def test_what_is_said_of_a_documents_course(text, code, rest):
    said = read_reply(text, CODES.replies)
    assert said is not None
    assert (said.code, said.rest) == (code, rest)


@pytest.mark.parametrize(
    "text",
    ["", "đã xong chưa", "chưa xong", "bao giờ xong", "nước đã rút", "đã xong không", "xã " * 30 + "đã xong", "."],
)
def test_what_is_not(text):
    assert read_reply(text, CODES.replies) is None


@pytest.mark.parametrize(
    ("text", "number", "short"),
    [
        ("Công điện 04/CĐ-UBND về bão", "04/CĐ-UBND", "CĐ 04"),
        ("20631/UBND-NN", "20631/UBND-NN", "CV 20631"),
        ("15/2026/QĐ-UBND", "15/2026/QĐ-UBND", "QĐ 15"),
        ("bão ngày 25/8", "", ""),
        ("", "", ""),
    ],
)
def test_a_documents_number(text, number, short):
    assert find_number(text) == number
    assert short_name(number) == short
