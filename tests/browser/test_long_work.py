"""Long work shows how far it is: a list that comes in, a plan that is made, what has left of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from broadcasts.model import BroadcastState
from loa.importing import Imports
from store import number_lists
from tests.browser.test_console import PHONE, sign_in, wide
from tests.web_stand import Stand
from web.services import ImportReport

pytestmark = pytest.mark.browser
COUNT = 60_000
FIRST = 900_000_000
SHOWN_WITHIN = 20.0
"""Seconds."""


async def test_a_long_list_comes_in_and_says_how_far_it_is(
    browser: Browser, stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = asyncio.Event()
    whole = Imports.numbers

    async def until_it_was_shown(*given: Any, **named: Any) -> ImportReport:
        """The whole import, whose end waits for the page: on a fast machine it would be over before the first look."""
        report = await whole(*given, **named)
        await asyncio.wait_for(stored.wait(), SHOWN_WITHIN)
        return report

    def said(text: str) -> None:
        seen.append(text)
        if "/60.000 số" in text:
            stored.set()

    monkeypatch.setattr(Imports, "numbers", until_it_was_shown)
    file = tmp_path / "so.txt"
    file.write_text("".join(f"0{FIRST + n}\n" for n in range(COUNT)) + "khong phai so\n", "utf-8")
    page, trouble = await sign_in(browser, stand, width=PHONE, path="/number-lists")
    seen: list[str] = []
    await page.expose_function("said", said)
    await page.evaluate(
        "new MutationObserver(() => said(document.querySelector('.progress p').textContent))"
        ".observe(document.querySelector('.progress p'), { childList: true, characterData: true, subtree: true })"
    )
    await page.get_by_label("Tên danh sách").fill("ven de")
    await page.get_by_label("Tệp").set_input_files(file)
    await page.get_by_role("button", name="Nhập").dblclick()
    await expect(page.locator(".notice.good")).to_contain_text("thêm 60.000 số", timeout=30_000)
    await expect(page.locator(".notice.good li")).to_contain_text("Dòng 60001")
    assert any(text.startswith("Đang tải lên") for text in seen)
    assert stored.is_set()
    assert await wide(page) <= 0
    await page.get_by_role("link", name="Xem danh sách").click()
    await expect(page.locator(".lines .line")).to_have_count(1)
    await expect(page.locator(".lines .line")).to_contain_text("60.000 số")
    (kept,) = await stand.room.ledger.read(number_lists.all_current)
    assert (kept.name, kept.size) == ("ven-de", COUNT)
    assert trouble == []


async def test_a_file_without_numbers_is_one_sentence(browser: Browser, stand: Stand, tmp_path: Path) -> None:
    file = tmp_path / "trong.txt"
    file.write_text("không có số nào\n", "utf-8")
    page, _ = await sign_in(browser, stand, path="/number-lists")
    await page.get_by_label("Tên danh sách").fill("trong")
    await page.get_by_label("Tệp").set_input_files(file)
    await page.get_by_role("button", name="Nhập").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("button", name="Nhập")).to_be_enabled()
    assert await stand.room.ledger.read(number_lists.all_current) == []


async def test_a_plan_on_its_way_is_a_bar(browser: Browser, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    code = await stand.sent(audience="unit:16012,16021")
    view = await stand.desk.view(code)
    half = replace(view, state=BroadcastState.SENDING, numbers=3_000_000, counts={"queued": 1_250_000})

    now = [half]

    async def shown(ref: str) -> object:
        return now[0]

    monkeypatch.setattr(stand.desk, "view", shown)
    page, trouble = await sign_in(browser, stand, width=PHONE, path=f"/broadcasts/{code}/rollcall")
    strip = page.locator("#strip")
    await expect(strip).to_contain_text("Đang lập danh sách gửi: 1.250.000/3.000.000")
    now[0] = replace(half, counts={"queued": 2_000_000, "accepted": 1_000_000})
    await page.reload()
    await expect(strip).to_contain_text("Đã chuyển nhà mạng: 1.000.000/3.000.000")
    assert await wide(page) <= 0
    assert trouble == []
