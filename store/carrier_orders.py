"""Carrier orders, each carrier's copy, the calls and the timeline; their letters are in `store.carrier_letters`.

Calls and events are only ever added: there is no statement here that changes or deletes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import orjson

from store.engine import Tx

LISTED: Final = 100


@dataclass(slots=True)
class OrderRow:
    """One row of `carrier_order`; `draft` and `content` are JSON texts."""

    id: int
    code: str
    state: str
    mode: str
    draft: str
    content: str
    content_hash: str
    version: int
    created_by: str
    created_at: float
    submitted_by: str
    submitted_at: float | None
    approved_by: str
    approved_at: float | None
    approved_hash: str
    sent_at: float | None
    ended_at: float | None
    reason: str


@dataclass(slots=True)
class CopyRow:
    """One carrier's copy of an order. Times are epoch seconds, counts are subscribers."""

    order_id: int
    place: int
    name: str
    email: str
    phone: str
    note: str
    token: str
    handed_at: float | None
    handed_by: str
    acknowledged_at: float | None
    acknowledged_by: str
    acknowledged_via: str
    silent_at: float | None
    sent: int | None
    delivered: int | None
    failed: int | None
    finished_at: float | None
    reported_at: float | None
    report_note: str


@dataclass(slots=True)
class CallRow:
    at: float
    place: int
    caller: str
    spoke_to: str
    result: str
    note: str


_ORDER: Final = ", ".join(field.name for field in fields(OrderRow))
_COPY: Final = ", ".join(field.name for field in fields(CopyRow))
_CALL: Final = ", ".join(field.name for field in fields(CallRow))


def insert(tx: Tx, values: dict[str, Any]) -> int:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    row = tx.execute(
        f"INSERT INTO carrier_order ({names}) VALUES ({marks}) RETURNING id",  # noqa: S608  names are ours
        tuple(values.values()),
    ).fetchone()
    return int(row[0])


def update(tx: Tx, order_id: int, from_states: Sequence[str], values: dict[str, Any]) -> bool:
    """Change an order if it is in one of these states. False: it is not."""
    sets, marks = ", ".join(f"{name} = ?" for name in values), ", ".join("?" * len(from_states))
    changed = tx.execute(
        f"UPDATE carrier_order SET {sets} WHERE id = ? AND state IN ({marks})",  # noqa: S608  names are ours
        (*values.values(), order_id, *from_states),
    )
    return changed.rowcount == 1


def one(tx: Tx, ref: str) -> OrderRow | None:
    """By number (digits) or by code, whatever its case."""
    where, value = ("id = ?", int(ref)) if ref.isdecimal() else ("code = upper(?)", ref)
    row = tx.execute(f"SELECT {_ORDER} FROM carrier_order WHERE {where}", (value,)).fetchone()  # noqa: S608
    return OrderRow(*row) if row else None


def listed(tx: Tx, state: str | None, limit: int = LISTED) -> list[OrderRow]:
    """Newest first."""
    rows = tx.execute(
        f"SELECT {_ORDER} FROM carrier_order WHERE CAST(? AS TEXT) IS NULL OR state = ? ORDER BY id DESC LIMIT ?",  # noqa: S608
        (state, state, limit),
    )
    return [OrderRow(*row) for row in rows]


def codes_like(tx: Tx, prefix: str) -> list[str]:
    rows = tx.execute("SELECT code FROM carrier_order WHERE code >= ? AND code < ?", (prefix, prefix + "\uffff"))
    return [row[0] for row in rows]


# -- copies -----------------------------------------------------------------------------------------------------------


def add_copy(tx: Tx, order_id: int, place: int, name: str, email: str, phone: str, note: str, token: str) -> None:
    tx.execute(
        "INSERT INTO carrier_order_carrier (order_id, place, name, email, phone, note, token)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (order_id, place, name, email, phone, note, token),
    )


def copies(tx: Tx, order_id: int) -> list[CopyRow]:
    rows = tx.execute(
        f"SELECT {_COPY} FROM carrier_order_carrier WHERE order_id = ? ORDER BY place",  # noqa: S608
        (order_id,),
    )
    return [CopyRow(*row) for row in rows]


