"""Stands that several contract tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from simulators import smsc
from tests.contract.runner import Rig
from tests.contract.smpp_stand import Stand
from tests.contract.sms_http_stand import esms_stand, speed_stand

__all__ = ["esms_stand", "speed_stand"]


@pytest.fixture
async def carrier() -> AsyncIterator[smsc.SmscSim]:
    sim = await smsc.start()
    yield sim
    await sim.close()


@pytest.fixture
async def smpp(carrier: smsc.SmscSim) -> AsyncIterator[Stand]:
    stand = Stand(carrier)
    yield stand
    await stand.close()


@pytest.fixture
async def smpp_rig(smpp: Stand) -> Rig:
    return await smpp.open()
