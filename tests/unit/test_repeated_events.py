"""A provider's repeated call: what another process has committed is not written again, what failed is."""

from datetime import UTC, datetime

import pytest

from adapters.contract import Incoming, IncomingKind, LedgerUnavailable
from lanes.opening import opened
from loa.wiring import LedgerSink
from tests.redis_stand import fresh_url


class Intake:
    def __init__(self, full=False):
        self.full = full
        self.stored = []

    async def store(self, batch, check):
        if self.full:
            raise LedgerUnavailable("disk_full")
        self.stored += [one.event_id for one in batch]


def event(event_id):
    return Incoming("zalo.oa", event_id, IncomingKind.TEXT, "u", "u", datetime.now(UTC), text="ok")


async def test_an_event_is_written_by_whoever_commits_it_first():
    url = fresh_url()
    houses = [opened(url, owner) for owner in ("web-1", "web-2", "web-3")]
    for house in houses:
        await house.start("office", "Văn phòng")
    full, first, second = Intake(full=True), Intake(), Intake()
    sinks = [
        LedgerSink(None, intake, house.remembered) for intake, house in zip((full, first, second), houses, strict=True)
    ]
    with pytest.raises(LedgerUnavailable):
        await sinks[0].incoming([event("e1")])
    await sinks[1].incoming([event("e1"), event("e1")])
    await sinks[2].incoming([event("e1"), event("e2")])
    await sinks[2].incoming([event("e1")])
    assert (first.stored, second.stored) == (["e1"], ["e2"])
    for house in houses:
        await house.stop()


async def test_without_redis_everything_is_handed_on():
    house = opened("memory://", "one")
    intake = Intake()
    sink = LedgerSink(None, intake, house.remembered)
    await sink.incoming([event("e1")])
    await sink.incoming([event("e1")])
    assert intake.stored == ["e1", "e1"], "the ledger's own key decides"
