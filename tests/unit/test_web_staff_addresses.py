"""Binding a telephone to a member of staff over the API: for admins, checked, with a trace that hides the number."""

import pytest

from broadcasts.model import Role
from store import approvals, audit
from tests.web_stand import Stand


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def bind(stand, status, role=Role.ADMIN, name="lanhdao", **body):
    body = {"channel": "sms", "address": "0900009100", **body}
    async with stand.client(role).post(f"/api/v1/staff/{name}/addresses", json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_an_admin_binds_and_takes_away(stand):
    said = await bind(stand, 200)
    assert said == {"user": "lanhdao", "channel": "sms", "address": "84900009100", "bound": True}
    found = await stand.room.ledger.read(lambda tx: approvals.member(tx, "sms", "84900009100"))
    assert found.name == "lanhdao"
    assert "84900009100" not in str(await stand.room.ledger.read(audit.lines))
    assert (await bind(stand, 200, remove=True))["bound"] is False
    assert await stand.room.ledger.read(lambda tx: approvals.member(tx, "sms", "84900009100")) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [({"address": "xyz"}, "address"), ({"channel": "fax"}, "channel"), ({"name": "nobody"}, "name")],
)
async def test_what_is_refused_is_named(stand, body, field):
    problem = await bind(stand, 422, **body)
    assert problem["errors"][0]["field"] == field


async def test_only_admins(stand):
    await bind(stand, 403, Role.APPROVER)


async def post(stand, browser, who="quantri", status=303, **form):
    form = {"name": "lanhdao", "channel": "sms", "address": "0900 009 100", **form, "csrf": await stand.csrf(who)}
    answer = await browser.post("/staff-addresses", data=form, allow_redirects=False)
    assert answer.status == status, await answer.text()
    return await answer.text()


async def page_of(browser, status=200):
    answer = await browser.get("/staff-addresses")
    assert answer.status == status
    return await answer.text()


async def test_the_page_binds_shows_and_takes_away(stand):
    browser = await stand.browser("quantri")
    assert "84900009100" not in await page_of(browser)
    await post(stand, browser)
    assert "<code>84900009100</code>" in await page_of(browser)
    found = await stand.room.ledger.read(lambda tx: approvals.member(tx, "sms", "84900009100"))
    assert found.name == "lanhdao"
    await post(stand, browser, address="84900009100", remove="1")
    assert await stand.room.ledger.read(lambda tx: approvals.member(tx, "sms", "84900009100")) is None
    lines = await stand.room.ledger.read(audit.lines)
    assert [line.action for line in lines if line.action.endswith("bind_staff")] == ["unbind_staff", "bind_staff"]
    assert "84900009100" not in str(lines)


async def test_the_page_says_what_is_wrong(stand):
    browser = await stand.browser("quantri")
    assert "không đúng dạng" in await post(stand, browser, status=422, address="<b>x</b>")
    await post(stand, browser)
    assert "thuộc về người khác" in await post(stand, browser, status=422, name="canbo")


@pytest.mark.parametrize("who", ["khach", "canbo", "lanhdao"])
async def test_the_page_is_for_administrators(stand, who):
    browser = await stand.browser(who)
    await page_of(browser, status=403)
    await post(stand, browser, who, status=403)
