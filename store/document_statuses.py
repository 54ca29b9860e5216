"""What units answered about a document's course, as codes; what deliveries and the roll-call tell is not kept twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class StatusRow:
    """`at` is epoch seconds; `via` a channel's name, or `officer`."""

    unit_code: str
    code: str
    at: float
    person: str
    via: str
    note: str = ""


def add(tx: Tx, broadcast_no: int, rows: Sequence[StatusRow]) -> None:
    """A unit reaches a code once: its first time stays, a later note takes the place of an empty one."""
    tx.executemany(
        "INSERT INTO document_status (broadcast_no, unit_code, code, at, person, via, note)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (broadcast_no, unit_code, code) DO UPDATE SET note = excluded.note"
        " WHERE document_status.note = ''",
        [(broadcast_no, row.unit_code, row.code, row.at, row.person, row.via, row.note) for row in rows],
    )


def answer(tx: Tx, broadcast_no: int, row: StatusRow, instead_of: str) -> None:
    """One of two answers that exclude each other: the later word counts."""
    tx.execute(
        "DELETE FROM document_status WHERE broadcast_no = ? AND unit_code = ? AND code = ?",
        (broadcast_no, row.unit_code, instead_of),
    )
    add(tx, broadcast_no, [row])


def of_broadcast(tx: Tx, broadcast_no: int) -> list[StatusRow]:
    """In the order of time."""
    rows = tx.execute(
        "SELECT unit_code, code, at, person, via, note FROM document_status WHERE broadcast_no = ?"
        " ORDER BY at, unit_code, code",
        (broadcast_no,),
    )
    return [StatusRow(*row) for row in rows]


def arrivals(tx: Tx, broadcast_no: int) -> list[StatusRow]:
    """When each unit's device first surely had the message, who it was sent to and by which channel. `code` is ""."""
    rows = tx.execute(
        "SELECT d.unit_code, e.at, d.person_name, d.channel FROM direct d"
        " JOIN delivery_event e ON e.delivery_id = d.delivery_id AND e.state IN ('delivered', 'seen')"
        " WHERE d.broadcast_no = ? AND d.unit_code <> '' ORDER BY e.at, e.id",
        (broadcast_no,),
    )
    first: dict[str, StatusRow] = {}
    for unit, at, person, channel in rows:
        first.setdefault(unit, StatusRow(unit, "", at, person, channel))
    return list(first.values())


def taken_back(tx: Tx, unit_code: str, since: float, limit: int) -> list[tuple[int, str, str, str]]:
    """(no, code, title, content) of broadcasts that called upon a unit and were recalled or replaced at or after
    `since`; newest first."""
    rows = tx.execute(
        "SELECT b.no, b.code, b.title, b.content FROM broadcast b"
        " JOIN rollcall r ON r.broadcast_no = b.no AND r.unit_code = ?"
        " WHERE b.started_at IS NOT NULL AND b.ended_at >= ? AND (b.state = 'cancelled' OR b.superseded_by IS NOT NULL)"
        " ORDER BY b.no DESC LIMIT ?",
        (unit_code, since, limit),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]
