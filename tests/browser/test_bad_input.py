"""What goes wrong at two in the morning: two people, two presses, a cut line, a session that ended, a page that is old.
Nothing is sent twice, nothing is lost, and a sentence says what happened."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Error, Page, Route, expect

from broadcasts.model import Actor, BroadcastState, Draft, Role
from broadcasts.shown import BroadcastView
from store.engine import Tx
from tests.browser.test_console import sign_in
from tests.web_stand import TEXT, Stand

pytestmark = pytest.mark.browser
OFFICER = Actor("canbo", Role.OFFICER)
TWO = "unit:16012,16021"
LARGE = 50 * 1024 * 1024
NEW = "/broadcasts/new?template="
BY_ITSELF = 1_000
"""Milliseconds; a form asks for its preview half a second after the last change."""


async def drafted(stand: Stand, **values: object) -> BroadcastView:
    return await stand.desk.draft(Draft(**{**TEXT, "audience": TWO, **values}), OFFICER)


async def asked(stand: Stand, **values: object) -> BroadcastView:
    return await stand.desk.submit((await drafted(stand, **values)).code, OFFICER)


async def sign_out_everywhere(stand: Stand) -> None:
    """As if the night had been too long for every session."""
    await stand.room.ledger.write(lambda tx: _forget(tx))


def _forget(tx: Tx) -> None:
    tx.execute("DELETE FROM web_session")


async def test_of_two_people_at_one_draft_the_second_keeps_the_words(browser: Browser, stand: Stand) -> None:
    made = await drafted(stand)
    one, _ = await sign_in(browser, stand, path=f"/broadcasts/{made.code}/edit")
    two, _ = await sign_in(browser, stand, "lanhdao", path=f"/broadcasts/{made.code}/edit")
    await one.get_by_label("Nội dung tin").fill("Lời của người thứ nhất")
    await two.get_by_label("Nội dung tin").fill("Lời của người thứ hai")
    await one.get_by_role("button", name="Lưu và kiểm tra").click()
    await expect(one.get_by_role("button", name="Trình duyệt")).to_be_visible()
    await two.get_by_role("button", name="Lưu và kiểm tra").click()
    await expect(two.get_by_text(f"canbo vừa lưu {made.code}")).to_be_visible()
    await expect(two.get_by_role("link", name="Xem bản vừa lưu")).to_be_visible()
    await expect(two.get_by_label("Nội dung tin")).to_have_value("Lời của người thứ hai")
    assert (await stand.desk.view(made.code)).texts["chat"] == "Lời của người thứ nhất"
    await two.get_by_role("button", name="Lưu và kiểm tra").click()
    await expect(two.get_by_role("button", name="Trình duyệt")).to_be_visible()
    assert (await stand.desk.view(made.code)).texts["chat"] == "Lời của người thứ hai"


async def test_an_approval_of_what_was_changed_since_is_refused_with_a_way_on(browser: Browser, stand: Stand) -> None:
    view = await asked(stand)
    page, _ = await sign_in(browser, stand, "lanhdao", path=f"/broadcasts/{view.code}")
    await stand.desk.give_back(view.code, "sửa giờ", Actor("quantri", Role.ADMIN))
    await stand.desk.edit(view.code, Draft(**{**TEXT, "audience": TWO, "text": "Bản khác"}), OFFICER, None)
    await stand.desk.submit(view.code, OFFICER)
    await page.get_by_label("Gõ số xã, phường sẽ nhận tin").fill("2")
    await page.get_by_role("button", name="DUYỆT VÀ GỬI THẬT").click()
    await expect(page.get_by_text(f"Nội dung tin {view.code} đã thay đổi")).to_be_visible()
    assert stand.zalo.left == []
    await page.get_by_role("link", name=f"Xem tin {view.code}").click()
    await expect(page.get_by_text("Bản khác").first).to_be_visible()


async def test_two_approvers_at_once_send_once(browser: Browser, stand: Stand) -> None:
    view = await asked(stand)
    pages = [await sign_in(browser, stand, name, path=f"/broadcasts/{view.code}") for name in ("lanhdao", "quantri")]
    for page, _ in pages:
        await page.get_by_label("Gõ số xã, phường sẽ nhận tin").fill("2")
    for page, _ in pages:
        await page.get_by_role("button", name="DUYỆT VÀ GỬI THẬT").click()
    await expect(pages[0][0].locator(".tile")).to_have_count(2)
    late = pages[1][0]
    await expect(late.get_by_text(f"Tin {view.code} đang ở trạng thái")).to_be_visible()
    await late.get_by_role("link", name=f"Xem tin {view.code}").click()
    await expect(late.locator(".tile")).to_have_count(2)
    await stand.room.until(lambda: len(stand.zalo.left) >= 2)
    assert len(stand.zalo.left) == 2
    assert (await stand.desk.view(view.code)).approved_by == "lanhdao"


async def test_back_after_asking_and_after_approving_does_nothing_twice(browser: Browser, stand: Stand) -> None:
    made = await drafted(stand)
    officer, _ = await sign_in(browser, stand, path=f"/broadcasts/{made.code}")
    await officer.get_by_role("button", name="Trình duyệt").click()
    await expect(officer.get_by_text("Đang chờ người khác duyệt")).to_be_visible()
    await officer.go_back()
    if await officer.get_by_role("button", name="Trình duyệt").count():
        await officer.get_by_role("button", name="Trình duyệt").click()
    await expect(officer.get_by_text("Đang chờ người khác duyệt")).to_be_visible()
    approver, _ = await sign_in(browser, stand, "lanhdao", path=f"/broadcasts/{made.code}")
    await _approve(approver)
    await expect(approver.locator(".tile")).to_have_count(2)
    await approver.go_back()
    if await approver.get_by_role("button", name="DUYỆT VÀ GỬI THẬT").count():
        await _approve(approver)
    await expect(approver.locator(".tile")).to_have_count(2)
    await stand.room.until(lambda: len(stand.zalo.left) >= 2)
    assert (len(stand.zalo.left), len(await stand.desk.list())) == (2, 1)
    events = [event.event for event in await stand.desk.events(made.code)]
    assert (events.count("submitted"), events.count("approved")) == (1, 1)


async def _approve(page: Page) -> None:
    await page.get_by_label("Gõ số xã, phường sẽ nhận tin").fill("2")
    await page.get_by_role("button", name="DUYỆT VÀ GỬI THẬT").click()


async def cut_once(page: Page, path: str) -> list[str]:
    """The server takes the next form to `path`, and its answer never arrives."""
    cut: list[str] = []

    async def handle(route: Route) -> None:
        if route.request.method != "POST" or cut:
            return await route.continue_()
        cut.append(route.request.url)
        await route.fetch(max_redirects=0)
        await route.abort("connectionreset")

    await page.route(f"**{path}", handle)
    return cut


async def test_a_line_cut_while_a_draft_is_sent_loses_and_doubles_nothing(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand, path=NEW)
    await page.get_by_label("Nội dung tin").fill("Nước sông Mã lên nhanh")
    cut = await cut_once(page, "/broadcasts/new")
    async with page.expect_event("requestfailed"):
        await page.get_by_role("button", name="Lưu và kiểm tra").click()
    assert cut
    await page.wait_for_timeout(300)  # the browser's own page about it
    await page.go_back()
    if not await page.get_by_label("Nội dung tin").input_value():  # a browser that does not keep its forms
        await page.get_by_label("Nội dung tin").fill("Nước sông Mã lên nhanh")
    await page.get_by_role("button", name="Lưu và kiểm tra").click()
    await expect(page.get_by_role("button", name="Trình duyệt")).to_be_visible()
    (view,) = await stand.desk.list()
    assert view.texts["chat"] == "Nước sông Mã lên nhanh"


async def come_back(page: Page, path: str) -> None:
    """After a cut line the browser may still be on its way to its own page that says so, or on to the roll-call."""
    for _ in range(5):
        try:
            await page.goto(path)
            return
        except Error:
            await page.wait_for_timeout(300)
    pytest.fail("the page does not open")


async def test_a_line_cut_while_approving_is_approved_once(browser: Browser, stand: Stand) -> None:
    view = await asked(stand)
    page, _ = await sign_in(browser, stand, "lanhdao", path=f"/broadcasts/{view.code}")
    assert await cut_once(page, "/approve") == []
    async with page.expect_event("requestfailed"):
        await _approve(page)
    await come_back(page, f"/broadcasts/{view.code}")
    await expect(page.locator(".tile")).to_have_count(2)
    await stand.room.until(lambda: len(stand.zalo.left) >= 2)
    assert len(stand.zalo.left) == 2


async def test_a_double_click_asks_and_approves_and_replaces_once(browser: Browser, stand: Stand) -> None:
    made = await drafted(stand)
    officer, trouble = await sign_in(browser, stand, path=f"/broadcasts/{made.code}")
    await officer.get_by_role("button", name="Trình duyệt").dblclick()
    await expect(officer.get_by_text("Đang chờ người khác duyệt")).to_be_visible()
    approver, more = await sign_in(browser, stand, "lanhdao", path=f"/broadcasts/{made.code}")
    await approver.get_by_label("Gõ số xã, phường sẽ nhận tin").fill("2")
    await approver.get_by_role("button", name="DUYỆT VÀ GỬI THẬT").dblclick()
    await expect(approver.locator(".tile")).to_have_count(2)
    await officer.goto(f"/broadcasts/{made.code}")
    await officer.get_by_role("button", name="Tạo bản cập nhật").dblclick()
    await expect(officer.get_by_text(f"Bản này thay cho {made.code}")).to_be_visible()
    await officer.go_back()
    await officer.get_by_role("button", name="Tạo bản cập nhật").click()
    await expect(officer.get_by_text(f"Bản này thay cho {made.code}")).to_be_visible()
    drafts = await stand.desk.list(BroadcastState.DRAFT)
    assert len(drafts) == 1, "an update that nobody has touched yet is gone on with, not made again"
    assert len(stand.zalo.left) == 2
    assert trouble == more == []


async def test_fifty_megabytes_are_refused_at_the_field(browser: Browser, stand: Stand, tmp_path: Path) -> None:
    large = tmp_path / "anh.pdf"
    with large.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(LARGE)
    page, trouble = await sign_in(browser, stand, path=NEW)
    await page.get_by_label("Nội dung tin").fill("Có tệp kèm theo")
    await page.get_by_label("Thêm tệp").set_input_files(large)
    await expect(page.locator("#attach-says")).to_contain_text("MB")
    await expect(page.locator("#attached li")).to_have_count(0)
    await page.get_by_role("button", name="Lưu và kiểm tra").click()
    await expect(page.get_by_role("button", name="Trình duyệt")).to_be_visible()
    assert trouble == []
    await page.goto("/directory/import")
    await page.locator("input[type=file]").set_input_files(large)
    await page.locator("main form button").first.click()
    await expect(page.get_by_text("quá lớn").or_(page.get_by_text("lớn hơn")).first).to_be_visible()


async def test_on_a_slow_line_the_last_choice_is_what_is_checked(browser: Browser, stand: Stand) -> None:
    """Every change asks for a preview; one that is on its way is given up for a newer one."""
    page, trouble = await sign_in(browser, stand, path=NEW)
    quick = asyncio.Event()

    async def hold(route: Route) -> None:
        await quick.wait()
        await route.continue_()

    await page.route("**/broadcasts/preview", hold)
    async with page.expect_request("**/broadcasts/preview"):
        await page.get_by_text("Chọn xã, phường hoặc nhóm").click()
    await page.wait_for_timeout(BY_ITSELF)
    await page.get_by_text("Ven biển").click()
    await page.wait_for_timeout(BY_ITSELF)
    quick.set()
    await expect(page.locator("#preview .numbers b").first).to_have_text("27")
    assert trouble == []


async def test_a_session_that_ended_loses_no_word(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand, path=NEW)
    await page.get_by_label("Nội dung tin").fill("Sơ tán trước 17h")
    says = page.locator("[data-autosave-says]")
    await expect(says).to_contain_text("Đã giữ tạm lúc")
    await sign_out_everywhere(stand)
    await page.get_by_label("Nội dung tin").fill("Sơ tán trước 17h, mang giấy tờ")
    await page.get_by_role("button", name="Lưu và kiểm tra").click()
    await expect(says).to_contain_text("Phiên đã hết hạn")
    await expect(page.locator("#fresh")).to_contain_text("PHIÊN ĐÃ HẾT HẠN")
    await expect(page.get_by_label("Nội dung tin")).to_have_value("Sơ tán trước 17h, mang giấy tờ")
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="Đăng nhập ở thẻ mới").click()
    door = await opened.value
    await door.get_by_label("Tên").fill("canbo")
    await door.get_by_label("Mật khẩu").fill("mat-khau-thu-nghiem")
    await door.get_by_role("button", name="Đăng nhập").click()
    await expect(door.locator("nav.nav")).to_be_visible()
    await page.bring_to_front()
    await page.get_by_role("button", name="Lưu và kiểm tra").click()
    await expect(page.get_by_role("button", name="Trình duyệt")).to_be_visible()
    (view,) = await stand.desk.list()
    assert view.texts["chat"] == "Sơ tán trước 17h, mang giấy tờ"


async def test_what_was_typed_is_there_after_leaving(browser: Browser, stand: Stand) -> None:
    page, trouble = await sign_in(browser, stand, path="/broadcasts/new?template=bao")
    await page.get_by_label("Bão số").fill("5")
    await page.get_by_text("Chọn xã, phường hoặc nhóm").click()
    await page.get_by_text("Ven biển").click()
    await expect(page.locator("[data-autosave-says]")).to_contain_text("Đã giữ tạm lúc")
    await page.goto("/")
    await page.get_by_role("link", name="Soạn tin").first.click()
    await page.get_by_role("link", name="Tiếp tục bản đang soạn").click()
    await expect(page.get_by_label("Bão số")).to_have_value("5")
    await expect(page.locator(".chip:has-text('Ven biển') input")).to_be_checked()
    await expect(page.get_by_text("Đây là bản đang soạn dở")).to_be_visible()
    assert trouble == []
