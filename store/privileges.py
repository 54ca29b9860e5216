"""Higher roles, the addresses of those who have one, and another way into their accounts are given by two people: one
administrator asks, another one grants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class PrivilegeRequest:
    id: int
    staff_id: int
    name: str
    role: str
    asked_by: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class AddressRequest:
    """`channel` is the family."""

    id: int
    name: str
    channel: str
    value: str
    asked_by: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """`what`: `password` or `second_factor`."""

    id: int
    staff_id: int
    name: str
    what: str
    asked_by: str
    asked_at: float


Asked = PrivilegeRequest | AddressRequest | ResetRequest
_TABLES: Final = {
    PrivilegeRequest: "privilege_request",
    AddressRequest: "address_request",
    ResetRequest: "reset_request",
}


def ask(tx: Tx, staff_id: int, role: str, asked_by: str, now: float) -> None:
    """In place of what was asked for the same person before."""
    tx.execute("DELETE FROM privilege_request WHERE staff_id = ? AND decided_at IS NULL", (staff_id,))
    tx.execute(
        "INSERT INTO privilege_request (staff_id, role, asked_by, asked_at) VALUES (?, ?, ?, ?)",
        (staff_id, role, asked_by, now),
    )


def waiting(tx: Tx) -> list[PrivilegeRequest]:
    rows = tx.execute(
        "SELECT p.id, p.staff_id, s.name, p.role, p.asked_by, p.asked_at FROM privilege_request p"
        " JOIN staff s ON s.id = p.staff_id WHERE p.decided_at IS NULL ORDER BY p.id"
    )
    return [PrivilegeRequest(*row) for row in rows]


def ask_address(tx: Tx, staff_id: int, channel: str, value: str, asked_by: str, now: float) -> None:
    """In place of what was asked for the same address before, by whoever asks last."""
    tx.execute(
        "DELETE FROM address_request WHERE channel = ? AND value = ? AND decided_at IS NULL",
        (channel, value),
    )
    tx.execute(
        "INSERT INTO address_request (staff_id, channel, value, asked_by, asked_at) VALUES (?, ?, ?, ?, ?)",
        (staff_id, channel, value, asked_by, now),
    )


def addresses_waiting(tx: Tx) -> list[AddressRequest]:
    """For people who are there still, in the order in which they were asked for."""
    rows = tx.execute(
        "SELECT a.id, s.name, a.channel, a.value, a.asked_by, a.asked_at FROM address_request a"
        " JOIN staff s ON s.id = a.staff_id WHERE a.decided_at IS NULL AND s.active = 1 ORDER BY a.id"
    )
    return [AddressRequest(*row) for row in rows]


def ask_reset(tx: Tx, staff_id: int, what: str, asked_by: str, now: float) -> None:
    """In place of what was asked for the same before, by whoever asks last."""
    tx.execute("DELETE FROM reset_request WHERE staff_id = ? AND what = ? AND decided_at IS NULL", (staff_id, what))
    tx.execute(
        "INSERT INTO reset_request (staff_id, what, asked_by, asked_at) VALUES (?, ?, ?, ?)",
        (staff_id, what, asked_by, now),
    )


def resets_waiting(tx: Tx) -> list[ResetRequest]:
    """For people who are there still, in the order in which they were asked for."""
    rows = tx.execute(
        "SELECT r.id, r.staff_id, s.name, r.what, r.asked_by, r.asked_at FROM reset_request r"
        " JOIN staff s ON s.id = r.staff_id WHERE r.decided_at IS NULL AND s.active = 1 ORDER BY r.id"
    )
    return [ResetRequest(*row) for row in rows]


def decide(tx: Tx, asked: Asked, by: str, granted: bool, now: float) -> None:
    """What somebody decided before stays as it is."""
    tx.execute(
        f"UPDATE {_TABLES[type(asked)]} SET decided_by = ?, decided_at = ?, granted = ?"  # noqa: S608
        " WHERE id = ? AND decided_at IS NULL",
        (by, now, int(granted), asked.id),
    )
