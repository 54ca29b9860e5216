"""S1. TB…-06 is out and 20 of 27 have confirmed when the storm comes three hours earlier: TB…-07 replaces it. Everybody
gets 07, 06 is "đã thay thế" and urges nobody any more, a late word for 06 is told of 07, and the CAP feed says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadcasts.cap import MsgType
from broadcasts.cap_mapping import CapOffice, feed
from broadcasts.model import Draft, Refusal
from store import broadcasts, rollcalls
from tests.scenario.bot_office import UNITS
from tests.scenario.night import PHO_CHANH, STORM, TRUC_BAN, Leader, Night
from text.differences import changes

PLACES, CONFIRMED = 27, 20
OFFICE = CapOffice("pctt.example.vn", "Văn phòng mẫu")
EARLIER = {**STORM, "lan": "8", "gio_phat": "02:50", "gio_do_bo": "10-13h ngày 25/8", "han": "06:00 ngày 25/8"}


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.open()
    yield night
    await night.close()


async def twenty_of_27(night: Night) -> tuple[str, list[Leader]]:
    night.zalo_sim.set_faults({"seen": False})
    leaders = [await night.leader(unit.name) for unit in UNITS.all[:PLACES]]
    code = await night.send(template="T1", blanks=STORM, urgency="hoa-toc")
    for leader in leaders[:CONFIRMED]:
        await leader.zalo.presses(await leader.zalo.reads(0))
    rollcall = (await night.desk.view(code)).rollcall
    assert rollcall == {"acknowledged": CONFIRMED, "awaiting": PLACES - CONFIRMED}
    return code, leaders


async def test_s01_update_replaces_not_adds(night: Night) -> None:
    old, leaders = await twenty_of_27(night)

    made = await night.desk.supersede(old, None, TRUC_BAN)
    draft = Draft(
        template="T1", blanks=EARLIER, audience=made.audience, channels=made.channels, urgency="hoa-toc",
        kind="update", supersedes=old,
    )  # fmt: skip
    made = await night.desk.edit(made.code, draft, TRUC_BAN)
    asked = await night.desk.submit(made.code, TRUC_BAN)
    changed = changes((await night.desk.view(old)).texts["chat"], asked.texts["chat"])
    assert ("13-16h", "10-13h") in {(one.before, one.after) for one in changed}
    await night.desk.approve(asked.code, asked.content_hash, PHO_CHANH)

    for leader in leaders:
        assert (
            f"mã {asked.code}, thay {old}"
            in (await leader.zalo.reads(0, 3 if leader in leaders[:CONFIRMED] else 2)).text
        )
    gone = await night.desk.view(old)
    assert (gone.state, gone.superseded_by, gone.rollcall) == (
        "closed", asked.code, {"acknowledged": CONFIRMED, "awaiting": PLACES - CONFIRMED}
    )  # fmt: skip
    assert all(row.next_at is None for row in await night.desk.rollcall(old))

    late = leaders[-1]
    answer = await late.sms.says(f"DANHAN {old}")
    assert answer == f"Tin {old} da duoc thay bang {asked.code}. Vui long xac nhan: DANHAN {asked.code}"
    assert asked.code in await late.sms.says(f"DANHAN {asked.code}")
    for _ in range(4):
        await night.wait(600)
    assert not [one for one in await night.told(old) if one[2] > 0], "06 urged somebody after 07 was out"

    alerts = await night.room.ledger.read(
        lambda tx: feed(tx, night.clock(), OFFICE, lambda code: code, open_only=True, limit=10)
    )
    update = next(one for one in alerts if one.identifier == asked.code)
    assert update.type is MsgType.UPDATE
    assert [one.identifier for one in update.references] == [old]


async def test_s01_a_late_word_after_the_validity_counts_as_late_and_nothing_more_is_sent(night: Night) -> None:
    leader = await night.leader("Xã Mậu Lâm")
    code = await night.send(template="T1", blanks=STORM, urgency="hoa-toc", valid_for_seconds=240.0)
    await leader.zalo.reads(0)
    for _ in range(5):
        await night.wait(300)
    assert not leader.sms.shown(), "an SMS after valid_until"
    view = await night.desk.view(code)
    at = datetime.fromtimestamp(night.clock(), UTC)
    said = await night.acks.confirm(view.id, leader.contact.unit, leader.contact.person, "Chủ tịch", "sms.one", at)
    assert said.result == "acknowledged_late"
    row = await night.room.ledger.read(lambda tx: rollcalls.one(tx, view.id, leader.contact.unit))
    assert row is not None
    assert row.state == "acknowledged_late"


async def test_s01_an_update_in_a_circle_or_of_nothing_is_refused_in_a_sentence(night: Night) -> None:
    await night.leader("Xã Mậu Lâm")
    first = await night.send(template="T1", blanks=STORM, urgency="hoa-toc")
    second = await night.desk.supersede(first, None, TRUC_BAN)
    with pytest.raises(Refusal) as refused:
        await night.desk.supersede(second.code, None, TRUC_BAN)
    assert "supersede_not_sent" in {one.key for one in refused.value.problems}
    again = Draft(template="T1", blanks=EARLIER, audience=second.audience, channels=["zalo"], supersedes=second.code)
    with pytest.raises(Refusal) as refused:
        await night.desk.edit(second.code, again, TRUC_BAN)
    assert "supersede_loop" in {one.key for one in refused.value.problems}
    assert (await night.room.ledger.read(lambda tx: broadcasts.one(tx, first))).superseded_by is None
