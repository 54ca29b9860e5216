"""Inbox, alarms, open questions and opt-outs over a real ledger file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from store import alarms, conversations, inbox, opt_outs, singles
from store.engine import Tx
from tests.ledgers import transaction

NOW = 1_756_062_000.0
MESSAGE = inbox.NewMessage(
    "sms.one", "e1", "text", "84900001234", "84900001234", "dạ rõ", "", "", False, "", NOW - 3, b"\x00raw", 2
)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    with transaction(tmp_path) as opened:
        yield opened


def keep(tx: Tx, count: int, **values: object) -> list[int]:
    messages = [replace(MESSAGE, event_id=f"{values}-{n}", **values) for n in range(count)]  # type: ignore[arg-type]
    return [one for one in inbox.keep(tx, messages, NOW) if one is not None]


def test_kept_once_and_raw(tx: Tx) -> None:
    first = inbox.keep(tx, [MESSAGE, MESSAGE, replace(MESSAGE, channel="sms.two")], NOW)
    assert [one is None for one in first] == [False, True, False]
    assert inbox.keep(tx, [replace(MESSAGE, text="another text")], NOW) == [None]
    assert tx.execute("SELECT raw, text FROM inbox WHERE id = ?", (first[0],)).fetchone() == (b"\x00raw", "dạ rõ")


def test_what_keep_stored_is_what_is_read_back(tx: Tx) -> None:
    group = replace(MESSAGE, is_group=True, chat="g", reply_to="p1", payload="ACK X", sender_name="Lan")
    (inbox_id,) = inbox.keep(tx, [group], NOW)
    assert inbox_id is not None
    assert inbox.waiting(tx, 0, 10) == [inbox.stored(inbox_id, group, NOW)]


def test_waiting_in_order_and_cries_apart(tx: Tx) -> None:
    others = keep(tx, 3, sender="84900000001")
    cries = keep(tx, 2, priority=inbox.LIFE)
    assert [row.id for row in inbox.waiting(tx, 0, 10)] == others
    assert [row.id for row in inbox.waiting(tx, others[0], 1)] == others[1:2]
    assert [row.id for row in inbox.waiting_for_life(tx, 0, 10)] == cries


def test_a_row_is_finished_once(tx: Tx) -> None:
    (one,) = keep(tx, 1)
    assert inbox.finish(tx, one, inbox.Handled("acknowledged", "DANHAN", "x", "15022", 7, 3), NOW)
    assert not inbox.finish(tx, one, inbox.Handled("human"), NOW)
    row = inbox.get(tx, one)
    assert row is not None
    assert (row.state, row.intent, row.unit_code, row.person_id, row.broadcast_no, row.handled_at) == (
        "acknowledged", "DANHAN", "15022", 7, 3, NOW
    )  # fmt: skip
    assert inbox.waiting(tx, 0, 10) == []
    assert inbox.get(tx, 99) is None


def test_the_human_queue_is_worked_off_by_name(tx: Tx) -> None:
    ids = keep(tx, 5)
    for one in ids[:3]:
        inbox.finish(tx, one, inbox.Handled("human", "UNKNOWN", "menu"), NOW)
    singles.insert(tx, singles.Single(1, "84900001234", "tra loi", ids[2], "bot", NOW))
    assert [row.id for row in inbox.listing(tx, "human")] == ids[2::-1]
    assert [row.id for row in inbox.listing(tx, limit=2)] == ids[:2:-1]
    assert [row.id for row in inbox.listing(tx, before=ids[2], limit=10)] == ids[1::-1]
    assert inbox.listing(tx, "human")[0].reply == "tra loi"
    assert inbox.counts(tx) == {"human": 3, "new": 2}
    assert inbox.close(tx, ids[0], "Trực ban", NOW)
    assert not inbox.close(tx, ids[0], "Người khác", NOW)
    assert not inbox.close(tx, ids[4], "Trực ban", NOW)
    row = inbox.get(tx, ids[0])
    assert row is not None
    assert (row.state, row.handled_by) == ("closed", "Trực ban")


def test_what_a_sender_did_before(tx: Tx) -> None:
    ids = keep(tx, 4)
    keep(tx, 2, sender="84900009999")
    singles.insert(tx, singles.Single(1, "84900001234", "tra loi", ids[1], "bot", NOW))
    inbox.finish(tx, ids[1], inbox.Handled("human", "UNKNOWN", "menu"), NOW + 5)
    past = inbox.past(tx, "84900001234", ids[3], 2)
    assert [(one.replied_at, one.came_at) for one in past] == [(None, NOW), (NOW + 5, NOW)]
    assert inbox.menu_sent(tx, "84900001234", NOW)
    assert not inbox.menu_sent(tx, "84900001234", NOW + 1)
    assert not inbox.menu_sent(tx, "84900009999", NOW)


def test_a_question_is_replaced_ends_and_is_forgotten(tx: Tx) -> None:
    conversations.ask(tx, "sms", "84900001234", {"kind": "unit"}, NOW + 10)
    conversations.ask(tx, "sms", "84900001234", {"kind": "directive"}, NOW + 20)
    conversations.ask(tx, "zalo", "84900001234", {"kind": "unit"}, NOW + 5)
    assert conversations.asked(tx, "sms", "84900001234", NOW) == {"kind": "directive"}
    assert conversations.asked(tx, "sms", "84900001234", NOW + 20) is None
    assert conversations.asked(tx, "sms", "84900009999", NOW) is None
    assert conversations.sweep(tx, NOW + 5) == 1
    assert conversations.asked(tx, "sms", "84900001234", NOW + 6) is not None


def test_an_alarm_of_a_message_rings_once_ever(tx: Tx) -> None:
    first = alarms.raise_once(tx, "rescue", "7", {"text": "cứu với"}, NOW)
    assert first is not None
    assert alarms.raise_once(tx, "rescue", "7", {}, NOW) is None
    second = alarms.raise_once(tx, "rescue", "8", {}, NOW)
    assert [alarm.id for alarm in alarms.ringing(tx)] == [first, second]
    taken = alarms.take(tx, first, "Trực ban", NOW + 9)
    assert taken is not None
    assert (taken.taken_by, taken.taken_at, taken.detail) == ("Trực ban", NOW + 9, {"text": "cứu với"})
    slower = alarms.take(tx, first, "Người khác", NOW + 10)
    assert slower is not None
    assert slower.taken_by == "Trực ban"
    assert alarms.raise_once(tx, "rescue", "7", {}, NOW) is None
    assert [alarm.id for alarm in alarms.ringing(tx)] == [second]
    assert alarms.take(tx, 99, "Trực ban", NOW) is None


def test_a_channel_that_fails_again_rings_again(tx: Tx) -> None:
    first = alarms.raise_again(tx, "channel_down", "sms.one", {}, NOW)
    assert first is not None
    assert alarms.raise_again(tx, "channel_down", "sms.one", {}, NOW) is None
    alarms.take(tx, first, "Trực ban", NOW)
    assert alarms.raise_again(tx, "channel_down", "sms.one", {}, NOW) is not None
    assert len(alarms.listing(tx)) == 2
    assert [alarm.id for alarm in alarms.listing(tx, before=first + 1)] == [first]


def test_hand_over_notes_stay_with_the_alarm(tx: Tx) -> None:
    alarm = alarms.raise_once(tx, "rescue", "7", {}, NOW)
    assert alarm is not None
    alarms.note(tx, alarm, "Trực ban", "đã gọi công an xã", NOW)
    noted = alarms.note(tx, alarm, "Ca sau", "đã đưa lên trạm y tế", NOW + 60)
    assert noted is not None
    assert [one["text"] for one in noted.detail["notes"]] == ["đã gọi công an xã", "đã đưa lên trạm y tế"]
    assert alarms.note(tx, 99, "Trực ban", "x", NOW) is None


def test_who_wants_no_campaigns(tx: Tx) -> None:
    opt_outs.add(tx, 84900001234, "sms.one", NOW)
    opt_outs.add(tx, 84900001234, "sms.two", NOW + 1)
    assert opt_outs.has(tx, 84900001234)
    assert not opt_outs.has(tx, 84900009999)
    assert tx.execute("SELECT source FROM opt_out").fetchall() == [("sms.one",)]
