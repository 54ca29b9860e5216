"""What people do with the roster: put shifts on it, swap them, bring a file, take a calendar address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from adapters.contract import Now
from broadcasts.model import Actor, Problem, Refusal, RefusalKind
from broadcasts.permitted import MAY_APPROVE, MAY_WRITE, require
from directory.reading import FileRefused, Reject, read_records
from directory.roster import HORIZON_SECONDS, LONGEST_SHIFT, MAY_TAKE, Duty, Gap, OnDuty, gaps, on_duty
from directory.roster_lines import NOTE_LIMIT, ShiftLine, load_roster_words, read_shifts
from lanes.port import Bus
from store import access, audit, roster
from store.engine import Ledger, Tx
from store.roster import ShiftRow, SwapRow
from text.dates import moment

T = TypeVar("T")
LINES_MOST: Final = 5_000
"""Shifts of one file: more than a year of three shifts a day with four people."""


@dataclass(frozen=True, slots=True)
class RosterReport:
    """What an import did, or in a dry run would do; `same`: shifts that are on the roster already."""

    added: int
    same: int
    rejected: tuple[Reject, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """What the page shows of a time."""

    shifts: list[ShiftRow]
    swaps: list[SwapRow]
    gaps: list[Gap]
    now: OnDuty


class DutyRoster:
    def __init__(self, ledger: Ledger, bus: Bus, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._now = now

    # -- reading --------------------------------------------------------------------------------------------------

    async def who(self) -> OnDuty:
        now = self._now()
        return await self._ledger.read(lambda tx: on_duty(tx, now))

    async def gaps(self, ahead: float = HORIZON_SECONDS) -> list[Gap]:
        now = self._now()
        return await self._ledger.read(lambda tx: gaps(tx, now, ahead))

    async def week(self, start: datetime, end: datetime) -> Week:
        now = self._now()

        def read(tx: Tx) -> Week:
            shifts = roster.between(tx, start.timestamp(), end.timestamp())
            return Week(shifts, roster.open_swaps(tx), gaps(tx, now), on_duty(tx, now))

        return await self._ledger.read(read)

    # -- planning -------------------------------------------------------------------------------------------------

    async def add(self, person: str, duty: str, start: datetime, end: datetime, note: str, actor: Actor) -> ShiftRow:
        """Raises `Refusal` with everything that is wrong at once."""
        require(actor, MAY_APPROVE)

        def write(tx: Tx) -> ShiftRow:
            found = access.staff_named(tx, person.strip())
            problems = shift_problems(found, duty, start, end, note, person)
            if found is None or problems:
                raise Refusal(RefusalKind.INVALID, "invalid_input", tuple(problems))
            made = roster.add(
                tx, found.id, duty, start.timestamp(), end.timestamp(), note.strip(), actor.name, self._now()
            )
            shift = roster.one(tx, made) if made is not None else None
            if shift is None:
                raise Refusal(RefusalKind.WRONG_STATE, "shift_twice", person=found.name)
            audit.record(tx, self._now(), actor.name, "add_shift", shift=shift.id, person=found.name, duty=duty)
            return shift

        return await self._told(write)

    async def remove(self, shift_id: int, actor: Actor) -> None:
        require(actor, MAY_APPROVE)

        def write(tx: Tx) -> None:
            shift = self._shift(tx, shift_id)
            roster.remove(tx, shift_id, actor.name, self._now())
            audit.record(tx, self._now(), actor.name, "remove_shift", shift=shift_id, person=shift.name)

        await self._told(write)

    async def bring(self, path: Path, actor: Actor, *, dry_run: bool) -> RosterReport:
        """Shifts from CSV or XLSX; bad lines are left out, each with its reason. Raises `Refusal`."""
        require(actor, MAY_APPROVE)
        staff = await self._ledger.read(access.list_staff)
        try:
            found = await asyncio.to_thread(lambda: list(read_shifts(read_records(path), load_roster_words(), staff)))
        except FileRefused as refused:
            raise Refusal(RefusalKind.INVALID, refused.key, (), **refused.params) from refused
        if len(found) > LINES_MOST:
            raise Refusal(RefusalKind.INVALID, "roster_too_long", limit=LINES_MOST)
        lines = [one for one in found if isinstance(one, ShiftLine)]
        rejected = tuple(one for one in found if isinstance(one, Reject))

        def write(tx: Tx) -> RosterReport:
            now = self._now()
            added = 0
            for one in lines:
                start, end = one.starts_at.timestamp(), one.ends_at.timestamp()
                made = roster.add(tx, one.staff.id, one.duty, start, end, one.note, actor.name, now)
                added += made is not None
            audit.record(tx, now, actor.name, "import_roster", added=added, rejected=len(rejected))
            return RosterReport(added, len(lines) - added, rejected)

        if not dry_run:
            return await self._told(write)
        known = await self._ledger.read(lambda tx: sum(self._known(tx, one) for one in dict.fromkeys(lines)))
        return RosterReport(len(lines) - known, known, rejected)

    def _known(self, tx: Tx, line: ShiftLine) -> bool:
        start, end = line.starts_at.timestamp(), line.ends_at.timestamp()
        same = ShiftRow(0, 0, "", "", "", line.duty, start, end, "")
        return roster.has_same(tx, same, line.staff.id)

    # -- swapping -------------------------------------------------------------------------------------------------

    async def ask_swap(self, shift_id: int, to: str, note: str, actor: Actor) -> SwapRow | None:
        """Whose shift it is asks another to take it. Who plans the roster changes it at once: then None comes back."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> SwapRow | None:
            shift, now = self._shift(tx, shift_id), self._now()
            taker = access.staff_named(tx, to.strip())
            self._check_taker(tx, shift, taker, to, now)
            assert taker is not None
            if actor.role in MAY_APPROVE and actor.name != shift.name:
                self._hand_over(tx, shift, taker, actor, now)
                return None
            if actor.name != shift.name:
                raise Refusal(RefusalKind.FORBIDDEN, "shift_of_another", person=shift.name)
            asked = roster.ask_swap(tx, shift_id, shift.staff_id, taker.id, note.strip()[:NOTE_LIMIT], actor.name, now)
            if asked is None:
                raise Refusal(RefusalKind.WRONG_STATE, "swap_open", person=shift.name)
            audit.record(tx, now, actor.name, "ask_swap", shift=shift_id, to=taker.name)
            return roster.swap(tx, asked)

        return await self._told(write)

    def _check_taker(self, tx: Tx, shift: ShiftRow, taker: access.Staff | None, typed: str, now: float) -> None:
        if shift.ends_at <= now:
            raise Refusal(RefusalKind.WRONG_STATE, "shift_over", person=shift.name)
        if taker is None or not taker.active:
            problem = Problem("to", "staff_unknown", {"name": typed.strip()[:64]})
            raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))
        if taker.role not in MAY_TAKE[Duty(shift.duty)]:
            problem = Problem("to", f"shift_role_{shift.duty}", {"person": taker.name})
            raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))
        if taker.id == shift.staff_id or roster.has_same(tx, shift, taker.id):
            raise Refusal(RefusalKind.WRONG_STATE, "shift_twice", person=taker.name)

    async def decide_swap(self, swap_id: int, actor: Actor, *, accept: bool) -> None:
        """The one who was asked accepts or declines; who asked may take it back; who plans may do either."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> None:
            swap, now = roster.swap(tx, swap_id), self._now()
            if swap is None:
                raise Refusal(RefusalKind.NOT_FOUND, "no_such_swap")
            plans = actor.role in MAY_APPROVE
            if actor.name != swap.to_name and not plans and (accept or actor.name != swap.from_name):
                raise Refusal(RefusalKind.FORBIDDEN, "swap_of_another", person=swap.to_name)
            if accept and actor.name == swap.from_name and actor.name != swap.to_name:
                raise Refusal(RefusalKind.FORBIDDEN, "swap_of_another", person=swap.to_name)
            state = "accepted" if accept else "withdrawn" if actor.name == swap.from_name else "declined"
            shift = self._shift(tx, swap.shift_id)
            if accept:
                self._check_taker(tx, shift, access.staff_named(tx, swap.to_name), swap.to_name, now)
            if not roster.decide_swap(tx, swap_id, state, actor.name, now):
                raise Refusal(RefusalKind.WRONG_STATE, "swap_decided", by=swap.decided_by)
            if accept:
                roster.give_to(tx, shift.id, swap.to_staff)
            audit.record(tx, now, actor.name, f"swap_{state}", shift=shift.id, person=swap.from_name, to=swap.to_name)

        await self._told(write)

    def _hand_over(self, tx: Tx, shift: ShiftRow, taker: access.Staff, actor: Actor, now: float) -> None:
        for swap in roster.open_swaps(tx):
            if swap.shift_id == shift.id:
                roster.decide_swap(tx, swap.id, "withdrawn", actor.name, now)
        roster.give_to(tx, shift.id, taker.id)
        audit.record(tx, now, actor.name, "move_shift", shift=shift.id, person=shift.name, to=taker.name)

    # -- the calendar's address -----------------------------------------------------------------------------------

    async def new_feed(self, actor: Actor) -> str:
        """The secret part of one's own calendar address, shown this once."""
        return await self._ledger.write(lambda tx: self._own_feed(tx, actor))

    def _own_feed(self, tx: Tx, actor: Actor) -> str:
        staff = access.staff_named(tx, actor.name)
        if staff is None:
            raise Refusal(RefusalKind.FORBIDDEN, "feed_for_people")
        audit.record(tx, self._now(), actor.name, "new_roster_feed")
        return roster.new_feed(tx, staff.id, self._now())

    async def revoke_feed(self, actor: Actor) -> None:
        def write(tx: Tx) -> None:
            staff = access.staff_named(tx, actor.name)
            if staff is not None and roster.revoke_feed(tx, staff.id, self._now()):
                audit.record(tx, self._now(), actor.name, "revoke_roster_feed")

        await self._ledger.write(write)

    def _shift(self, tx: Tx, shift_id: int) -> ShiftRow:
        shift = roster.one(tx, shift_id)
        if shift is None:
            raise Refusal(RefusalKind.NOT_FOUND, "no_such_shift")
        return shift

    async def _told(self, write: Callable[[Tx], T]) -> T:
        done = await self._ledger.write(write)
        self._bus.publish("roster", {"type": "changed"})
        return done


def shift_problems(
    person: access.Staff | None, duty: str, start: datetime, end: datetime, note: str, typed: str
) -> list[Problem]:
    """What is wrong with a shift, every sentence at once."""
    problems = []
    if person is None or not person.active:
        problems.append(Problem("person", "staff_unknown", {"name": typed.strip()[:64]}))
    if duty not in {one.value for one in Duty}:
        problems.append(Problem("duty", "not_a_choice", {"value": duty[:40], "known": ", ".join(Duty)}))
    elif person is not None and person.role not in MAY_TAKE[Duty(duty)]:
        problems.append(Problem("person", f"shift_role_{duty}", {"person": person.name}))
    if end <= start:
        problems.append(Problem("end", "shift_backwards", {"start": moment(start), "end": moment(end)}))
    elif end - start > LONGEST_SHIFT:
        problems.append(Problem("end", "shift_too_long", {"hours": int(LONGEST_SHIFT.total_seconds() // 3600)}))
    if len(note) > NOTE_LIMIT:
        problems.append(Problem("note", "note_too_long", {"limit": NOTE_LIMIT}))
    return problems
