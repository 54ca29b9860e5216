"""Damage reports over the API, on the page, and as the office's table."""

import csv
import io
import re
import zipfile
from datetime import datetime, timedelta

import pytest
from python_calamine import CalamineWorkbook

from bot.keywords import load
from broadcasts.damage_words import load_damage_words
from broadcasts.model import Mode, Role
from tests.web_stand import Stand
from text.dates import OFFICE_ZONE, local
from web.api.reports import reports_of


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def call(stand, method, path, status, role=Role.OFFICER, **more):
    async with stand.client(role).request(method, f"/api/v1{path}", **more) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def given(stand, unit, name="Ông Mẫu", nil=False, **figures):
    reports = reports_of(stand.services)
    pairs = {code: value if isinstance(value, tuple) else (value, None) for code, value in figures.items()}
    return await reports.give(unit, pairs, nil=nil, person=(None, name), via="sms", at=stand.clock.at)


async def opened(stand, name="chiều 26/8", seconds=7_200, status=201):
    deadline = local(stand.clock.at + seconds).isoformat()
    return await call(stand, "POST", "/reports", status, json={"name": name, "deadline": deadline})


async def test_a_round_over_the_api(stand):
    made = await opened(stand)
    first, second, third = (unit.code for unit in stand.units.all[:3])
    await given(stand, first, TM="12", SOTAN=("25", "98"))
    await given(stand, second, LUA="30.5", SOTAN=("5", "2"))
    await given(stand, third, nil=True)
    page = await call(stand, "GET", "/reports", 200, Role.VIEWER)
    assert [one["name"] for one in page["items"]] == ["chiều 26/8"]
    view = await call(stand, "GET", f"/reports/{made['id']}", 200, Role.VIEWER)
    assert view["totals"] == {"TM": [12, 0], "LUA": [30.5, 0], "SOTAN": [30, 100]}
    assert len(view["missing"]) == 163
    assert [line["nil"] for line in view["units"][:3]] == [False, False, True]
    assert view["units"][0]["figures"] == {"TM": [12, None], "SOTAN": [25, 98]}


async def test_what_is_refused(stand):
    await opened(stand)
    await opened(stand, status=409)
    await call(stand, "POST", "/reports", 422, json={"name": "a", "deadline": "hôm nay"})
    await call(stand, "POST", "/reports", 422, json={"name": "a", "deadline": "2001-01-01T00:00"})
    await call(stand, "POST", "/reports", 403, Role.VIEWER, json={"name": "a", "deadline": "2001-01-01T00:00"})
    await call(stand, "GET", "/reports/99", 404)
    await call(stand, "GET", "/reports/abc", 404)


async def exported(stand, made, kind):
    browser = await stand.browser("khach")
    answer = await browser.get(f"/reports/{made['id']}/export/{kind}")
    assert answer.status == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return await answer.read()


async def test_the_offices_table_as_csv(stand):
    made = await opened(stand)
    first, second = (unit.code for unit in stand.units.all[:2])
    await given(stand, first, "=cmd()", TM="12", LUA="1.5", SOTAN=(None, "98"))
    await given(stand, second, nil=True)
    raw = (await exported(stand, made, "csv")).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(raw)))
    head, body, total = lines[0], lines[1:-1], lines[-1]
    width = 2 + sum(len(field.columns) for field in load_damage_words().fields.values()) + 4
    assert {len(line) for line in lines} == {width}
    row = dict(zip(head, body[0], strict=True))
    assert (row["Nhà tốc mái"], row["Lúa (ha)"], row["Sơ tán (hộ)"], row["Sơ tán (khẩu)"]) == ("12", "1.5", "", "98")
    assert row["Người báo cáo"] == "'=cmd()"
    nil = dict(zip(head, body[1], strict=True))
    assert (nil["Không thiệt hại"], nil["Nhà tốc mái"]) == ("x", "0")
    assert body[2][-1] == "chưa gửi"
    assert len(body) == 166
    assert dict(zip(head, total, strict=True))["Nhà tốc mái"] == "12"


async def test_the_offices_table_as_a_spreadsheet(stand):
    made = await opened(stand)
    await given(stand, stand.units.all[0].code, TM="12")
    with zipfile.ZipFile(io.BytesIO(await exported(stand, made, "xlsx"))) as book:
        assert "chiều 26/8" in book.read("xl/sharedStrings.xml").decode()
    browser = await stand.browser("khach")
    assert (await browser.get(f"/reports/{made['id']}/export/pdf")).status == 404


