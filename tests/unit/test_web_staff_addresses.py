"""Binding a telephone to a member of staff: for admins, checked, with a trace that hides the number; that of somebody
who approves takes two of them."""

import re

import pytest

from broadcasts.model import Role
from store import access, approvals, audit, privileges
from tests.web_stand import Stand


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def holder(stand, value="84900009100"):
    found = await stand.room.ledger.read(lambda tx: approvals.member(tx, "sms", value))
    return found and found.name


async def bind(stand, status, role=Role.ADMIN, name="canbo", **body):
    body = {"channel": "sms", "address": "0900009100", **body}
    async with stand.client(role).post(f"/api/v1/staff/{name}/addresses", json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_an_admin_binds_and_takes_away(stand):
    said = await bind(stand, 200)
    assert said == {"user": "canbo", "channel": "sms", "address": "84900009100", "bound": True, "waiting": False}
    assert await holder(stand) == "canbo"
    assert "84900009100" not in str(await stand.room.ledger.read(audit.lines))
    assert (await bind(stand, 200, remove=True))["bound"] is False
    assert await holder(stand) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [({"address": "xyz"}, "address"), ({"channel": "fax"}, "channel"), ({"name": "nobody"}, "name")],
)
async def test_what_is_refused_is_named(stand, body, field):
    problem = await bind(stand, 422, **body)
    assert problem["errors"][0]["field"] == field


async def test_only_admins(stand):
    await bind(stand, 403, Role.APPROVER)


async def post(stand, browser, who="quantri", status=303, path="/staff-addresses", **form):
    form = {"name": "canbo", "channel": "sms", "address": "0900 009 100", **form, "csrf": await stand.csrf(who)}
    answer = await browser.post(path, data=form, allow_redirects=False)
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
    assert await holder(stand) == "canbo"
    await post(stand, browser, address="84900009100", remove="1")
    assert await holder(stand) is None
    lines = await stand.room.ledger.read(audit.lines)
    assert [line.action for line in lines if line.action.endswith("bind_staff")] == ["unbind_staff", "bind_staff"]
    assert "84900009100" not in str(lines)


async def test_the_page_says_what_is_wrong(stand):
    browser = await stand.browser("quantri")
    assert "không đúng dạng" in await post(stand, browser, status=422, address="<b>x</b>")
    await post(stand, browser)
    assert "thuộc về người khác" in await post(stand, browser, status=422, name="khach")


@pytest.mark.parametrize("who", ["khach", "canbo", "lanhdao"])
async def test_the_page_is_for_administrators(stand, who):
    browser = await stand.browser(who)
    await page_of(browser, status=403)
    await post(stand, browser, who, status=403)


async def second_admin(stand):
    await stand.room.ledger.write(lambda tx: tx.execute("UPDATE staff SET role = 'admin' WHERE name = 'khach'"))
    return await stand.browser("khach")


async def requested(browser):
    """The path of the one request that the page shows."""
    (path,) = re.findall(r'action="(/staff-addresses/requests/\d+)"', await page_of(browser))
    return path


@pytest.mark.parametrize("name", ["lanhdao", "quantri"])
async def test_one_administrator_alone_binds_no_telephone_of_somebody_who_approves(stand, name):
    first, second = await stand.browser("quantri"), await second_admin(stand)
    await post(stand, first, name=name)
    assert await holder(stand) is None
    path = await requested(first)
    await post(stand, first, path=path, status=403, verdict="grant")
    assert await holder(stand) is None
    await post(stand, second, "khach", path=path, verdict="grant")
    assert await holder(stand) == name
    await post(stand, second, "khach", path=path, status=409, verdict="grant")
    lines = await stand.room.ledger.read(audit.lines)
    assert [line.action for line in lines if "address" in line.action or "bind" in line.action] == [
        "bind_staff", "address_asked",
    ]  # fmt: skip
    assert "84900009100" not in str(lines)
    await post(stand, first, name=name, address="84900009100", remove="1")  # less is decided alone
    assert await holder(stand) is None


async def test_nobody_agrees_to_an_address_of_their_own(stand):
    first, second = await stand.browser("quantri"), await second_admin(stand)
    await post(stand, first, name="khach")
    await post(stand, second, "khach", path=await requested(second), status=403, verdict="grant")
    assert await holder(stand) is None


async def test_an_address_that_was_refused_is_not_bound(stand):
    first, second = await stand.browser("quantri"), await second_admin(stand)
    await post(stand, first, name="lanhdao")
    path = await requested(second)
    await post(stand, second, "khach", path=path, verdict="refuse")
    await post(stand, second, "khach", path=path, status=409, verdict="grant")
    assert await holder(stand) is None
    assert await stand.room.ledger.read(privileges.addresses_waiting) == []


async def test_an_address_that_became_somebody_elses_meanwhile_is_said(stand):
    first, second = await stand.browser("quantri"), await second_admin(stand)
    await post(stand, first, name="lanhdao")
    path = await requested(second)
    await post(stand, first, name="canbo")
    assert "thuộc về người khác" in await post(stand, second, "khach", path=path, status=422, verdict="grant")
    assert await holder(stand) == "canbo"
    assert "thuộc về người khác" in await post(stand, first, name="lanhdao", status=422)


async def test_over_the_api_it_waits_too_but_for_the_operator_of_the_machine(stand):
    said = await bind(stand, 200, name="lanhdao")
    assert (said["bound"], said["waiting"]) == (False, True)
    assert await holder(stand) is None
    key = await stand.room.ledger.write(lambda tx: access.renew_operator(tx, "", "admin", stand.clock()))
    headers, body = {"Authorization": f"Bearer {key}"}, {"channel": "sms", "address": "0900009100"}
    async with stand.client(None).post("/api/v1/staff/lanhdao/addresses", json=body, headers=headers) as answer:
        assert (await answer.json())["bound"] is True
    assert await holder(stand) == "lanhdao"


async def test_whoever_gives_a_higher_role_sees_from_where_that_person_commands(stand):
    first, second = await stand.browser("quantri"), await second_admin(stand)
    await post(stand, first)
    await post(stand, first, path="/staff/canbo/role", role="approver")
    assert "SMS 84900009100" in await (await second.get("/staff")).text()
