"""The officer on duty at two in the morning: the storm comes three hours earlier, so a message replaces another, is
approved by somebody else, is followed unit by unit, and stands in a report."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.evening import PHONE, STORM, Evening

pytestmark = pytest.mark.browser
COAST = 27


async def test_the_duty_officer_replaces_a_storm_warning(evening: Evening) -> None:
    before = evening.send(template="bao", blanks=STORM | {"lan": "6"}, audience="group:ven-bien")
    officer = await evening.sign_in("officer")
    page = officer.page

    # 1. From the live alert to its update; only what changed is marked.
    await page.locator("#open").get_by_role("link", name=before).click()
    await officer.button("broadcast.replace").click()
    await expect(page.get_by_text(officer.words("compose.replaces", code=before))).to_be_visible()
    await page.get_by_label("Lần cập nhật").fill("7")
    await page.get_by_label("Giờ đổ bộ dự kiến").fill("10-13h ngày 25/8")

    # 2. and 3. Twenty-seven, and what each channel will say, before anything is sent.
    preview = page.get_by_role("complementary", name=officer.words("preview.title"))
    await expect(preview.locator(".numbers")).to_contain_text(f"{COAST} {officer.words('preview.units')}")
    await expect(preview).to_contain_text(officer.words("preview.fine"))
    await expect(preview.locator(".differs")).to_contain_text("10-13h")
    await expect(page.locator("#blank-gio_do_bo")).to_contain_text("13-16h ngày 25/8")
    await officer.fits()
    await officer.button("compose.save").click()
    await expect(page.get_by_text(f"thay {before}").first).to_be_visible()
    await officer.button("broadcast.submit").click()
    await expect(page.get_by_text(officer.words("approve.own"))).to_be_visible()
    code = await officer.code()
    await officer.fits()

    # 4. Somebody else decides, on whatever they have at hand.
    approver = await evening.sign_in("approver")
    await approver.page.locator("#mine").get_by_role("link", name=code).click()
    if evening.width == PHONE:
        await approver.link("approve.to").click()
    await approver.labelled("approve.type_number.units").fill(str(COAST))
    await approver.button("approve.button.actual").click()
    await expect(approver.page.locator(".tile")).to_have_count(COAST)

    # 5. and 6. Who has it, and who must be rung.
    await officer.tab("board")
    await page.locator("#open").get_by_role("link", name=code).click()
    await expect(page.locator(".tile.s-acknowledged").nth(14)).to_be_visible()
    await officer.link("rollcall.calls").click()
    call = page.locator(".call", has_text="Hoằng Châu")
    await expect(call.get_by_role("link", name="0900")).not_to_have_count(0)
    await call.get_by_label(officer.words("rollcall.note")).fill("đã báo miệng")
    await call.get_by_role("button", name=officer.words("rollcall.mark.acknowledged")).click()
    await expect(call).to_have_count(0)
    await officer.fits()

    # 7. What stands in the morning.
    await officer.tab("broadcasts")
    await page.get_by_role("main").get_by_role("link", name=code).first.click()
    main = await officer.to_report()
    await expect(officer.heading("report.title").first).to_contain_text("BÃO SỐ 5 – cập nhật lần 7")
    await expect(main).to_contain_text("lanhdao")
    await expect(main).to_contain_text(f"{COAST} ")
    await expect(officer.heading("report.curve")).to_be_visible()
    shown = await page.get_by_role("img", name=f"{COAST}").get_attribute("aria-label") or ""
    answered = next(int(word) for word in shown.split() if word.isdecimal())
    assert 16 <= answered <= COAST, shown
    timeline = page.locator(".timeline")
    for event in ("drafted", "submitted", "approved", "started", "marked"):
        await expect(timeline).to_contain_text(officer.words(f"event.{event}"))
    await expect(timeline).to_contain_text("Hoằng Châu")
    await officer.fits()
    view = evening.demo.api.get(f"/broadcasts/{before}")
    assert (view["superseded_by"], view["state"]) == (code, "closed")
    assert officer.trouble == approver.trouble == []
