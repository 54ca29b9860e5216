"""Lights that travel: the process in which a channel lives says how it is, every other one reads that on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import orjson
import structlog

from adapters.abilities import Spread
from adapters.contract import Health, HealthState, Hook
from broadcasts.routes import Route, Routes
from loa.probing import Probes
from loa.wiring import hooks_of
from store import leases, lights
from store.engine import Ledger, Tx
from store.lights import LightRow

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 10.0
"""How often a process asks its channels: as often as a page would, since each question may cost a request."""
OLD_SECONDS: Final = 30.0
"""A light that nobody has renewed for so long is dark: no process has the channel."""
LISTENING: Final = "/listen"
"""After a channel's name: what the process says of it that hears by it."""
_WORSE: Final = (HealthState.OFF, HealthState.OK, HealthState.DEGRADED, HealthState.DOWN)


class LightsKept:
    """`tick` asks the channels that live here and puts on record what they say. `suffix`: see `LISTENING`."""

    def __init__(
        self, ledger: Ledger, routes: Routes, owner: str, here: Callable[[Route], bool], suffix: str = ""
    ) -> None:
        self._ledger = ledger
        self._owner = owner
        self._suffix = suffix
        self._here = here
        self._routes = [route for route in routes.all if len(route.homes) <= 1]
        self._probes: dict[str, Probes] = {}

    async def tick(self) -> None:
        names = {route.name for route in self._routes if self._here(route)}
        lit = [route for route in self._routes if route.name in names and route.light]
        said = [one for route in lit for one in await self._probe(route)]
        if said:
            await self._ledger.write_presence(lambda tx: self._keep(tx, said))

    async def _probe(self, route: Route) -> list[tuple[str, Health]]:
        probes = self._probes.setdefault(route.name, Probes([route.channel]))
        return [(f"{name}{self._suffix}", health) for name, health in await probes.round()]

    def _keep(self, tx: Tx, said: Sequence[tuple[str, Health]]) -> None:
        at = leases.ledger_clock(tx)
        lights.put(tx, [_row(name, self._owner, health, at) for name, health in said])


def _row(name: str, owner: str, health: Health, at: float) -> LightRow:
    proven = health.proven_at.timestamp() if health.proven_at is not None else None
    return LightRow(name, owner, health.state.value, health.key, orjson.dumps(health.params).decode(), proven, at)


class LightsOnRecord:
    """`web.services.Channels` where channels live in other processes."""

    def __init__(self, ledger: Ledger, routes: Routes) -> None:
        self._ledger = ledger
        self._routes = routes
        self._hooks = hooks_of(routes)

    @property
    def families(self) -> Sequence[str]:
        return self._routes.families()

    @property
    def hooks(self) -> Mapping[str, Hook]:
        return self._hooks

    async def health(self) -> Sequence[tuple[str, Health]]:
        known = await self.known()
        return [(route.name, _of_route(route, known)) for route in self._routes.all if route.light]

    async def known(self) -> dict[str, Health]:
        """What every channel of one home says, by its name; of both processes that have a part in it, the worse."""
        rows, now = await self._ledger.read(lambda tx: (lights.read(tx), leases.ledger_clock(tx)))
        fresh = {name: _health(row) for name, row in rows.items() if now - row.at < OLD_SECONDS}
        for route in self._routes.all:
            heard = fresh.pop(route.name + LISTENING, None)
            if heard is not None and route.name in fresh:
                fresh[route.name] = _worse(fresh[route.name], heard)
        return fresh

    async def well(self) -> set[str]:
        """Channels by which messages pass."""
        lit = (HealthState.OK, HealthState.DEGRADED)
        return {name for name, health in (await self.known()).items() if health.state in lit}


def _of_route(route: Route, known: Mapping[str, Health]) -> Health:
    if len(route.homes) <= 1 or not isinstance(route.channel, Spread):
        return known.get(route.name, Health(HealthState.DOWN, "nobody_has_it"))
    at_homes = {home: known.get(home) for home in route.homes}
    down = [home for home, health in at_homes.items() if health is None or health.state is HealthState.DOWN]
    proven = [health.proven_at for health in at_homes.values() if health is not None and health.proven_at is not None]
    return replace(route.channel.summary(down), proven_at=max(proven, default=None))


def _health(row: LightRow) -> Health:
    proven = datetime.fromtimestamp(row.proven_at, UTC) if row.proven_at is not None else None
    return Health(HealthState(row.state), row.key, orjson.loads(row.params), proven)


def _worse(one: Health, other: Health) -> Health:
    return max(one, other, key=lambda health: _WORSE.index(health.state))
