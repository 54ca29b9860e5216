"""Lights that travel: said in one process, read in another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from adapters.contract import Health, HealthState
from broadcasts.routes import Route, Routes
from loa.roles.lights import LISTENING, OLD_SECONDS, LightsKept, LightsOnRecord
from tests.ledgers import ledger_of
from tests.scenario.engine_room import ScriptedChannel

PROVEN = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class Lit(ScriptedChannel):
    """Says what it is told to say."""

    says = Health(HealthState.OK, "scripted", {"queued": 3}, PROVEN)

    async def probe(self) -> Health:
        return self.says


async def test_a_light_is_read_elsewhere_until_it_is_old(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path)
    ledger.open()
    try:
        here, away = Lit("telegram"), Lit("zalo.oa_user")
        routes = Routes([Route(here, "telegram", homes=("t",)), Route(away, "zalo", homes=("z",))])
        kept = LightsKept(ledger, routes, "one", lambda route: route.channel is here)
        read = LightsOnRecord(ledger, routes)
        await kept.tick()
        shown = dict(await read.health())
        assert shown["telegram"] == here.says
        assert (shown["zalo.oa_user"].state, shown["zalo.oa_user"].key) == (HealthState.DOWN, "nobody_has_it")
        assert await read.well() == {"telegram"}
        await ledger.write(lambda tx: tx.execute("UPDATE light SET at = at - ?", (OLD_SECONDS + 1.0,)))
        assert dict(await read.health())["telegram"].key == "nobody_has_it"
    finally:
        await ledger.close()


async def test_the_worse_word_of_sender_and_listener_is_shown(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path)
    ledger.open()
    try:
        sends, hears = Lit("telegram"), Lit("telegram")
        hears.says = Health(HealthState.DEGRADED, "telegram.conflict")
        for channel, suffix in ((sends, ""), (hears, LISTENING)):
            routes = Routes([Route(channel, "telegram", homes=("t",))])
            await LightsKept(ledger, routes, "one", lambda route: True, suffix).tick()
        shown = dict(await LightsOnRecord(ledger, Routes([Route(sends, "telegram", homes=("t",))])).health())
        assert shown["telegram"].key == "telegram.conflict"
    finally:
        await ledger.close()
