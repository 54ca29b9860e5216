"""S13. A drill is marked in the text of every channel, is an Exercise for CAP, is nothing for loudspeakers, and after
30 minutes the board gives the answers per unit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broadcasts.aftermath import Aftermath
from broadcasts.cap_mapping import CapOffice, feed, is_open
from broadcasts.exercises import Exercises
from tests.scenario.bot_office import UNITS
from tests.scenario.night import TRUC_BAN, Night
from tests.web_stand import Stand

PLACES, ANSWER = 8, 5
CHAT, SMS = "DIỄN TẬP – KHÔNG PHẢI THẬT", "DIEN TAP - KHONG PHAI THAT"


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.open()
    yield night
    await night.close()


async def test_s13_drill(night: Night) -> None:
    night.zalo_sim.set_faults({"received": False, "seen": False})
    leaders = [await night.leader(unit.name) for unit in UNITS.all[:PLACES]]
    exercises = Exercises(night.room.ledger, night.room.bus, UNITS, night.clock)
    code = await night.send(text="Kiểm tra liên lạc toàn tỉnh lúc 08:00.", mode="exercise", urgency="thuong")
    for leader in leaders[:ANSWER]:
        message = await leader.zalo.reads(0)
        assert message.text.startswith(CHAT)
        await leader.zalo.presses(message)
    await night.wait(301)
    for leader in leaders[ANSWER:]:
        assert (await leader.sms.reads(0)).text.startswith(SMS)
    assert await exercises.result(code) is None

    await night.wait(1800)
    await exercises.tick()
    result = await exercises.result(code)
    assert result is not None
    assert (result.answered, result.total) == (ANSWER, PLACES)
    silent = {one.contact.unit for one in leaders[ANSWER:]}
    assert set(result.silent) == {UNITS.by_code(unit).name for unit in silent}

    office = CapOffice("pctt.example.vn", "Văn phòng mẫu")
    alerts = await night.room.ledger.read(
        lambda tx: feed(tx, night.clock(), office, lambda one: one, open_only=False, limit=10)
    )
    assert [one.status for one in alerts] == ["Exercise"]
    assert not any(is_open(one) for one in alerts)

    over = await Aftermath(night.desk).all_clear(code, TRUC_BAN)
    assert over.mode == "exercise"
    assert (await leaders[0].zalo.reads(0, 3)).text.startswith(CHAT)


async def test_s13_a_drill_has_no_script_for_loudspeakers(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    await stand.open()
    code = await stand.sent(mode="exercise")
    page = await (await stand.browser()).get(f"/broadcasts/{code}/loudspeaker.txt")
    assert page.status == 403
    assert "iễn tập" in await page.text()
    await stand.close()
