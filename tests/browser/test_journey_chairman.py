"""A commune's chairman: one reads Zalo and presses the button, one has no signal but for an SMS and answers that. Each
counts once, reports back what happened, and the office sees it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.evening import COMBINATIONS, PHONE, Evening

pytestmark = pytest.mark.browser
SILENT = ("15007", "15112", "15298", "15316")
"""Communes whose chairman never answers by himself in the demo: here somebody answers for him. One a combination."""
DARK = ("14864", "14959", "15019", "15607")
"""Communes whose chairman's telephone is off in the demo; here it has no data, but gets an SMS."""


async def test_two_chairmen_confirm_each_in_his_way(evening: Evening) -> None:
    which = COMBINATIONS.index((evening.width, evening.lang))
    reader, dark = SILENT[which], DARK[which]
    code = evening.send(
        text="Nước sông Mã lên nhanh. Rà soát hộ ven sông, sẵn sàng sơ tán trước 17h.", audience=f"unit:{reader},{dark}"
    )

    # Five lines that need no file, one button.
    wall, words = await evening.wall(leader=f"{reader}:chairman")
    zalo = wall.locator("#leader-zalo")
    await expect(zalo).to_contain_text("Nước sông Mã lên nhanh")
    line = zalo.locator(".line.theirs", has_text="Nước sông Mã lên nhanh").last
    await line.get_by_role("button", name="ĐÃ NHẬN").click()
    await expect(line).to_contain_text(words("threads.pressed"))
    await expect(zalo.locator(".line.theirs").last).to_contain_text(code)

    # Where Zalo is silent the same comes by SMS, and an SMS answers it.
    other, words = await evening.wall(leader=f"{dark}:chairman")
    await other.get_by_role("tab", name=words("threads.sms")).click()
    sms = other.locator("#leader-sms")
    asked = sms.locator(".line.theirs", has_text=code)
    await expect(asked.last).to_contain_text(f"DANHAN {code}")
    await sms.get_by_role("textbox").fill(f"danhan {code.lower()}")
    await sms.get_by_role("button", name=words("threads.send")).click()
    await expect(sms.locator(".line.theirs").last).to_contain_text(f"xac nhan tin {code}")

    # He tells what happened, and it is read back to him.
    await sms.get_by_role("textbox").fill("bc tm12 lua30")
    await sms.get_by_role("button", name=words("threads.send")).click()
    await expect(sms.locator(".line.theirs").last).to_contain_text("12 nha toc mai")

    # What the office sees of it: both, each once, and by which way.
    officer = await evening.sign_in("officer")
    page = officer.page
    await officer.tab("broadcasts")
    await page.get_by_role("main").get_by_role("link", name=code).first.click()
    await expect(page.locator(".headline")).to_contain_text(f"2/2 {officer.words('board.confirmed')}")
    tile = page.locator(f"#u-{dark}")
    await expect(tile).to_contain_text(officer.words("tile.acknowledged"))
    if evening.width == PHONE:  # where a district that is done is one line
        await page.locator(".district-tiles", has=tile).locator("summary").click()
    await tile.click()
    detail = page.locator("#detail")
    await expect(detail).to_contain_text("SMS")
    await expect(detail).to_contain_text(officer.words("state.ack.acknowledged"))
    await officer.fits()
    main = await officer.to_report()
    await expect(page.get_by_role("img", name=officer.words("report.curve_label", n=2, total=2))).to_be_visible()
    await expect(main.locator(".marks")).not_to_contain_text(officer.words("report.not_yet"))
    await expect(main).not_to_contain_text(officer.words("report.unanswered", n=1))
    await expect(main.locator(".log").first).to_contain_text("Zalo")
    await expect(main.locator(".log").first).to_contain_text("SMS")
    rows = {row["unit"]: row for row in evening.demo.api.get(f"/broadcasts/{code}/rollcall")["items"]}
    assert (rows[reader]["state"], rows[dark]["state"]) == ("acknowledged", "acknowledged")
    assert rows[dark]["via"].startswith("sms")
    await officer.fits()
    assert officer.trouble == []
