"""Who is enrolled and who is not, the cards of a printed sheet, and who is in which group. Read in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from directory import enrolment, enrolment_codes
from directory.book import CALLED, Entry, UnitEntry
from directory.people import Person, by_id
from directory.roles import CONTACT_ORDER, rank
from store import directory
from store import enrolment as rows
from store.engine import Tx
from store.enrolment import Request

State = Literal["enrolled", "waits", "invited", "none"]
WHO: Final = ("chairman", "contacts")
"""Whom codes are made for at once: leaders, or everybody who answers for a unit."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An account that an officer is to confirm. `owner` is whose account it is until then, None: nobody's."""

    request: Request
    person: Person
    owner: Person | None


@dataclass(frozen=True, slots=True)
class Card:
    """One card of the sheet. `code` as people read it; `plain` as links carry it."""

    person: Person
    family: str
    code: str
    plain: str
    expires_at: float
    sent_at: float | None


@dataclass(frozen=True, slots=True)
class Membership:
    """One contact and one group: `inside` None where the person has no account by which we could know."""

    unit: UnitEntry
    person: Entry
    inside: bool | None


def waiting(tx: Tx) -> list[Waiting]:
    """Oldest first."""
    found = []
    for request in rows.pending(tx):
        person = by_id(tx, request.person_id)
        if person is not None:
            owner = directory.owner(tx, request.channel, request.value)
            found.append(Waiting(request, person, by_id(tx, owner.id) if owner else None))
    return found


def cards(tx: Tx, now: float, *, family: str = "", unit: str | None = None, person: int | None = None) -> list[Card]:
    """Open codes of people who are still in office, in the order of units and posts."""
    people = {row.id: row for row in directory.people(tx)}
    found = []
    for row in rows.live_codes(tx, now, person):
        holder = people.get(row.person_id)
        if holder is None or (family and row.channel != family) or (unit is not None and holder.unit_code != unit):
            continue
        plain = enrolment.text_of(tx, row)
        if plain:
            known = Person(holder.id, holder.name, holder.role, holder.unit_code)
            shown = enrolment_codes.shown(plain)
            found.append(Card(known, row.channel, shown, plain, row.expires_at, row.sent_at))
    return sorted(found, key=lambda card: (card.person.unit_code, rank(card.person.role), card.person.id, card.family))


def state_of(person: Entry, family: str) -> State:
    if person.of(family):
        return "enrolled"
    if person.waits:
        return "waits"
    return "invited" if family in person.invited else "none"


def wanted(units: Sequence[UnitEntry], who: str, unit: str = "") -> list[int]:
    """Ids of the people for whom codes are made at once, of all units or of one."""
    roles = ("chairman",) if who == "chairman" else CONTACT_ORDER
    return [
        person.person_id
        for one in units
        if one.code and (not unit or one.code == unit)
        for person in one.people
        if person.role in roles
    ]


def memberships(units: Sequence[UnitEntry], space: str, chat: str) -> list[Membership]:
    """Every contact of every unit against one group, in the order of units and posts."""
    found = []
    family = space.partition(".")[0]
    for unit in units:
        for person in unit.people:
            if person.role not in CONTACT_ORDER:
                continue
            inside = any((one.channel, one.chat) == (space, chat) for one in person.groups)
            known = any(path.channel in (space, family) for path in person.paths if path.channel not in CALLED)
            found.append(Membership(unit, person, True if inside else (False if known else None)))
    return found
