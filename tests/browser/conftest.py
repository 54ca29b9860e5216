"""Chromium for the tests of pages: one for each process of tests, and one event loop, to which it belongs.

`expect` waits as long as a loaded machine may take: nothing here is about speed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect

from tests.browser.evening import COMBINATIONS, Evening
from tests.ledgers import note_use
from tests.living import Demo, demo
from tests.processes import Http
from tests.web_stand import Stand

FOLDER = Path(__file__).parent
CHROMIUM = os.environ.get("LOA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SEEN_SECONDS = 20.0
expect.set_options(timeout=SEEN_SECONDS * 1_000)
_launched: list[Browser] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    if not CHROMIUM:
        if os.environ.get("LOA_TEST_STRICT"):
            pytest.fail("Chromium is missing")
        pytest.skip("Chromium is missing")
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """Without anything that another test left open; a new one where the last has died."""
    if not _launched or not _launched[-1].is_connected():
        _launched.append(await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS))
    browser = _launched[-1]
    yield browser
    for context in browser.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
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
    note_use()  # the night began in another file, perhaps
    width, lang = request.param
    return Evening(night, browser, width, lang)
