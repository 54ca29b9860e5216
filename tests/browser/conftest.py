"""Chromium for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.evening import COMBINATIONS, Evening
from tests.living import Demo, demo
from tests.processes import Http
from tests.web_stand import Stand

CHROMIUM = os.environ.get("LOA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        if os.environ.get("LOA_TEST_STRICT"):
            pytest.fail("Chromium is missing")
        pytest.skip("Chromium is missing")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    """The console without a service, at the time of day that browsers see."""
    stand = Stand(tmp_path)
    stand.clock.at = datetime.now(UTC).timestamp()
    await stand.open()
    yield stand
    await stand.close()


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, once for all journeys of a worker; people answer twenty times faster than they would, and a telephone
    that is off for data still gets an SMS."""
    with demo(tmp_path_factory.mktemp("night"), "--speed", "20") as running:
        for carrier in ("smsc_control", "esms", "speedsms"):
            Http(running.said["simulators"][carrier]).post("/_sim/faults", {"off_numbers": []})
        yield running


@pytest.fixture(params=COMBINATIONS, ids=lambda one: f"{one[0]}-{one[1]}")
def evening(request: pytest.FixtureRequest, night: Demo, browser: Browser) -> Evening:
    width, lang = request.param
    return Evening(night, browser, width, lang)
