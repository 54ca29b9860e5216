"""Imports: a file in, a diff out. A dry run reads and compares exactly as the import does, and writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from directory.columns import load_words
from directory.names import slug
from directory.number_lines import Collected, ListDigest, ascending, collect
from directory.number_lists import BATCH, NewVersion
from directory.people_plan import PeoplePlan, Step, Stored, plan_digest, plan_people
from directory.person_lines import PersonLine, read_people
from directory.reading import FileRefused, Reject, read_records
from directory.units import UnitCatalogue
from store import directory, number_lists
from store.engine import Ledger, Tx
from store.number_lists import ListRow

log = structlog.get_logger(__name__)

PEOPLE_LIMIT: Final = 50_000
"""Lines of a people's table: 300 for every unit."""


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """What an import of people did or, in a dry run, would do. `steps` leaves out the unchanged."""

    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: tuple[Reject, ...]
    steps: tuple[Step, ...]
    digest: str = ""
    """Of exactly these changes, see `people_plan.plan_digest`."""


@dataclass(frozen=True, slots=True)
class ListReport:
    """What an import of numbers did or would do. `rejected` holds the first lines, `rejections` counts all."""

    name: str
    list_id: int | None
    """None in a dry run."""
    size: int
    digest: str
    added: int
    removed: int
    duplicates: int
    rejected: tuple[Reject, ...]
    rejections: int


async def import_people(
    ledger: Ledger,
    catalogue: UnitCatalogue,
    path: Path,
    now: float,
    *,
    dry_run: bool = False,
    replace: bool = False,
    expect: str = "",
) -> PeopleReport:
    """Bring the people of a CSV or XLSX file into the directory, all in one transaction.

    `replace`: the file is the whole truth for its units and posts; whoever is missing is removed, unless a line was
    rejected. `expect`: the digest of what was shown before; `FileRefused` (plan_changed) where it would be something
    else by now. Raises `FileRefused`, and `LedgerError` where nothing could be stored.
    """
    lines, rejects = await asyncio.to_thread(_people_lines, path, catalogue)

    def plan(tx: Tx) -> PeoplePlan:
        return plan_people(_stored(tx), lines, replace=replace, remove=not rejects)

    def carry_out(tx: Tx) -> PeoplePlan:
        made = plan(tx)
        if expect and plan_digest(made) != expect:
            raise FileRefused("plan_changed")
        for step in made.steps:
            _make_room(tx, step, now)
        for step in made.steps:
            _carry_out(tx, step, now)
        return made

    made = await (ledger.read(plan) if dry_run else ledger.write(carry_out))
    report = PeopleReport(
        added=made.count("added"),
        changed=made.count("changed"),
        removed=made.count("removed"),
        unchanged=made.count("same"),
        rejected=tuple(sorted((*rejects, *made.rejected), key=lambda reject: reject.line)),
        steps=tuple(step for step in made.steps if step.what != "same"),
        digest=plan_digest(made),
    )
    log.info(
        "people_imported",
        dry_run=dry_run,
        added=report.added,
        changed=report.changed,
        removed=report.removed,
        rejected=len(report.rejected),
    )
    return report


def _people_lines(path: Path, catalogue: UnitCatalogue) -> tuple[list[PersonLine], list[Reject]]:
    lines: list[PersonLine] = []
    rejects: list[Reject] = []
    for found in read_people(read_records(path), load_words(), catalogue):
        if isinstance(found, Reject):
            rejects.append(found)
        else:
            lines.append(found)
        if len(lines) + len(rejects) > PEOPLE_LIMIT:
            raise FileRefused("people_too_many", limit=PEOPLE_LIMIT)
    return lines, rejects


def _stored(tx: Tx) -> list[Stored]:
    rows: dict[int, list[directory.AddressRow]] = {}
    for address in directory.addresses(tx):
        rows.setdefault(address.person_id, []).append(address)
    return [Stored(person, tuple(rows.get(person.id, ()))) for person in directory.people(tx, also_inactive=True)]


