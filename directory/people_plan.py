"""What an import of people would change: pure, so that a dry run and the import itself cannot differ.

Who is who: the same unit, post and name; or the same name with an address that we know (a move to another post or
unit). A new name in a post of which a unit has one is a successor: the one before is retired, never renamed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from directory.names import same_name
from directory.person_lines import PersonLine
from directory.reading import Reject
from directory.roles import SINGLE
from store.directory import AddressRow, PersonRow

What = Literal["added", "changed", "removed", "same"]
Addresses = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A person of the directory with the active addresses."""

    row: PersonRow
    addresses: tuple[AddressRow, ...]

    def of(self, family: str) -> tuple[str, ...]:
        return tuple(address.value for address in self.addresses if address.channel == family)


@dataclass(slots=True)
class _Wanted:
    """One person of the file; a second line adds addresses."""

    line: PersonLine
    addresses: dict[str, tuple[str, ...]]
    match: Stored | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.line.unit_code, self.line.role.value


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one person. `line` is 0 for a removal. `before` and `after` list addresses by family."""

    what: What
    line: int
    person_id: int | None
    """None: a new row."""
    unit_code: str
    role: str
    name: str
    before: Addresses
    after: Addresses
    old_name: str = ""
    """Of the one who is succeeded, or who was written otherwise."""
    retires: tuple[int, ...] = ()
    """People who leave: the one succeeded, or the one removed."""
    drops: tuple[int, ...] = ()
    """Address rows that become inactive."""
    places: tuple[tuple[int, int], ...] = ()
    """(address row, preference) of those that stay."""
    adds: tuple[tuple[str, str, int], ...] = ()
    """(family, value, preference) of new address rows."""


@dataclass(frozen=True, slots=True)
class PeoplePlan:
    steps: tuple[Step, ...]
    rejected: tuple[Reject, ...]

    def count(self, what: What) -> int:
        return sum(step.what == what for step in self.steps)


def plan_people(
    stored: Sequence[Stored], lines: Iterable[PersonLine], *, replace: bool, remove: bool = True
) -> PeoplePlan:
    """`replace`: the file is the whole truth for its units and posts, so an empty cell empties and, with `remove`,
    whoever is missing leaves."""
    wanted, rejected = _gather(lines)
    while True:
        _match(wanted, stored)
        gone = _leavers(wanted, stored, remove=replace and remove and not rejected)
        clashes = _clashes(wanted, stored, gone, replace)
        if not clashes:
            break
        rejected += clashes
        refused = {clash.line for clash in clashes}
        wanted = [one for one in wanted if one.line.line not in refused]
    leaving: dict[tuple[str, str], list[PersonRow]] = {}
    for person in gone.values():
        leaving.setdefault((person.row.unit_code, person.row.role), []).append(person.row)
    steps = [_step(one, leaving.get(one.key, []), gone, replace) for one in wanted]
    succeeded = {person_id for step in steps for person_id in step.retires}
    steps += [_removal(person) for person in gone.values() if person.row.id not in succeeded]
    return PeoplePlan(tuple(steps), tuple(sorted(rejected, key=lambda reject: reject.line)))


def plan_digest(plan: PeoplePlan) -> str:
    """SHA-256 (hex) over everything that the plan would change, and what it changes it from."""
    steps = [
        [
            step.what, step.person_id, step.unit_code, step.role, step.name, step.old_name, sorted(step.before.items()),
            sorted(step.retires), sorted(step.drops), sorted(step.places), sorted(step.adds),
        ]
        for step in plan.steps
        if step.what != "same"
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(steps, separators=(",", ":")).encode("ascii")).hexdigest()


def _gather(lines: Iterable[PersonLine]) -> tuple[list[_Wanted], list[Reject]]:
    """Lines of one person become one; a second holder of a single post is refused."""
    wanted: list[_Wanted] = []
    rejected: list[Reject] = []
    by_key: dict[tuple[str, str], list[_Wanted]] = {}
    for line in lines:
        holders = by_key.setdefault((line.unit_code, line.role.value), [])
        same = next((one for one in holders if same_name(one.line.name, line.name)), None)
        if same is not None:
            for family, values in line.addresses.items():
                same.addresses[family] = tuple(dict.fromkeys((*same.addresses[family], *values)))
        elif holders and line.role in SINGLE:
            rejected.append(Reject(line.line, "role_taken", {"line": holders[0].line.line, "role": line.role.value}))
        else:
            holders.append(_Wanted(line, dict(line.addresses)))
            wanted.append(holders[-1])
    return wanted, rejected


def _match(wanted: Sequence[_Wanted], stored: Sequence[Stored]) -> None:
    places: dict[tuple[str, str], list[Stored]] = {}
    owners: dict[tuple[str, str], Stored] = {}
    for person in stored:
        places.setdefault((person.row.unit_code, person.row.role), []).append(person)
        if person.row.active:
            owners.update({(address.channel, address.value): person for address in person.addresses})
    taken: set[int] = set()

    def claim(one: _Wanted, candidates: Iterable[Stored]) -> None:
        free = (person for person in candidates if person.row.id not in taken)
        one.match = next((person for person in free if same_name(person.row.name, one.line.name)), None)
        if one.match is not None:
            taken.add(one.match.row.id)

    for one in wanted:
        claim(one, (person for person in places.get(one.key, ()) if person.row.active))
    for one in wanted:
        if one.match is None:
            values = ((family, value) for family, some in one.addresses.items() for value in some)
            claim(one, (owners[value] for value in values if value in owners))
    for one in wanted:
        if one.match is None:
            claim(one, (person for person in reversed(places.get(one.key, ())) if not person.row.active))


def _leavers(wanted: Sequence[_Wanted], stored: Sequence[Stored], *, remove: bool) -> dict[int, Stored]:
    """Active people who leave: succeeded in a single post; with `remove`, missing from the file's units and posts."""
    matched = {one.match.row.id for one in wanted if one.match is not None}
    succeeded = {one.key for one in wanted if one.line.role in SINGLE}
    units = {one.line.unit_code for one in wanted}
    roles = {one.line.role.value for one in wanted}
    gone: dict[int, Stored] = {}
    for person in stored:
        row = person.row
        if not row.active or row.id in matched:
            continue
        if (row.unit_code, row.role) in succeeded or (remove and row.unit_code in units and row.role in roles):
            gone[row.id] = person
    return gone


