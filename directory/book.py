"""The directory as an officer looks at it: every unit with its people, their ways in order, when each was last proved,
who is in the group, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from directory.people import SMS_FAMILY, VOICE_FAMILY
from directory.roles import CONTACT_ORDER, ContactRole, rank
from directory.units import Unit, UnitCatalogue
from store import directory, enrolment, group_members, paths
from store.engine import Tx
from store.group_members import MemberRow
from store.paths import PathRow
from text.folding import fold

UNPROVED_SECONDS: Final = 60 * 86_400.0
"""A way that nothing surely passed for so long counts as unproved (office's rule: two months)."""
PROVINCE: Final = "tinh"
"""How the provincial command, whose people have no unit, is named in addresses of pages."""
CALLED: Final = (SMS_FAMILY, VOICE_FAMILY)
"""Families of telephone numbers; the others are accounts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One person. `invited`: families of which a code is open; `waits`: an account of theirs waits for an officer."""

    person_id: int
    unit_code: str
    role: str
    name: str
    paths: tuple[PathRow, ...]
    groups: tuple[MemberRow, ...] = ()
    invited: frozenset[str] = frozenset()
    waits: bool = False

    def of(self, family: str) -> list[PathRow]:
        """Ways of one family, also those by a channel of it with ids of its own."""
        return [one for one in self.paths if one.channel == family or one.channel.startswith(f"{family}.")]

    @property
    def proved_at(self) -> float | None:
        return max((one.proved_at for one in self.paths if one.proved_at is not None), default=None)


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """`code` is "" for the provincial command. `gaps` are keys (`directory.gap.<key>`), worst first."""

    code: str
    name: str
    district: str
    people: tuple[Entry, ...]
    gaps: tuple[str, ...] = ()
    find: str = field(default="", repr=False)
    """Folded words by which it is found."""

    def holders(self, role: str) -> list[Entry]:
        return [person for person in self.people if person.role == role]

    @property
    def proved_at(self) -> float | None:
        return max((one.proved_at for one in self.people if one.proved_at is not None), default=None)


def book(tx: Tx, catalogue: UnitCatalogue, now: float, *, province: bool = True) -> list[UnitEntry]:
    """Every unit, in the catalogue's order, the provincial command first."""
    people = _people(tx, now, paths.all_paths(tx), directory.people(tx))
    made = [_unit(unit, people.get(unit.code, []), now) for unit in catalogue.all]
    command = people.get("", [])
    return ([_province(command), *made]) if province and command else made


def page_of(tx: Tx, catalogue: UnitCatalogue, code: str, now: float) -> UnitEntry | None:
    """One unit, `PROVINCE` for the provincial command; None where there is no such unit."""
    unit = catalogue.by_code(code)
    if unit is None and code != PROVINCE:
        return None
    key = unit.code if unit else ""
    found = _people(tx, now, paths.paths_of_unit(tx, key), directory.people_of(tx, key)).get(key, [])
    return _unit(unit, found, now) if unit else _province(found)


def search(entries: Iterable[UnitEntry], words: str) -> list[UnitEntry]:
    """Units of whose name, people and numbers every word is a part; accents and case do not matter."""
    wanted = fold(words).split()
    return [entry for entry in entries if all(word in entry.find for word in wanted)]


def gaps_of(people: Sequence[Entry], now: float) -> tuple[str, ...]:
    """What is missing so that a unit is surely reached, worst first."""
    contacts = [person for person in people if person.role in CONTACT_ORDER]
    if not contacts:
        return ("no_contact",)
    found = []
    leaders = [person for person in contacts if person.role == ContactRole.CHAIRMAN]
    if not any(person.of(SMS_FAMILY) for person in contacts):
        found.append("no_phone")
    if not leaders:
        found.append("no_leader")
    elif not any(person.of(SMS_FAMILY) for person in leaders) and "no_phone" not in found:
        found.append("leader_no_phone")
    if not any(person.role == ContactRole.DUTY for person in contacts):
        found.append("no_duty")
    if not any(one.channel not in CALLED for person in leaders or contacts for one in person.paths):
        found.append("no_account")
    if any(one.blocked_at is not None for person in contacts for one in person.paths):
        found.append("blocked")
    proved = max((person.proved_at or 0.0 for person in contacts), default=0.0)
    if proved < now - UNPROVED_SECONDS:
        found.append("unproved")
    return tuple(found)


def is_proved(path: PathRow, now: float) -> bool:
    return path.proved_at is not None and path.proved_at >= now - UNPROVED_SECONDS


def _people(
    tx: Tx, now: float, all_paths: Iterable[PathRow], rows: Iterable[directory.PersonRow]
) -> Mapping[str, list[Entry]]:
    by_person: dict[int, list[PathRow]] = {}
    for path in all_paths:
        by_person.setdefault(path.person_id, []).append(path)
    seen: dict[tuple[str, str], list[MemberRow]] = {}
    for member in group_members.members(tx):
        seen.setdefault((member.channel, member.value), []).append(member)
    invited: dict[int, set[str]] = {}
    for code in enrolment.live_codes(tx, now):
        invited.setdefault(code.person_id, set()).add(code.channel)
    waits = {request.person_id for request in enrolment.pending(tx)}
    found: dict[str, list[Entry]] = {}
    for row in sorted(rows, key=lambda row: (rank(row.role), row.name, row.id)):
        own = tuple(by_person.get(row.id, ()))
        groups = tuple(member for path in own for member in seen.get((path.channel, path.value), ()))
        entry = Entry(
            row.id, row.unit_code, row.role, row.name, own, groups, frozenset(invited.get(row.id, ())), row.id in waits
        )
        found.setdefault(row.unit_code, []).append(entry)
    return found


def _unit(unit: Unit, people: Sequence[Entry], now: float) -> UnitEntry:
    district = unit.old_districts[0] if unit.old_districts else ""
    words = [unit.name, unit.code, *unit.old_districts, *unit.old_units]
    return UnitEntry(unit.code, unit.name, district, tuple(people), gaps_of(people, now), _find(words, people))


def _province(people: Sequence[Entry]) -> UnitEntry:
    return UnitEntry("", "", "", tuple(people), (), _find([], people))


def _find(words: Iterable[str], people: Iterable[Entry]) -> str:
    """Numbers are found as they are dialled and as they are kept."""
    numbers = [
        f"{path.value} 0{path.value[2:]}" if path.channel in CALLED else path.value
        for person in people
        for path in person.paths
    ]
    return fold(" ".join([*words, *(person.name for person in people), *numbers]))