def copy_of_token(tx: Tx, token: str) -> CopyRow | None:
    row = tx.execute(f"SELECT {_COPY} FROM carrier_order_carrier WHERE token = ?", (token,)).fetchone()  # noqa: S608
    return CopyRow(*row) if row else None


def hand_over(tx: Tx, order_id: int, place: int, by: str, at: float) -> bool:
    """The first time counts. False: the carrier has it already."""
    changed = tx.execute(
        "UPDATE carrier_order_carrier SET handed_at = ?, handed_by = ?"
        " WHERE order_id = ? AND place = ? AND handed_at IS NULL",
        (at, by, order_id, place),
    )
    return changed.rowcount == 1


def acknowledge(tx: Tx, order_id: int, place: int, by: str, via: str, at: float) -> bool:
    """The first acknowledgement stands. False: there is one already."""
    changed = tx.execute(
        "UPDATE carrier_order_carrier SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_via = ?"
        " WHERE order_id = ? AND place = ? AND acknowledged_at IS NULL",
        (at, by, via, order_id, place),
    )
    return changed.rowcount == 1


def report(
    tx: Tx, order_id: int, place: int, counts: tuple[int, int, int], finished_at: float, note: str, at: float
) -> None:
    """(sent, delivered, failed); the newest counts stand, the earlier ones stay in the timeline."""
    tx.execute(
        "UPDATE carrier_order_carrier SET sent = ?, delivered = ?, failed = ?, finished_at = ?, report_note = ?,"
        " reported_at = ? WHERE order_id = ? AND place = ?",
        (*counts, finished_at, note, at, order_id, place),
    )


def silent(tx: Tx, approved_before: float, states: Sequence[str], mode: str) -> list[tuple[OrderRow, CopyRow]]:
    """Copies of orders approved before this time that nobody acknowledged and whose silence was not yet raised."""
    marks = ", ".join("?" * len(states))
    orders = tx.execute(
        f"SELECT {_ORDER} FROM carrier_order WHERE approved_at <= ? AND mode = ?"  # noqa: S608
        f" AND state NOT IN ('archived', 'cancelled', 'rejected') AND state IN ({marks}) ORDER BY id",
        (approved_before, mode, *states),
    )
    return [
        (order, copy)
        for order in [OrderRow(*row) for row in orders]
        for copy in copies(tx, order.id)
        if copy.acknowledged_at is None and copy.silent_at is None
    ]


def mark_silent(tx: Tx, order_id: int, place: int, at: float) -> None:
    tx.execute("UPDATE carrier_order_carrier SET silent_at = ? WHERE order_id = ? AND place = ?", (at, order_id, place))


# -- calls and the timeline -------------------------------------------------------------------------------------------


def add_call(tx: Tx, order_id: int, place: int, at: float, caller: str, spoke_to: str, result: str, note: str) -> None:
    tx.execute(
        "INSERT INTO carrier_order_call (order_id, place, at, caller, spoke_to, result, note)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (order_id, place, at, caller, spoke_to, result, note),
    )


def calls(tx: Tx, order_id: int) -> list[CallRow]:
    rows = tx.execute(f"SELECT {_CALL} FROM carrier_order_call WHERE order_id = ? ORDER BY id", (order_id,))  # noqa: S608
    return [CallRow(*row) for row in rows]


def note(tx: Tx, order_id: int, at: float, actor: str, event: str, detail: dict[str, Any] | None = None) -> int:
    """Add to the timeline; returns the event's number."""
    row = tx.execute(
        "INSERT INTO carrier_order_event (order_id, at, actor, event, detail) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (order_id, at, actor, event, orjson.dumps(detail or {}).decode()),
    ).fetchone()
    return int(row[0])


def timeline(tx: Tx, order_id: int) -> list[tuple[int, float, str, str, dict[str, Any]]]:
    rows = tx.execute(
        "SELECT id, at, actor, event, detail FROM carrier_order_event WHERE order_id = ? ORDER BY id", (order_id,)
    )
    return [(row[0], row[1], row[2], row[3], orjson.loads(row[4])) for row in rows]
