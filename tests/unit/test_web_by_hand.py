"""Posting by hand: the text waits on the broadcast's page, is ticked or declined once, rings when nobody comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.manual.channel import ManualChannel
from adapters.manual.settings import ManualSettings
from broadcasts.model import Actor, DeliveryState, Role
from broadcasts.routes import Route
from loa.by_hand import ALARM, PostsByHand
from store import alarms, deliveries
from tests.contract.recording import MemoryState
from tests.web_stand import Stand

PLACE = "Nhóm Zalo trực ban tỉnh"
WAIT = 300.0


class HandStand(Stand):
    """A stand with a group that no program may enter. `again` is the restart of the channel on the same memory."""

    def __init__(self, folder: Path) -> None:
        self.state = MemoryState()
        self.manual = ManualChannel(ManualSettings(enabled=True, place=PLACE), self.state, lambda: self.clock())
        super().__init__(folder, more=(Route(self.manual, "zalo", PLACE),))
        self.posts = PostsByHand(self.room.ledger, self.room.bus, self.manual, WAIT, self.clock)
        self.services = replace(self.services, by_hand=self.posts)

    async def broadcast(self, **values: str) -> tuple[str, int]:
        """One that was sent; its code and the delivery to post."""
        code = await self.sent(**values)
        await self.room.clockwork.fire((await self.desk.view(code)).id)
        await self.room.until(lambda: self.posts.notes())
        return code, (await self.posts.notes())[0].delivery_id

    async def post(self, path: str, expected: int = 303, by: str = "canbo", **form: str) -> str:
        self.clock.at += 1
        browser = await self.browser(by)
        form["csrf"] = await self.csrf(by)
        async with browser.post(path, data=form, allow_redirects=False) as answer:
            text = await answer.text()
            assert answer.status == expected, text
            return text

    async def page(self, path: str, by: str = "canbo") -> str:
        browser = await self.browser(by)
        async with browser.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def state_of_is(self, delivery: int, state: DeliveryState) -> bool:
        rows = await self.room.ledger.read(lambda tx: deliveries.rows_of(tx, [delivery]))
        return rows[delivery][2] == state

    async def ringing(self) -> list[alarms.Alarm]:
        return [one for one in await self.room.ledger.read(alarms.ringing) if one.kind == ALARM]


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[HandStand]:
    stand = HandStand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def test_copy_post_tick(stand: HandStand) -> None:
    code, delivery = await stand.broadcast()
    page = await stand.page(f"/broadcasts/{code}?all")
    assert PLACE in page
    assert f'id="text-{delivery}" readonly' in page
    assert "Kiểm tra liên lạc" in page
    assert "1 tin chờ đăng bằng tay" in await stand.page("/")
    await stand.post(f"/by-hand/{delivery}/tick", back=code)
    page = await stand.page(f"/broadcasts/{code}?all")
    assert "Đã đăng lúc" in page
    assert "canbo" in page
    await stand.room.until(lambda: stand.state_of_is(delivery, DeliveryState.ACCEPTED))
    assert "đã có người báo" in await stand.post(f"/by-hand/{delivery}/tick", 409)
    assert "posted_by_hand" in {event.event for event in await stand.desk.events(code)}


async def test_who_cannot_post_says_why_and_the_delivery_fails(stand: HandStand) -> None:
    code, delivery = await stand.broadcast()
    await stand.post(f"/by-hand/{delivery}/decline", 422, reason=" ")
    await stand.post(f"/by-hand/{delivery}/decline", back=code, quick="Tôi không còn trong nhóm")
    assert "Tôi không còn trong nhóm" in await stand.page(f"/broadcasts/{code}?all")
    await stand.room.until(lambda: stand.state_of_is(delivery, DeliveryState.FAILED))


async def test_an_urgent_text_rings_until_somebody_answers(stand: HandStand) -> None:
    _, delivery = await stand.broadcast(urgency="hoa-toc")
    stand.clock.at += WAIT - 1
    await stand.posts.tick_waiting()
    assert await stand.ringing() == []
    stand.clock.at += 1
    for _ in range(2):
        await stand.posts.tick_waiting()
    assert [alarm.subject for alarm in await stand.ringing()] == [str(delivery)]
    assert PLACE in await stand.page("/")
    await stand.posts.tick(delivery, Actor("canbo", Role.OFFICER))
    assert await stand.ringing() == []


async def test_an_ordinary_text_does_not_ring(stand: HandStand) -> None:
    await stand.broadcast(urgency="khan")
    stand.clock.at += WAIT * 2
    await stand.posts.tick_waiting()
    assert await stand.ringing() == []


async def test_a_cancelled_broadcast_is_not_posted_any_more(stand: HandStand) -> None:
    code, _ = await stand.broadcast()
    await stand.desk.cancel(code, "báo nhầm", Actor("lanhdao", Role.APPROVER))
    await stand.posts.tick_waiting()
    note = (await stand.posts.notes())[0]
    assert (note.answer, note.reason) == ("declined", "cancelled")


async def test_it_waits_through_a_restart(stand: HandStand) -> None:
    _, delivery = await stand.broadcast()
    again = ManualChannel(ManualSettings(enabled=True, place=PLACE), stand.state, stand.clock)
    await again.start(stand.room.recorder)
    assert [note.delivery_id for note in await again.waiting()] == [delivery]
    assert await again.tick(delivery, "canbo")


async def test_the_api_does_the_same(stand: HandStand) -> None:
    _, delivery = await stand.broadcast()
    client = stand.client(Role.OFFICER)
    async with client.get("/api/v1/by-hand?waiting=true") as answer:
        items = (await answer.json())["items"]
    assert [(one["delivery"], one["state"], one["place"]) for one in items] == [(delivery, "waiting_for_person", PLACE)]
    async with client.post(f"/api/v1/by-hand/{delivery}/decline", json={"reason": "nhóm khoá"}) as answer:
        assert (await answer.json())["items"][0]["reason"] == "nhóm khoá"
    async with client.post(f"/api/v1/by-hand/{delivery}/tick", json={}) as answer:
        assert answer.status == 409
    async with client.post("/api/v1/by-hand/999/tick", json={}) as answer:
        assert answer.status == 409
    async with stand.client(Role.VIEWER).post(f"/api/v1/by-hand/{delivery}/tick", json={}) as answer:
        assert answer.status == 403
