"""Changes to single people and addresses by an officer. An address never changes: a new number is a new row, unproved,
and the old one is retired."""

from __future__ import annotations

import re
from typing import Final

from directory import enrolment
from directory.columns import Form, load_words
from directory.names import same_name
from directory.person_lines import NAME_LIMIT
from directory.roles import SINGLE, ContactRole
from directory.units import UnitCatalogue
from store import directory
from store.directory import PersonRow
from store.engine import Tx
from text import numbers
from text.folding import nfc

MOST_ADDRESSES: Final = 12
"""Addresses of one person; more are a mistake."""


class EditRefused(Exception):
    """`key` names the sentence (`problem.<key>`), `field` what is at fault: person_name_missing,
    person_name_long, person_role_wrong, role_held, unit_unknown, person_known, person_gone, address_family,
    address_wrong, address_landline, address_mobile, address_taken, address_gone, addresses_many."""

    def __init__(self, field: str, key: str, **params: str | int) -> None:
        super().__init__(key)
        self.field = field
        self.key = key
        self.params = params


def add_person(tx: Tx, catalogue: UnitCatalogue, unit_code: str, role: str, name: str, now: float) -> int:
    """Raises `EditRefused`."""
    if unit_code and catalogue.by_code(unit_code) is None:
        raise EditRefused("unit", "unit_unknown", value=unit_code[:20])
    kept = _checked(tx, unit_code, role, name, None)
    return directory.add_person(tx, unit_code, role, kept, now)


def change_person(tx: Tx, person_id: int, role: str, name: str, now: float) -> None:
    """Raises `EditRefused`."""
    person = _person(tx, person_id)
    kept = _checked(tx, person.unit_code, role, name, person.id)
    directory.place_person(tx, person.id, person.unit_code, role, kept, now)


def retire_person(tx: Tx, person_id: int, by: str, now: float) -> PersonRow:
    """The person left the post. Raises `EditRefused`."""
    person = _person(tx, person_id)
    enrolment.revoke(tx, [one.id for one in directory.addresses_of(tx, person.id)], by, now, "left")
    directory.retire_person(tx, person.id, now)
    return person


def add_address(tx: Tx, person_id: int, family: str, typed: str, now: float) -> int:
    """At the end of its family. Raises `EditRefused`."""
    person = _person(tx, person_id)
    value = checked_address(family, typed)
    own = directory.addresses_of(tx, person.id)
    if len(own) >= MOST_ADDRESSES:
        raise EditRefused("address", "addresses_many", limit=MOST_ADDRESSES)
    place = sum(one.channel == family for one in own)
    made = directory.add_address(tx, person.id, family, value, place, now)
    if made is None:
        raise _taken(tx, family, value)
    return made


def replace_address(tx: Tx, address_id: int, person_id: int, typed: str, by: str, now: float) -> int:
    """A changed number: the old row is retired, the new one takes its place and is unproved. Raises `EditRefused`."""
    old = _address(tx, address_id, person_id)
    value = checked_address(old.channel, typed)
    if value == old.value:
        return old.id
    enrolment.revoke(tx, [old.id], by, now, "replaced")
    made = directory.add_address(tx, person_id, old.channel, value, old.place, now)
    if made is None:
        raise _taken(tx, old.channel, value)
    return made


def remove_address(tx: Tx, address_id: int, person_id: int, by: str, now: float) -> directory.AddressRow:
    """Raises `EditRefused`."""
    old = _address(tx, address_id, person_id)
    enrolment.revoke(tx, [old.id], by, now, "removed")
    return old


def prefer_address(tx: Tx, address_id: int, person_id: int) -> None:
    """This one is written to first in its family. Raises `EditRefused`."""
    old = _address(tx, address_id, person_id)
    enrolment.prefer(tx, person_id, old.channel, old.id)


def checked_address(family: str, typed: str) -> str:
    """As the directory keeps it: `84…` for telephones, the provider's id otherwise. Raises `EditRefused`."""
    known = load_words().families.get(family)
    if known is None:
        raise EditRefused("channel", "address_family")
    if known.form is Form.ID:
        value = typed.strip()
        if not re.fullmatch(known.pattern, value):
            raise EditRefused("address", "address_wrong")
        return value
    number = numbers.parse(typed)
    if number.e164 is None:
        raise EditRefused("address", "address_wrong")
    if (number.kind == "mobile") is not (known.form is Form.MOBILE):
        raise EditRefused("address", "address_landline" if known.form is Form.MOBILE else "address_mobile")
    return number.e164[1:]


def _checked(tx: Tx, unit_code: str, role: str, name: str, own_id: int | None) -> str:
    kept = " ".join(nfc(name).split())
    if not kept:
        raise EditRefused("name", "person_name_missing")
    if len(kept) > NAME_LIMIT:
        raise EditRefused("name", "person_name_long", limit=NAME_LIMIT)
    if role not in list(ContactRole):
        raise EditRefused("role", "person_role_wrong")
    if not unit_code and role != ContactRole.MEMBER:
        raise EditRefused("role", "person_role_wrong")
    others = [one for one in directory.people_of(tx, unit_code) if one.id != own_id and one.role == role]
    if any(same_name(one.name, kept) for one in others):
        raise EditRefused("name", "person_known", name=kept)
    if others and ContactRole(role) in SINGLE:
        raise EditRefused("role", "role_held", name=others[0].name)
    return kept


def _person(tx: Tx, person_id: int) -> PersonRow:
    person = directory.person(tx, person_id)
    if person is None or not person.active:
        raise EditRefused("person", "person_gone")
    return person


def _address(tx: Tx, address_id: int, person_id: int) -> directory.AddressRow:
    for one in directory.addresses_of(tx, person_id):
        if one.id == address_id:
            return one
    raise EditRefused("address", "address_gone")


def _taken(tx: Tx, family: str, value: str) -> EditRefused:
    owner = directory.owner(tx, family, value)
    return EditRefused("address", "address_taken", name=owner.name if owner else "")
