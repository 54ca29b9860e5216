"""A form that nobody has sent yet is kept; two people at one draft are told of each other; nothing is made twice."""

import pytest

from broadcasts.model import Actor, Draft, Role
from store import unsent_forms
from tests.web_stand import TEXT, Stand

FORM = {
    "template": "", "text": "Bão số 5 vào sớm 3 giờ", "title": "", "reach": "all", "channel": "zalo",
    "urgency": "khan", "kind": "alert", "mode": "actual", "valid_hours": "6", "once": "mot-lan",
}  # fmt: skip


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def post(stand, browser, path, status, who="canbo", **form):
    csrf = await stand.csrf(who)
    answer = await browser.post(path, data={**form, "csrf": csrf}, allow_redirects=False)
    assert answer.status == status, await answer.text()
    return answer


async def kept(stand, who="canbo"):
    return await stand.room.ledger.read(lambda tx: unsent_forms.of_author(tx, who))


async def test_after_the_session_ended_the_text_is_offered_again_and_gone_once_sent(stand):
    browser = await stand.browser()
    said = await (await post(stand, browser, "/broadcasts/unsent", 200, **FORM, place="new")).json()
    assert said["kept"] is True
    await post(stand, browser, "/sign-out", 303)
    assert (await browser.post("/broadcasts/unsent", data={**FORM, "place": "new"}, allow_redirects=False)).status in (
        303, 401, 403,
    )  # fmt: skip
    again = await stand.browser()
    page = await (await again.get("/broadcasts/new")).text()
    assert "Tiếp tục bản đang soạn lúc" in page
    assert "Bão số 5 vào sớm 3 giờ" in await (await again.get("/broadcasts/new?continue=1")).text()
    first = await post(stand, again, "/broadcasts/new", 303, **FORM)
    second = await post(stand, again, "/broadcasts/new", 303, **FORM)
    assert first.headers["Location"] == second.headers["Location"]
    assert await kept(stand) == {}
    late = await (await post(stand, again, "/broadcasts/unsent", 200, **FORM, place="new")).json()
    assert late["kept"] is False
    assert await kept(stand) == {}


async def test_what_is_kept_is_ones_own_and_can_be_dropped(stand):
    browser = await stand.browser()
    await post(stand, browser, "/broadcasts/unsent", 200, **FORM, place="new")
    other = await stand.browser("lanhdao")
    assert "Bão số 5" not in await (await other.get("/broadcasts/new?continue=1")).text()
    await post(stand, browser, "/broadcasts/unsent/drop", 303, place="new")
    assert await kept(stand) == {}


async def test_a_form_that_no_page_sends_is_refused(stand):
    browser = await stand.browser()
    await post(stand, browser, "/broadcasts/unsent", 413, **{**FORM, "text": "x" * 70_000}, place="new")
    await post(stand, browser, "/broadcasts/unsent", 404, **FORM, place="../../etc")
    answer = await browser.post("/broadcasts/unsent", data={**FORM, "place": "new", "csrf": "falsch"})
    assert answer.status == 403
    assert await kept(stand) == {}


async def test_a_page_that_outlived_its_session_gets_the_new_token(stand):
    browser = await stand.browser()
    assert (await (await browser.get("/broadcasts/unsent")).json())["csrf"] == await stand.csrf("canbo")


async def test_of_two_people_at_one_draft_the_second_is_told_and_keeps_the_text(stand):
    made = await stand.desk.draft(Draft(**TEXT), Actor("canbo", Role.OFFICER))
    one, two = await stand.browser(), await stand.browser("lanhdao")
    page = await (await two.get(f"/broadcasts/{made.code}/edit")).text()
    assert 'name="version" value="1"' in page
    path = f"/broadcasts/{made.code}/edit"
    await post(stand, one, path, 303, **{**FORM, "text": "Lời của người thứ nhất"}, version="1")
    mine = {**FORM, "text": "Lời của người thứ hai"}
    refused = await (await post(stand, two, path, 409, who="lanhdao", **mine, version="1")).text()
    assert "canbo vừa lưu" in refused
    assert "Lời của người thứ hai" in refused
    assert (await stand.desk.view(made.code)).texts["chat"] == "Lời của người thứ nhất"
    await post(stand, two, path, 303, who="lanhdao", **mine, version="2")
    assert (await stand.desk.view(made.code)).texts["chat"] == "Lời của người thứ hai"
    await post(stand, two, path, 422, who="lanhdao", **mine, version="abc")
