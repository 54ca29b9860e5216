"""A resident with a plain telephone: one SMS, an answer to "where do I go" however it is spelt, and help at once for a
cry for it, which rings at the office until somebody takes it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from simulators.phones.wording import Wording
from tests.browser.evening import COMBINATIONS, Evening

pytestmark = pytest.mark.browser
RESIDENTS = ("0960000011", "0960000012", "0960000013", "0960000014")
"""Of the sample list, one a combination."""
ON_THE_LIST = 240


async def test_a_resident_is_warned_asks_and_is_heard(evening: Evening) -> None:
    which = COMBINATIONS.index((evening.width, evening.lang))
    number, cry = RESIDENTS[which], f"cuu voi nuoc ngap den mai nha thon {which + 3} xa van loc"

    # The office writes to the people of two communes.
    officer = await evening.sign_in("officer")
    page = officer.page
    await officer.tab("compose")
    await page.get_by_role("link", name=officer.words("choose.free")).click()
    text = f"Nước lên nhanh ở Vạn Lộc. Sơ tán ngay trước 17h, mang giấy tờ. Khẩn cấp gọi 112. Đợt {which + 1}"
    await page.get_by_role("textbox", name=re.compile(rf"^{officer.words('compose.text')}")).fill(text)
    await page.get_by_text(officer.words("compose.other")).click()
    await officer.labelled("compose.expression").first.fill("unit:16012")
    await page.get_by_text("cu-dan-mau").click()
    await expect(page.locator("#preview")).to_contain_text(officer.words("preview.fine"))
    await officer.fits()
    await officer.button("compose.save").click()
    await officer.button("broadcast.submit").click()
    await expect(page.get_by_text(officer.words("approve.own"))).to_be_visible()
    code = await officer.code()
    view = evening.demo.api.get(f"/broadcasts/{code}")
    evening.demo.approver.post(f"/broadcasts/{code}/approve", {"content_hash": view["content_hash"]})

    # One unaccented part, from which everything is understood.
    wall, words = await evening.wall(resident=number)
    sms = wall.locator("#resident-sms")
    warned = sms.locator(".line.theirs", has_text=f"Dot {which + 1}").last  # each journey writes to all of them
    await expect(warned).to_contain_text("Nuoc len nhanh o Van Loc. So tan ngay truoc 17h")
    await expect(warned).to_contain_text(words("threads.parts", encoding="GSM-7", parts=1))

    # Which commune, spelt in any way; two of one name are asked for.
    await expect(await _says(wall, words, "sotan dong tien")).to_contain_text("1.")
    await expect(await _says(wall, words, "2")).to_contain_text("Dong Tien")

    # A cry for help: 112 at once, and somebody at the office.
    await expect(await _says(wall, words, cry)).to_contain_text("112")
    await officer.tab("board")
    alarm = page.locator("#alarms .alarm-card", has_text=cry)
    await expect(alarm).to_be_visible()
    await officer.fits()
    await alarm.get_by_role("button", name=officer.words("alarm.take")).click()
    await expect(page.locator(".message.rescue", has_text=cry)).to_be_visible()

    await officer.tab("broadcasts")
    await page.get_by_role("main").get_by_role("link", name=code).first.click()
    main = await officer.to_report()
    await expect(main).to_contain_text(officer.words("report.audience", units=1, people=1, numbers=ON_THE_LIST))
    await expect(main.locator(".log").first).to_contain_text(officer.words("state.delivery.delivered"))
    await expect(officer.heading("cost.after")).to_be_visible()
    await officer.fits()
    assert officer.trouble == []


async def _says(wall: Page, words: Wording, text: str) -> Locator:
    """Where the answer will stand."""
    sms = wall.locator("#resident-sms")
    before = await sms.locator(".line.theirs").count()
    await sms.get_by_role("textbox").fill(text)
    await sms.get_by_role("button", name=words("threads.send")).click()
    return sms.locator(".line.theirs").nth(before)
