"""Quick damage reports in rounds (kỳ báo cáo): what units report counts at once, corrections keep their history.

A report goes into the newest round that an officer opened and that still takes reports, else into the day's own. A
correction names what changes; what it does not name stays, and everything is read back. A nil report is a report.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from adapters.contract import Now
from broadcasts.damage_words import DamageWords, load_damage_words
from broadcasts.model import Actor, Problem, Refusal, RefusalKind
from broadcasts.urging import has_reported, moments_of
from directory.units import Unit, UnitCatalogue
from lanes.port import Bus
from store import audit, urging
from store import damage_reports as stored
from store.damage_reports import Figures, ReportRow, RoundRow
from store.engine import Ledger, Tx
from text.dates import OFFICE_ZONE, local, moment

LATE_FOR: Final = timedelta(hours=2)
"""So long after its deadline a round still takes reports, as late ones; the last urging is 30 minutes after it."""
LONGEST_ROUND: Final = timedelta(days=7)
NAME_MOST: Final = 40
"""Characters of a round's name: the urging of the longest unit fits one SMS part."""
TOPIC: Final = "reports"


@dataclass(frozen=True, slots=True)
class Given:
    """A report as it counts now. `figures`: everything that the unit reported in this round."""

    id: int
    round: RoundRow
    unit_code: str
    figures: Figures
    nil: bool
    state: str
    late: bool


@dataclass(frozen=True, slots=True)
class UnitReport:
    """One line of a round; `report` None: nothing yet. `late`: it came after the deadline."""

    unit: Unit
    report: ReportRow | None
    late: bool


@dataclass(frozen=True, slots=True)
class RoundView:
    round: RoundRow
    rows: Sequence[UnitReport]
    totals: Mapping[str, tuple[Decimal, Decimal]]
    """Field → (sum of the values, sum of persons)."""

    @property
    def missing(self) -> list[Unit]:
        return [row.unit for row in self.rows if row.report is None]