async def test_the_page_opens_a_round_and_shows_totals_and_the_late(stand):
    browser = await stand.browser()
    deadline = datetime.fromtimestamp(stand.clock.at, OFFICE_ZONE) + timedelta(hours=2)
    form = {"csrf": await stand.csrf("canbo"), "name": "<b>sáng</b>", "deadline": f"{deadline:%Y-%m-%dT%H:%M}"}
    answer = await browser.post("/reports", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    await given(stand, stand.units.all[0].code, TM="12", SOTAN=("25", "98"))
    html = await (await browser.get(answer.headers["Location"])).text()
    assert "<b>sáng</b>" not in html
    assert "12 nhà tốc mái, sơ tán 25 hộ 98 khẩu" in html
    assert "Chưa gửi: 165" in html
    assert "Nhà tốc mái: <b>12</b>" in html
    assert "&lt;b&gt;sáng" in await (await browser.get("/reports")).text()
    answer = await browser.post("/reports", data=form | {"deadline": "?"}, allow_redirects=False)
    assert answer.status == 422


def test_every_field_of_the_grammar_has_words():
    words = load_damage_words()
    assert set(words.fields) == {field.code for field in load().damage}
    for field in load().damage:
        assert len(words.fields[field.code].columns) == (2 if field.pair else 1)


async def drill_opened(stand, name="sáng 26/8"):
    deadline = local(stand.clock.at + 7_200).isoformat()
    return await call(stand, "POST", "/reports", 201, json={"name": name, "deadline": deadline, "mode": "exercise"})


async def test_a_round_of_an_exercise_says_so_in_every_file_and_on_its_page(stand):
    made = await drill_opened(stand)
    assert (made["mode"], made["name"]) == ("exercise", "DIỄN TẬP – sáng 26/8")
    reports = reports_of(stand.services)
    first = stand.units.all[0].code
    await reports.give(
        first,
        {"TM": ("12", None)},
        nil=False,
        person=(None, "Ông Mẫu"),
        via="sms",
        at=stand.clock.at,
        mode=Mode.EXERCISE,
    )
    lines = list(csv.reader(io.StringIO((await exported(stand, made, "csv")).decode("utf-8-sig"))))
    assert lines[0][-1] == "Tính chất"
    assert {line[-1] for line in lines[1:]} == {"DIỄN TẬP – KHÔNG PHẢI THẬT"}
    with zipfile.ZipFile(io.BytesIO(await exported(stand, made, "xlsx"))) as book:
        assert "DIỄN TẬP – KHÔNG PHẢI THẬT" in book.read("xl/worksheets/sheet1.xml").decode()  # on each printed page
        assert "DIỄN TẬP – sáng 26/8" in book.read("xl/sharedStrings.xml").decode()
    browser = await stand.browser("khach")
    html = await (await browser.get(f"/reports/{made['id']}")).text()
    assert 'data-mode="exercise"' in html
    assert "DIỄN TẬP – KHÔNG PHẢI THẬT" in html
    assert "DIỄN TẬP – sáng 26/8" in await (await browser.get("/reports")).text()


async def test_an_unmarked_report_during_an_exercise_is_shown_and_moved_by_an_officer(stand):
    made = await drill_opened(stand)
    unit = stand.units.all[0]
    await given(stand, unit.code, TM="12")
    assert (await call(stand, "GET", f"/reports/{made['id']}", 200))["strays"] == [unit.code]
    browser, viewer = await stand.browser(), await stand.browser("khach")
    html = await (await browser.get(f"/reports/{made['id']}")).text()
    assert "Tin không ghi DIEN TAP trong lúc diễn tập: 1" in html
    (path,) = re.findall(r'action="(/reports/\d+/strays/\d+)"', html)
    assert path not in await (await viewer.get(f"/reports/{made['id']}")).text()
    form = {"csrf": await stand.csrf("canbo")}
    assert (await browser.post(path, data=form, allow_redirects=False)).status == 303
    view = await call(stand, "GET", f"/reports/{made['id']}", 200)
    assert (view["strays"], view["totals"], len(view["missing"])) == ([], {"TM": [12, 0]}, 165)
    assert (await browser.post(path, data=form, allow_redirects=False)).status == 409


async def test_a_name_of_any_script_stays_whole_and_is_no_formula(stand):
    made = await opened(stand)
    names = ['=HYPERLINK("x")', "عمر الفاروق 🌊", "\u202eمقلوب", "+84 0000", "@sum", "Bà Mẫu 👩‍🚒"]
    for unit, name in zip(stand.units.all, names, strict=False):
        await given(stand, unit.code, name, TM="1")
    lines = csv.reader(io.StringIO((await exported(stand, made, "csv")).decode("utf-8-sig")))
    rows = list(lines)[1 : len(names) + 1]
    raw = await exported(stand, made, "xlsx")
    cells = CalamineWorkbook.from_filelike(io.BytesIO(raw)).get_sheet_by_index(0).to_python()[2 : len(names) + 2]
    for name, in_csv, in_xlsx in zip(names, rows, cells, strict=True):
        assert in_csv[-3].removeprefix("'") == in_xlsx[-3].removeprefix("'") == name
        assert not in_csv[-3].startswith(("=", "+", "-", "@"))
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
