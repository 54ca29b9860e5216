"""An order to carriers walked through in a real browser: written, approved by another, mailed, confirmed, counted."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from broadcasts.carrier_orders.mailing import Outbox
from loa.mail import SmtpMailer
from loa.settings_sections import Mail
from simulators import mailbox
from tests.browser.test_console import DESK, PHONE, sign_in
from tests.order_stand import SHORTENED, SOURCE_003
from tests.web_stand import Stand
from text.dates import OFFICE_ZONE

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("LOA_PICTURES", "")
"""A folder that gets a picture of every step, to be looked at."""


@pytest_asyncio.fixture(loop_scope="session")
async def box() -> AsyncIterator[mailbox.MailboxSim]:
    made = await mailbox.start()
    yield made
    await made.close()


def field_time(stand: Stand, hours: float) -> str:
    at = datetime.fromtimestamp(stand.clock.at, OFFICE_ZONE) + timedelta(hours=hours)
    return f"{at:%Y-%m-%dT%H:%M}"


async def seen(page: Page, name: str) -> None:
    """Nothing runs off the side, and a picture where somebody wants to look."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= await page.evaluate("innerWidth"), name
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def write_it(page: Page, stand: Stand, shot: str) -> None:
    await page.goto("/carrier-orders/new")
    await page.fill("[name=text]", SOURCE_003)
    await expect(page.locator(".meter160")).to_contain_text("332/160")
    await expect(page.locator("#preview")).to_contain_text("bản có dấu: 332 ký tự, 5 tin")
    await expect(page.locator("#preview")).to_contain_text("3 tin, quá 172 ký tự")
    await seen(page, f"{shot}-too-long")
    await page.fill("[name=text]", SHORTENED)
    await expect(page.locator(".meter160")).to_contain_text("160/160")
    await page.locator(".option", has_text="Chọn xã, phường hoặc nhóm").click()
    for code in ("14812", "16012"):
        district = page.locator("details.district", has=page.locator(f"[name=unit][value='{code}']")).first
        await district.locator("summary").click()
        await district.locator("label.chip", has=page.locator(f"[value='{code}']")).click()
    for name, hours in (("starts_at", 1), ("ends_at", 4)):
        await page.fill(f"[name={name}]", field_time(stand, hours))
    filled = {
        "basis": "Công điện số 04/CĐ-UBND ngày 08/5/2020", "document_no": "12/VPTT-PCTT", "document_date": "2026-11-22",
        "signer": "Nguyễn Văn Mẫu", "signer_title": "Chánh Văn phòng", "ring_back": "0237 000 0000",
    }  # fmt: skip
    for name, value in filled.items():
        await page.fill(f"[name={name}]", value)
    await expect(page.locator("#preview")).to_contain_text("Không có gì cản trở")
    await seen(page, f"{shot}-compose")
    await page.click("button:has-text('Lưu và kiểm tra')")
    await expect(page.locator("h1")).to_contain_text("Yêu cầu 2 nhà mạng")


@pytest.mark.parametrize("width", [DESK, PHONE])
async def test_an_order_from_the_first_word_to_the_counts(
    browser: Browser, stand: Stand, box: mailbox.MailboxSim, width: int
) -> None:
    officer, trouble = await sign_in(browser, stand, width=width)
    await write_it(officer, stand, str(width))
    await officer.click("button:has-text('Trình duyệt: 2 nhà mạng')")
    await expect(officer.locator(".notice")).to_contain_text("Đang chờ người khác duyệt")
    path = officer.url

    approver, more = await sign_in(browser, stand, "lanhdao", width, path)
    await seen(approver, f"{width}-approve")
    await expect(approver.locator("button:has-text('Duyệt và gửi nhà mạng')")).to_be_disabled()
    await approver.fill("[name=number]", "2")
    await approver.click("button:has-text('Duyệt và gửi nhà mạng')")
    await expect(approver.locator(".page-head .tag").first).to_have_text("Đã duyệt, đang chuyển nhà mạng")

    mail = Mail(host=box.host, port=box.port, sender="trucban@pctt.example.vn", tls="none")
    orders = stand.services.orders
    await Outbox(stand.room.ledger, stand.room.bus, orders.settings, SmtpMailer(mail), stand.clock).tick()
    links = [re.search(r"http\S+/carrier/\S+", kept.text)[0] for kept in box.mails]  # type: ignore[index]
    assert len(links) == 2

    carrier = await (await browser.new_context(viewport={"width": width, "height": 800}, locale="vi-VN")).new_page()
    await carrier.goto(links[0])
    await seen(carrier, f"{width}-carrier")
    await carrier.click("button:has-text('Đã nhận yêu cầu')")
    await expect(carrier.locator(".notice.good")).to_contain_text("Đã nhận yêu cầu. Xin cảm ơn.")
    for name, value in {"sent": "1.250.000", "delivered": "1 200 000", "failed": "30000"}.items():
        await carrier.fill(f"[name={name}]", value)
    await carrier.fill("[name=finished_at]", field_time(stand, -0.05))
    await carrier.click("button:has-text('Gửi số liệu')")
    await expect(carrier.locator(".counts")).to_contain_text("1.250.000")
    await seen(carrier, f"{width}-carrier-counted")

    await officer.goto(path)
    second = officer.locator("#c1")
    await expect(second).to_contain_text("Đã nhận thư, chờ xác nhận")
    await second.locator("[name=result]").select_option("confirmed")
    await second.locator("[name=spoke_to]").fill("Trực ca B")
    await second.locator("button:has-text('Ghi cuộc gọi')").click()
    await expect(officer.locator("#c1 .calls")).to_contain_text("canbo gọi, gặp Trực ca B")
    await expect(officer.locator("#c0 .counts")).to_contain_text("1.200.000")
    await expect(officer.locator(".page-head .tag").first).to_have_text("Các nhà mạng đã xác nhận")
    await seen(officer, f"{width}-order")
    await officer.locator("#c0 a:has-text('In')").click()
    await expect(officer.locator(".sheet .text")).to_contain_text("Dung dich vu cong truc tuyen")
    await seen(officer, f"{width}-print")
    await officer.goto("/carrier-orders")
    await expect(officer.locator(".line-numbers")).to_contain_text("2/2 nhà mạng xác nhận")
    await seen(officer, f"{width}-list")
    assert trouble + more == []