class DamageReports:
    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        catalogue: UnitCatalogue,
        now: Now = time.time,
        words: DamageWords | None = None,
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._catalogue = catalogue
        self._now = now
        self.words = words or load_damage_words()

    async def open_round(self, name: str, opens_at: float, deadline: float, actor: Actor) -> RoundRow:
        """Raises `Refusal` for a name that is taken or times that make no round."""
        name, now = " ".join(name.split()), self._now()
        problems = []
        if not name or len(name) > NAME_MOST:
            problems.append(Problem("name", "round_name", {"limit": NAME_MOST}))
        if not opens_at < deadline <= opens_at + LONGEST_ROUND.total_seconds() or deadline <= now:
            problems.append(Problem("deadline", "round_times"))
        if problems:
            raise Refusal(RefusalKind.INVALID, "invalid_input", tuple(problems))

        def write(tx: Tx) -> RoundRow:
            if stored.has_round(tx, name):
                raise Refusal(RefusalKind.WRONG_STATE, "round_taken", name=name)
            audit.record(tx, now, actor.name, "open_round", name=name)
            return add_round(tx, name, opens_at, deadline, actor.name, now)

        made = await self._ledger.write(write)
        self._bus.publish(TOPIC, {"type": "opened", "round": made.id})
        return made

    async def give(
        self,
        unit_code: str,
        figures: Figures,
        *,
        nil: bool,
        person: tuple[int | None, str],
        via: str,
        at: float,
        inbox_id: int | None = None,
    ) -> Given:
        """Take a report of a unit; it counts at once. The same message again changes nothing."""

        def write(tx: Tx) -> Given:
            known = None if inbox_id is None else stored.report_of_message(tx, inbox_id)
            if known is not None:
                return self._given(tx, known)
            current = stored.open_round(tx, at, LATE_FOR.total_seconds()) or self._daily(tx, at)
            before = stored.standing(tx, current.id, unit_code)
            kept = {} if nil or before is None else dict(before.figures)
            kept.update(figures)
            has_reported(tx, current.id, unit_code, self._now())
            return self._given(tx, stored.add_report(tx, current.id, unit_code, at, kept, nil, person, via, inbox_id))

        given = await self._ledger.write(write)
        self._bus.publish(TOPIC, {"type": "report", "round": given.round.id, "unit": unit_code})
        return given

    async def settle(self, report_id: int, *, right: bool) -> Given | None:
        """The sender read it back: it stands, or it never was. None for no such report."""

        def write(tx: Tx) -> Given | None:
            stored.settle(tx, report_id, "confirmed" if right else "withdrawn", self._now())
            row = stored.report(tx, report_id)
            return None if row is None else self._given(tx, row)

        given = await self._ledger.write(write)
        if given is not None:
            self._bus.publish(TOPIC, {"type": "report", "round": given.round.id, "unit": given.unit_code})
        return given

    async def rounds(self, limit: int = 50) -> list[RoundRow]:
        """Newest first."""
        return await self._ledger.read(lambda tx: stored.rounds(tx, limit))

    async def view(self, round_id: int) -> RoundView:
        """Raises `Refusal` for no such round."""

        def read(tx: Tx) -> tuple[RoundRow | None, dict[str, ReportRow]]:
            return stored.round_of(tx, round_id), stored.all_standing(tx, round_id)

        found, reports = await self._ledger.read(read)
        if found is None:
            raise Refusal(RefusalKind.NOT_FOUND, "no_such_round", id=round_id)
        rows = []
        for unit in self._catalogue.all:
            report = reports.get(unit.code)
            rows.append(UnitReport(unit, report, report is not None and report.at > found.deadline))
        return RoundView(found, rows, totals(list(reports.values())))

    async def history(self, round_id: int, unit_code: str) -> list[ReportRow]:
        return await self._ledger.read(lambda tx: stored.history(tx, round_id, unit_code))

    async def late_units(self, round_id: int) -> list[Unit]:
        """Who has sent nothing yet, nil reports counting as reports: whom to urge."""
        return (await self.view(round_id)).missing

    def urging(self, of: RoundRow, unit: Unit) -> str:
        """What a unit that is late is told (with accents; by SMS without)."""
        return self.words.say["urge"].format(unit=unit.name, round=of.name, deadline=moment(of.deadline, self._now()))

    def urging_group(self, of: RoundRow, units: Sequence[Unit]) -> str:
        """The one list that a group gets."""
        names = ", ".join(unit.name for unit in units)
        deadline = moment(of.deadline, self._now())
        return self.words.say["urge_group"].format(round=of.name, deadline=deadline, n=len(units), units=names)

    def _daily(self, tx: Tx, at: float) -> RoundRow:
        midnight = local(at).replace(hour=0, minute=0, second=0, microsecond=0)
        name = self.words.daily.format(day=f"{midnight.day}/{midnight.month}/{midnight.year}")
        ends = datetime.combine(midnight.date() + timedelta(days=1), midnight.timetz().replace(tzinfo=OFFICE_ZONE))
        return stored.add_round(tx, name, midnight.timestamp(), ends.timestamp(), "loa", at, True)

    def _given(self, tx: Tx, row: ReportRow) -> Given:
        found = stored.round_of(tx, row.round_id)
        assert found is not None
        return Given(row.id, found, row.unit_code, row.figures, row.nil, row.state, row.at > found.deadline)


def add_round(tx: Tx, name: str, opens_at: float, deadline: float, made_by: str, now: float) -> RoundRow:
    """A round with the moments at which its late units are urged."""
    made = stored.add_round(tx, name, opens_at, deadline, made_by, now, False)
    urging.add_moments(tx, made.id, moments_of(opens_at, deadline, now))
    return made


def totals(reports: Sequence[ReportRow]) -> dict[str, tuple[Decimal, Decimal]]:
    """The province's sums."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for report in reports:
        for code, (value, persons) in report.figures.items():
            sums = found.get(code, (Decimal(0), Decimal(0)))
            found[code] = (sums[0] + Decimal(value or 0), sums[1] + Decimal(persons or 0))
    return found
