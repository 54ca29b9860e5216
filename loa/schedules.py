"""What is due at a time, put together: schedules, urging in report rounds, channels that are down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from adapters.contract import Health
from broadcasts.desk import Desk
from broadcasts.drafting import DEFAULT_STEPS, DeskSettings
from broadcasts.outages import OutageWatch
from broadcasts.routes import Routes
from broadcasts.schedules.digest import digest_kind
from broadcasts.schedules.firing import Firing
from broadcasts.schedules.kinds import Kind, Kinds, Run, no_payload
from broadcasts.schedules.office import ScheduleDesk
from broadcasts.schedules.overdue import Overdue
from broadcasts.schedules.rounds import rounds_kind
from broadcasts.schedules.sending import sending_kind
from broadcasts.templates import TemplateSet
from broadcasts.urging import URGE_TEMPLATE, Urging, UrgingRoom
from directory.units import UnitCatalogue
from lanes.port import Bus, Lanes
from loa.jobs import Job
from store.engine import Ledger

FIRE_TICK_SECONDS: Final = 1.0
OUTSIDE_TICK_SECONDS: Final = 5.0
URGE_TICK_SECONDS: Final = 1.0
OVERDUE_TICK_SECONDS: Final = 15.0
OUTAGE_TICK_SECONDS: Final = 10.0
"""A look costs a call at each provider; two bad ones in a row are an outage."""
PATH_TEST: Final = "path_test"
Probe = Callable[[], Awaitable[Sequence[tuple[str, Health]]]]


class Schedules:
    """`desk` is what pages and programs use; `path_test` is registered by whoever can test paths."""

    def __init__(
        self,
        rules: DeskSettings,
        ledger: Ledger,
        lanes: Lanes,
        bus: Bus,
        routes: Routes,
        units: UnitCatalogue,
        templates: TemplateSet,
        desk: Desk,
        health: Probe,
    ) -> None:
        self.kinds = Kinds()
        for kind in (sending_kind(desk.composer), rounds_kind(), digest_kind(routes, units)):
            self.kinds.register(kind)
        self.desk = ScheduleDesk(ledger, bus, self.kinds)
        self.firing = Firing(ledger, bus, self.kinds)
        self.overdue = Overdue(ledger, bus)
        self._rules, self._templates = rules, templates
        self.urging = Urging(ledger, lanes, bus, routes, units, self._urging_room())
        self.outages = OutageWatch(ledger, bus, health, stands_for=_stands_for(routes))

    def _urging_room(self) -> UrgingRoom:
        """What holds now: an office changes its chains and templates while the service runs."""
        return UrgingRoom(self._rules.office, self._rules.steps[DEFAULT_STEPS], self._templates.find(URGE_TEMPLATE))

    async def _urge(self) -> object:
        self.urging.room = self._urging_room()
        return await self.urging.tick()

    def on_path_test(self, run: Run) -> None:
        """What the monthly test of each unit's path does; without it the kind cannot be chosen."""
        self.kinds.register(Kind(PATH_TEST, check=no_payload, run=run))

    def jobs(self) -> tuple[Job, ...]:
        return (
            (self.firing.tick, FIRE_TICK_SECONDS),
            (self.firing.tick_outside, OUTSIDE_TICK_SECONDS),
            (self._urge, URGE_TICK_SECONDS),
            (self.overdue.tick, OVERDUE_TICK_SECONDS),
            (self.outages.tick, OUTAGE_TICK_SECONDS),
        )


def _stands_for(routes: Routes) -> Mapping[str, Sequence[str]]:
    """A single account's light is also that of the router before it, which has none of its own."""
    dark: dict[str, list[str]] = {}
    for route in routes.all:
        if not route.light:
            dark.setdefault(route.family, []).append(route.name)
    return {
        route.name: (route.name, *dark.get(route.family, ()))
        for route in routes.all
        if route.light and dark.get(route.family)
    }
