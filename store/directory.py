"""People, their addresses, and groups of units.

An address never changes: a new number is a new row, the old one becomes inactive. A delivery keeps the id of the
address that it went to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class AddressRow:
    """`channel` is the family (`sms`, …), `value` as that family writes it: `84…` digits, a provider's user id."""

    id: int
    person_id: int
    channel: str
    value: str
    place: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: int
    unit_code: str
    """"" for a member of the provincial command."""
    role: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class GroupRow:
    name: str
    title: str
    size: int


def _person(row: tuple[int, str, str, str, int]) -> PersonRow:
    return PersonRow(row[0], row[1], row[2], row[3], bool(row[4]))


def people(tx: Tx, *, also_inactive: bool = False) -> list[PersonRow]:
    rows = tx.execute(
        "SELECT id, unit_code, role, name, active FROM person WHERE active >= ? ORDER BY id",
        (0 if also_inactive else 1,),
    )
    return [_person(row) for row in rows]


def people_of(tx: Tx, unit_code: str) -> list[PersonRow]:
    rows = tx.execute(
        "SELECT id, unit_code, role, name, active FROM person WHERE unit_code = ? AND active = 1 ORDER BY id",
        (unit_code,),
    )
    return [_person(row) for row in rows]


def person(tx: Tx, person_id: int) -> PersonRow | None:
    """Also one who has left."""
    row = tx.execute("SELECT id, unit_code, role, name, active FROM person WHERE id = ?", (person_id,)).fetchone()
    return _person(row) if row else None


def addresses(tx: Tx) -> list[AddressRow]:
    """All active ones, by person and preference."""
    rows = tx.execute(
        "SELECT id, person_id, channel, value, place FROM address WHERE active = 1 ORDER BY person_id, place, id"
    )
    return [AddressRow(*row) for row in rows]


def addresses_of(tx: Tx, person_id: int) -> list[AddressRow]:
    rows = tx.execute(
        "SELECT id, person_id, channel, value, place FROM address WHERE person_id = ? AND active = 1"
        " ORDER BY place, id",
        (person_id,),
    )
    return [AddressRow(*row) for row in rows]


def owner(tx: Tx, channel: str, value: str) -> PersonRow | None:
    """Who has this address now."""
    row = tx.execute(
        "SELECT p.id, p.unit_code, p.role, p.name, p.active FROM address a JOIN person p ON p.id = a.person_id"
        " WHERE a.channel = ? AND a.value = ? AND a.active = 1 AND p.active = 1",
        (channel, value),
    ).fetchone()
    return _person(row) if row else None


def add_person(tx: Tx, unit_code: str, role: str, name: str, now: float) -> int:
    row = tx.execute(
        "INSERT INTO person (unit_code, role, name, active, created_at, updated_at) VALUES (?, ?, ?, 1, ?, ?)"
        " RETURNING id",
        (unit_code, role, name, now, now),
    ).fetchone()
    return int(row[0])


def place_person(tx: Tx, person_id: int, unit_code: str, role: str, name: str, now: float) -> None:
    """The person is active and holds this post under this name."""
    tx.execute(
        "UPDATE person SET unit_code = ?, role = ?, name = ?, active = 1, updated_at = ? WHERE id = ?",
        (unit_code, role, name, now, person_id),
    )


def retire_person(tx: Tx, person_id: int, now: float) -> None:
    """The person left: nothing is sent to, or believed from, any of their addresses."""
    tx.execute("UPDATE person SET active = 0, updated_at = ? WHERE id = ?", (now, person_id))
    tx.execute("UPDATE address SET active = 0 WHERE person_id = ? AND active = 1", (person_id,))


def add_address(tx: Tx, person_id: int, channel: str, value: str, place: int, now: float) -> int | None:
    """The new row's id; None where somebody has this address already."""
    row = tx.execute(
        "INSERT INTO address (person_id, channel, value, place, active, created_at) VALUES (?, ?, ?, ?, 1, ?)"
        " ON CONFLICT (channel, value) WHERE active = 1 DO NOTHING RETURNING id",
        (person_id, channel, value, place, now),
    ).fetchone()
    return int(row[0]) if row else None


def retire_addresses(tx: Tx, ids: Iterable[int]) -> None:
    tx.executemany("UPDATE address SET active = 0 WHERE id = ?", [(one,) for one in ids])


def order_addresses(tx: Tx, places: Iterable[tuple[int, int]]) -> None:
    """Set preferences: (address id, place)."""
    tx.executemany("UPDATE address SET place = ? WHERE id = ?", [(place, one) for one, place in places])


def groups(tx: Tx) -> list[GroupRow]:
    rows = tx.execute(
        "SELECT g.name, g.title, count(m.unit_code) FROM unit_group g LEFT JOIN unit_group_member m ON m.name = g.name"
        " GROUP BY g.name, g.title ORDER BY g.name"
    )
    return [GroupRow(*row) for row in rows]


def group_members(tx: Tx, name: str) -> frozenset[str] | None:
    """Unit codes of a group; None where there is no such group."""
    if tx.execute("SELECT 1 FROM unit_group WHERE name = ?", (name,)).fetchone() is None:
        return None
    return frozenset(row[0] for row in tx.execute("SELECT unit_code FROM unit_group_member WHERE name = ?", (name,)))


def set_group(tx: Tx, name: str, title: str, unit_codes: Iterable[str], now: float) -> None:
    """Make the group, or give it this title and exactly these units."""
    tx.execute(
        "INSERT INTO unit_group (name, title, created_at) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET title = excluded.title",
        (name, title, now),
    )
    tx.execute("DELETE FROM unit_group_member WHERE name = ?", (name,))
    tx.executemany(
        "INSERT INTO unit_group_member (name, unit_code) VALUES (?, ?)", [(name, code) for code in sorted(unit_codes)]
    )


def drop_group(tx: Tx, name: str) -> bool:
    tx.execute("DELETE FROM unit_group_member WHERE name = ?", (name,))
    return tx.execute("DELETE FROM unit_group WHERE name = ?", (name,)).rowcount > 0
