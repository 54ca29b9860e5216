"""Take the pictures of this folder again: `python docs/screens/take.py`. Starts the demo, sends a storm alert and opens
each screen by day on a desk and by night on a telephone. Needs Chromium."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from aiohttp import ClientSession
from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.evening import STORM

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SCREENS = {
    "board": "/", "compose": "/broadcasts/new?template=bao", "check": "/broadcasts/{draft}",
    "rollcall": "/broadcasts/{sent}/rollcall", "map": "/broadcasts/{sent}/rollcall?show=map", "inbox": "/inbox",
    "directory": "/directory", "roster": "/roster", "report": "/broadcasts/{sent}/report", "log": "/audit",
    "people": "/broadcasts/{sent}/people", "settings": "/settings", "answer": "/settings/answer/SOTAN",
    "groups": "/unit-groups", "lists": "/number-lists", "codes": "/posters", "exercises": "/exercises",
    "alone": "/break-glass",
}  # fmt: skip
LOOKS = {"day": (1280, 900, "light"), "night": (360, 780, "dark")}


async def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        demo = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from loa.cli import main; main()", "demo", "--port", "0", "--data", data,
            "--speed", "20", cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert demo.stdout is not None
        try:
            ready = json.loads(await demo.stdout.readline())
            codes = {"sent": await _storm(ready, approve=True), "draft": await _storm(ready, approve=False)}
            await asyncio.sleep(20)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
                for look in LOOKS:
                    await _take(browser, ready, codes, look)
                await _phones(browser, ready)
        finally:
            demo.send_signal(signal.SIGTERM)
            await demo.wait()


async def _storm(ready: dict, approve: bool) -> str:
    """A storm alert to every unit; the code of it."""
    async with ClientSession() as http:
        at = f"{ready['api']}/broadcasts"
        draft = {"template": "bao", "blanks": STORM, "audience": "all-units", "urgency": "hoa-toc"}
        officer, approver = ({"Authorization": f"Bearer {ready[key]}"} for key in ("api_key", "approver_key"))
        made = await (await http.post(at, json=draft, headers=officer)).json()
        asked = await (await http.post(f"{at}/{made['code']}/submit", headers=officer)).json()
        if approve:
            body = {"content_hash": asked["content_hash"]}
            await http.post(f"{at}/{made['code']}/approve", json=body, headers=approver)
    return str(made["code"])


async def _take(browser: Browser, ready: dict, codes: dict, look: str) -> None:
    width, height, scheme = LOOKS[look]
    context = await browser.new_context(
        base_url=ready["console"], viewport={"width": width, "height": height}, color_scheme=scheme, locale="vi-VN"
    )
    page = await context.new_page()
    await page.goto("/sign-in")
    await page.fill("[name=name]", ready["approver"]["user"])
    await page.fill("[name=password]", ready["approver"]["password"])
    await page.keyboard.press("Enter")
    await page.wait_for_selector("nav.nav")
    for name, path in SCREENS.items():
        await page.goto(path.format(**codes))
        await page.wait_for_timeout(800)
        await page.screenshot(path=HERE / f"{name}-{look}.png")
    await context.close()


async def _phones(browser: Browser, ready: dict) -> None:
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await page.goto(ready["simulators"]["phones"])
    await page.wait_for_timeout(1500)
    await page.screenshot(path=HERE / "phones.png")


if __name__ == "__main__":
    asyncio.run(main())
