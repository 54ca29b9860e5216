"""How much a person has to do: an alert to the coast in eight presses, an approval on a phone in three and a number."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import pytest
from playwright.async_api import Browser, Page, expect

from broadcasts.model import Actor, Draft, Role
from tests.browser.evening import DESK, HEIGHT, PHONE, STORM
from tests.web_stand import PASSWORD, TEXT, Stand

pytestmark = pytest.mark.browser
COAST = 27
MOST_CLICKS, MOST_TAPS = 8, 3
MOST_SECONDS = 120
KEY, POINT, PRESS, THINK = 0.2, 1.1, 0.2, 1.35
"""Seconds of the keystroke-level model (Card, Moran and Newell 1980): a key of a practised typist, pointing, pressing
and letting go, and making up one's mind, here before each press and each field."""
IN_A_FIELD = "document.activeElement?.matches('input, textarea, select')"
PRESSES = "addEventListener('pointerdown', (event) => { if (event.isTrusted) pressed(event.pointerType); }, true)"


async def counted(browser: Browser, stand: Stand, **options: object) -> tuple[Page, list[str]]:
    """A page before its door, and every press on it from now on."""
    context = await browser.new_context(base_url=str(stand.server.make_url("/")), locale="vi-VN", **options)
    presses: list[str] = []
    await context.expose_function("pressed", lambda kind: presses.append(kind))
    await context.add_init_script(PRESSES)
    page = await context.new_page()
    await page.goto("/")
    return page, presses


async def type_in(page: Page, values: Iterable[str]) -> None:
    """By the keyboard alone, from one field to the next, as soon as the cursor stands in one: a page that has just come
    puts it there a moment later."""
    for value in values:
        await page.wait_for_function(IN_A_FIELD)
        await page.keyboard.insert_text(value)
        await page.keyboard.press("Tab")


def keys(text: str) -> int:
    """Keys of a text typed by Telex: one a letter, one more for each mark, one for leaving the field."""
    marks = sum(unicodedata.category(one) == "Mn" for one in unicodedata.normalize("NFD", text))
    return len(text) + marks + text.lower().count("đ") + 1


async def test_an_alert_to_the_coast_takes_eight_presses(browser: Browser, stand: Stand) -> None:
    page, presses = await counted(browser, stand, viewport={"width": DESK, "height": HEIGHT})
    await type_in(page, ["canbo", PASSWORD])
    await page.get_by_role("button", name="Đăng nhập").click()
    await page.get_by_role("link", name="Soạn tin").first.click()
    await page.get_by_role("link", name="Bão, cập nhật").click()
    await page.get_by_label("Bão số").click()
    blanks = [name for name in stand.templates.find("bao").blanks if name in STORM or name == "muc_rui_ro"]
    await type_in(page, (STORM.get(name, "") for name in blanks))
    await page.get_by_text("Chọn xã, phường hoặc nhóm").click()
    await page.get_by_text("Ven biển").click()
    await expect(page.locator("#preview")).to_contain_text("Không có gì cản trở.")
    await page.get_by_role("button", name="Lưu và kiểm tra").click()
    await page.get_by_role("button", name=f"Trình duyệt: {COAST} xã, phường").click()
    await expect(page.get_by_text("Đang chờ người khác duyệt")).to_be_visible()
    (view,) = await stand.desk.list()
    assert (view.units, view.blanks["vi_tri"]) == (COAST, STORM["vi_tri"])
    assert len(presses) <= MOST_CLICKS, presses
    typed = sum(keys(one) for one in ("canbo", PASSWORD, *STORM.values()))
    seconds = typed * KEY + len(presses) * (THINK + POINT + PRESS) + len(STORM) * THINK
    assert seconds < MOST_SECONDS, f"{typed} keys and {len(presses)} presses: {seconds:.0f} s"


async def test_approving_on_a_phone_takes_three_taps_and_a_number(browser: Browser, stand: Stand) -> None:
    officer = Actor("canbo", Role.OFFICER)
    made = await stand.desk.draft(
        Draft(**TEXT | {"template": "bao", "text": None, "blanks": STORM, "audience": "group:ven-bien"}), officer
    )
    await stand.desk.submit(made.code, officer)
    size = {"width": PHONE, "height": HEIGHT}
    page, taps = await counted(browser, stand, viewport=size, has_touch=True, is_mobile=True)
    await type_in(page, ["lanhdao", PASSWORD])
    await page.keyboard.press("Enter")
    await page.locator("#mine").get_by_role("link", name=made.code).tap()
    number = page.get_by_label("Gõ số xã, phường sẽ nhận tin")
    await number.tap()
    await page.keyboard.type(str(COAST))
    await page.get_by_role("button", name="DUYỆT VÀ GỬI THẬT").tap()
    await expect(page.locator(".tile")).to_have_count(COAST)
    assert taps == ["touch"] * MOST_TAPS
