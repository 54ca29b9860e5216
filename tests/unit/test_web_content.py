"""The page and the API of what answers are made of."""

import pytest

from broadcasts.model import Role
from store import audit
from tests.web_stand import Stand

XSS = "<script>alert(1)</script>"
STORM = {"kind": "storm", "source": "Đài", "text": "Bão số 5 cách bờ 200 km"}


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


async def test_an_entry_is_added_listed_and_withdrawn_with_a_trace(stand):
    async with stand.room.bus.follow("content") as told:
        made = await call(stand, "POST", "/content", 201, json=STORM)
        assert (await anext(told))["type"] == "added"
    assert (made["kind"], made["scope"], made["author"]) == ("storm", "", "khoa-canbo")
    page = await call(stand, "GET", "/content?kind=storm", 200, Role.VIEWER)
    assert [one["id"] for one in page["items"]] == [made["id"]]
    ended = await call(stand, "POST", f"/content/{made['id']}/end", 200)
    assert ended["ended_by"] == "khoa-canbo"
    await call(stand, "POST", f"/content/{made['id']}/end", 409)
    await call(stand, "POST", "/content/999/end", 404)
    await call(stand, "POST", "/content/abc/end", 404)
    lines = await stand.room.ledger.read(audit.lines)
    assert [line.action for line in lines[:2]] == ["end_content", "add_content"]


async def test_a_wrong_entry_is_refused_field_by_field(stand):
    problem = await call(stand, "POST", "/content", 422, json={**STORM, "text": "", "unit_code": "1"})
    assert {one["field"] for one in problem["errors"]} == {"text", "unit_code"}
    await call(stand, "POST", "/content", 422, json={**STORM, "weird": 1})
    await call(stand, "POST", "/content", 403, Role.VIEWER, json=STORM)


async def test_a_table_is_uploaded_dry_and_for_good(stand):
    table = "kind,text,issued_at,source\nbao,Bão,2025-01-21T20:00,Đài\nxxx,Bão,2025-01-21T20:00,Đài\n".encode()
    dry = await call(stand, "POST", "/import/content?filename=a.csv&dry_run=true", 200, data=table)
    assert (dry["added"], dry["rejections"]) == (1, 1)
    assert dry["rejected"][0]["line"] == 3
    assert "xxx" in dry["rejected"][0]["reason"]
    assert (await call(stand, "GET", "/content", 200))["items"] == []
    assert (await call(stand, "POST", "/import/content?filename=a.csv", 200, data=table))["added"] == 1
    assert len((await call(stand, "GET", "/content", 200))["items"]) == 1
    await call(stand, "POST", "/import/content?filename=a.csv", 422, data=b"a,b\n1,2\n")


async def test_the_page_adds_withdraws_and_escapes(stand):
    browser = await stand.browser()
    form = {"csrf": await stand.csrf("canbo"), "kind": "storm", "scope": "", "text": XSS, "short": "Bao", "source": "Đ"}
    answer = await browser.post("/content", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    html = await (await browser.get("/content")).text()
    assert XSS not in html
    assert "&lt;script&gt;" in html
    assert 'action="/content/1/end"' in html
    answer = await browser.post("/content/1/end", data={"csrf": form["csrf"]}, allow_redirects=False)
    assert answer.status == 303
    html = await (await browser.get("/content?kind=storm")).text()
    assert "canbo ngừng dùng" in html


async def test_the_page_keeps_what_was_typed_and_says_what_is_wrong(stand):
    browser = await stand.browser()
    form = {"csrf": await stand.csrf("canbo"), "kind": "river", "scope": "", "subject": "sông Mã", "source": "Đài"}
    answer = await browser.post("/content", data=form, allow_redirects=False)
    html = await answer.text()
    assert answer.status == 422
    assert 'value="sông Mã"' in html
    assert html.count("Thiếu mục này.") == 2


async def test_a_viewer_reads_and_changes_nothing(stand):
    browser = await stand.browser("khach")
    html = await (await browser.get("/content")).text()
    assert 'action="/content"' not in html
    answer = await browser.post("/content", data={"csrf": await stand.csrf("khach"), **STORM}, allow_redirects=False)
    assert answer.status == 403
