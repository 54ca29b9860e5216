"""The phone wall in a real browser: what arrives shows, what a visitor does reaches the simulators, at any width."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from simulators import town
from simulators.people import Person
from tests.contract.recording import until

pytestmark = pytest.mark.browser

LEADER = Person("14779", "chairman", "Lê Văn Mẫu", "84900000101", "8000000000000000001", "7100001")
DEPUTY = Person("14779", "deputy", "Phạm Thị Mẫu", "84900000102", "8000000000000000002", "")
RESIDENT = "84900099001"
BUTTON = {"label": "ĐÃ NHẬN", "payload": "ACK TB0825-07"}


@pytest_asyncio.fixture(loop_scope="session")
async def made() -> AsyncIterator[town.Town]:
    made = await town.found(town.Plan(people=(LEADER, DEPUTY), replies=False, units={"14779": "Xã Mẫu"}))
    yield made
    await made.close()


async def _open(browser: Browser, made: town.Town, query: str = "", width: int = 1280) -> tuple[Page, list[str]]:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    await page.goto(f"{made.wall.url}/?{query}")
    await expect(page.locator("#live")).to_have_class("live on")
    return page, trouble


async def test_a_resident_writes_and_gets_an_answer(browser: Browser, made: town.Town) -> None:
    page, trouble = await _open(browser, made)
    box = page.locator("#resident-sms textarea")
    await box.fill("cuu voi nuoc ngap")
    await box.press("Enter")
    await expect(page.locator("#resident-sms .mine")).to_contain_text("cuu voi nuoc ngap")
    assert made.smsc.stage.lines[-1].sender == RESIDENT
    made.smsc.stage.show(RESIDENT, "loa", "Goi ngay 112 <mien phi>")
    await expect(page.locator("#resident-sms .theirs")).to_contain_text("Goi ngay 112 <mien phi>")
    await expect(box).to_have_value("")
    assert not trouble


async def test_a_leader_presses_the_button_and_sees_it_pressed(browser: Browser, made: town.Town) -> None:
    page, trouble = await _open(browser, made)
    made.zalo.stage.show(LEADER.zalo, "loa", "BÃO SỐ 5", buttons=[BUTTON])
    await page.locator("#leader-zalo [data-press]").click()
    await expect(page.locator("#leader-zalo .pressed")).to_contain_text("Đã bấm")
    assert made.zalo.stage.lines[-1].pressed_by == [LEADER.zalo]
    assert not trouble


async def test_messages_of_another_app_are_counted_on_its_tab(browser: Browser, made: town.Town) -> None:
    page, _ = await _open(browser, made)
    made.smsc.stage.show(LEADER.phone, "loa", "mot")
    made.smsc.stage.show(LEADER.phone, "loa", "hai")
    tab = page.locator("#tab-leader-sms")
    await expect(tab.locator(".badge")).to_have_text("2")
    await tab.click()
    await expect(tab.locator(".badge")).to_be_hidden()
    await expect(page.locator("#leader-sms .bubble")).to_have_count(2)


async def test_another_leader_s_phone_is_chosen(browser: Browser, made: town.Town) -> None:
    page, _ = await _open(browser, made)
    await page.locator("select[name=leader]").select_option(DEPUTY.key)
    await page.wait_for_url("**leader=14779*deputy**")
    await expect(page.locator("#leader-telegram .empty")).to_have_text("Người này không có tài khoản.")


async def test_a_fault_is_switched_on_and_off(browser: Browser, made: town.Town) -> None:
    page, trouble = await _open(browser, made)
    card = page.locator("[data-card=zalo]")
    await card.locator("[data-preset=outage]").click()
    await expect(card).to_contain_text("Đang có sự cố")
    assert made.zalo.faults()["outage"] == "502"
    await card.locator("[data-reset]").click()
    await expect(card).to_contain_text("Hoạt động bình thường")
    assert made.zalo.faults()["outage"] == ""
    assert not trouble


async def test_a_knob_is_turned_by_hand_and_a_wrong_one_refused(browser: Browser, made: town.Town) -> None:
    page, _ = await _open(browser, made)
    card = page.locator("[data-card=telegram]")
    await card.locator("summary").click()
    await card.locator("[data-knob=slow_seconds]").fill("1.5")
    await card.locator("[data-apply]").click()
    await until(lambda: made.telegram.faults()["slow_seconds"] == 1.5)
    await card.locator("[data-knob=outage]").fill("flood")
    await card.locator("[data-apply]").click()
    await expect(card.locator(".wrong")).to_contain_text("outage must be one of")


async def test_a_lost_connection_is_said(browser: Browser, made: town.Town) -> None:
    page, _ = await _open(browser, made)
    await made.wall.close()
    await expect(page.locator("#live")).to_have_text("Mất kết nối, đang nối lại…")
    await page.locator("#resident-sms textarea").fill("x")
    await page.locator("#resident-sms [data-send]").click()
    await expect(page.locator("#toast")).to_be_visible()
    await expect(page.locator("#resident-sms textarea")).to_have_value("x")


@pytest.mark.parametrize("width", [360, 768, 1280])
async def test_nothing_is_wider_than_the_screen(browser: Browser, made: town.Town, width: int) -> None:
    made.zalo.stage.show(LEADER.zalo, "loa", "https://example.vn/" + "x" * 300, buttons=[BUTTON])
    page, _ = await _open(browser, made, width=width)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_night_is_kept(browser: Browser, made: town.Town) -> None:
    page, _ = await _open(browser, made)
    day = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.locator("#theme").click()
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != day
