"""Another way into an account: a new password, or no second factor any more. Of somebody who approves or administers,
one administrator asks for it and another one grants it; the operator of the machine needs nobody.

A new password is made when it is granted, and shown to whoever grants: who asked learns nothing, and nobody can grant
what they asked for themselves.
"""

from __future__ import annotations

from enum import StrEnum

from broadcasts.model import Role
from store import access, audit, privileges, second_factors
from store.access import Staff
from store.engine import Tx
from store.privileges import ResetRequest
from web.admitting import gives_alone


class Reset(StrEnum):
    PASSWORD = "password"
    SECOND_FACTOR = "second_factor"


def reset_or_ask(tx: Tx, one: Staff, what: Reset, password_hash: str, by: str, now: float) -> bool:
    """Whether it is done; else it waits. `password_hash` counts for a password only."""
    if gives_alone(by, Role(one.role)):
        reset(tx, one.id, one.name, what, password_hash, by, now)
        return True
    if what is Reset.SECOND_FACTOR and second_factors.factor_of(tx, one.id) is None:
        return True
    privileges.ask_reset(tx, one.id, what.value, by, now)
    audit.record(tx, now, by, "reset_asked", name=one.name, what=what.value)
    return False


def grant(tx: Tx, asked: ResetRequest, password_hash: str, by: str, now: float) -> None:
    privileges.decide(tx, asked, by, True, now)
    reset(tx, asked.staff_id, asked.name, Reset(asked.what), password_hash, by, now, asked_by=asked.asked_by)


def refuse(tx: Tx, asked: ResetRequest, by: str, now: float) -> None:
    """Also whoever asked may take it back."""
    privileges.decide(tx, asked, by, False, now)
    audit.record(tx, now, by, "reset_refused", name=asked.name, what=asked.what, asked_by=asked.asked_by)


def reset(tx: Tx, staff_id: int, name: str, what: Reset, password_hash: str, by: str, now: float, **more: str) -> None:
    """Nobody is asked any more; so the operator of the machine does it, too."""
    if what is Reset.PASSWORD:
        access.set_password(tx, staff_id, password_hash)
        audit.record(tx, now, by, "password_reset", name=name, **more)
    elif second_factors.remove(tx, staff_id):
        audit.record(tx, now, by, "second_factor_reset", name=name, **more)
