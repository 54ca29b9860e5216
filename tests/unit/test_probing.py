"""The lights of the channels: one that hangs or breaks keeps no other dark."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from adapters.contract import Health, HealthState
from loa.probing import Probes

PROVEN = datetime(2025, 8, 24, 19, 20, tzinfo=UTC)
WELL = Health(HealthState.OK, "link_ok", proven_at=PROVEN)
DEAD = Health(HealthState.DOWN, "link_down")


class Probed:
    """A channel that only has a health."""

    def __init__(self, name: str, health: Health | Exception = WELL) -> None:
        self.name = name
        self.health = health
        self.free = asyncio.Event()
        self.free.set()
        self.asked = 0

    async def probe(self) -> Health:
        self.asked += 1
        await self.free.wait()
        if isinstance(self.health, Exception):
            raise self.health
        return self.health


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loa.probing.PROBE_SECONDS", 0.01)


async def test_all_are_asked_and_shown_in_their_order() -> None:
    probes = Probes([Probed("zalo"), Probed("sms", DEAD)])
    assert await probes.round() == [("zalo", WELL), ("sms", DEAD)]


async def test_one_that_hangs_is_slow_and_hides_nobody() -> None:
    zalo, sms = Probed("zalo"), Probed("sms")
    probes = Probes([zalo, sms])
    await probes.round()
    zalo.free.clear()
    for _ in range(3):
        (_, slow), (_, well) = await probes.round()
        assert (slow.state, slow.key, slow.proven_at) == (HealthState.DEGRADED, "probe_slow", PROVEN)
        assert well == WELL
    assert (zalo.asked, sms.asked) == (2, 4)  # never twice at once
    zalo.health = DEAD
    zalo.free.set()
    await asyncio.sleep(0)
    zalo.free.clear()
    assert dict(await probes.round())["zalo"] == DEAD  # what was learned late stays while the next probe hangs, too
    zalo.free.set()


async def test_one_that_hangs_from_the_start() -> None:
    zalo = Probed("zalo")
    zalo.free.clear()
    probes = Probes([zalo, Probed("sms")])
    found = dict(await probes.round())
    assert (found["zalo"].key, found["sms"]) == ("probe_slow", WELL)
    zalo.free.set()


async def test_one_that_breaks_is_down() -> None:
    probes = Probes([Probed("zalo", RuntimeError("defect")), Probed("sms")])
    found = dict(await probes.round())
    assert (found["zalo"].state, found["zalo"].key) == (HealthState.DOWN, "probe_failed")
    assert found["sms"] == WELL


async def test_no_channels_no_lights() -> None:
    assert await Probes([]).round() == []
