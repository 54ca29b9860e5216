"""A night at the office as people live it: the demo with its simulators, and somebody at a desk or on a phone, in
either language, who finds things by their roles and names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page

from simulators.phones.wording import Wording, wording
from tests.living import Demo
from web.locale import Catalogue

DESK, PHONE = 1280, 360
COMBINATIONS = [(DESK, "vi"), (DESK, "en"), (PHONE, "vi"), (PHONE, "en")]
HEIGHT = 780
STORM = {
    "so_bao": "5", "lan": "7", "gio_phat": "02:20", "ngay": "25/8", "cap_do": "4", "gio_tam": "02:00",
    "vi_tri": "18,1 độ Vĩ Bắc; 107,9 độ Kinh Đông", "cap_gio": "13-14", "giat": "16", "khu_vuc": "Nghi Sơn - Sầm Sơn",
    "gio_do_bo": "13-16h ngày 25/8", "han": "09:00 ngày 25/8", "viec_1": "Kêu gọi tàu thuyền vào bờ",
    "viec_2": "Sơ tán hộ ven biển", "viec_3": "Trực 24/24", "so_van_ban": "Công điện 12/CĐ-UBND",
    "gio_o_nha": "7h ngày 25/8",
}  # fmt: skip


@dataclass(slots=True)
class Seat:
    """One person at one screen. `trouble`: what the browser complained of."""

    page: Page
    say: Catalogue
    trouble: list[str] = field(default_factory=list)

    def button(self, key: str, **params: Any) -> Locator:
        return self.page.get_by_role("button", name=self.say.say(key, **params))

    def link(self, key: str, **params: Any) -> Locator:
        return self.page.get_by_role("link", name=self.say.say(key, **params))

    def heading(self, key: str, **params: Any) -> Locator:
        return self.page.get_by_role("heading", name=self.say.say(key, **params))

    def labelled(self, key: str, **params: Any) -> Locator:
        return self.page.get_by_label(self.say.say(key, **params))

    def words(self, key: str, **params: Any) -> str:
        return self.say.say(key, **params)

    async def tab(self, key: str) -> None:
        """A tab of the top bar."""
        screens = self.page.get_by_role("navigation", name=self.say.say("nav.label"))
        await screens.get_by_role("link", name=self.say.say(f"nav.{key}")).click()

    async def to_report(self) -> Locator:
        """From the roll-call to the report; what its page says."""
        main = self.page.get_by_role("main")
        await main.get_by_role("link", name=self.say.say("report.title"), exact=True).click()
        await self.heading("report.title").first.wait_for()
        return main

    async def fits(self) -> None:
        wide = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{self.page.url} is {wide} px wider than the screen"

    async def code(self) -> str:
        """The code of the broadcast that the page is about."""
        return await self.page.locator(".code").first.inner_text()


@dataclass(slots=True)
class Evening:
    """`width` and `lang` of everybody in one journey, and the demo that the journeys share."""

    demo: Demo
    browser: Browser
    width: int
    lang: str

    @property
    def say(self) -> Catalogue:
        return Catalogue(self.lang)

    async def context(self, **more: Any) -> BrowserContext:
        touch = {"has_touch": True, "is_mobile": True} if self.width == PHONE else {}
        size = {"width": self.width, "height": HEIGHT}
        return await self.browser.new_context(viewport=size, locale="vi-VN", **touch, **more)

    async def sign_in(self, who: str) -> Seat:
        """`officer` or `approver`, by the door's own fields, in the language of the journey."""
        context = await self.context(base_url=self.demo.said["console"])
        page = await context.new_page()
        seat = Seat(page, self.say)
        listen(page, seat.trouble)
        await page.goto("/")
        if self.lang != "vi":
            await page.get_by_role("button", name=Catalogue("vi").say(f"language.{self.lang}")).click()
        await seat.labelled("sign_in.name").fill(self.demo.said[who]["user"])
        await seat.labelled("sign_in.password").fill(self.demo.said[who]["password"])
        await seat.button("sign_in.button").click()
        await page.get_by_role("navigation", name=self.say.say("nav.label")).wait_for()
        return seat

    async def wall(self, **whose: str) -> tuple[Page, Wording]:
        """The phone wall: `leader="15007:chairman"`, `resident="0960000001"`."""
        page = await (await self.context()).new_page()
        query = "&".join(f"{name}={value}" for name, value in {"lang": self.lang, **whose}.items())
        await page.goto(f"{self.demo.said['simulators']['phones']}/?{query}")
        return page, wording(self.lang)

    def send(self, **values: Any) -> str:
        """A broadcast that left before the journey begins; its code."""
        made = self.demo.api.post("/broadcasts", values)
        asked = self.demo.api.post(f"/broadcasts/{made['code']}/submit")
        self.demo.approver.post(f"/broadcasts/{made['code']}/approve", {"content_hash": asked["content_hash"]})
        return str(made["code"])

    def ask(self, **values: Any) -> str:
        """A broadcast that waits for its approval; its code."""
        made = self.demo.api.post("/broadcasts", values)
        self.demo.api.post(f"/broadcasts/{made['code']}/submit")
        return str(made["code"])


def listen(page: Page, trouble: list[str]) -> None:
    """Keep what the browser complains of, a breach of the page's policy among it."""
    page.on("console", lambda said: trouble.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
