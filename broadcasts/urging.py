"""Report rounds urge the late, and only them: half an hour before the deadline, at it, and half an hour after.

Each moment is one row and happens once. Who is late then is written to by the office's chain of steps, one after the
other until something arrived or the unit has reported; the group gets one list. A nil report is a report.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from adapters.contract import Now, Priority
from broadcasts.content import OfficeFacts
from broadcasts.damage_rounds import group_urging, urging_text
from broadcasts.damage_words import DamageWords, load_damage_words
from broadcasts.lifecycle import SYSTEM
from broadcasts.marks import load_marks
from broadcasts.model import Actor, DeliveryState, Mode, Role
from broadcasts.plan import NewChunk
from broadcasts.routes import Route, Routes
from broadcasts.settle import settle
from broadcasts.single import write_single
from broadcasts.states import REACHED
from broadcasts.steps import Step, needless
from broadcasts.templates import CODE, HOTLINE, SENDER, SHORT_CODE, URGENCY_MARK, Template, fill
from directory.people import Contact, contacts_of
from directory.units import Unit, UnitCatalogue
from lanes.port import Bus, Lanes
from store import alarms, chunks, damage_reports, deliveries, outages, urging
from store.damage_reports import RoundRow
from store.engine import Ledger, Tx
from store.urging import MomentRow, UrgingRow
from text.dates import clock, moment
from text.safe import to_safe

BEFORE_AND_AFTER: Final = (-1_800.0, 0.0, 1_800.0)
"""Seconds from the deadline: half an hour before it, at it, half an hour after."""
LATE_FOR_SECONDS: Final = 900.0
"""A moment that was missed by more is no longer made up for: the next one urges the same units."""
LOOK_SECONDS: Final = 10.0
"""How often we look whether a message of the current step failed, so that the next one follows early."""
UNITS_PER_TICK: Final = 500
URGE_TEMPLATE: Final = "dondoc"
_KIND_OF_UNIT: Final = re.compile(r"\w+ (?=\{ten_xa_dd\})")
"""The word before the unit's name: a ward is no commune."""
D = DeliveryState
ENDED: Final = frozenset({D.FAILED, D.EXPIRED, D.SKIPPED, D.CANCELLED, D.UNKNOWN})


@dataclass(frozen=True, slots=True)
class UrgingRoom:
    """What urging says and by which steps. `template`: the office's own text for it, None: the built-in one."""

    office: OfficeFacts
    steps: Sequence[Step]
    template: Template | None


@dataclass(slots=True)
class Urged:
    made: list[NewChunk] = field(default_factory=list)
    units: list[tuple[int, str]] = field(default_factory=list)
    """(round, unit) that were written to."""


