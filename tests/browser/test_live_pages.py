"""An open page by itself: it goes on asking when its stream is cut, sounds once for what needs help and rings for a
rescue until it is taken, is worked by the keyboard alone, and prints."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from broadcasts.model import Actor, Role
from store import alarms, inbox
from store.engine import Tx
from tests.browser.test_console import sign_in
from tests.web_stand import Stand

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("LOA_PICTURES", "")
"""A folder that gets the printed report, to be looked at."""
TWO = "unit:16012,16021"
SEEN_WITHIN = 10_000
"""Milliseconds in which a page that has just come shows what has the focus."""
LOOK_EVERY = 50
SEEN = """(() => {
  const one = getComputedStyle(document.activeElement), box = getComputedStyle(document.activeElement.parentElement);
  return [one.outlineStyle, one.boxShadow, box.outlineStyle, box.boxShadow].some((look) => look !== "none");
})()"""
"""Asked again and again from outside: a page of ours lets nobody inside it evaluate words (its policy)."""
EARS = """
window.tones = 0;
class Ears {
  state = "running"; currentTime = 0; destination = {};
  resume() {}
  createOscillator() {
    return { frequency: {}, connect: () => ({ connect() {} }), start() { window.tones += 1; }, stop() {} };
  }
  createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect() {} }; }
}
window.AudioContext = Ears;
"""


async def test_a_page_whose_stream_is_cut_asks_by_itself(browser: Browser, stand: Stand) -> None:
    """A proxy that holds streams back: the page polls, says how old it is, and is never older than a few seconds."""
    code = await stand.sent(audience=TWO)
    view = await stand.desk.view(code)
    page, _ = await sign_in(browser, stand)
    await page.route("**/live?**", lambda route: route.abort())
    await page.goto(f"/broadcasts/{code}/rollcall")
    await expect(page.locator("#fresh")).to_contain_text("giây trước")
    await stand.acks.confirm(view.id, "16012", 1, "Người Mẫu", "zalo.user", datetime.now(UTC))
    await expect(page.locator("#u-16012")).to_contain_text("Đã nhận")
    await expect(page.locator("#fresh")).to_contain_text("Cập nhật 2 giây trước")


async def tones(page: Page) -> int:
    return int(await page.evaluate("window.tones"))


async def test_a_unit_that_needs_help_sounds_once(browser: Browser, stand: Stand) -> None:
    code = await stand.sent(audience=TWO)
    view = await stand.desk.view(code)
    page, trouble = await sign_in(browser, stand)
    await page.context.add_init_script(EARS)
    await page.goto(f"/broadcasts/{code}/rollcall")
    await expect(page.locator("#fresh")).to_contain_text("0 giây")
    await stand.acks.confirm(view.id, "16021", 1, "Người Mẫu", "zalo.user", datetime.now(UTC))
    await expect(page.locator("#u-16021")).to_contain_text("Đã nhận")
    assert await tones(page) == 0, "what is well makes no sound"
    await stand.acks.needs_help(view.id, "16012", 1, "Người Mẫu", "zalo.user", datetime.now(UTC))
    await expect(page.locator("#u-16012")).to_have_class("tile s-needs_help changed")
    once = await tones(page)
    assert once == 2
    await page.wait_for_timeout(3_500)
    assert await tones(page) == once
    assert trouble == []


async def somebody_cries(stand: Stand) -> None:
    def put(tx: Tx) -> None:
        message = inbox.NewMessage(
            "sms.one", "e", "text", "84900099001", "84900099001", "cuu voi", "", "", False, "", stand.clock(), b"", 0,
        )  # fmt: skip
        (number,) = inbox.keep(tx, [message], stand.clock())
        inbox.finish(tx, number, inbox.Handled("human", "CUUHO", "rescue"), stand.clock())
        alarms.raise_once(tx, "rescue", str(number), {}, stand.clock())

    await stand.room.ledger.write(put)
    stand.room.bus.publish("alarms", {"type": "raised"})


@pytest.mark.parametrize("width", [980, 1100, 1280])
@pytest.mark.parametrize("language", ["vi", "en"])
async def test_every_tab_is_in_sight_while_it_rings(browser: Browser, stand: Stand, width: int, language: str) -> None:
    """Nobody looks at two in the morning for a tab that an alarm has pushed out of the bar."""
    await stand.sent(audience=TWO)
    await somebody_cries(stand)
    page, _ = await sign_in(browser, stand, width=width)
    if language == "en":
        await page.locator(".me > summary").click()
        await page.get_by_role("button", name="English").click()
    await expect(page.locator(".bar .pill.alarm")).to_be_visible()
    await expect(page.locator(".bar .pill.busy")).to_be_visible()
    room = await page.evaluate("[...document.querySelectorAll('.nav')].map((nav) => nav.clientWidth - nav.scrollWidth)")
    assert room == [0]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_rescue_rings_until_somebody_takes_it(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand)
    await page.context.add_init_script(EARS)
    await page.goto("/")
    await somebody_cries(stand)
    await expect(page.locator("#alarms .alarm-card")).to_be_visible()
    for _ in range(100):
        if await tones(page) >= 6:
            break
        await page.wait_for_timeout(100)
    assert await tones(page) >= 6, "it rings again every few seconds"
    await page.get_by_role("button", name="Tôi xử lý").click()
    await expect(page.locator(".message.rescue")).to_be_visible()
    await page.wait_for_timeout(3_500)
    assert await tones(page) == 0, "another page, and nothing that rings"


async def focused(page: Page) -> str:
    """What the focus is on says, "" where it is on nothing: a page that has just come holds all words."""
    words = "((one) => one === document.body ? '' : (one.textContent || one.name).trim())(document.activeElement)"
    return str(await page.evaluate(words))


async def tab_to(page: Page, words: str, most: int = 60) -> None:
    """Press Tab until what has the focus says so; it must be seen to have it."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        if words in await focused(page):
            for _ in range(SEEN_WITHIN // LOOK_EVERY):
                if await page.evaluate(SEEN):
                    return
                await page.wait_for_timeout(LOOK_EVERY)
            raise AssertionError(f"nobody sees that {words} has the focus")
    raise AssertionError(f"{words} is not reached by Tab; last: {await focused(page)}")


async def test_a_message_is_written_and_checked_by_the_keyboard_alone(browser: Browser, stand: Stand) -> None:
    page, trouble = await sign_in(browser, stand)
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Đến nội dung chính"
    await tab_to(page, "Soạn tin")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/broadcasts/new")
    await tab_to(page, "Tự soạn")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/broadcasts/new?template=")
    await tab_to(page, "text")
    await page.keyboard.insert_text("Kiểm tra liên lạc")
    await tab_to(page, "reach")
    await page.keyboard.press("ArrowDown")
    await tab_to(page, "group")
    await page.keyboard.press("Space")
    await expect(page.locator("#preview .numbers b").first).to_have_text("27")
    await tab_to(page, "Lưu và kiểm tra", most=120)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/broadcasts/TB*")
    await tab_to(page, "Trình duyệt")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Đang chờ người khác duyệt")).to_be_visible()
    (view,) = await stand.desk.list()
    assert (view.units, view.state) == (27, "pending_approval")
    assert trouble == []


async def test_the_report_prints_what_counts(browser: Browser, stand: Stand, tmp_path: Path) -> None:
    code = await stand.sent(audience="group:ven-bien")
    await stand.desk.mark(code, "16012", "acknowledged", "đã báo miệng", Actor("canbo", Role.OFFICER))
    page, _ = await sign_in(browser, stand, path=f"/broadcasts/{code}/report", color_scheme="dark")
    await page.emulate_media(media="print")
    for gone in (".nav", "nav.section", "[data-print]", ".head-acts", ".foot .fresh"):
        for one in await page.locator(gone).all():
            assert not await one.is_visible(), gone
    await expect(page.locator(".curve")).to_be_visible()
    await expect(page.locator(".mode-name")).to_be_visible()
    ink = await page.evaluate("getComputedStyle(document.querySelector('main')).color")
    assert sum(int(part) for part in ink[4:-1].split(",")) < 200, "dark letters on white paper, also at night"
    paper = tmp_path / "bao-cao.pdf"
    await page.pdf(path=paper, format="A4")
    assert paper.stat().st_size > 10_000
    if PICTURES:
        paper.rename(Path(PICTURES) / "bao-cao.pdf")


async def test_a_code_can_be_scanned_at_night(browser: Browser, stand: Stand) -> None:
    code = await stand.sent(audience=TWO)
    await stand.services.alert_pages.publish(code, Actor("canbo", Role.OFFICER))
    page, _ = await sign_in(browser, stand, color_scheme="dark")
    for path in ("/posters", f"/broadcasts/{code}/people", "/account/second-factor"):
        await page.goto(path)
        picture = page.locator(".qr-box svg").first
        await expect(picture).to_have_css("background-color", "rgb(255, 255, 255)")
        assert await picture.locator("path").last.evaluate("one => getComputedStyle(one).stroke") == "rgb(0, 0, 0)"
