"""The duty room's pages and routes: roster, calendar address, hand-over, exercises, and sending alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import FormData
from icalendar import Calendar

from broadcasts.model import Actor, Draft, Role
from store import alarms
from tests.web_stand import Stand
from text.dates import local
from web.services import Services

OFFICER = Actor("canbo", Role.OFFICER)
SIGNED_IN = {}
"""Browsers of this test, one a person: two sessions of the same second have no order."""


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    SIGNED_IN.pop(stand, None)
    await stand.close()


def bar_of(text):
    """Who is on duty, as it stands on top."""
    return text[text.index('id="on-duty"') : text.index('id="clock"')]


async def page(browser, path, status=200):
    async with browser.get(path) as answer:
        assert answer.status == status, (path, await answer.text())
        return await answer.text()


async def browser_of(stand, name):
    known = SIGNED_IN.setdefault(stand, {})
    if name not in known:
        known[name] = await stand.browser(name)
    return known[name]


async def post(stand, name, path, status=303, **form):
    browser = await browser_of(stand, name)
    data = {"csrf": await stand.csrf(name), **form}
    async with browser.post(path, data=data, allow_redirects=False) as answer:
        assert answer.status == status, (path, await answer.text())
        return await answer.text() if status != 303 else answer.headers["Location"]


def typed(stand, hours):
    return f"{local(stand.clock.at) + timedelta(hours=hours):%Y-%m-%dT%H:%M}"


async def shift(stand, person, duty="officer", start=-1.0, end=7.0, status=303):
    return await post(
        stand, "lanhdao", "/roster", status, person=person, duty=duty, start=typed(stand, start), end=typed(stand, end)
    )


async def pending(stand, **values):
    made = await stand.desk.draft(
        Draft(**{"text": "Lũ lên nhanh", "audience": "all-units", "channels": ["zalo"], **values}), OFFICER
    )
    return await stand.desk.submit(made.code, OFFICER)


# -- the roster --------------------------------------------------------------------------------------------------------


async def test_every_page_says_who_is_on_duty_and_the_board_who_is_missing(stand):
    browser = await browser_of(stand, "khach")
    assert "chưa xếp lịch" in await page(browser, "/")
    await shift(stand, "canbo")
    await shift(stand, "lanhdao", "approver")
    for path in ("/", "/broadcasts", "/roster", "/handovers", "/exercises", "/break-glass"):
        text = await page(browser, path)
        bar = bar_of(text)
        assert "canbo" in bar, path
        assert "lanhdao" in bar, path
    assert "Không có ai trực từ" in await page(browser, "/")
    stand.clock.at += 8 * 3600
    text = await page(browser, "/inbox")
    assert "không có ai" in bar_of(text)


async def test_a_shift_that_ends_before_it_starts_is_shown_with_its_sentence(stand):
    text = await shift(stand, "canbo", start=5, end=2, status=422)
    assert "trước hoặc đúng lúc bắt đầu" in text
    assert 'value="' + typed(stand, 5) in text
    text = await post(stand, "lanhdao", "/roster", 422, person="canbo", duty="officer", start="tối", end="")
    assert "aria-invalid" in text


async def test_a_file_is_tried_and_brought_in(stand):
    browser = await browser_of(stand, "lanhdao")
    token = await stand.csrf("lanhdao")
    for act, says in (("try", "Sẽ thêm 1 ca"), ("bring", "Đã thêm 1 ca")):
        form = FormData()
        form.add_field("csrf", token)
        form.add_field("act", act)
        form.add_field(
            "file", f"person,from,to\ncanbo,{typed(stand, 0)},{typed(stand, 8)}\nai,x,y\n", filename="ca.csv"
        )
        async with browser.post("/roster/import", data=form) as answer:
            text = await answer.text()
            assert answer.status == 200, text
        assert says in text
        assert "Dòng 3: Không có người dùng “ai”." in text
    assert "canbo" in await page(browser, "/roster")


async def test_a_swap_by_two_people(stand):
    await shift(stand, "canbo", start=10, end=20)
    shift_id = (await stand.services.duty.roster.week(local(stand.clock.at), local(stand.clock.at + 9e4))).shifts[0].id
    await post(stand, "canbo", f"/roster/shifts/{shift_id}/swap", to="lanhdao")
    assert "canbo nhờ lanhdao nhận ca" in await page(await browser_of(stand, "lanhdao"), "/roster")
    swap = (await stand.services.duty.roster.week(local(stand.clock.at), local(stand.clock.at + 9e4))).swaps[0]
    await post(stand, "canbo", f"/roster/swaps/{swap.id}", 403, act="accept")
    await post(stand, "lanhdao", f"/roster/swaps/{swap.id}", act="accept")
    assert "canbo nhờ lanhdao" not in await page(await browser_of(stand, "lanhdao"), "/roster")
    await post(stand, "lanhdao", "/roster/shifts/99999/remove", 404)


async def test_a_calendar_needs_no_sign_in_but_its_address(stand, capsys):
    await shift(stand, "canbo", start=10, end=20)
    text = await post(stand, "canbo", "/roster/feed", 200, act="new")
    address = text[text.index("/calendar/") :].split("<", 1)[0]
    nobody = stand.client(None)
    async with nobody.get(address) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/calendar"
        assert len(Calendar.from_ical(await answer.read()).walk("VEVENT")) == 1
    async with nobody.get(address[:-8] + "AAAA.ics") as answer:
        assert answer.status == 404
    await post(stand, "canbo", "/roster/feed", act="revoke")
    async with nobody.get(address) as answer:
        assert answer.status == 404
    secret = address.removeprefix("/calendar/").removesuffix(".ics")
    told = capsys.readouterr()
    assert secret not in told.out + told.err
    assert secret not in await page(await browser_of(stand, "canbo"), "/roster")


async def test_the_roster_for_programs(stand):
    leader, viewer = stand.client(Role.APPROVER), stand.client(Role.VIEWER)
    start = local(stand.clock.at)
    body = {"person": "canbo", "start": start.isoformat(), "end": (start + timedelta(hours=8)).isoformat()}
    async with viewer.post("/api/v1/roster", json=body) as answer:
        assert answer.status == 403
    async with leader.post("/api/v1/roster", json=body) as answer:
        assert answer.status == 201, await answer.text()
    async with leader.post("/api/v1/roster", json=body) as answer:
        assert answer.status == 409
    async with leader.post("/api/v1/roster", json=body | {"end": body["start"]}) as answer:
        assert answer.status == 422
        assert (await answer.json())["errors"][0]["field"] == "end"
    async with viewer.get("/api/v1/roster") as answer:
        found = await answer.json()
    assert [one["person"] for one in found["on_duty"]] == ["canbo"]
    assert found["gaps"][0]["end"] is None


# -- hand-over ---------------------------------------------------------------------------------------------------------


async def test_a_hand_over_from_draft_to_read(stand):
    await pending(stand)
    where = await post(stand, "canbo", "/handovers")
    text = await page(await browser_of(stand, "canbo"), where)
    assert "Lũ lên nhanh: canbo trình lúc" in text
    await post(stand, "canbo", where, note="Nhắc Xã A", act="save")
    await post(stand, "lanhdao", where, 403, note="của tôi", act="sign")
    await post(stand, "canbo", where, note="Nhắc Xã A, gọi Xã B", act="sign")
    assert "canbo đã ký bàn giao" in await page(await browser_of(stand, "lanhdao"), "/")
    await post(stand, "lanhdao", f"{where}/read")
    text = await page(await browser_of(stand, "khach"), where)
    assert "Nhắc Xã A, gọi Xã B" in text
    assert "lanhdao đã đọc" in text
    assert "canbo đã ký bàn giao" not in await page(await browser_of(stand, "lanhdao"), "/")
    await page(await browser_of(stand, "khach"), "/handovers/99", 404)


# -- exercises ---------------------------------------------------------------------------------------------------------


async def test_an_exercise_from_its_page_to_the_table_for_the_office(stand):
    code = await stand.sent(mode="exercise")
    browser = await browser_of(stand, "khach")
    assert "đang diễn ra" in await page(browser, "/exercises")
    unit = stand.units.all[0].code
    view = await stand.desk.view(code)
    await stand.acks.confirm(view.id, unit, 1, "=Chủ tịch", "zalo.user", local(stand.clock.at + 65))
    stand.clock.at += 1800
    await stand.services.duty.exercises.tick()
    assert "1/166 đã trả lời" in await page(browser, "/exercises")
    text = await page(browser, f"/exercises/{code}")
    assert "DIỄN TẬP – KHÔNG PHẢI THẬT" in text
    assert "1/166 xã, phường đã trả lời trong 30 phút. chưa trả lời: " in text
    table = await page(browser, f"/exercises/{code}/export/csv")
    lines = table.splitlines()
    assert len(lines) == 168
    assert all("DIỄN TẬP – KHÔNG PHẢI THẬT" in one for one in (lines[0], *lines[2:]))
    assert ",'=Chủ tịch," in table
    await page(browser, f"/exercises/{code}/export/doc", 404)
    async with browser.get(f"/exercises/{code}/export/xlsx") as answer:
        assert (await answer.read())[:2] == b"PK"
    async with stand.client(Role.VIEWER).get(f"/api/v1/broadcasts/{code}/exercise") as answer:
        found = await answer.json()
    assert (found["answered"], found["total"], len(found["silent"])) == (1, 166, 165)
    actual = await stand.sent(text="thật")
    await page(browser, f"/exercises/{actual}", 409)


# -- alone -------------------------------------------------------------------------------------------------------------


async def test_the_way_past_the_approval_on_the_page(stand):
    view = await pending(stand)
    browser = await browser_of(stand, "canbo")
    assert "bạn được gửi với tư cách tin cảnh báo" in await page(browser, f"/broadcasts/{view.code}")
    where, given = (
        f"/broadcasts/{view.code}/break-glass",
        {"content_hash": view.content_hash, "reason": "không ai nghe"},
    )
    await post(stand, "canbo", where, 403, number="166", **given)
    stand.clock.at += 600
    assert "Gửi ngay dưới tên tôi" in await page(browser, f"/broadcasts/{view.code}")
    await post(stand, "canbo", where, 422, number="165", **given)
    await post(stand, "canbo", where, 422, number="166", content_hash=view.content_hash, reason=" ")
    await post(stand, "canbo", where, 409, number="166", content_hash="x", reason="gấp")
    await post(stand, "canbo", where, number="166", **given)
    text = await page(browser, f"/broadcasts/{view.code}?all")
    assert "Gửi không chờ duyệt: canbo" in text
    assert "ĐÃ GỬI KHÔNG CHỜ DUYỆT" in await page(await browser_of(stand, "lanhdao"), "/")
    assert "Xem lại từ" in await page(await browser_of(stand, "lanhdao"), "/break-glass")
    await post(stand, "canbo", f"/break-glass/{view.code}/review", 403, verdict="right")
    await post(stand, "lanhdao", f"/break-glass/{view.code}/review", 422, verdict="wrong")
    await post(stand, "lanhdao", f"/break-glass/{view.code}/review", verdict="wrong", note="phải gọi trước")
    assert "phải gọi trước" in await page(browser, "/break-glass")
    async with stand.client(Role.VIEWER).get(f"/api/v1/broadcasts/{view.code}") as answer:
        shown = (await answer.json())["break_glass"]
    assert (shown["by"], shown["verdict"], shown["reviewed_by"]) == ("canbo", "wrong", "lanhdao")
    assert not await stand.room.ledger.read(alarms.ringing)


async def test_sending_alone_for_programs(stand):
    view = await pending(stand)
    officer = stand.client(Role.OFFICER)
    body = {"content_hash": view.content_hash, "reason": "mất liên lạc"}
    async with officer.post(f"/api/v1/broadcasts/{view.code}/break-glass", json=body) as answer:
        assert answer.status == 403
        assert "chỉ được gửi không chờ duyệt từ" in (await answer.json())["detail"]
    stand.clock.at += 600
    async with officer.post(f"/api/v1/broadcasts/{view.code}/break-glass", json=body) as answer:
        assert answer.status == 200
        assert (await answer.json())["break_glass"]["ground"] == "unanswered"
    leader = stand.client(Role.APPROVER)
    async with leader.post(f"/api/v1/broadcasts/{view.code}/break-glass/review", json={"verdict": "right"}) as answer:
        assert (await answer.json())["break_glass"]["verdict"] == "right"


# -- a flash directive -------------------------------------------------------------------------------------------------


async def test_a_flash_directive_is_kept_shown_and_refused_until_its_document_is_named(stand):
    form = {
        "text": "Sơ tán ngay", "reach": "all", "channel": "zalo", "urgency": "hoa-toc", "kind": "directive",
        "mode": "actual", "valid_hours": "6", "template": "", "once": "a",
    }  # fmt: skip
    shown = await post(stand, "canbo", "/broadcasts/preview", 200, **form)
    assert "Thiếu số văn bản, người ký" in shown
    where = await post(stand, "canbo", "/broadcasts/new", **form)
    text = await post(stand, "canbo", f"{where}/submit", 422)
    assert "Thiếu số văn bản, người ký" in text
    await post(stand, "canbo", f"{where}/edit", **form | {"document_number": "04/CĐ-UBND", "signer": "Ông Mẫu"})
    await post(stand, "canbo", f"{where}/submit")
    text = await page(await browser_of(stand, "lanhdao"), where)
    assert "04/CĐ-UBND" in text
    assert "ký: Ông Mẫu" in text
    assert not stand.zalo.left


async def test_an_approver_sees_what_changed_since_the_last_of_the_template(stand):
    assert isinstance(stand.services, Services)
    blanks = {"tu_ngay": "02/7", "den_ngay": "05/7", "nhiet": "39-40", "cap_do_nn": "1", "gio_tranh": "10-16h"}
    words = {"text": None, "template": "nangnong", "channels": ["zalo"]}
    await stand.sent(**words, blanks=blanks)
    view = await pending(stand, **words, blanks=blanks | {"nhiet": "41"})
    text = await page(await browser_of(stand, "lanhdao"), f"/broadcasts/{view.code}")
    assert "So với tin đã duyệt gần nhất cùng mẫu" in text
    assert "<ins>41</ins>" in text or "41</ins>" in text
