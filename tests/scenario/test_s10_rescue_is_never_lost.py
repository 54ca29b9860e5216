"""S10. "cuu voi nuoc ngap den mai nha roi thon 3 xa van loc", from anybody: at once 112, 114, 115; an alarm that rings
until a person takes it; the text, the number and the unit that it may be are kept. By Zalo, by Telegram, by SMPP, also
in the middle of a flood of other messages."""

from __future__ import annotations

import asyncio
import time

from store import alarms, inbox
from tests.scenario.bot_office import code_of
from tests.scenario.street import Street
from text.folding import fold

CRY = "cuu voi nuoc ngap den mai nha roi thon 3 xa van loc"


async def test_s10_a_cry_is_answered_rings_and_is_kept(street: Street) -> None:
    phone = street.phone(1)
    answer = fold(await phone.says(CRY))
    assert answer.startswith("goi ngay 112 mien phi")
    assert "114" in answer
    assert "115" in answer
    (alarm,) = await street.ringing()
    assert alarm.detail["text"] == CRY
    assert alarm.detail["units"] == [code_of("Xã Vạn Lộc")]
    assert alarm.detail["sender"].lstrip("+") == phone.address
    row = await street.last()
    assert (row.state, row.intent, row.text) == ("human", "CUUHO", CRY)
    assert await street.ringing(), "until a person takes it"
    await street.room.ledger.write(lambda tx: alarms.take(tx, alarm.id, "Nguyễn Trực", time.time()))
    assert not await street.ringing()


async def test_s10_after_huy_after_fifty_and_from_a_leader_it_is_heard_all_the_same(street: Street) -> None:
    contact, leader = await street.chairman("Xã Sơn Điện")
    no = await street.directive("TB0825-07")
    await leader.says("HUY")
    for _ in range(6):
        await leader.writes("hôm nay có họp không")
    assert "112" in await leader.says(CRY)
    assert await street.state(no, contact) == "needs_help"
    assert len(await street.ringing()) == 1


async def test_s10_in_a_flood_of_other_messages_it_is_answered_within_five_seconds(street: Street) -> None:
    talkers = [street.phone(place) for place in range(2, 42)]
    crier = street.phone(1)

    async def talk() -> None:
        for text in ("thoi tiet hau loc", "sotan hoang chau", "ai mua gao khong", "bao so 5 den dau roi", "ok a"):
            await asyncio.gather(*(one.provider.person_says(one.address, None, text) for one in talkers))

    flood = asyncio.create_task(talk())
    await asyncio.sleep(0)
    answer = await crier.says(CRY)
    await flood
    assert "112" in answer
    cries = await street.room.ledger.read(
        lambda tx: [row for row in inbox.listing(tx, limit=1_000) if row.intent == "CUUHO"]
    )
    (cry,) = cries
    assert cry.handled_at is not None
    assert cry.handled_at - cry.came_at < 5.0, "the office's own promise, in seconds"
