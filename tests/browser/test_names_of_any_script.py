"""Emoji and right-to-left text in names: shown as they are, and turning nothing round them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from broadcasts import export_pdf
from store import access
from store.engine import Tx
from tests.browser.evening import DESK, PHONE
from tests.browser.test_console import sign_in, wide
from tests.web_stand import Stand
from web.locale import Catalogue

pytestmark = pytest.mark.browser
NAME = "שלום 🌊 \u202eoạt xã"
"""Hebrew, an emoji, and an override that nobody takes back: what follows it would run from right to left."""
TITLE = NAME.replace("\u202e", "")
"""As a message keeps it."""
STAFF = "Ca đêm 🌙 \u202egnùR"
TURNED_ROUND = r"""
() => {
  const strange = /[\u0590-\u08ff\u202a-\u202e\u2066-\u2067]/;
  const wrong = [];
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, parent = node.parentElement;
    if (!strange.test(node.data) || parent.closest("textarea, .bubble, pre, blockquote, option, title")) continue;
    const bare = node.data.replace(/\u2068[^\u2069]*\u2069/g, "");
    const style = getComputedStyle(parent);
    const alone = style.unicodeBidi.includes("isolate") || style.unicodeBidi === "plaintext"
      || (!style.display.startsWith("inline") && parent.childNodes.length === 1);
    if (strange.test(bare) && !(alone && node.data.trim() && NAMES.includes(node.data.trim())))
      wrong.push(parent.outerHTML.slice(0, 160));
  }
  return wrong;
}
"""


def plant(tx: Tx, now: float) -> None:
    tx.execute("UPDATE person SET name = ? WHERE unit_code = '16012'", (NAME,))
    tx.execute("UPDATE staff SET title = ? WHERE name = 'canbo'", (STAFF,))
    tx.execute("UPDATE unit_group SET title = ? WHERE name = 'ven-bien'", (NAME,))
    access.add_staff(tx, "truc2", "viewer", "x", now, STAFF)


@pytest.mark.parametrize("width", [DESK, PHONE])
async def test_a_name_turns_nothing_round_it(browser: Browser, stand: Stand, width: int) -> None:
    await stand.room.ledger.write(lambda tx: plant(tx, stand.clock()))
    code = await stand.sent(audience="unit:16012,16021", title=NAME)
    view = await stand.desk.view(code)
    await stand.acks.needs_help(view.id, "16012", 1, NAME, "zalo.user", datetime.now(UTC))
    page, trouble = await sign_in(browser, stand, "quantri", width)
    script = TURNED_ROUND.replace("NAMES", f"{[NAME, TITLE, STAFF]!r}".replace("'", '"'))
    wrong: list[str] = []
    at = f"/broadcasts/{code}"
    for path in (
        "/", "/broadcasts", f"{at}?all", f"{at}/rollcall", f"{at}/rollcall/16012", f"{at}/rollcall?show=calls",
        f"{at}/rollcall?show=deliveries", f"{at}/report", "/directory", "/directory/16012", "/unit-groups", "/staff",
        "/staff-addresses", "/roster", "/audit", "/enrolment", "/inbox", "/account", "/handovers",
        "/broadcasts/new?template=",
    ):  # fmt: skip
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        wrong += [f"{path}: {one}" for one in await page.evaluate(script)]
        assert await wide(page) <= 0, path
    assert wrong == [], "\n".join(wrong)
    await page.goto(f"{at}/rollcall/16012")
    await expect(page.locator("main")).to_contain_text("שלום 🌊")
    assert trouble == []


async def test_tables_and_papers_take_a_name_as_it_is(tmp_path: Path) -> None:
    view = {"code": "TB0825-07", "title": NAME, "texts": {"chat": NAME}, "rollcall": {"acknowledged": 1}}
    rows = [["Xã Vạn Lộc", NAME, "SMS", "", "", "", ""]]
    paper = tmp_path / "diem-danh.pdf"
    assert export_pdf.write_pdf(paper, view, ["Xã"] * 7, rows, Catalogue("vi").say) == 1
    assert paper.read_bytes().startswith(b"%PDF")
