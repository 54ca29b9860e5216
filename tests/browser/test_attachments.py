"""Files in a real browser: chosen, refused with a sentence, left out again, kept with the draft, opened to approve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from adapters.contract import MediaLimit
from tests import files
from tests.browser.test_console import PHONE, sign_in
from tests.web_stand import Stand

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture(loop_scope="session")
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    stand = Stand(tmp_path)
    stand.zalo.traits = replace(stand.zalo.traits, media=(MediaLimit("application/pdf", 5_000_000),))
    await stand.open()
    yield stand
    await stand.close()


async def test_files_while_composing(browser: Browser, stand: Stand, tmp_path: Path) -> None:
    for name, content in (("công điện 12.pdf", files.PDF), ("ảnh.png", files.PNG), ("trang.pdf", b"<html></html>")):
        (tmp_path / name).write_bytes(content)
    page, _ = await sign_in(browser, stand, width=PHONE, path="/broadcasts/new?template=")
    await page.fill("[name=text]", "Đọc công điện kèm theo")
    for family in await page.locator("[name=channel]").all():
        await family.set_checked(await family.get_attribute("value") == "zalo", force=True)
    await page.set_input_files("[data-attach]", [tmp_path / "công điện 12.pdf", tmp_path / "ảnh.png"])
    await expect(page.locator("#attached li")).to_have_count(2)
    await page.set_input_files("[data-attach]", tmp_path / "trang.pdf")
    await expect(page.locator("#attach-says")).to_contain_text("Chỉ nhận tệp PDF")
    await expect(page.locator("#attached li")).to_have_count(2)
    await page.locator("#attached input").nth(1).set_checked(False, force=True)
    assert await page.evaluate("document.querySelector('#files').scrollWidth <= innerWidth")
    await page.click("button.primary.wide")
    await page.wait_for_url("**/broadcasts/TB*")
    await expect(page.locator(".files li")).to_have_count(1)
    await expect(page.locator(".files")).to_contain_text("công điện 12.pdf")
    reader, _ = await sign_in(browser, stand, "lanhdao", path=page.url)
    async with reader.expect_download() as taken:
        await reader.click(".files a")
    kept = await (await taken.value).path()
    assert await asyncio.to_thread(kept.read_bytes) == files.PDF
