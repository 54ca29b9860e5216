"""Hand-over notes: drafted from what is open, signed by who goes, read by who comes, then never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class HandoverRow:
    """`items` as they were when it was drafted; times are epoch seconds."""

    id: int
    opened_by: str
    opened_at: float
    items: list[dict[str, Any]]
    note: str
    signed_by: str
    signed_at: float | None
    read_by: str
    read_at: float | None


_ROW: Final = "id, opened_by, opened_at, items, note, signed_by, signed_at, read_by, read_at"


def add(tx: Tx, by: str, now: float, items: list[dict[str, Any]], note: str) -> int:
    row = tx.execute(
        "INSERT INTO handover (opened_by, opened_at, items, note) VALUES (?, ?, ?, ?) RETURNING id",
        (by, now, orjson.dumps(items).decode(), note),
    ).fetchone()
    return int(row[0])


def one(tx: Tx, handover_id: int) -> HandoverRow | None:
    row = tx.execute(f"SELECT {_ROW} FROM handover WHERE id = ?", (handover_id,)).fetchone()  # noqa: S608
    return None if row is None else _row(row)


def listing(tx: Tx, limit: int) -> list[HandoverRow]:
    """Newest first."""
    rows = tx.execute(f"SELECT {_ROW} FROM handover ORDER BY id DESC LIMIT ?", (limit,))  # noqa: S608
    return [_row(row) for row in rows]


def unread(tx: Tx) -> list[HandoverRow]:
    """Signed and waiting for whoever comes, newest first."""
    rows = tx.execute(
        f"SELECT {_ROW} FROM handover WHERE signed_at IS NOT NULL AND read_at IS NULL ORDER BY id DESC"  # noqa: S608
    )
    return [_row(row) for row in rows]


def edit(tx: Tx, handover_id: int, note: str) -> bool:
    """False: it is signed."""
    done = tx.execute("UPDATE handover SET note = ? WHERE id = ? AND signed_at IS NULL", (note, handover_id))
    return done.rowcount == 1


def refresh(tx: Tx, handover_id: int, items: list[dict[str, Any]], note: str) -> bool:
    """False: it is signed."""
    done = tx.execute(
        "UPDATE handover SET items = ?, note = ? WHERE id = ? AND signed_at IS NULL",
        (orjson.dumps(items).decode(), note, handover_id),
    )
    return done.rowcount == 1


def sign(tx: Tx, handover_id: int, by: str, now: float) -> bool:
    done = tx.execute(
        "UPDATE handover SET signed_by = ?, signed_at = ? WHERE id = ? AND signed_at IS NULL", (by, now, handover_id)
    )
    return done.rowcount == 1


def read(tx: Tx, handover_id: int, by: str, now: float) -> bool:
    """False: not signed yet, or read already."""
    done = tx.execute(
        "UPDATE handover SET read_by = ?, read_at = ? WHERE id = ? AND signed_at IS NOT NULL AND read_at IS NULL",
        (by, now, handover_id),
    )
    return done.rowcount == 1


def _row(row: Any) -> HandoverRow:
    return HandoverRow(row[0], row[1], row[2], orjson.loads(row[3]), *row[4:])
