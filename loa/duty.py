"""The duty room put together from the settings: roster, hand-over, exercises, and what is sent without an approval."""

from __future__ import annotations

from typing import Final

from bot.break_glass_teller import BreakGlassTeller
from broadcasts.break_glass import BreakGlass
from broadcasts.clockwork import Clockwork
from broadcasts.desk import Desk
from broadcasts.duty_roster import DutyRoster
from broadcasts.exercises import Exercises
from broadcasts.handover import Handovers
from broadcasts.roster_gaps import RosterGaps
from broadcasts.routes import Routes
from directory.units import UnitCatalogue
from lanes.port import Bus
from loa.jobs import Job
from loa.settings import Settings
from store.engine import Ledger
from web.services import Duty

RESULT_TICK_SECONDS: Final = 5.0
TELL_TICK_SECONDS: Final = 2.0
"""How soon leaders hear of what was sent without them."""
REVIEW_TICK_SECONDS: Final = 30.0
GAP_TICK_SECONDS: Final = 10.0
"""How soon a gap rings after somebody was taken off the roster."""


class DutyRoom:
    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        bus: Bus,
        desk: Desk,
        clockwork: Clockwork,
        routes: Routes,
        units: UnitCatalogue,
    ) -> None:
        rules = self._rules = settings.approval.rules()
        self.roster = DutyRoster(ledger, bus)
        self.handovers = Handovers(ledger, bus, units)
        self.exercises = Exercises(ledger, bus, units)
        self.break_glass = BreakGlass(ledger, bus, clockwork, rules)
        self._gaps = RosterGaps(ledger, bus, settings.roster.warn_ahead)
        self._teller = BreakGlassTeller(ledger, bus, desk, routes, rules)

    def for_web(self) -> Duty:
        return Duty(self.roster, self.handovers, self.exercises, self.break_glass, self._rules)

    def jobs(self) -> list[Job]:
        return [
            (self.exercises.tick, RESULT_TICK_SECONDS),
            (self._teller.tick, TELL_TICK_SECONDS),
            (self.break_glass.tick_review, REVIEW_TICK_SECONDS),
            (self._gaps.tick, GAP_TICK_SECONDS),
        ]
