"""Residents and leaders text a simulated carrier: over SMPP in, over SMPP out, as on their phones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from adapters.sms.smpp.channel import SmppChannel
from simulators import smsc
from tests.contract.recording import MemoryState
from tests.contract.smpp_stand import account
from tests.scenario.bot_office import Office

RESIDENT = "84933333333"
PATIENCE = 10.0  # seconds for an answer to arrive; a bound for the test, not a promise


class RealClock:
    @property
    def at(self) -> float:
        return time.time()

    def __call__(self) -> float:
        return time.time()


class Town(Office):
    """An office whose SMS go to a simulated carrier, with people's phones behind it."""

    async def open(self) -> None:
        self.sim = await smsc.start()
        self.clock = RealClock()  # type: ignore[assignment]
        await self.begin()

    def sms_channel(self) -> SmppChannel:
        return SmppChannel(account(self.sim.port), MemoryState())

    async def close(self) -> None:
        await self.end()
        await self.sms.stop()
        await self.sim.close()

    async def texts(self, phone: str, text: str) -> str:
        """Somebody texts the short code; the first answer that the phone then shows."""
        before = self.sim.stage.lines[-1].n if self.sim.stage.lines else 0
        await self.sim.person_says(phone, None, text)
        async with asyncio.timeout(PATIENCE):
            while True:
                shown = [line for line in self.sim.stage.after(before, phone) if line.sender != phone]
                if shown:
                    return shown[0].text
                await asyncio.sleep(0.02)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    town = Town(tmp_path)
    await town.open()
    yield town
    with suppress(asyncio.CancelledError):
        await town.close()


async def test_a_conversation_over_smpp(town: Town) -> None:
    assert (await town.texts(RESIDENT, "SOTAN dong tien")).startswith("Anh/chi o: 1. Phuong Dong Tien")
    assert "Xa Dong Tien" in await town.texts(RESIDENT, "2")
    assert "112" in await town.texts(RESIDENT, "cuu voi nuoc ngap den mai nha roi thon 3 xa van loc")
    assert len(await town.ringing()) == 1


async def test_a_leader_confirms_over_smpp_with_and_without_accents(town: Town) -> None:
    chairman = await town.register("Xã Sơn Điện")
    no = await town.directive("TB0825-07")
    answer = await town.texts(chairman.phone, "Dạ rõ ạ")
    assert answer.startswith("Da ghi nhan: Xa Son Dien xac nhan tin TB0825-07")
    assert await town.state(no, chairman) == "acknowledged"
    assert "truoc do roi" in await town.texts(chairman.phone, "DANHAN TB0825-07")
