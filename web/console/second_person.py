"""What one administrator asked for and another one decides: a higher role, an address, another way into an account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from store.privileges import AddressRequest, PrivilegeRequest, ResetRequest
from web.problems import Trouble

A = TypeVar("A", PrivilegeRequest, AddressRequest, ResetRequest)


def to_decide(waiting: Iterable[A], number: str, by: str, *, granted: bool) -> A:
    """The one with this number. Whoever asked for it, or is meant by it, may take it back and not grant it. Raises
    `Trouble` (409 decided_already, 403 second_person_needed)."""
    asked = next((one for one in waiting if str(one.id) == number), None)
    if asked is None:
        raise Trouble(409, "decided_already")
    if granted and by in (asked.asked_by, asked.name):
        raise Trouble(403, "second_person_needed")
    return asked
