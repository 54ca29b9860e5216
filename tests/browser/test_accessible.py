"""Every page under axe: nothing that keeps somebody with a keyboard or a screen reader from doing the work."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from tests.browser.test_console import DESK, PHONE, sign_in
from tests.web_stand import Stand

pytestmark = pytest.mark.browser

SERIOUS = ("serious", "critical")
PATHS = (
    "/", "/broadcasts", "/broadcasts/new", "/broadcasts/new?template=bao", "/inbox", "/directory", "/roster",
    "/enrolment", "/reports", "/content", "/carrier-orders", "/schedules", "/settings", "/unit-groups",
    "/staff-addresses", "/exercises", "/audit", "/staff", "/account", "/account/second-factor", "/alert",
    "/break-glass", "/handovers", "/enrolment/groups", "/enrolment/sheet", "/directory/import", "/audit/verify",
    "/number-lists", "/posters", "/settings/answer/SOTAN", "/settings/template/bao", "/unit-groups/ven-bien",
)  # fmt: skip
OF_ONE = (
    "?all",
    "/rollcall",
    "/rollcall?show=map",
    "/rollcall?show=calls",
    "/rollcall?show=deliveries",
    "/report",
    "/people",
)


@pytest.mark.timeout(300)  # forty pages
@pytest.mark.parametrize(("width", "scheme", "lang"), [(DESK, "light", "vi"), (PHONE, "dark", "en")])
async def test_no_page_has_a_serious_violation(browser: Browser, stand: Stand, width: int, scheme: str, lang: str):
    code = await stand.sent()
    page, _ = await sign_in(browser, stand, "quantri", width, color_scheme=scheme)
    if lang != "vi":
        await page.context.add_cookies([{"name": "loa_lang", "value": lang, "url": str(stand.server.make_url("/"))}])
    axe, wrong = Axe(), []
    for path in (*PATHS, *(f"/broadcasts/{code}{end}" for end in OF_ONE)):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        found = await axe.run(page)
        wrong += [
            f"{path}: {one['id']} ({one['impact']}) {one['nodes'][0]['html'][:160]} ×{len(one['nodes'])}"
            for one in found.response["violations"]
            if one["impact"] in SERIOUS
        ]
    assert wrong == [], "\n".join(wrong)
