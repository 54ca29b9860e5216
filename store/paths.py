"""When each address was last proved: something surely arrived there, or came from there. And who shut the door.

Cheap by design: two columns of the address itself, written for people only, never for lists of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from store.engine import Tx

DELIVERED: Final = "delivered"
SEEN: Final = "seen"
INBOUND: Final = "inbound"
ENROLLED: Final = "enrolled"
"""Kinds of evidence, `address.proved_by`."""


_PATH: Final = (
    "SELECT a.id, p.id, p.unit_code, p.role, p.name, a.channel, a.value, a.place, a.proved_at, a.proved_by,"
    " a.blocked_at FROM address a JOIN person p ON p.id = a.person_id WHERE a.active = 1 AND p.active = 1"
)


@dataclass(frozen=True, slots=True)
class PathRow:
    """One active address of an active person. Times are epoch seconds; `proved_at` None: never yet."""

    address_id: int
    person_id: int
    unit_code: str
    role: str
    name: str
    channel: str
    value: str
    place: int
    proved_at: float | None
    proved_by: str
    blocked_at: float | None


def proved(tx: Tx, channel: str, value: str, at: float, evidence: str) -> None:
    """`channel` is the family, `value` the address as the directory has it. Evidence that is older than what is known
    changes nothing; newer evidence also says that nobody blocks us any more."""
    tx.execute(
        "UPDATE address SET proved_at = ?, proved_by = ?,"
        " blocked_at = CASE WHEN blocked_at > ? THEN blocked_at ELSE NULL END"
        " WHERE channel = ? AND value = ? AND active = 1 AND (proved_at IS NULL OR proved_at < ?)",
        (at, evidence, at, channel, value, at),
    )


def proved_by_id(tx: Tx, address_id: int, at: float, evidence: str) -> None:
    """As `proved`, for an address whose row is known."""
    tx.execute(
        "UPDATE address SET proved_at = ?, proved_by = ?,"
        " blocked_at = CASE WHEN blocked_at > ? THEN blocked_at ELSE NULL END"
        " WHERE id = ? AND (proved_at IS NULL OR proved_at < ?)",
        (at, evidence, at, address_id, at),
    )


def blocked(tx: Tx, channel: str, value: str, at: float) -> bool:
    """The owner of this address lets nothing of ours in any more; False where it is nobody's, or known already."""
    done = tx.execute(
        "UPDATE address SET blocked_at = ? WHERE channel = ? AND value = ? AND active = 1 AND blocked_at IS NULL"
        " AND (proved_at IS NULL OR proved_at <= ?)",
        (at, channel, value, at),
    )
    return done.rowcount > 0


def blocked_by_id(tx: Tx, address_id: int, at: float) -> None:
    tx.execute("UPDATE address SET blocked_at = ? WHERE id = ? AND blocked_at IS NULL", (at, address_id))


def all_paths(tx: Tx) -> list[PathRow]:
    """Every active address, by unit, person and preference."""
    return _paths(tx, "", ())


def paths_of_unit(tx: Tx, unit_code: str) -> list[PathRow]:
    return _paths(tx, " AND p.unit_code = ?", (unit_code,))


def shut(tx: Tx) -> list[PathRow]:
    """Addresses whose owners block us."""
    return _paths(tx, " AND a.blocked_at IS NOT NULL", ())


def _paths(tx: Tx, where: str, parameters: tuple[str, ...]) -> list[PathRow]:
    rows = tx.execute(f"{_PATH}{where} ORDER BY p.unit_code, p.id, a.place, a.id", parameters)
    return [PathRow(*row) for row in rows]
