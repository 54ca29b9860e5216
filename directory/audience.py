"""From an audience expression to people and numbers in a fixed order, with everything that is missing named.

A unit is addressed through its chairman; where the chairman cannot be reached at all, through the next of deputy,
secretary and duty phone. `role:` terms beside units widen (`+`) or narrow (`-`) whom we address in them; without any
unit they mean every unit. Lists are joined and taken away among themselves: a leader never drops out of a directive
because a list of residents was subtracted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from directory.expression import NUMBERS, UNITS, AudienceExpression, AudienceProblem, Term, TermKind
from directory.number_lists import NumberCount, NumberTerm, count_numbers
from directory.people import Address, Contact, all_contacts
from directory.roles import CONTACT_ORDER, ContactRole
from directory.units import UnitCatalogue
from store import directory, number_lists
from store.engine import Tx

FileList = Callable[[str], int | None]
"""The path of a `file:` term → the nameless list that was made of the file, None if there is none."""

DEFAULT_ROLE: Final = ContactRole.CHAIRMAN


@dataclass(frozen=True, slots=True)
class Member:
    """A person who is addressed, with the preferred address of every family that has one."""

    unit_code: str
    """"" for a member of the provincial command."""
    person_id: int
    person_name: str
    role: str
    addresses: Mapping[str, Address]
    stands_for: str = ""
    """`chairman` where this person is asked because the chairman cannot be reached."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A unit that lacks a way. `family` "": it has none at all. `key` names the sentence (`gap.<key>`):
    no_contact (nobody registered in the wanted post), no_address (nobody has one), no_family."""

    unit_code: str
    family: str
    key: str


@dataclass(frozen=True, slots=True)
class Audience:
    """`units` and `members` stand in the catalogue's order, then by post, name and id: equal directories give equal
    audiences. With problems it must not be used."""

    units: tuple[str, ...]
    members: tuple[Member, ...]
    numbers: tuple[NumberTerm, ...]
    """For `freeze_numbers`."""
    number_count: NumberCount
    gaps: tuple[Gap, ...]
    problems: tuple[AudienceProblem, ...]

    @property
    def unreachable(self) -> tuple[Gap, ...]:
        """Units without any way on the wanted channels."""
        return tuple(gap for gap in self.gaps if not gap.family)


def resolve(
    tx: Tx,
    catalogue: UnitCatalogue,
    expression: AudienceExpression,
    families: Sequence[str],
    *,
    file_list: FileList = lambda _: None,
    without_opted_out: bool = False,
) -> Audience:
    """`families`: the kinds of address that will be used, e.g. ("zalo", "sms"). `without_opted_out`: for campaigns
    only; warnings and directives go to everybody.

    Problem keys beside the expression's own: unit_unknown (value), group_unknown (name), list_unknown (name),
    file_unknown (path), nothing_to_take_from (term), role_nobody, audience_empty.
    """
    problems = list(expression.problems)
    if problems:
        return _nobody(problems)
    chosen = _Chosen(catalogue, file_list)
    for term in expression.terms:
        problems += chosen.apply(tx, term)
    if problems:
        return _nobody(problems)
    codes, roles = chosen.units_and_roles()
    if codes and not roles:
        return _nobody([AudienceProblem("role_nobody", {})])
    contacts = all_contacts(tx)
    ordered = [unit.code for unit in catalogue.all if unit.code in codes]
    members: list[Member] = []
    gaps: list[Gap] = []
    for code in ordered:
        of_unit = _members(contacts.get(code, []), roles, families, fall_back=chosen.by_default)
        members += of_unit
        gaps += _gaps(code, of_unit, contacts.get(code, []), roles, families, fall_back=chosen.by_default)
    if "" in codes:
        members += _members(contacts.get("", []), roles, families, fall_back=False)
    count = count_numbers(tx, chosen.numbers, without_opted_out=without_opted_out)
    if not members and not count.size:
        problems.append(AudienceProblem("audience_empty", {}))
    return Audience(tuple(ordered), tuple(members), tuple(chosen.numbers), count, tuple(gaps), tuple(problems))


def _nobody(problems: Iterable[AudienceProblem]) -> Audience:
    return Audience((), (), (), NumberCount(0, 0), (), tuple(problems))


class _Chosen:
    """What the terms have chosen so far."""

    def __init__(self, catalogue: UnitCatalogue, file_list: FileList) -> None:
        self._catalogue = catalogue
        self._file_list = file_list
        self._units: set[str] = set()
        self._named_units = False
        self._roles: set[str] = set()
        self._without: set[str] = set()
        self.numbers: list[NumberTerm] = []

    @property
    def by_default(self) -> bool:
        """The chairman is meant as the one who answers for the unit, so somebody may stand in."""
        return self._named_units and DEFAULT_ROLE not in self._without

    def units_and_roles(self) -> tuple[set[str], set[str]]:
        default = {DEFAULT_ROLE.value} if self._named_units else set()
        roles = (default | self._roles) - self._without
        if self._named_units or not self._roles:
            return self._units, roles
        everywhere = {unit.code for unit in self._catalogue.all} if roles & set(CONTACT_ORDER) else set()
        return everywhere | ({""} if ContactRole.MEMBER in roles else set()), roles

    def apply(self, tx: Tx, term: Term) -> list[AudienceProblem]:
        if term.kind in UNITS:
            return self._apply_units(tx, term)
        if term.kind in NUMBERS:
            return self._apply_numbers(tx, term)
        if not term.plus and not self._named_units and not self._roles:
            return _nothing(term)
        (self._roles if term.plus else self._without).update(term.values)
        return []

    def _apply_units(self, tx: Tx, term: Term) -> list[AudienceProblem]:
        if not term.plus and not self._named_units:
            return _nothing(term)
        codes: Iterable[str] = term.values
        if term.kind is TermKind.ALL_UNITS:
            codes = [unit.code for unit in self._catalogue.all]
        elif term.kind is TermKind.GROUP:
            members = directory.group_members(tx, term.values[0])
            if members is None:
                return [AudienceProblem("group_unknown", {"name": term.values[0]})]
            codes = members
        unknown = [code for code in codes if self._catalogue.by_code(code) is None]
        if unknown:
            return [AudienceProblem("unit_unknown", {"value": code}) for code in unknown]
        self._named_units = True
        if term.plus:
            self._units.update(codes)
        else:
            self._units.difference_update(codes)
        return []

    def _apply_numbers(self, tx: Tx, term: Term) -> list[AudienceProblem]:
        if not term.plus and not self.numbers:
            return _nothing(term)
        name = term.values[0]
        if term.kind is TermKind.LIST:
            row = number_lists.current(tx, name)
            list_id = row.id if row else None
            problem = AudienceProblem("list_unknown", {"name": name})
        else:
            list_id = self._file_list(name)
            problem = AudienceProblem("file_unknown", {"path": name})
        if list_id is None:
            return [problem]
        self.numbers.append(NumberTerm(list_id, term.plus))
        return []


def _nothing(term: Term) -> list[AudienceProblem]:
    written = f"{term.kind.value}:{','.join(term.values)}" if term.values else term.kind.value
    return [AudienceProblem("nothing_to_take_from", {"term": written})]


def _members(contacts: Sequence[Contact], roles: set[str], families: Sequence[str], *, fall_back: bool) -> list[Member]:
    """The people of one unit who are addressed, in the order of `contacts`."""
    reachable = [contact for contact in contacts if any(contact.best(family) for family in families)]
    chosen = [_member(contact, families) for contact in reachable if contact.person.role in roles]
    if fall_back and not any(member.role == DEFAULT_ROLE for member in chosen):
        others = (contact for contact in reachable if contact.person.role in CONTACT_ORDER)
        stand_in = next(others, None)
        if stand_in is not None:
            chosen = [member for member in chosen if member.person_id != stand_in.person.id]
            chosen.insert(0, _member(stand_in, families, DEFAULT_ROLE.value))
    return chosen


def _member(contact: Contact, families: Sequence[str], stands_for: str = "") -> Member:
    person = contact.person
    addresses = {family: best for family in families if (best := contact.best(family)) is not None}
    return Member(person.unit_code, person.id, person.name, person.role, addresses, stands_for)


def _gaps(
    code: str,
    members: Sequence[Member],
    contacts: Sequence[Contact],
    roles: set[str],
    families: Sequence[str],
    *,
    fall_back: bool,
) -> list[Gap]:
    if not members:
        wanted = set(CONTACT_ORDER) | roles if fall_back else roles
        known = any(contact.person.role in wanted for contact in contacts)
        return [Gap(code, "", "no_address" if known else "no_contact")]
    covered = {family for member in members for family in member.addresses}
    return [Gap(code, family, "no_family") for family in families if family not in covered]
