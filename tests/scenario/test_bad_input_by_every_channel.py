"""Whatever is typed, by a Zalo Official Account, by Telegram and by SMPP: it is kept, nothing breaks, nothing of ours
leaks into an answer, nobody is answered in a storm, and the next question is answered as if nothing had been."""

from __future__ import annotations

import pytest

from store import inbox
from tests.scenario.street import Street
from text.folding import fold

ODD = {
    "emoji only": "😀😀👍🏻",
    "mixed scripts": "sơ tán मदद привет 救命 ở đâu",
    "markup": "<script>alert(1)</script> <b>@all</b> [x](tg://user?id=1) {unit} %s",
    "mentions": "@all @tatca #ACK TB0825-07 /start@bot",
    "control characters": "a\x01\x02\x07b\u202e\u200bc",
    "a lone word": "ạ",
    "ten thousand characters": "nước " * 2_000,
}


async def rows(street: Street) -> list[inbox.InboxRow]:
    return await street.room.ledger.read(lambda tx: inbox.listing(tx, limit=1_000))


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
async def test_odd_texts_are_kept_and_break_nothing(street: Street, text: str) -> None:
    contact, _ = await street.chairman("Xã Sơn Điện")
    no = await street.directive("TB0825-07")
    phone = street.phone(5)
    await phone.writes(text)
    await street.settled()
    assert len(phone.shown()) <= 1
    for line in phone.shown():
        assert "<script" not in line.text
        assert "@all" not in line.text
        assert "{" not in line.text
    kept = await rows(street)
    assert kept
    assert {row.note for row in kept}.isdisjoint({"failed"})
    assert {row.intent for row in kept}.isdisjoint({"DANHAN", "CUUHO"})
    assert await street.state(no, contact) == "awaiting"
    assert "xa van loc" in fold(await phone.says("sotan ngu loc"))


async def test_the_same_message_fifty_times_is_answered_twice_at_most(street: Street) -> None:
    phone = street.phone(5)
    for _ in range(50):
        await phone.provider.person_says(phone.address, None, "thoi tiet hau loc")
    await street.room.until(lambda: street.handled_more_than(49))
    await street.settled()
    assert len(await rows(street)) == 50, "all of them kept"
    assert 1 <= len(phone.shown()) <= 3


async def test_replies_to_our_replies_end(street: Street) -> None:
    """A machine that sends back whatever it gets."""
    phone = street.phone(5)
    text = "DVC"
    for _ in range(12):
        before = len(phone.shown())
        await phone.writes(text)
        await street.settled()
        if len(phone.shown()) == before:
            break
        text = phone.shown()[-1].text
    assert len(phone.shown()) <= 6