class Urging:
    def __init__(
        self,
        ledger: Ledger,
        lanes: Lanes,
        bus: Bus,
        routes: Routes,
        catalogue: UnitCatalogue,
        room: UrgingRoom,
        now: Now = time.time,
        words: DamageWords | None = None,
    ) -> None:
        self._ledger = ledger
        self._lanes = lanes
        self._bus = bus
        self._routes = routes
        self._catalogue = catalogue
        self.room = room
        self._now = now
        self._words = words or load_damage_words()
        self._by = Actor(SYSTEM, Role.OFFICER)

    async def tick(self) -> Urged:
        """Urge whom it is time to urge; safe to miss, to repeat and to run late."""
        now = self._now()

        def work(tx: Tx) -> Urged:
            done = Urged()
            for _, due in groupby(urging.due_moments(tx, now), key=lambda one: one.round_id):
                self._moments(tx, list(due), now, done)
            self._units(tx, now, done)
            return done

        waiting = await self._ledger.read(
            lambda tx: bool(urging.due_moments(tx, now) or urging.due_units(tx, now, limit=1))
        )
        if not waiting:
            return Urged()
        done = await self._ledger.write(work)
        for one in done.made:
            await self._lanes.announce(one.channel, one.priority, one.chunk)
        for round_id in {one for one, _ in done.units}:
            self._bus.publish("reports", {"type": "urged", "round": round_id})
        return done

    def _moments(self, tx: Tx, due: Sequence[MomentRow], now: float, done: Urged) -> None:
        """The latest of a round urges; earlier ones that nobody was there for are noted."""
        latest, *earlier = due
        for one in earlier:
            urging.settle_moment(tx, one, "missed", 0, now)
        found = damage_reports.round_of(tx, latest.round_id)
        if found is None or now - latest.due > LATE_FOR_SECONDS:
            urging.settle_moment(tx, latest, "missed", 0, now)
            detail = {"name": found.name if found else "", "due": latest.due}
            alarms.raise_once(tx, "urging_missed", f"{latest.round_id}@{latest.due:.0f}", detail, now)
            return
        given = damage_reports.all_standing(tx, found.id)
        late = [unit for unit in self._catalogue.all if unit.code not in given]
        if not urging.settle_moment(tx, latest, "done", len(late), now) or not late:
            return
        urging.open_units(tx, found.id, latest.due, [unit.code for unit in late], now)
        for route in self._routes.groups(self._routes.families()):
            self._say(tx, route, route.post_to, self._group_text(route, found, late, now), now, done)

    def _units(self, tx: Tx, now: float, done: Urged) -> None:
        rows = urging.due_units(tx, now, UNITS_PER_TICK)
        down = outages.open_now(tx) if rows else {}
        rounds = {one: damage_reports.round_of(tx, one) for one in {row.round_id for row in rows}}
        counted = {one: _moment_units(tx, one) for one in rounds}
        for row in rows:
            found, unit = rounds[row.round_id], self._catalogue.by_code(row.unit_code)
            reported = damage_reports.standing(tx, row.round_id, row.unit_code) is not None
            if found is None or unit is None or reported:
                row.next_at = None
            else:
                self._one(tx, row, found, unit, counted[row.round_id].get(row.due, 0), set(down), now, done)
            urging.save(tx, row)

    def _one(
        self, tx: Tx, row: UrgingRow, found: RoundRow, unit: Unit, late: int, down: set[str], now: float, done: Urged
    ) -> None:
        """Move one late unit on along its chain."""
        rows = deliveries.rows_of(tx, [one[2] for one in row.deliveries])
        states = [(one[0], rows[one[2]][2]) for one in row.deliveries if one[2] in rows]
        delivered = any(state in REACHED for _, state in states)
        seen = any(state == D.SEEN for _, state in states)
        hoped = any(state not in ENDED | REACHED and channel not in down for channel, state in states)
        contacts = contacts_of(tx, unit.code)
        began = row.due if now - row.due < LATE_FOR_SECONDS else now
        for level in range(row.level + 1, len(self.room.steps)):
            step = self.room.steps[level]
            if now < began + step.after and (delivered or hoped):
                row.next_at = began + step.after if delivered else min(now + LOOK_SECONDS, began + step.after)
                return
            row.level = level
            if step.call or step.again or needless(step, delivered=delivered, seen=seen):
                continue
            told = {(channel, value) for channel, value, _ in row.deliveries}
            ways = [way for way in self._ways(step, contacts) if (way[0].name, way[1]) not in told]
            for route, value in ways:
                text = self._unit_text(route, found, unit, late, now)
                delivery = self._say(tx, route, value, text, now, done)
                row.deliveries.append((route.name, value, delivery))
            if ways:
                done.units.append((row.round_id, row.unit_code))
                row.next_at = now + LOOK_SECONDS if any(route.name not in down for route, _ in ways) else now
                return
        row.next_at = None

    def _ways(self, step: Step, contacts: Sequence[Contact]) -> list[tuple[Route, str]]:
        """The step's people on its channels; without roles, the first person of the unit who can be reached."""
        asked = [one for one in contacts if one.person.role in step.roles] if step.roles else list(contacts)
        found: list[tuple[Route, str]] = []
        for contact in asked:
            for family in step.channels:
                route, way = self._routes.direct(family), contact.best(family)
                if route is not None and way is not None:
                    found.append((route, way.value))
            if found and not step.roles:
                return found
        return found

    def _say(self, tx: Tx, route: Route, to: str, text: str, now: float, done: Urged) -> int:
        delivery, made = write_single(tx, route, to, text, self._by, Priority.URGENT, None, now)
        if made is not None:
            done.made.append(made)
        return delivery

    def _unit_text(self, route: Route, found: RoundRow, unit: Unit, late: int, now: float) -> str:
        text = urging_text(self._words, found, unit.name, now)
        template, office = self.room.template, self.room.office
        if template is not None and found.mode == Mode.ACTUAL and office.hotline and office.short_code:
            pattern = template.sms if route.traits.unaccented else template.chat
            text = fill(_KIND_OF_UNIT.sub(f"{unit.type} ", pattern), self._blanks(found, unit, late, now))
        return to_safe(text).text if route.traits.unaccented else text.strip()

    def _blanks(self, found: RoundRow, unit: Unit, late: int, now: float) -> Mapping[str, str]:
        office = self.room.office
        return {
            SENDER: office.sender,
            HOTLINE: office.hotline,
            SHORT_CODE: office.short_code,
            URGENCY_MARK: load_marks().urgency.get("khan", ""),
            CODE: f"KBC{found.id}",
            "ky": found.name,
            "han_bc": moment(found.deadline, now),
            "gio_chot": clock(now),
            "so_chua": str(late),
            "ten_xa_dd": unit.short_name,
        }

    def _group_text(self, route: Route, found: RoundRow, late: Sequence[Unit], now: float) -> str:
        """One list; where it does not fit, the names that do and how many more."""
        for kept in range(len(late), 0, -1):
            names = ", ".join(unit.short_name for unit in late[:kept])
            if more := len(late) - kept:
                names += self._words.say["urge_more"].format(n=more)
            text = group_urging(self._words, found, len(late), names, now)
            if len(text) <= route.traits.text_limit:
                return text
        return ""


def _moment_units(tx: Tx, round_id: int) -> dict[float, int]:
    return {one.due: one.units for one in urging.moments(tx, round_id)}


def has_reported(tx: Tx, round_id: int, unit_code: str, now: float) -> None:
    """Nothing more is asked of the unit: steps end, and what did not leave yet never will."""
    made = urging.stop(tx, round_id, unit_code)
    rows = deliveries.rows_of(tx, made) if made else {}
    for one in made:
        if one in rows and rows[one][2] in (D.QUEUED, D.RETRYING):
            chunk = chunks.holding(tx, one)
            if chunk is not None:
                settle(tx, chunk, [one], D.SKIPPED, "reported", now, event=False)


def moments_of(opens_at: float, deadline: float, now: float) -> list[float]:
    """When a round's late units are urged: what lies before its beginning, or is past already, is left out."""
    return [deadline + one for one in BEFORE_AND_AFTER if deadline + one > max(opens_at, now - 1.0)]
