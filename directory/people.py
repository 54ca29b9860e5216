"""Who is behind an address, and whom a unit has: what the rest of the house asks of the directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from directory.roles import CONTACT_ORDER, rank
from store import directory
from store.directory import AddressRow, PersonRow
from store.engine import Tx
from text import numbers

SMS_FAMILY = "sms"
VOICE_FAMILY = "voice"


@dataclass(frozen=True, slots=True)
class Person:
    """`unit_code` is "" for a member of the provincial command."""

    id: int
    name: str
    role: str
    unit_code: str


@dataclass(frozen=True, slots=True)
class Address:
    id: int
    value: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A person with the addresses of each family, preferred one first."""

    person: Person
    addresses: Mapping[str, tuple[Address, ...]]

    def best(self, family: str) -> Address | None:
        return next(iter(self.addresses.get(family, ())), None)


@dataclass(frozen=True, slots=True)
class PhoneLine:
    """One line of a call list; `phone` is `84…`, mobile numbers of a person before landlines."""

    role: str
    name: str
    phone: str


def who_is(tx: Tx, family: str, value: str) -> Person | None:
    """The person of this address now; a phone number may be written in any way."""
    row = directory.owner(tx, family, value)
    if row is None and (msisdn := numbers.msisdn(value)) is not None and str(msisdn) != value:
        row = directory.owner(tx, family, str(msisdn))
    return _person(row) if row else None


def by_id(tx: Tx, person_id: int) -> Person | None:
    """Also one who has left: a record keeps its names."""
    row = directory.person(tx, person_id)
    return _person(row) if row else None


def contacts_of(tx: Tx, unit_code: str) -> list[Contact]:
    """Who answers for a unit: chairman, deputies, secretary, duty phone, then other members."""
    rows = directory.people_of(tx, unit_code)
    return [_contact(row, directory.addresses_of(tx, row.id)) for row in sorted(rows, key=_order)]


def all_contacts(tx: Tx) -> dict[str, list[Contact]]:
    """Unit code → contacts in the order of `contacts_of`, for every unit that has any."""
    addresses: dict[int, list[AddressRow]] = {}
    for address in directory.addresses(tx):
        addresses.setdefault(address.person_id, []).append(address)
    found: dict[str, list[Contact]] = {}
    for row in sorted(directory.people(tx), key=_order):
        found.setdefault(row.unit_code, []).append(_contact(row, addresses.get(row.id, [])))
    return found


def phones_of(contacts: Sequence[Contact]) -> list[PhoneLine]:
    """The call list of one unit, in the order in which to ring."""
    return [
        PhoneLine(contact.person.role, contact.person.name, address.value)
        for contact in contacts
        if contact.person.role in CONTACT_ORDER
        for family in (SMS_FAMILY, VOICE_FAMILY)
        for address in contact.addresses.get(family, ())
    ]


def bind_address(tx: Tx, person_id: int, family: str, value: str, now: float) -> int | None:
    """Give a person one more address (an account that a contact registered by chat): its id, or None where it is
    somebody else's. An address that the person has already keeps its id."""
    for address in directory.addresses_of(tx, person_id):
        if (address.channel, address.value) == (family, value):
            return address.id
    place = sum(address.channel == family for address in directory.addresses_of(tx, person_id))
    return directory.add_address(tx, person_id, family, value, place, now)


def _person(row: PersonRow) -> Person:
    return Person(row.id, row.name, row.role, row.unit_code)


def _order(row: PersonRow) -> tuple[int, str, int]:
    return rank(row.role), row.name, row.id


def _contact(row: PersonRow, addresses: Sequence[AddressRow]) -> Contact:
    by_family: dict[str, list[Address]] = {}
    for address in addresses:
        by_family.setdefault(address.channel, []).append(Address(address.id, address.value))
    return Contact(_person(row), {family: tuple(some) for family, some in by_family.items()})
