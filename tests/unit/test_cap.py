"""CAP 1.2: every message of ours fits the structure and keeps the rules that a schema cannot say."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from broadcasts.cap import Alert, Area, Info, MsgType, Reference, Scope, to_xml
from broadcasts.cap_check import prose_problems
from broadcasts.cap_mapping import load_cap
from broadcasts.model import Urgency

SCHEMA = etree.XMLSchema(etree.parse(str(Path(__file__).parent.parent / "data" / "cap12.xsd")))
SENT = datetime(2025, 8, 24, 19, 20, 33, 999_999, tzinfo=UTC)


def info(**values):
    return Info(**{
        "language": "vi-VN", "category": "Met", "event": "Bão", "response": "Prepare", "urgency": "Immediate",
        "severity": "Extreme", "certainty": "Likely", "expires": datetime(2025, 8, 25, 2, tzinfo=UTC),
        "sender_name": "Văn phòng mẫu", "headline": "BÃO SỐ 5", "description": "gió cấp 13 & giật <16>",
        "contact": "0237", "parameters": [("VN:capDoRuiRo", "4")], "areas": [Area("Xã Na Mèo", "14854")],
        "geocode": "VN-DVHC-2025", **values,
    })  # fmt: skip


def alert(**values):
    return Alert(**{
        "identifier": "TB0825-07", "sender": "pctt.example.vn", "sent": SENT, "status": "Actual",
        "type": MsgType.ALERT, "scope": Scope.PUBLIC, "restriction": "", "references": (), "info": info(), **values,
    })  # fmt: skip


def conforms(message: bytes):
    SCHEMA.assertValid(etree.fromstring(message))
    assert prose_problems(message) == []


OLD = Reference("pctt.example.vn", "TB0825-06", SENT)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"type": MsgType.UPDATE, "references": (OLD,)},
        {"type": MsgType.CANCEL, "references": (OLD, Reference("pctt.example.vn", "TB0825-05", SENT)), "info": None},
        {"scope": Scope.RESTRICTED, "restriction": "Chủ tịch UBND xã, phường"},
        {"status": "Exercise", "info": info(headline="DIỄN TẬP: BÃO SỐ 5")},
        {"info": info(description="\x00\x1f", contact="", areas=[Area("Tỉnh Thanh Hóa")])},
    ],
)
def test_messages_conform(values):
    conforms(to_xml(alert(**values)))


def test_the_same_message_is_the_same_bytes_at_vietnamese_time():
    message = to_xml(alert())
    assert message == to_xml(alert())
    assert b"<sent>2025-08-25T02:20:33+07:00</sent>" in message


@given(st.text(max_size=60), st.text(max_size=300))
def test_any_text_gives_a_message_that_can_be_read(headline, description):
    message = to_xml(alert(info=info(headline=headline, description=description)))
    SCHEMA.assertValid(etree.fromstring(message))


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"identifier": "TB 0825,07"}, "identifier"),
        ({"sender": "văn phòng"}, "sender"),
        ({"type": MsgType.UPDATE}, "references_missing"),
        ({"type": MsgType.CANCEL, "info": None}, "references_missing"),
        ({"references": (Reference("a b", "c", SENT),)}, "references_form"),
        ({"references": (Reference("pctt.example.vn", "TB0825-07", SENT),)}, "refers_to_itself"),
        ({"scope": Scope.RESTRICTED}, "restriction"),
        ({"info": None}, "info_missing"),
        ({"info": info(language="")}, "language"),
        ({"info": info(expires=SENT)}, "expired_before_sent"),
        ({"status": "Exercise"}, "exercise"),
        ({"info": info(areas=[Area("")])}, "area"),
    ],
)
def test_each_rule_of_the_prose_is_seen(broken, rule):
    assert rule in prose_problems(to_xml(alert(**broken)))


@pytest.mark.parametrize(
    ("was", "becomes", "rule"),
    [
        ("<sent>2025-08-25T02:20:33+07:00", "<sent>2025-08-24T19:20:33Z", "time"),
        ("<scope>Public", "<scope>Private", "addresses"),
        ("</areaDesc>", "</areaDesc><polygon>19.8,105.7 19.9,105.8 19.8,105.7</polygon>", "polygon"),
        ("</areaDesc>", "</areaDesc><polygon>1,1 2,2 3,3 4,4</polygon>", "polygon"),
        ("</areaDesc>", "</areaDesc><circle>19.8,105.7</circle>", "circle"),
    ],
)
def test_rules_that_our_own_messages_cannot_break(was, becomes, rule):
    message = to_xml(alert()).decode().replace(was, becomes, 1).encode()
    assert rule in prose_problems(message)


def test_the_mapping_knows_only_words_of_the_schema_and_every_urgency():
    words = load_cap()
    assert set(words["urgency"]) == {urgency.value for urgency in Urgency}
    for one in words["event"].values():
        for urgency in words["urgency"].values():
            for severity in words["severity"].values():
                conforms(to_xml(alert(info=info(
                    category=one["category"], event=one["event"], response=one["response"],
                    certainty=one["certainty"], urgency=urgency, severity=severity,
                ))))  # fmt: skip
