"""What an office changes by itself: typed, kept while away, refused with a sentence where it is wrong, and then seen in
what is written, sent and answered."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_console import PHONE, sign_in, wide
from tests.web_stand import Stand

pytestmark = pytest.mark.browser
SAVE = "Lưu và dùng ngay"
SAID = "Điểm sơ tán {place}: hỏi trưởng thôn. Nguy hiểm thì đi ngay, gọi 112."


async def save(page: Page) -> None:
    await page.get_by_role("button", name=SAVE).click()


async def test_an_answer_is_worded_kept_while_away_and_given(browser: Browser, stand: Stand) -> None:
    page, trouble = await sign_in(browser, stand, "lanhdao", PHONE, "/settings")
    await page.get_by_role("link", name="SOTAN: điểm sơ tán").click()
    chat, sms = page.get_by_label("Tin Zalo, Telegram"), page.get_by_label("SMS (không dấu, vừa một tin)")
    await chat.fill(SAID)
    await sms.fill(SAID)
    await expect(page.locator("#text-preview")).to_contain_text("Diem so tan")
    await page.goto("/")
    await page.go_back()
    await page.reload()
    await expect(chat).to_have_value(SAID)
    await expect(page.get_by_text("Đây là bản đang sửa dở lúc")).to_be_visible()
    await sms.fill("Di toi {place} " + "ngay " * 30)
    await save(page)
    await expect(page.locator("label:has([name=sms]) .field-says")).to_contain_text("quá một tin")
    await expect(chat).to_have_value(SAID)
    await sms.fill(SAID)
    await save(page)
    await expect(page.get_by_text("Đã lưu, có hiệu lực từ bây giờ.")).to_be_visible()
    assert stand.answered["SOTAN"]["sms"] == SAID
    await page.reload()
    await expect(page.get_by_text("Đây là bản đang sửa dở lúc")).to_be_hidden()
    assert await wide(page) <= 0
    assert [one for one in trouble if "422" not in one] == []


async def test_of_two_editors_the_second_is_told_and_keeps_the_words(browser: Browser, stand: Stand) -> None:
    pages = [(await sign_in(browser, stand, name, path="/settings/answer/VNEID"))[0] for name in ("lanhdao", "quantri")]
    for n, page in enumerate(pages):
        await page.get_by_label("Tin Zalo, Telegram").fill(f"Lời thứ {n}")
    await save(pages[0])
    await expect(pages[0].get_by_text("Đã lưu, có hiệu lực")).to_be_visible()
    await save(pages[1])
    await expect(pages[1].get_by_text("lanhdao vừa sửa mục này")).to_be_visible()
    await expect(pages[1].get_by_label("Tin Zalo, Telegram")).to_have_value("Lời thứ 1")
    assert stand.answered["VNEID"]["chat"] == "Lời thứ 0"
    await save(pages[1])
    await expect(pages[1].get_by_text("Đã lưu, có hiệu lực")).to_be_visible()
    assert stand.answered["VNEID"]["chat"] == "Lời thứ 1"


async def test_a_template_and_its_blanks_show_in_the_next_message(browser: Browser, stand: Stand) -> None:
    page, trouble = await sign_in(browser, stand, "lanhdao", path="/settings/template/bao")
    text = page.locator("[name=chat]")
    await text.fill(await text.input_value() + "\nLiên hệ {nguoi}.")
    await save(page)
    await expect(page.locator("label:has([name=chat]) .field-says")).to_contain_text("nguoi")
    new = page.locator("fieldset", has_text="Ô trống mới").first
    for label, value in (("Tên trong ngoặc", "nguoi"), ("Nhãn", "Người liên hệ"), ("Ví dụ", "ông Mẫu")):
        await new.get_by_label(label).fill(value)
    await save(page)
    await expect(page.get_by_text("Đã lưu, có hiệu lực")).to_be_visible()
    await page.goto("/broadcasts/new?template=bao")
    await page.get_by_label("Người liên hệ").fill("bà Mẫu")
    await expect(page.locator("#preview .bubble.chat")).to_contain_text("Liên hệ bà Mẫu.")
    assert [one for one in trouble if "422" not in one] == []


async def test_a_keyword_is_learned_and_one_of_another_refused(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand, "lanhdao", path="/settings/keyword/SOTAN")
    phrases = page.locator("[name=phrases]")
    before = await phrases.input_value()
    await phrases.fill(f"{before}\ncứu hộ")
    await save(page)
    await expect(page.locator("label:has([name=phrases]) .field-says")).to_contain_text("đã thuộc về CUUHO")
    await phrases.fill(f"{before}\nlánh nạn ở đâu")
    await save(page)
    await expect(page.get_by_text("Đã lưu, có hiệu lực")).to_be_visible()
    assert "lánh nạn ở đâu" in stand.learned["SOTAN"]["phrases"]


async def test_a_group_is_made_and_chosen_in_a_message(browser: Browser, stand: Stand) -> None:
    page, trouble = await sign_in(browser, stand, "lanhdao", path="/unit-groups")
    await page.get_by_role("link", name="Nhóm mới").click()
    await page.get_by_label("Tên").first.fill("Hạ du Cửa Đạt")
    await page.locator("details.district summary").first.click()
    await page.locator("details.district").first.locator(".chip").first.click()
    await page.get_by_role("button", name="Lưu").click()
    await expect(page.locator(".line", has_text="Hạ du Cửa Đạt")).to_contain_text("1 xã")
    await page.goto("/broadcasts/new?template=")
    await page.get_by_text("Chọn xã, phường hoặc nhóm").click()
    await page.get_by_text("Hạ du Cửa Đạt").click()
    await expect(page.locator("#preview .numbers b").first).to_have_text("1")
    assert trouble == []


async def test_steps_and_carriers_hold_for_what_is_written_next(browser: Browser, stand: Stand) -> None:
    page, _ = await sign_in(browser, stand, "lanhdao", path="/settings/escalation/default")
    await page.locator("[name='step1.after']").fill("nhanh")
    await save(page)
    await expect(page.locator(".step-row .field-says").first).to_be_visible()
    await page.locator("[name='step1.after']").fill("7")
    unknown = page.locator(".step-row").first.locator(".chip", has_text="Telegram")
    await unknown.click()  # a channel that this office has not
    await save(page)
    await expect(page.get_by_text("Đã lưu, có hiệu lực")).to_be_visible()
    await page.goto("/broadcasts/new?template=")
    await expect(page.locator("#preview .chain")).to_contain_text("Sau 7 phút")
    await page.goto("/settings/carriers/all")
    row = page.locator("fieldset", has_text="Thêm nhà mạng").first
    await row.get_by_label("Tên").fill("Nhà mạng Đ")
    await row.get_by_label("Thư điện tử").fill("khong phai thu")
    await save(page)
    await expect(page.locator(".field-says").first).to_be_visible()
    await page.locator("[name$='.email']").nth(len(stand.carriers)).fill("truc@mang-d.example.vn")
    await save(page)
    await expect(page.get_by_text("Đã lưu, có hiệu lực")).to_be_visible()
    await page.goto("/carrier-orders/new")
    await expect(page.get_by_text("Nhà mạng Đ")).to_be_visible()
