"""S4. Zalo is silent for five minutes, so the chairman gets one SMS; the board shows both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store import rollcalls
from tests.scenario.night import STORM, Night
from text.segments import measure


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.open()
    yield night
    await night.close()


async def test_s04_fallback_to_sms(night: Night) -> None:
    chinh = await night.leader("Xã Xuân Chinh")
    lam = await night.leader("Xã Mậu Lâm")
    night.zalo_sim.set_faults({"received": False, "seen": False})
    code = await night.send(template="T1", blanks=STORM, urgency="hoa-toc")
    message = await lam.zalo.reads(0)
    await night.board_says(code, chinh.contact.unit, zalo="accepted")
    assert await lam.zalo.presses(message)

    await night.wait(240)  # the machine's own time passes, too: a slow one takes seconds to get here
    assert not chinh.sms.shown()
    await night.wait(61)
    said = (await chinh.sms.reads(0)).text
    assert said.startswith("PCTT Thanh Hoa: ")
    assert "BAO SO 5" in said
    assert f"DANHAN {code}" in said
    assert len(measure(said).parts) == 1
    await night.board_says(code, chinh.contact.unit, zalo="accepted", sms="delivered")
    assert not lam.sms.shown()

    answer = await chinh.sms.says(f"DANHAN {code}")
    assert code in answer
    no = (await night.desk.view(code)).id
    row = await night.room.ledger.read(lambda tx: rollcalls.one(tx, no, chinh.contact.unit))
    assert row is not None
    assert (row.state, row.person_name) == ("acknowledged", chinh.contact.name)
    for _ in range(4):
        await night.wait(600)
    assert len([line for line in chinh.sms.shown() if "BAO SO 5" in line.text]) == 1
    calls = [one.unit for one in await night.desk.rollcall(code) if one.on_call_list]
    assert calls == []