def _make_room(tx: Tx, step: Step, now: float) -> None:
    """Before anybody gets a number that another one gives up in the same file."""
    for person_id in step.retires:
        directory.retire_person(tx, person_id, now)
    directory.retire_addresses(tx, step.drops)


def _carry_out(tx: Tx, step: Step, now: float) -> None:
    if step.what not in ("added", "changed"):
        return
    if step.person_id is None:
        person_id = directory.add_person(tx, step.unit_code, step.role, step.name, now)
    else:
        person_id = step.person_id
        directory.place_person(tx, person_id, step.unit_code, step.role, step.name, now)
    directory.order_addresses(tx, step.places)
    for family, value, place in step.adds:
        if directory.add_address(tx, person_id, family, value, place, now) is None:
            raise RuntimeError(f"line {step.line}: the plan gave out an address twice")


Told = Callable[[int, int], None]
"""Hears how far a long import is: (done, of how many)."""


def untold(done: int, of: int) -> None:
    """Where nobody waits for it."""


async def import_numbers(
    ledger: Ledger, path: Path, name: str, now: float, *, dry_run: bool = False, told: Told = untold
) -> ListReport:
    """Make a new version of the list `name` from a CSV or XLSX file; "" makes a nameless list for one broadcast.

    Numbers are kept in ascending order, each once. Until the last one is stored the name means the old version.
    `told` hears how many are stored, of how many at most.
    Raises `FileRefused`, and `LedgerError` where nothing could be stored.
    """
    kept_name = slug(name)
    if name and not kept_name:
        raise FileRefused("list_name_missing")
    collected = await asyncio.to_thread(_collect, path)
    old = await ledger.read(lambda tx: number_lists.current(tx, kept_name)) if kept_name else None
    comparison = _Comparison(ledger, old)
    numbers = ascending(collected.runs)
    list_id: int | None = None
    if dry_run:
        digest = ListDigest()
        while batch := await asyncio.to_thread(_next, numbers):
            await comparison.look(batch)
            digest.add(batch)
    else:
        async with NewVersion(ledger, kept_name, now) as version:
            while batch := await asyncio.to_thread(_next, numbers):
                await comparison.look(batch)
                await version.append(batch)
                told(version.digest.size, collected.valid)
            list_id = (await version.finish()).id
            digest = version.digest
    report = ListReport(
        name=kept_name,
        list_id=list_id,
        size=digest.size,
        digest=digest.hexdigest(),
        added=digest.size - comparison.common,
        removed=(old.size if old else 0) - comparison.common,
        duplicates=collected.valid - digest.size,
        rejected=tuple(collected.rejected),
        rejections=collected.rejections,
    )
    log.info("numbers_imported", dry_run=dry_run, list=kept_name, size=report.size, rejected=report.rejections)
    return report


def _collect(path: Path) -> Collected:
    return collect(read_records(path), load_words())


def _next(numbers: Iterator[int]) -> list[int]:
    return list(islice(numbers, BATCH))


class _Comparison:
    """How many of the new numbers the old version has, both read in ascending order."""

    def __init__(self, ledger: Ledger, old: ListRow | None) -> None:
        self._ledger = ledger
        self._old = old
        self._page: list[int] = []
        self._after = 0
        self.common = 0

    async def look(self, batch: Sequence[int]) -> None:
        if self._old is None:
            return
        wanted, last = set(batch), batch[-1]
        while True:
            self.common += len(wanted.intersection(self._page))
            if self._page and self._page[-1] >= last:
                return
            if not await self._turn():
                return

    async def _turn(self) -> bool:
        """The next page of the old version; False where it has ended."""
        old, after = self._old, self._after
        assert old is not None
        page = await self._ledger.read(lambda tx: number_lists.page(tx, old.id, after, BATCH))
        if page:
            self._page, self._after = page, page[-1]
        else:
            self._page = []
        return bool(page)
