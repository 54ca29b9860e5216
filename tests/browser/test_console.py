"""The console in a real browser: from signing in to the roll-call, on a desk and on a phone, by day and by night."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, expect

from broadcasts.model import Actor, Draft, Role
from store import alarms, inbox
from store.engine import Tx
from tests.browser.evening import DESK, PHONE, STORM
from tests.web_stand import CHAIRMEN, TEXT, Stand

pytestmark = pytest.mark.browser

OFFICER = Actor("canbo", Role.OFFICER)


async def sign_in(
    browser: Browser, stand: Stand, name: str = "canbo", width: int = DESK, path: str = "/", **options: object
) -> tuple[Page, list[str]]:
    """A page of somebody who has signed in, and what the browser complains of (a breach of the policy among it). The
    journeys go through the door itself."""
    base = str(stand.server.make_url("/"))
    context = await browser.new_context(
        base_url=base, viewport={"width": width, "height": 800}, locale="vi-VN", **options
    )
    signed_in = (await stand.browser(name)).session.cookie_jar
    await context.add_cookies([{"name": one.key, "value": one.value, "url": base} for one in signed_in])
    page = await context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    await page.goto(path)
    await expect(page.locator("#main")).to_be_visible()
    return page, trouble


async def wide(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


async def test_an_alert_from_the_template_to_the_roll_call(browser: Browser, stand: Stand) -> None:
    officer, trouble = await sign_in(browser, stand)
    await officer.click("nav >> text=Soạn tin")
    await officer.click("text=Bão, cập nhật")
    for name, value in STORM.items():
        await officer.fill(f"[name='blank.{name}']", value)
    await officer.click("text=Chọn xã, phường hoặc nhóm")
    await officer.click(".chip:has-text('Ven biển')")
    preview = officer.locator("#preview")
    await expect(preview).to_contain_text("Không có gì cản trở.")
    await expect(preview).to_contain_text("[HOẢ TỐC] BÃO SỐ 5 – cập nhật lần 7")
    await expect(preview.locator(".numbers b").first).to_have_text("27")
    await officer.click("text=Lưu và kiểm tra")
    await officer.click("button:has-text('Trình duyệt: 27 xã, phường')")
    await expect(officer.locator(".notice")).to_contain_text("Đang chờ người khác duyệt")

    approver, more = await sign_in(browser, stand, "lanhdao", PHONE, has_touch=True, is_mobile=True)
    await approver.click("#mine .line >> text=Cần duyệt")
    button = approver.locator("button:has-text('DUYỆT VÀ GỬI THẬT')")
    await expect(button).to_be_disabled()
    await approver.fill("[name=number]", "26")
    await expect(button).to_be_disabled()
    await approver.fill("[name=number]", "27")
    assert await wide(approver) <= 0
    await button.click()
    await expect(approver.locator(".tile")).to_have_count(27)
    await stand.room.until(lambda: len(stand.zalo.left) == 27)
    assert stand.zalo.left[0].text.startswith("[HOẢ TỐC] BÃO SỐ 5")

    await officer.click("nav >> text=Bảng trực")
    await officer.click("#open .line")
    await expect(officer.locator(".headline")).to_contain_text("0/27 đã xác nhận")
    assert trouble == more == []


async def test_tiles_turn_are_filtered_and_marked(browser: Browser, stand: Stand) -> None:
    code = await stand.sent()
    number = (await stand.desk.view(code)).id
    page, trouble = await sign_in(browser, stand, path=f"/broadcasts/{code}/rollcall")
    await expect(page.locator(".tile")).to_have_count(CHAIRMEN)
    await expect(page.locator("#fresh")).to_contain_text("Cập nhật 0 giây trước")
    tile = page.locator("#u-16012")
    await expect(tile).to_have_class("tile s-awaiting")
    await stand.acks.confirm(number, "16012", 1, "Người Mẫu", "zalo.user", datetime.now(UTC))
    await expect(tile).to_contain_text("Đã nhận")
    await expect(page.locator(".headline")).to_contain_text("1/166")
    await stand.acks.needs_help(number, "16021", 1, "Người Mẫu", "zalo.user", datetime.now(UTC))
    await page.click("#counters >> text=Báo khó khăn")
    await expect(page.locator(".tile:visible")).to_have_count(1)
    await page.click("#counters >> text=Tất cả")
    await page.fill("[data-search-tiles]", "dong thanh")
    await expect(page.locator(".tile:visible")).to_have_count(1)
    await page.fill("[data-search-tiles]", "")
    await page.click("#u-16033")
    detail = page.locator("#detail")
    await expect(detail.locator("h2")).to_have_text("Xã Đông Thành")
    await expect(detail.locator("a[href^='tel:+84']")).to_have_count(3)
    await detail.locator("[name=note]").fill("đã báo miệng")
    await detail.locator("text=Đã gọi, đã nhận tin").click()
    await expect(detail).to_contain_text("canbo ghi")
    await expect(page.locator("#u-16033")).to_have_class("tile s-acknowledged changed")
    row = next(row for row in await stand.desk.rollcall(code) if row.unit == "16033")
    assert (row.state, row.note, row.by_staff) == ("acknowledged", "đã báo miệng", "canbo")
    await page.keyboard.press("Escape")
    await expect(detail).to_be_empty()
    assert trouble == []


async def test_the_call_list_is_worked_off(browser: Browser, stand: Stand) -> None:
    code = await stand.sent(audience="unit:16012,16021")
    page, trouble = await sign_in(browser, stand, width=PHONE, path=f"/broadcasts/{code}/rollcall?show=calls")
    await expect(page.locator(".call")).to_have_count(2)
    await page.locator(".call >> nth=0 >> text=Đã gọi, đã nhận tin").click()
    await expect(page.locator(".call")).to_have_count(1)
    assert await wide(page) <= 0
    assert trouble == []


async def test_a_cry_for_help_rings_on_an_open_board(browser: Browser, stand: Stand) -> None:
    page, trouble = await sign_in(browser, stand)
    await expect(page.locator("#fresh")).to_contain_text("giây")

    def put(tx: Tx) -> None:
        message = inbox.NewMessage(
            "sms.one", "e", "text", "84900099001", "84900099001", "cuu voi nuoc ngap", "", "", False, "",
            stand.clock(), b"", 0,
        )  # fmt: skip
        (number,) = inbox.keep(tx, [message], stand.clock())
        inbox.finish(tx, number, inbox.Handled("human", "CUUHO", "rescue"), stand.clock())
        alarms.raise_once(tx, "rescue", str(number), {}, stand.clock())

    await stand.room.ledger.write(put)
    stand.room.bus.publish("alarms", {"type": "raised"})
    alarm = page.locator("#alarms .alarm-card")
    await expect(alarm).to_contain_text("cuu voi nuoc ngap")
    await expect(page.locator("#status .pill.alarm")).to_contain_text("1")
    await alarm.locator("text=Tôi xử lý").click()
    await expect(page.locator(".message.rescue")).to_contain_text("cuu voi nuoc ngap")
    assert (await stand.room.ledger.read(alarms.ringing)) == []
    assert trouble == []


async def test_a_double_click_keeps_one_draft(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand, path="/broadcasts/new?template=")
    await page.fill("[name=text]", "Kiểm tra liên lạc")
    await page.locator("text=Lưu và kiểm tra").dblclick()
    await expect(page.locator("button:has-text('Trình duyệt')")).to_be_visible()
    assert len(await stand.desk.list()) == 1
    await page.go_back()
    await page.locator("text=Lưu và kiểm tra").click()
    await expect(page.locator("button:has-text('Trình duyệt')")).to_be_visible()
    assert len(await stand.desk.list()) == 1, "the same form, sent again from the browser's history"


async def test_everything_works_without_scripts(browser: Browser, stand: Stand) -> None:
    officer, _ = await sign_in(browser, stand, path="/broadcasts/new?template=", java_script_enabled=False)
    await officer.fill("[name=text]", "Kiểm tra liên lạc")
    await officer.click("text=Lưu và kiểm tra")
    await officer.click("button:has-text('Trình duyệt')")
    approver, _ = await sign_in(browser, stand, "lanhdao", java_script_enabled=False)
    await approver.click("#mine .line >> text=Cần duyệt")
    await approver.fill("[name=number]", "166")
    await approver.click("button:has-text('DUYỆT VÀ GỬI THẬT')")
    await expect(approver.locator(".tile")).to_have_count(CHAIRMEN)
    await approver.click("#u-16012")
    await approver.click("text=Đã gọi, đã nhận tin")
    await expect(approver.locator("#u-16012")).to_have_class("tile s-acknowledged")


async def test_an_exercise_looks_like_one(browser: Browser, stand: Stand) -> None:
    page, trouble = await sign_in(browser, stand)
    await page.click(".me summary")
    await page.click("text=Chuyển sang DIỄN TẬP")
    await expect(page.locator(".mode-name")).to_have_text("DIỄN TẬP")
    striped = await page.evaluate("getComputedStyle(document.querySelector('.mode')).backgroundImage")
    assert "repeating-linear-gradient" in striped
    await page.goto("/broadcasts/new?template=")
    await page.fill("[name=text]", "Thử liên lạc")
    await expect(page.locator("#preview .bubble.chat")).to_contain_text("DIỄN TẬP – KHÔNG PHẢI THẬT")
    assert trouble == []


async def test_a_page_says_how_old_it_is_when_the_line_is_cut(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand)
    await expect(page.locator("#fresh")).to_contain_text("0 giây")
    await page.context.set_offline(True)
    await stand.server.close()
    await expect(page.locator("#fresh")).to_contain_text("3 giây")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 768, DESK])
async def test_no_page_is_wider_than_the_screen(browser: Browser, stand: Stand, width: int, scheme: str) -> None:
    long = "Đường dẫn " + "x" * 200
    code = await stand.sent(text=f"Kiểm tra {long}", title=long)
    made = await stand.desk.draft(Draft(**TEXT), OFFICER)
    page, trouble = await sign_in(browser, stand, width=width, color_scheme=scheme)
    for path in (
        "/", "/broadcasts", "/broadcasts/new", "/broadcasts/new?template=bao", "/broadcasts/new?template=", "/inbox",
        f"/broadcasts/{made.code}", f"/broadcasts/{code}?all", f"/broadcasts/{code}/rollcall",
        f"/broadcasts/{code}/rollcall?show=calls", f"/broadcasts/{code}/rollcall?show=deliveries",
        f"/broadcasts/{code}/rollcall/16012", "/khong-co",
    ):  # fmt: skip
        await page.goto(path)
        assert await wide(page) <= 0, path
        dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(int(part) for part in dark[4:-1].split(",")) < 200) is (scheme == "dark")
    assert [text for text in trouble if "404" not in text] == []


async def test_the_colours_that_were_chosen_are_kept(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand, color_scheme="light")
    await page.click(".me summary")
    await page.click("text=Đổi màu ngày / đêm")
    await page.goto("/inbox")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_the_roll_call_prints(browser: Browser, stand: Stand) -> None:
    code = await stand.sent(audience="unit:16012,16021")
    page, _ = await sign_in(browser, stand, path=f"/broadcasts/{code}/rollcall")
    await page.emulate_media(media="print")
    await expect(page.locator(".tile").first).to_be_visible()
    await expect(page.locator(".nav")).to_be_hidden()
