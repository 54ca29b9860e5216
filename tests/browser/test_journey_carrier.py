"""A carrier's night shift: the order comes by mail, its page needs no account, one touch confirms it, and the counts go
back to the office."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser.evening import Evening
from text.dates import OFFICE_ZONE

pytestmark = pytest.mark.browser
TEXT = "PCTT: Bao so 5 do bo 13-16h ngay 25/8 tai Sam Son, Nghi Son. Khong ra khoi nha tu 7h. Khan cap goi 112."
COAST = "27"


async def test_an_order_reaches_the_carriers_and_comes_back_counted(evening: Evening) -> None:
    officer = await evening.sign_in("officer")
    page = officer.page
    await officer.tab("records")
    await page.get_by_role("link", name=officer.words("nav.carriers")).click()
    await officer.link("carrier.new").click()
    await page.get_by_role("textbox", name=re.compile(officer.words("carrier.text_label", n=160))).fill(TEXT)
    await page.get_by_text(officer.words("compose.some_units")).click()
    await page.get_by_text("Ven biển").click()
    for key, hours in (("carrier.starts_at", 1), ("carrier.ends_at", 4)):
        at = datetime.now(OFFICE_ZONE) + timedelta(hours=hours)
        await page.get_by_label(re.compile(rf"^{officer.words(key)}")).fill(f"{at:%Y-%m-%dT%H:%M}")
    filled = {
        "basis": "Công điện số 04/CĐ-UBND", "document_no": "12/VPTT-PCTT", "signer_title": "Chánh Văn phòng",
        "ring_back": "0237 000 0000",
    }  # fmt: skip
    for key, value in filled.items():
        await officer.labelled(f"carrier.{key}").fill(value)
    await page.get_by_label(officer.words("carrier.document_date")).fill("2026-11-22")
    await page.get_by_label(officer.words("carrier.signer"), exact=True).fill("Nguyễn Văn Mẫu")
    await expect(page.locator("#preview")).to_contain_text(officer.words("carrier.nothing_in_the_way"))
    await officer.fits()
    await officer.button("compose.save").click()
    await page.get_by_role("button", name=officer.words("broadcast.submit")).click()
    await expect(page.get_by_text(officer.words("approve.own"))).to_be_visible()
    order = page.url

    approver = await evening.sign_in("approver")
    await approver.page.goto(order)
    await approver.labelled("approve.type_number.units").fill(COAST)
    await approver.button("carrier.approve.actual").click()

    # The mailbox of the carriers: the exact text, and a link that is theirs alone.
    code = order.rsplit("/", 1)[1]
    mailbox = await (await evening.context()).new_page()
    for _ in range(40):
        await mailbox.goto(evening.demo.said["simulators"]["mail_page"])
        if await mailbox.get_by_role("link", name=code).count():
            break
        await mailbox.wait_for_timeout(250)
    await mailbox.get_by_role("link", name=code).first.click()
    await expect(mailbox.locator("pre")).to_contain_text(TEXT)
    link = await mailbox.locator("pre a", has_text="/carrier/").first.get_attribute("href")

    carrier = await (await evening.context()).new_page()
    await carrier.goto(str(link))
    if evening.lang == "en":
        await carrier.context.add_cookies([{"name": "loa_lang", "value": "en", "url": evening.demo.said["console"]}])
        await carrier.reload()
    await expect(carrier.get_by_role("main")).to_contain_text(TEXT)
    await expect(carrier.get_by_role("main")).to_contain_text("0237 000 0000")
    await carrier.get_by_label(officer.words("carrier.page.name")).fill("Trực ca đêm")
    await carrier.get_by_role("button", name=officer.words("carrier.page.acknowledge")).click()
    await expect(carrier.get_by_role("status").first).to_contain_text(officer.words("carrier.page.thanks"))
    for key, value in (("sent", "250.000"), ("delivered", "240 000"), ("failed", "10000")):
        await carrier.get_by_label(officer.words(f"carrier.{key}"), exact=True).fill(value)
    await carrier.get_by_role("button", name=officer.words("carrier.page.send_report")).click()
    await expect(carrier.locator(".counts")).to_contain_text(officer.say.number(240_000))
    assert await carrier.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    # The order's page is its report: who confirmed, who must be rung, what was counted, and when.
    await page.goto(order)
    main = page.get_by_role("main")
    await expect(main.locator(".counts").first).to_contain_text(officer.say.number(240_000))
    await expect(main).to_contain_text("Trực ca đêm")
    timeline = page.locator(".timeline")
    await expect(timeline).to_contain_text(officer.words("order_event.approved"))
    await expect(timeline).to_contain_text(officer.say.number(240_000))
    await officer.fits()
    await officer.tab("records")
    await page.get_by_role("link", name=officer.words("nav.carriers")).click()
    line = page.locator(".line", has_text=code)
    await expect(line).to_contain_text(f"1/{await _carriers(evening, code)} {officer.words('carrier.counted')}")
    assert officer.trouble == approver.trouble == []


async def _carriers(evening: Evening, code: str) -> int:
    return len(evening.demo.api.get(f"/carrier-orders/{code}")["carriers"])
