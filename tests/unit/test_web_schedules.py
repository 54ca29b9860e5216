"""Schedules over the API and on the page, and the steps of one message in the compose form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from broadcasts.model import Role
from broadcasts.schedules.firing import Firing
from store import broadcasts, schedules
from tests.web_stand import Stand
from text.dates import OFFICE_ZONE

DAILY = {"every": "day", "times": ["07:00"]}
DRAFT = {"text": "Kiểm tra trực ban", "audience": "all-units", "channels": ["zalo", "sms"]}
CALL = {"name": "Gọi trực", "kind": "broadcast", "rule": DAILY, "payload": {"draft": DRAFT}}
OWN = [
    {"after": "0s", "channels": ["zalo"]},
    {"after": "3m", "channels": ["sms"], "unless": "seen"},
    {"after": "9m", "call": True},
]


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


def at(stand: Stand, days: int, hour: int) -> float:
    day = datetime.fromtimestamp(stand.clock.at, OFFICE_ZONE).replace(hour=hour, minute=0, second=0, microsecond=0)
    return day.timestamp() + days * 86_400


async def asks(stand: Stand, method: str, path: str, role: Role = Role.OFFICER, **body: Any) -> tuple[int, Any]:
    answer = await stand.client(role).request(method, f"/api/v1{path}", json=body or None)
    return answer.status, await answer.json()


async def fire(stand: Stand, when: float) -> int:
    stand.clock.at = when
    kinds = stand.schedules.kinds
    return await Firing(stand.room.ledger, stand.room.bus, kinds, stand.clock).tick()


async def csrf_of(browser, path: str = "/schedules") -> str:
    page = await (await browser.get(path)).text()
    return page.split('name="csrf" value="')[1].split('"')[0]


async def test_a_recurring_message_leaves_by_a_standing_approval_of_exactly_its_content(stand: Stand) -> None:
    status, made = await asks(stand, "POST", "/schedules", **CALL)
    assert status == 201
    assert (made["state"], made["next_at"]) == ("waiting", None)
    assert await fire(stand, at(stand, 1, 7)) == 0
    path = f"/schedules/{made['id']}/approve"
    assert (await asks(stand, "POST", path, Role.OFFICER, content_hash=made["content_hash"]))[0] == 403
    assert (await asks(stand, "POST", path, Role.APPROVER, content_hash="0" * 64))[0] == 409
    status, approved = await asks(stand, "POST", path, Role.APPROVER, content_hash=made["content_hash"])
    assert (status, approved["state"]) == (200, "active")

    due = at(stand, 1, 7)
    assert await fire(stand, due) == 1
    assert await fire(stand, due + 1) == 0
    await stand.room.clockwork.tick_broadcasts()
    (sent,) = (await asks(stand, "GET", "/broadcasts"))[1]["items"]
    assert sent["approved_by"] == approved["approved_by"]
    assert sent["state"] in ("sending", "sent")
    assert sent["texts"]["chat"].endswith("Kiểm tra trực ban")
    (fired,) = (await asks(stand, "GET", f"/schedules/{made['id']}"))[1]["fires"]
    assert (fired["state"], fired["result"]) == ("done", {"broadcast": sent["code"]})
    events = await stand.desk.events(sent["code"])
    assert "standing_approval" in {one.event for one in events}


async def test_content_that_has_changed_stops_and_waits_for_another_approval(stand: Stand) -> None:
    _, made = await asks(stand, "POST", "/schedules", **CALL)
    path = f"/schedules/{made['id']}/approve"
    await asks(stand, "POST", path, Role.APPROVER, content_hash=made["content_hash"])

    def tamper(tx):
        payload = orjson.dumps({"draft": {**DRAFT, "text": "Khác"}}).decode()
        tx.execute("UPDATE schedule SET payload = ? WHERE id = ?", (payload, made["id"]))

    await stand.room.ledger.write(tamper)
    await fire(stand, at(stand, 1, 7))
    assert (await asks(stand, "GET", "/broadcasts"))[1]["items"] == []
    now = (await asks(stand, "GET", f"/schedules/{made['id']}"))[1]
    assert (now["state"], now["fires"][0]["result"]["why"]) == ("waiting", "not_approved")
    assert now["content_hash"] != made["content_hash"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rule": {"every": "once", "at": "2020-01-01T07:00:00+07:00"}}, "rule.at"),
        ({"rule": {"every": "day", "times": []}}, "rule.times"),
        ({"kind": "rain"}, "kind"),
        ({"payload": {}}, "payload.draft"),
        ({"payload": {"from": "TB0000-99"}}, "payload.from"),
        ({"payload": {"draft": {**DRAFT, "audience": "unit:00000"}}}, "audience"),
        ({"payload": {"draft": {**DRAFT, "fire_at": "2036-01-01T07:00:00+07:00"}}}, "payload.draft.fire_at"),
        ({"payload": {"draft": {**DRAFT, "volume": 11}}}, "payload.draft.volume"),
        ({"kind": "round", "payload": {"name": "sáng", "open_for": "0s"}}, "payload.open_for"),
        ({"kind": "round", "payload": {"name": "", "open_for": "2h"}}, "payload.name"),
        ({"kind": "round", "payload": {"name": "diễn tập sáng", "open_for": "2h"}}, "payload.name"),
        ({"kind": "round", "payload": {"name": "sáng", "open_for": "2h", "mode": "test"}}, "payload.mode"),
        ({"kind": "digest", "payload": {"x": 1}}, "payload.x"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_sentence(stand: Stand, change, field) -> None:
    status, problem = await asks(stand, "POST", "/schedules", **{**CALL, **change})
    assert status == 422, problem
    assert field in {one["field"] for one in problem["errors"]}
    assert all(one["says"] for one in problem["errors"])


async def test_a_round_every_day_opens_while_an_event_is_running(stand: Stand) -> None:
    payload = {"name": "sáng", "open_for": "2h", "in_event": True}
    _, made = await asks(stand, "POST", "/schedules", name="Kỳ sáng", kind="round", rule=DAILY, payload=payload)
    await fire(stand, at(stand, 1, 7))
    (fired,) = (await asks(stand, "GET", f"/schedules/{made['id']}"))[1]["fires"]
    assert (fired["state"], fired["result"]["why"]) == ("void", "no_event")
    await stand.room.approved(mode="actual", state="sent")
    due = at(stand, 1, 7)
    await fire(stand, due)
    (found,) = (await asks(stand, "GET", "/reports"))[1]["items"]
    day = datetime.fromtimestamp(due, OFFICE_ZONE)
    assert found["name"] == f"sáng {day.day}/{day.month}"
    assert datetime.fromisoformat(found["deadline"]).timestamp() == due + 7200


async def test_a_scheduled_round_of_an_exercise_is_one_and_waits_for_an_exercise(stand: Stand) -> None:
    payload = {"name": "sáng", "open_for": "2h", "in_event": True, "mode": "exercise"}
    _, made = await asks(stand, "POST", "/schedules", name="Kỳ tập", kind="round", rule=DAILY, payload=payload)
    await stand.room.approved(mode="actual", state="sent")
    await fire(stand, at(stand, 1, 7))
    (fired,) = (await asks(stand, "GET", f"/schedules/{made['id']}"))[1]["fires"]
    assert (fired["state"], fired["result"]["why"]) == ("void", "no_event")
    await stand.room.approved(mode="exercise", state="sent", code="TB1126-02")
    due = at(stand, 1, 7)
    await fire(stand, due)
    (found,) = (await asks(stand, "GET", "/reports"))[1]["items"]
    day = datetime.fromtimestamp(due, OFFICE_ZONE)
    assert (found["mode"], found["name"]) == ("exercise", f"DIỄN TẬP – sáng {day.day}/{day.month}")


async def test_two_rounds_of_one_day_have_names_of_their_own(stand: Stand) -> None:
    payload, rule = {"name": "kỳ", "open_for": "2h"}, {"every": "day", "times": ["07:00", "16:00"]}
    await asks(stand, "POST", "/schedules", name="Kỳ", kind="round", rule=rule, payload=payload)
    times = [at(stand, 1, hour) for hour in (7, 16)]
    for when in times:
        await fire(stand, when)
    day = datetime.fromtimestamp(times[0], OFFICE_ZONE)
    names = {one["name"] for one in (await asks(stand, "GET", "/reports"))[1]["items"]}
    assert names == {f"kỳ {hour}:00 {day.day}/{day.month}" for hour in ("07", "16")}


async def test_a_digest_goes_to_the_officers_who_registered(stand: Stand) -> None:
    def bind(tx):
        staff = tx.execute("SELECT id FROM staff WHERE name = 'canbo'").fetchone()[0]
        tx.execute("INSERT INTO staff_address VALUES ('sms', '84900000777', ?, 0)", (staff,))

    await stand.room.ledger.write(bind)
    await asks(stand, "POST", "/schedules", name="Bản tin", kind="digest", rule=DAILY)
    await fire(stand, at(stand, 1, 7))
    await stand.room.clockwork.tick_lanes()
    await stand.room.until(lambda: stand.sms.left)
    (one,) = stand.sms.left
    assert one.to == "84900000777"
    assert "Khong co tin nao dang mo." in one.text


async def test_pause_resume_delete(stand: Stand) -> None:
    _, made = await asks(stand, "POST", "/schedules", name="Bản tin", kind="digest", rule=DAILY)
    path = f"/schedules/{made['id']}"
    assert (await asks(stand, "POST", f"{path}/pause"))[1]["state"] == "paused"
    assert (await asks(stand, "POST", f"{path}/pause"))[0] == 409
    assert (await asks(stand, "POST", f"{path}/resume"))[1]["next_at"]
    assert (await asks(stand, "DELETE", path))[1]["state"] == "ended"
    assert (await asks(stand, "GET", "/schedules"))[1]["items"] == []
    assert (await asks(stand, "GET", "/schedules/99"))[0] == 404
    assert (await asks(stand, "GET", "/schedules/x"))[0] == 404


async def test_the_page_adds_shows_pauses_and_deletes(stand: Stand) -> None:
    browser = await stand.browser()
    token = await csrf_of(browser)
    form = {"csrf": token, "kind": "round", "name": "Kỳ chiều", "round_name": "chiều", "open_for": "2",
            "every": "day", "times": "16:00"}  # fmt: skip
    answer = await browser.post("/schedules", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    page = await (await browser.get("/schedules")).text()
    assert "Kỳ chiều" in page
    assert "Hằng ngày lúc 16:00" in page
    board = await (await browser.get("/")).text()
    assert "Kỳ chiều" in board
    await browser.post("/schedules/1/pause", data={"csrf": token})
    assert "Tạm dừng" in await (await browser.get("/schedules")).text()
    assert (await browser.get("/schedules/1")).status == 200
    await browser.post("/schedules/1/delete", data={"csrf": token})
    assert "Kỳ chiều" not in await (await browser.get("/schedules")).text()
    refused = await browser.post("/schedules", data={**form, "every": "once", "at": "2020-01-01T07:00"})
    assert refused.status == 422
    assert "đã qua" in await refused.text()


async def test_a_message_from_the_page_is_approved_by_another_person(stand: Stand) -> None:
    drafted = (await asks(stand, "POST", "/broadcasts", **DRAFT))[1]
    officer, chief = await stand.browser(), await stand.browser("lanhdao")
    form = {"csrf": await csrf_of(officer), "kind": "broadcast", "name": "Gọi trực", "from": drafted["code"],
            "every": "week", "days": "mon", "times": "7:00"}  # fmt: skip
    await officer.post("/schedules", data=form)
    shown = await (await chief.get("/schedules/1")).text()
    assert "Kiểm tra trực ban" in shown
    content_hash = shown.split('name="content_hash" value="')[1].split('"')[0]
    own = await officer.post("/schedules/1/approve", data={"csrf": form["csrf"], "content_hash": content_hash})
    assert own.status == 403
    await chief.post("/schedules/1/approve", data={"csrf": await csrf_of(chief), "content_hash": content_hash})
    row = await stand.room.ledger.read(lambda tx: schedules.one(tx, 1))
    assert row is not None
    assert (row.state, row.approved_by) == ("active", "lanhdao")


async def test_a_draft_carries_steps_of_its_own_into_its_hash(stand: Stand) -> None:
    hashes = set()
    for escalation in (None, OWN, [*OWN[:2], {"after": "10m", "call": True}]):
        made = (await asks(stand, "POST", "/broadcasts", **DRAFT, escalation=escalation))[1]
        submitted = (await asks(stand, "POST", f"/broadcasts/{made['id']}/submit"))[1]
        hashes.add(submitted["content_hash"])
        if escalation is OWN:
            assert [step["after"] for step in submitted["escalation"]] == [0, 180, 540]
            assert submitted["escalation"][1]["unless"] == "seen"
            assert submitted["escalation"][1]["roles"] == ["chairman"]
    assert len(hashes) == 3


async def test_steps_that_make_no_sense_are_refused_with_their_place(stand: Stand) -> None:
    wrong = [OWN[0], {"after": "0s", "channels": ["sms"]}, {"after": "5m", "channels": ["pigeon"]}]
    status, problem = await asks(stand, "POST", "/broadcasts", **DRAFT, escalation=wrong)
    assert status == 422
    assert {one["field"] for one in problem["errors"]} == {"escalation.1.after", "escalation.2.channels"}
    nobody = [OWN[0], {"after": "5m", "channels": ["sms"], "roles": ["secretary"]}]
    status, problem = await asks(stand, "POST", "/broadcasts", **DRAFT, escalation=nobody)
    assert status == 422
    assert {one["field"] for one in problem["errors"]} == {"escalation.1.roles"}


async def test_the_compose_form_shows_the_chain_and_takes_another(stand: Stand) -> None:
    browser = await stand.browser()
    page = await (await browser.get("/broadcasts/new?template=")).text()
    assert "Ngay khi gửi" in page
    assert "danh sách gọi" in page
    token = page.split('name="csrf" value="')[1].split('"')[0]
    form = [
        ("csrf", token), ("text", "Thử"), ("reach", "all"), ("channel", "zalo"), ("channel", "sms"), ("mode", "actual"),
        ("urgency", "khan"), ("kind", "alert"), ("valid_hours", "6"), ("own_steps", "1"),
        ("step0.after", "0"), ("step0.channels", "zalo"), ("step0.unless", "acknowledged"), ("step0.times", "1"),
        ("step1.after", "2,5"), ("step1.channels", "sms"), ("step1.unless", "delivered"), ("step1.repeat", "3"),
        ("step1.times", "2"), ("step2.after", ""), ("step2.times", "1"), ("step2.unless", "acknowledged"),
    ]  # fmt: skip
    answer = await browser.post("/broadcasts/new", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    row = await stand.room.ledger.read(lambda tx: broadcasts.listed(tx, None, 1)[0])
    kept = orjson.loads(row.content)["draft"]["escalation"]
    assert [(one["after"], one["channels"], one["times"]) for one in kept] == [(0.0, ["zalo"], 1), (150.0, ["sms"], 2)]
    again = await (await browser.get(f"/broadcasts/{row.code}/edit")).text()
    assert 'value="2.5"' in again
    bad = [pair if pair[0] != "step1.after" else ("step1.after", "0") for pair in form]
    answer = await browser.post("/broadcasts/new", data=bad, allow_redirects=False)
    assert answer.status == 422
    assert "Bước 2 chờ 0 phút" in await answer.text()
