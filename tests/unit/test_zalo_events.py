"""What OA events and bot updates mean: tables over the shapes of Zalo's pages, and whatever else may come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Incoming, IncomingKind, Receipt, ReceiptState
from adapters.zalo import events
from adapters.zalo.bot import updates

OA, USER, GROUP = "3000000000000000003", "8000000000000000001", "aa11bb22cc33dd44ee55"
AT = "1790000000123"
WHEN = datetime(2026, 9, 21, 14, 13, 20, 123000, UTC)


def event(name: str, **more: Any) -> dict[str, Any]:
    return {"event_name": name, "app_id": "1", "timestamp": AT, **more}


def between(name: str, sender: str, recipient: str, message: dict[str, Any], **more: Any) -> dict[str, Any]:
    return event(name, sender={"id": sender}, recipient={"id": recipient}, message=message, **more)


def read(body: dict[str, Any], zns: bool = False) -> list[events.Event]:
    return events.read(body, orjson.dumps(body), zns)


PHOTO = [{"type": "image", "payload": {"thumbnail": "https://t.example/1", "url": "https://u.example/1"}}]
PLACE = [{"type": "location", "payload": {"coordinates": {"latitude": "19.8", "longitude": "105.7"}}}]

RECEIPTS = [
    (between("user_received_message", OA, USER, {"msg_id": "m1"}), "zalo.oa_user", ("m1",), ReceiptState.DELIVERED),
    (between("user_seen_message", OA, USER, {"msg_ids": ["m1"]}), "zalo.oa_user", ("m1",), ReceiptState.SEEN),
    (between("user_seen_message", OA, USER, {"msg_id": "m1"}), "zalo.oa_user", ("m1",), ReceiptState.SEEN),
    (between("oa_send_text", OA, USER, {"msg_id": "m1"}), "zalo.oa_user", ("m1",), ReceiptState.ACCEPTED),
    (between("oa_send_image", OA, USER, {"msg_id": "m1"}), "zalo.oa_user", ("m1",), ReceiptState.ACCEPTED),
    (between("oa_send_group_text", OA, GROUP, {"msg_id": "m1"}), "zalo.oa_group", ("m1",), ReceiptState.ACCEPTED),
    (
        between("user_received_message", OA, "84900000001", {"msg_id": "m1", "tracking_id": "loa7"}),
        "zalo.zns",
        ("m1", "loa7"),
        ReceiptState.DELIVERED,
    ),
]


@pytest.mark.parametrize(("body", "account", "keys", "state"), RECEIPTS)
def test_receipts(body: dict[str, Any], account: str, keys: tuple[str, ...], state: ReceiptState) -> None:
    (receipt,) = read(body)
    assert receipt == Receipt(account, keys, state, body["event_name"], WHEN, body["recipient"]["id"])


def test_seen_of_several_messages() -> None:
    found = read(between("user_seen_message", OA, USER, {"msg_ids": ["m1", "m2"]}))
    assert [one.keys for one in found if isinstance(one, Receipt)] == [("m1",), ("m2",)]


def test_zns_receipt_tells_the_handsets_own_time() -> None:
    body = between("user_received_message", OA, "84900000001", {"msg_id": "m1", "delivery_time": "1790000001000"})
    (receipt,) = read(body, zns=True)
    assert receipt.at == datetime(2026, 9, 21, 14, 13, 21, tzinfo=UTC)
    assert isinstance(receipt, Receipt)
    assert receipt.account == "zalo.zns"


def test_what_a_colleague_types_in_the_oa_tool_is_not_our_message() -> None:
    body = between("oa_send_text", OA, USER, {"msg_id": "m1"})
    body["sender"]["admin_id"] = "9"
    assert read(body) == []


Expected = dict[str, Any]
SAID: list[tuple[dict[str, Any], Expected]] = [
    (
        between("user_send_text", USER, OA, {"text": "nước lên", "msg_id": "m1"}),
        {"kind": IncomingKind.TEXT, "text": "nước lên", "chat": USER, "channel": "zalo.oa_user", "event_id": "m1"},
    ),
    (
        between("user_send_text", USER, OA, {"text": "#ACK TB0825-07", "msg_id": "m1"}),
        {"kind": IncomingKind.BUTTON, "payload": "ACK TB0825-07"},
    ),
    (
        between("user_send_text", USER, OA, {"text": "#LOA help:7", "msg_id": "m1", "quote_msg_id": "q"}),
        {"kind": IncomingKind.BUTTON, "payload": "help:7", "reply_to": "q"},
    ),
    (
        between("user_send_group_text", USER, GROUP, {"text": "đã nhận", "msg_id": "m1"}),
        {"kind": IncomingKind.TEXT, "chat": GROUP, "channel": "zalo.oa_group", "is_group": True, "sender": USER},
    ),
    (
        between("user_send_group_image", USER, GROUP, {"msg_id": "m1", "text": "đê", "attachments": PHOTO}),
        {"kind": IncomingKind.MEDIA, "payload": "https://u.example/1", "text": "đê", "is_group": True},
    ),
    (
        between("user_send_location", USER, OA, {"msg_id": "m1", "attachments": PLACE}),
        {"kind": IncomingKind.MEDIA, "payload": "19.8,105.7"},
    ),
    (
        event("follow", oa_id=OA, follower={"id": USER}),
        {"kind": IncomingKind.FOLLOW, "sender": USER, "chat": USER, "event_id": f"follow:{AT}:{USER}"},
    ),
    (event("unfollow", oa_id=OA, follower={"id": USER}), {"kind": IncomingKind.UNFOLLOW, "sender": USER}),
    (event("user_withdraw", oa_id=OA, user_id=USER), {"kind": IncomingKind.WITHDRAW, "sender": USER}),
    (
        event("user_withdraw", oa_id=OA, user_id="", user_id_by_app="7"),
        {"kind": IncomingKind.WITHDRAW, "sender": "7"},
    ),
    (event("user_join_group", group_id=GROUP, users=[{"id": USER}]), {"kind": IncomingKind.JOIN, "chat": GROUP}),
    (event("accept_request_join_group", group_id=GROUP, users=[{"id": USER}]), {"kind": IncomingKind.JOIN}),
    (event("react_request_join_group_accept", group_id=GROUP, users=[{"id": USER}]), {"kind": IncomingKind.JOIN}),
    (event("user_out_group", group_id=GROUP, users=[{"id": USER}]), {"kind": IncomingKind.LEAVE, "sender": USER}),
    (event("user_leave_group", group_id=GROUP, users=[{"id": USER}]), {"kind": IncomingKind.LEAVE}),
    (event("disperse_group", group_id=GROUP), {"kind": IncomingKind.OTHER, "payload": "disperse_group"}),
    (event("delete_group", group_id=GROUP), {"kind": IncomingKind.OTHER, "channel": "zalo.oa_group"}),
    (
        between("user_reacted_message", USER, OA, {"msg_id": "m1", "react_icon": "/-strong"}),
        {"kind": IncomingKind.OTHER, "payload": "/-strong", "reply_to": "m1", "sender": USER},
    ),
    (event("user_submit_info", sender={"id": USER}, info={"phone": 84900000001}), {"kind": IncomingKind.OTHER}),
    (event("permission_revoked", oa_id=OA), {"kind": IncomingKind.OTHER, "payload": "permission_revoked"}),
    (event("invented_in_2030", user_id=USER), {"kind": IncomingKind.OTHER, "payload": "invented_in_2030"}),
]


@pytest.mark.parametrize(("body", "expected"), SAID, ids=lambda value: value.get("event_name", "") if value else "")
def test_incoming(body: dict[str, Any], expected: Expected) -> None:
    (found,) = read(body)
    assert isinstance(found, Incoming)
    assert {key: getattr(found, key) for key in expected} == expected
    assert found.at == WHEN
    assert found.raw == orjson.dumps(body)
    assert found.event_id


def test_each_of_several_who_join_is_an_event_of_its_own() -> None:
    found = read(event("user_join_group", group_id=GROUP, users=[{"id": "1"}, {"id": "2"}]))
    assert len({one.event_id for one in found if isinstance(one, Incoming)}) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([body["event_name"] for body, *_ in [*RECEIPTS, *SAID]])
KEYS = st.sampled_from(["sender", "recipient", "message", "timestamp", "users", "follower", "user_id", "group_id"])


@given(NAMES, st.dictionaries(KEYS, JSON, max_size=6))
def test_no_shape_breaks_the_reader(name: str, fields: dict[str, Any]) -> None:
    for found in events.read({**fields, "event_name": name}, b""):
        assert found.at.tzinfo is not None


@given(st.text(min_size=1, max_size=100))
def test_a_button_comes_back_verbatim(payload: str) -> None:
    assert events.spoken(events.wire_payload(payload)) == (IncomingKind.BUTTON, payload)


@given(JSON)
def test_no_shape_breaks_the_reader_of_updates(body: Any) -> None:
    wrapped = {"event_name": "message.text.received", "message": body}
    for shape in (wrapped, {"ok": True, "result": wrapped}, {"result": body}):
        found = updates.read(shape, ("Bot PCTT",))
        assert found is None or found.channel in ("zalo.bot", "zalo.bot_user")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@Bot PCTT mực nước", "mực nước"),
        ("@bot pctt, mực nước", "mực nước"),
        ("mực nước @Bot PCTT", "mực nước"),
        ("@Bot PCTT", ""),
        ("@Loa mực nước", "mực nước"),
        ("nước @Bot PCTT dâng", "nước @Bot PCTT dâng"),
        ("gọi 0373@x", "gọi 0373@x"),
    ],
)
def test_mention_is_taken_off(text: str, said: str) -> None:
    assert updates.without_mention(text, ("Bot PCTT", "bot.PCTT", "")) == said
