"""The page for the people: only what an officer published, of actual messages that have left."""

import pytest

from broadcasts.model import Actor, Role
from store import audit
from tests.web_stand import Stand

CHAT = (
    "[HOẢ TỐC] BÃO SỐ 5 (mã TB0825-07)\nVào Nghi Sơn 13-16h ngày 25/8, gió cấp 13. <script>x</script>\n"
    "Bấm ĐÃ NHẬN hoặc trả lời: DANHAN TB0825-07."
)


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path, public_url="http://loa.example.vn")
    await stand.open()
    yield stand
    await stand.close()


async def post(stand, browser, path):
    return await browser.post(path, data={"csrf": await stand.csrf("canbo")}, allow_redirects=False)


async def test_an_officer_publishes_and_anybody_reads_without_an_account(stand):
    code = await stand.sent(text=CHAT, title="Bão số 5")
    guest, officer = stand._client(), await stand.browser()
    assert (await guest.get(f"/alert/{code}")).status == 404
    assert (await post(stand, officer, f"/broadcasts/{code}/people/publish")).status == 303
    shown = await guest.get(f"/alert/{code.lower()}")
    page = await shown.text()
    assert shown.status == 200
    assert "gió cấp 13" in page
    for hidden in ("DANHAN", "[HOẢ TỐC]", "TB0825-07", "<script>x", "0900", "canbo"):
        assert hidden not in page, hidden
    assert shown.headers["Cache-Control"] == "public, max-age=30"
    again = await guest.get(f"/alert/{code}", headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status == 304
    assert code in await (await guest.get("/alert")).text()
    office = await (await officer.get(f"/broadcasts/{code}/people")).text()
    assert f"http://loa.example.vn/alert/{code}" in office
    assert "<svg" in office
    assert (await post(stand, officer, f"/broadcasts/{code}/people/withdraw")).status == 303
    assert (await guest.get(f"/alert/{code}")).status == 404
    actions = [one.action for one in await stand.room.ledger.read(audit.lines)]
    assert actions[:2] == ["withdraw_page", "publish_page"]


@pytest.mark.parametrize(
    ("values", "says"),
    [({"mode": "exercise"}, "diễn tập"), ({"kind": "directive"}, "chỉ đạo")],
)
async def test_exercises_and_directives_have_none(stand, values, says):
    code = await stand.sent(**values)
    officer = await stand.browser()
    refused = await post(stand, officer, f"/broadcasts/{code}/people/publish")
    assert refused.status == 409
    assert says in await refused.text()
    assert (await stand._client().get(f"/alert/{code}")).status == 404


async def test_nothing_is_published_before_it_was_sent(stand):
    from broadcasts.model import Draft
    from tests.web_stand import TEXT

    made = await stand.desk.draft(Draft(**TEXT), Actor("canbo", Role.OFFICER))
    assert (await post(stand, await stand.browser(), f"/broadcasts/{made.code}/people/publish")).status == 409


async def test_a_replaced_page_leads_to_the_newer_one(stand):
    officer, guest = await stand.browser(), stand._client()
    old = await stand.sent(text=CHAT, title="Bão số 5, tin 6")
    await post(stand, officer, f"/broadcasts/{old}/people/publish")
    new = await stand.sent(text="Bão số 5 vào sớm hơn, tin 7", title="Bão số 5, tin 7", supersedes=old)
    page = await (await guest.get(f"/alert/{old}")).text()
    assert "đã được thay" in page
    assert f"/alert/{new}" not in page  # it is not published: nothing of it shows
    await post(stand, officer, f"/broadcasts/{new}/people/publish")
    assert f"/alert/{new}" in await (await guest.get(f"/alert/{old}")).text()
    listed = await (await guest.get("/alert")).text()
    assert f"/alert/{new}" in listed
    assert f"/alert/{old}" not in listed


async def test_a_page_says_when_it_is_no_longer_in_force(stand):
    code = await stand.sent(text=CHAT, valid_for_seconds=3600.0)
    await post(stand, await stand.browser(), f"/broadcasts/{code}/people/publish")
    stand.clock.at += 3601
    assert "hết hiệu lực" in await (await stand._client().get(f"/alert/{code}")).text()


async def test_the_loudspeakers_script_is_in_words_twice_and_never_of_an_exercise(stand):
    code = await stand.sent(text=CHAT)
    viewer = await stand.browser("khach")
    script = await (await viewer.get(f"/broadcasts/{code}/loudspeaker.txt")).text()
    assert script.count("mười ba đến mười sáu giờ ngày hai mươi lăm tháng tám") == 2
    assert "Xin nhắc lại." in script
    assert not any(one.isdigit() for one in script)
    drill = await stand.sent(mode="exercise")
    assert (await viewer.get(f"/broadcasts/{drill}/loudspeaker.txt")).status == 403
    page = await (await viewer.get(f"/broadcasts/{drill}/people")).text()
    assert 'id="script"' not in page


async def test_a_wrong_code_is_one_sentence(stand):
    for code in ("khong-co", "TB9999-99", "1", "a..b"):
        assert (await stand._client().get(f"/alert/{code}")).status == 404, code
