"""Letting people in: what a name and a password must be; a lower role at once, a higher one by two administrators.

So is an address from which somebody who approves may command: whoever holds that telephone decides what leaves.
What is decided is done, and noted, by `let_in`, `bind` and `make_key`; the operator of the machine calls them directly.
"""

from __future__ import annotations

from typing import Final

from broadcasts.model import Problem, Role
from directory.staff_addresses import AddressRefused, bind_address, kept_address
from store import access, approvals, audit, privileges
from store.access import Staff
from store.engine import Tx
from store.privileges import AddressRequest
from text.numbers import mask
from web import passwords
from web.roles import ORDER

LONGEST_NAME: Final = 64
"""Characters of a name to sign in with."""
OPEN: Final = Role.OFFICER
"""Up to here one administrator decides; whoever approves or administers needs two."""


def name_problem(name: str) -> Problem | None:
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable():
        return Problem("name", "wrong_form")
    return None


def password_problem(field: str, fresh: str, again: str) -> Problem | None:
    """Of a password that somebody chose and typed twice; `field` names the first of the two."""
    if not passwords.SHORTEST <= len(fresh) <= passwords.LONGEST:
        return Problem(field, "password_length", {"shortest": passwords.SHORTEST, "longest": passwords.LONGEST})
    return None if fresh == again else Problem("again", "passwords_differ")


def admit(tx: Tx, name: str, role: Role, password_hash: str, title: str, by: str, now: float) -> Role:
    """Add somebody. Returns the role that they have now; a higher one waits. Raises `NameTaken`."""
    given = role if gives_alone(by, role) else OPEN
    made = let_in(tx, name, given, password_hash, title, by, now)
    if given is not role:
        _ask(tx, made, role, by, now)
    return given


def let_in(tx: Tx, name: str, role: Role, password_hash: str, title: str, by: str, now: float) -> Staff:
    """Add somebody with this role. Raises `NameTaken`."""
    made = access.add_staff(tx, name, role.value, password_hash, now, title)
    audit.record(tx, now, by, "add_staff", name=name, role=role.value)
    return made


def make_key(tx: Tx, name: str, role: Role, by: str, now: float) -> str:
    """A new API key, shown this once. Raises `NameTaken`."""
    key = access.add_key(tx, name, role.value, now)
    audit.record(tx, now, by, "add_key", name=name, role=role.value)
    return key


def change_role(tx: Tx, one: Staff, role: Role, by: str, now: float) -> bool:
    """Lower a role, or ask for a higher one. Says whether it holds already."""
    if role.value == one.role:
        return True
    if not _is_open(role) and ORDER.index(role) > ORDER.index(Role(one.role)):
        _ask(tx, one, role, by, now)
        return False
    access.set_role(tx, one.id, role.value)
    audit.record(tx, now, by, "role_changed", name=one.name, before=one.role, role=role.value)
    return True


def gives_alone(by: str, role: Role) -> bool:
    """Whether `by` needs nobody else to give this role."""
    return access.is_operator(by) or _is_open(role)


def admit_address(tx: Tx, name: str, channel: str, address: str, by: str, now: float) -> tuple[str, bool]:
    """Bind an address to a member of staff, or ask for it. The address as it is kept, and whether it holds already.
    Raises `AddressRefused`."""
    one = access.staff_named(tx, name)
    if one is None or gives_alone(by, Role(one.role)):
        return bind(tx, name, channel, address, by, now), True
    kept = kept_address(channel, address)
    has = approvals.member(tx, channel, kept)
    if has is not None and has.name != name:
        raise AddressRefused("address", "address_bound")
    if has is None:
        privileges.ask_address(tx, one.id, channel, kept, by, now)
        audit.record(tx, now, by, "address_asked", name=name, channel=channel, address=mask(kept))
    return kept, has is not None


def grant_address(tx: Tx, asked: AddressRequest, by: str, now: float) -> None:
    """A second administrator agrees. Raises `AddressRefused` where the address became somebody else's."""
    privileges.decide(tx, asked, by, True, now)
    bind(tx, asked.name, asked.channel, asked.value, by, now, asked_by=asked.asked_by)


def refuse_address(tx: Tx, asked: AddressRequest, by: str, now: float) -> None:
    """Also whoever asked may take it back."""
    privileges.decide(tx, asked, by, False, now)
    audit.record(tx, now, by, "address_refused", name=asked.name, channel=asked.channel, address=mask(asked.value))


def remove_address(tx: Tx, name: str, channel: str, address: str, by: str, now: float) -> str:
    """Less is decided alone. The address as it was kept. Raises `AddressRefused`."""
    kept = bind_address(tx, name, channel, address, now, remove=True)
    audit.record(tx, now, by, "unbind_staff", name=name, channel=channel, address=mask(kept))
    return kept


def bind(tx: Tx, name: str, channel: str, address: str, by: str, now: float, **more: str) -> str:
    """The address as it is kept. Raises `AddressRefused`."""
    kept = bind_address(tx, name, channel, address, now)
    audit.record(tx, now, by, "bind_staff", name=name, channel=channel, address=mask(kept), **more)
    return kept


def _is_open(role: Role) -> bool:
    return ORDER.index(role) <= ORDER.index(OPEN)


def _ask(tx: Tx, one: Staff, role: Role, by: str, now: float) -> None:
    privileges.ask(tx, one.id, role.value, by, now)
    audit.record(tx, now, by, "privilege_asked", name=one.name, role=role.value)
