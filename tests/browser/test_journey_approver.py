"""The deputy chief decides wherever the telephone rings: gives a message back, is kept from approving what was changed
since, and approves exactly what is shown."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.evening import PHONE, STORM, Evening, Seat

pytestmark = pytest.mark.browser
COAST = "27"


async def test_the_approver_returns_refuses_the_stale_and_approves(evening: Evening) -> None:
    code = evening.ask(template="bao", blanks=STORM | {"viec_3": "Trực"}, audience="group:ven-bien")
    approver = await evening.sign_in("approver")
    page = approver.page

    # Everything to decide on, without opening a file.
    await page.locator("#mine").get_by_role("link", name=code).click()
    main = page.get_by_role("main")
    await expect(main).to_contain_text("[HOẢ TỐC] BÃO SỐ 5 – cập nhật lần 7")
    await expect(main).to_contain_text(approver.words("approve.who", name="canbo-demo"))
    await expect(main.locator(".numbers").first).to_contain_text(f"{COAST} {approver.words('preview.units')}")
    await approver.fits()

    # Given back with a reason that is one touch.
    await page.locator("summary", has_text=approver.words("approve.return")).click()
    await page.get_by_text(approver.words("approve.quick.wording")).first.click()
    await approver.button("approve.return").click()
    await expect(page.locator(".page-head .tag").first).to_have_text(approver.words("state.broadcast.returned"))
    await expect(main).to_contain_text(approver.words("approve.quick.wording"))

    # Its author mends it, asks again, and mends it once more while the approver has the page open.
    officer = await evening.sign_in("officer")
    await officer.page.goto(f"/broadcasts/{code}")
    await _mend(officer, "Trực 24/24")
    await page.goto(f"/broadcasts/{code}")
    await approver.labelled("approve.type_number.units").fill(COAST)
    evening.demo.approver.post(f"/broadcasts/{code}/return", {"reason": "đổi giờ"})
    await officer.page.goto(f"/broadcasts/{code}")
    await _mend(officer, "Trực 24/24, báo cáo 3 giờ/lần")
    await approver.button("approve.button.actual").click()
    version = evening.demo.api.get(f"/broadcasts/{code}")["version"]
    await expect(page.get_by_text(approver.words("refusal.stale_hash", code=code, version=version))).to_be_visible()
    assert evening.demo.api.get(f"/broadcasts/{code}")["state"] == "pending_approval"

    # Exactly the version that is shown now leaves.
    await approver.link("nav.to_broadcast", code=code).click()
    await expect(main).to_contain_text("báo cáo 3 giờ/lần")
    if evening.width == PHONE:
        await approver.link("approve.to").click()
    button = approver.button("approve.button.actual")
    await approver.labelled("approve.type_number.units").fill("26")
    await expect(button).to_be_disabled()
    await approver.labelled("approve.type_number.units").fill(COAST)
    await button.click()
    await expect(page.locator(".tile")).to_have_count(int(COAST))
    await expect(page.locator(".tile.s-acknowledged").first).to_be_visible()

    main = await approver.to_report()
    await expect(main).to_contain_text("lanhdao")
    timeline = page.locator(".timeline")
    for event in ("returned", "edited", "submitted", "approved", "started"):
        await expect(timeline).to_contain_text(approver.words(f"event.{event}"))
    await expect(timeline.get_by_text(approver.words("event.approved"), exact=True)).to_have_count(1)
    await approver.fits()
    assert [text for text in approver.trouble if "409" not in text] == officer.trouble == []


async def _mend(officer: Seat, last_task: str) -> None:
    await officer.link("broadcast.edit").click()
    await officer.page.get_by_label("Việc 3").fill(last_task)
    await officer.button("compose.save").click()
    await officer.button("broadcast.submit").click()
    await expect(officer.page.get_by_text(officer.words("approve.own"))).to_be_visible()