def _clashes(
    wanted: Sequence[_Wanted], stored: Sequence[Stored], gone: Mapping[int, Stored], replace: bool
) -> list[Reject]:
    """Lines that ask for an address which is somebody else's after all other lines are done."""
    matched = {one.match.row.id for one in wanted if one.match is not None}
    owners: dict[tuple[str, str], PersonRow | PersonLine] = {
        (address.channel, address.value): person.row
        for person in stored
        if person.row.active and person.row.id not in matched and person.row.id not in gone
        for address in person.addresses
    }
    clashes: list[Reject] = []
    for one in wanted:
        claims = [(family, value) for family, values in _after(one, replace).items() for value in values]
        clash = next((claim for claim in claims if claim in owners), None)
        if clash is None:
            owners.update(dict.fromkeys(claims, one.line))
            continue
        owner, facts = owners[clash], {"family": clash[0]}
        if isinstance(owner, PersonLine):
            clashes.append(Reject(one.line.line, "address_repeated", {**facts, "line": owner.line}))
        else:
            facts |= {"unit": owner.unit_code, "role": owner.role}
            clashes.append(Reject(one.line.line, "address_taken", {**facts}))
        if one.match is not None:
            owners.update({(row.channel, row.value): one.match.row for row in one.match.addresses})
    return clashes


def _after(one: _Wanted, replace: bool) -> dict[str, tuple[str, ...]]:
    """Addresses that the person has in the end: the file's, and those of which it says nothing."""
    after = _listed(one.match) if one.match else {}
    for family, values in one.addresses.items():
        if values or replace:
            after[family] = values
    return {family: values for family, values in after.items() if values}


def _step(one: _Wanted, leaving: Sequence[PersonRow], gone: Mapping[int, Stored], replace: bool) -> Step:
    match, line = one.match, one.line
    after = _after(one, replace)
    predecessors = leaving if line.role in SINGLE else ()
    successor = bool(predecessors)
    before = _listed(match) if match else _listed(gone[predecessors[0].id]) if successor else {}
    rows = {(row.channel, row.value): row.id for row in match.addresses} if match else {}
    wanted = {(family, value): place for family, values in after.items() for place, value in enumerate(values)}
    moved = match is not None and (match.row.unit_code, match.row.role, match.row.name) != (*one.key, line.name)
    what: What = "same"
    if match is None or not match.row.active:
        what = "changed" if successor else "added"
    elif moved or before != after or successor:
        what = "changed"
    return Step(
        what=what,
        line=line.line,
        person_id=match.row.id if match else None,
        unit_code=line.unit_code,
        role=line.role.value,
        name=line.name,
        before=before,
        after=after,
        old_name=predecessors[0].name if successor else match.row.name if moved and match else "",
        retires=tuple(person.id for person in predecessors),
        drops=tuple(row for key, row in rows.items() if key not in wanted),
        places=tuple((row, wanted[key]) for key, row in rows.items() if key in wanted),
        adds=tuple((family, value, place) for (family, value), place in wanted.items() if (family, value) not in rows),
    )


def _removal(person: Stored) -> Step:
    row = person.row
    return Step("removed", 0, row.id, row.unit_code, row.role, row.name, _listed(person), {}, retires=(row.id,))


def _listed(person: Stored) -> dict[str, tuple[str, ...]]:
    return {family: person.of(family) for family in dict.fromkeys(row.channel for row in person.addresses)}
