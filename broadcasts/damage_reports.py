"""Quick damage reports in rounds (kỳ báo cáo): what units report counts at once, corrections keep their history.

A report goes into the newest round that an officer opened and that still takes reports, else into the day's own. A
correction names what changes; what it does not name stays, and everything is read back. A nil report is a report.

What says that it belongs to an exercise goes into rounds of exercises, everything else into real ones, whatever else
is open: a drill never changes a real sum, and nothing real is lost in a drill. Where only the other kind of round was
open, that round shows the report beside it as a stray, and an officer may move it there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from adapters.contract import Now
from broadcasts.damage_rounds import full_name, group_urging, name_problem, urging_text
from broadcasts.damage_words import DamageWords, load_damage_words
from broadcasts.model import Actor, Mode, Problem, Refusal, RefusalKind
from broadcasts.urging import has_reported, moments_of
from directory.units import Unit, UnitCatalogue
from lanes.port import Bus
from store import audit, urging
from store import damage_reports as stored
from store.damage_reports import Figures, ReportRow, RoundRow
from store.engine import Ledger, Tx
from text.dates import OFFICE_ZONE, local

LATE_FOR: Final = timedelta(hours=2)
"""So long after its deadline a round still takes reports, as late ones; the last urging is 30 minutes after it."""
LONGEST_ROUND: Final = timedelta(days=7)
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
    beside_exercise: bool
    """A real one that came while a round of an exercise was open."""

    @property
    def exercise(self) -> bool:
        return self.round.mode == Mode.EXERCISE


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
    strays: Sequence[ReportRow] = ()
    """Of the other mode, while nothing of their own was open for them: they do not count here."""

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

    async def open_round(
        self, name: str, opens_at: float, deadline: float, actor: Actor, mode: Mode = Mode.ACTUAL
    ) -> RoundRow:
        """Raises `Refusal` for a name that is taken or misleads, or times that make no round."""
        name, now = " ".join(name.split()), self._now()
        wrong = name_problem("name", name, mode)
        problems = [wrong] if wrong else []
        name = full_name(name, mode)
        if not opens_at < deadline <= opens_at + LONGEST_ROUND.total_seconds() or deadline <= now:
            problems.append(Problem("deadline", "round_times"))
        if problems:
            raise Refusal(RefusalKind.INVALID, "invalid_input", tuple(problems))

        def write(tx: Tx) -> RoundRow:
            if stored.has_round(tx, name):
                raise Refusal(RefusalKind.WRONG_STATE, "round_taken", name=name)
            audit.record(tx, now, actor.name, "open_round", name=name)
            return add_round(tx, name, opens_at, deadline, actor.name, now, mode)

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
        mode: Mode = Mode.ACTUAL,
    ) -> Given:
        """Take a report of a unit; it counts at once, in its mode. The same message again changes nothing."""

        def write(tx: Tx) -> Given:
            known = None if inbox_id is None else stored.report_of_message(tx, inbox_id)
            if known is not None:
                return self._given(tx, known)
            current = stored.open_round(tx, at, LATE_FOR.total_seconds(), mode) or self._daily(tx, at, mode)
            return self._given(tx, self._count(tx, current, unit_code, at, figures, nil, person, via, inbox_id))

        given = await self._ledger.write(write)
        self._bus.publish(TOPIC, {"type": "report", "round": given.round.id, "unit": unit_code})
        return given

    async def settle(self, report_id: int, *, right: bool) -> Given | None:
        """The sender read it back: it stands, or it never was. None for no such report."""

        def write(tx: Tx) -> Given | None:
            row = stored.report(tx, report_id)
            while row is not None and row.moved_to is not None:
                row = stored.report(tx, row.moved_to)
            if row is None:
                return None
            stored.settle(tx, row.id, "confirmed" if right else "withdrawn", self._now())
            return self._given(tx, stored.report(tx, row.id) or row)

        given = await self._ledger.write(write)
        if given is not None:
            self._bus.publish(TOPIC, {"type": "report", "round": given.round.id, "unit": given.unit_code})
        return given

    async def move(self, report_id: int, round_id: int, actor: Actor) -> Given:
        """Let a stray count in the round beside which it lies, and no longer where it was: of its figures those that it
        brought. Raises `Refusal` for what is no stray of that round."""
        now = self._now()

        def write(tx: Tx) -> Given:
            to = stored.round_of(tx, round_id)
            row = None if to is None else next((one for one in self._strays(tx, to) if one.id == report_id), None)
            if to is None or row is None:
                raise Refusal(RefusalKind.WRONG_STATE, "no_stray_report")
            earlier = stored.before(tx, row)
            known = {} if earlier is None else earlier.figures
            brought = {code: pair for code, pair in row.figures.items() if known.get(code) != pair}
            person = (None, row.person_name)
            made = self._count(tx, to, row.unit_code, row.at, brought, row.nil, person, row.via, None)
            if row.state == "confirmed":
                stored.settle(tx, made.id, row.state, now)
            stored.moved(tx, row.id, made.id, now)
            audit.record(tx, now, actor.name, "move_report", unit=row.unit_code, name=to.name)
            return self._given(tx, made)

        given = await self._ledger.write(write)
        self._bus.publish(TOPIC, {"type": "report", "round": round_id, "unit": given.unit_code})
        return given

    async def rounds(self, limit: int = 50) -> list[RoundRow]:
        """Newest first."""
        return await self._ledger.read(lambda tx: stored.rounds(tx, limit))

    async def view(self, round_id: int) -> RoundView:
        """Raises `Refusal` for no such round."""

        def read(tx: Tx) -> tuple[RoundRow | None, dict[str, ReportRow], list[ReportRow]]:
            of = stored.round_of(tx, round_id)
            return of, stored.all_standing(tx, round_id), [] if of is None else self._strays(tx, of)

        found, reports, strays = await self._ledger.read(read)
        if found is None:
            raise Refusal(RefusalKind.NOT_FOUND, "no_such_round", id=round_id)
        rows = []
        for unit in self._catalogue.all:
            report = reports.get(unit.code)
            rows.append(UnitReport(unit, report, report is not None and report.at > found.deadline))
        return RoundView(found, rows, totals(list(reports.values())), strays)

    async def history(self, round_id: int, unit_code: str) -> list[ReportRow]:
        return await self._ledger.read(lambda tx: stored.history(tx, round_id, unit_code))

    async def late_units(self, round_id: int) -> list[Unit]:
        """Who has sent nothing yet, nil reports counting as reports: whom to urge."""
        return (await self.view(round_id)).missing

    def urging(self, of: RoundRow, unit: Unit) -> str:
        """What a unit that is late is told (with accents; by SMS without)."""
        return urging_text(self.words, of, unit.name, self._now())

    def urging_group(self, of: RoundRow, units: Sequence[Unit]) -> str:
        """The one list that a group gets."""
        names = ", ".join(unit.name for unit in units)
        return group_urging(self.words, of, len(units), names, self._now())

    def _count(
        self,
        tx: Tx,
        current: RoundRow,
        unit_code: str,
        at: float,
        figures: Figures,
        nil: bool,
        person: tuple[int | None, str],
        via: str,
        inbox_id: int | None,
    ) -> ReportRow:
        before = stored.standing(tx, current.id, unit_code)
        kept = {} if nil or before is None else dict(before.figures)
        kept.update(figures)
        has_reported(tx, current.id, unit_code, self._now())
        return stored.add_report(tx, current.id, unit_code, at, kept, nil, person, via, inbox_id)

    def _strays(self, tx: Tx, of: RoundRow) -> list[ReportRow]:
        """None of a day's own round: everything is open beside it."""
        return [] if of.daily else stored.strays(tx, of.mode, of.opens_at, of.deadline + LATE_FOR.total_seconds())

    def _daily(self, tx: Tx, at: float, mode: Mode) -> RoundRow:
        midnight = local(at).replace(hour=0, minute=0, second=0, microsecond=0)
        name = full_name(self.words.daily.format(day=f"{midnight.day}/{midnight.month}/{midnight.year}"), mode)
        ends = datetime.combine(midnight.date() + timedelta(days=1), midnight.timetz().replace(tzinfo=OFFICE_ZONE))
        return stored.add_round(tx, name, midnight.timestamp(), ends.timestamp(), "loa", at, True, mode.value)

    def _given(self, tx: Tx, row: ReportRow) -> Given:
        found = stored.round_of(tx, row.round_id)
        assert found is not None
        drill = stored.open_round(tx, row.at, LATE_FOR.total_seconds(), Mode.EXERCISE)
        beside = found.mode == Mode.ACTUAL and drill is not None
        return Given(row.id, found, row.unit_code, row.figures, row.nil, row.state, row.at > found.deadline, beside)


def add_round(
    tx: Tx, name: str, opens_at: float, deadline: float, made_by: str, now: float, mode: Mode = Mode.ACTUAL
) -> RoundRow:
    """A round with the moments at which its late units are urged; `name` is the full one."""
    made = stored.add_round(tx, name, opens_at, deadline, made_by, now, False, mode.value)
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
