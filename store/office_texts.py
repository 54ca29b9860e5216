"""What the office changed of the shipped texts and tables. A version is never changed: the newest holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from store.engine import Tx

HISTORY_SHOWN: Final = 20
"""Newest versions that a page shows."""


@dataclass(frozen=True, slots=True)
class OfficeText:
    """`body` None: back to what is shipped. `at` in epoch seconds."""

    kind: str
    name: str
    version: int
    body: Mapping[str, Any] | None
    author: str
    at: float


def newest(tx: Tx, kind: str, name: str) -> OfficeText | None:
    """None where nothing was ever changed."""
    row = tx.execute(
        "SELECT kind, name, version, body, author, at FROM office_text"
        " WHERE kind = ? AND name = ? ORDER BY version DESC LIMIT 1",
        (kind, name),
    ).fetchone()
    return _row(row) if row else None


def holding(tx: Tx) -> list[OfficeText]:
    """The newest version of everything that is not as it was shipped, by kind and name."""
    rows = tx.execute(
        "SELECT kind, name, version, body, author, at FROM office_text o WHERE version ="
        " (SELECT max(version) FROM office_text n WHERE n.kind = o.kind AND n.name = o.name)"
        " AND body <> '' ORDER BY kind, name"
    ).fetchall()
    return [_row(row) for row in rows]


def history(tx: Tx, kind: str, name: str, limit: int = HISTORY_SHOWN) -> list[OfficeText]:
    """Newest first."""
    rows = tx.execute(
        "SELECT kind, name, version, body, author, at FROM office_text"
        " WHERE kind = ? AND name = ? ORDER BY version DESC LIMIT ?",
        (kind, name, limit),
    ).fetchall()
    return [_row(row) for row in rows]


def keep(
    tx: Tx, kind: str, name: str, before: int, body: Mapping[str, Any] | None, author: str, at: float
) -> OfficeText | None:
    """Another version on top of `before` (0: of what is shipped). None: somebody else was faster."""
    made = tx.execute(
        "INSERT INTO office_text (kind, name, version, body, author, at)"
        " SELECT ?, ?, CAST(? AS BIGINT), ?, ?, CAST(? AS DOUBLE PRECISION) WHERE ? ="
        " (SELECT coalesce(max(version), 0) FROM office_text WHERE kind = ? AND name = ?)"
        " ON CONFLICT (kind, name, version) DO NOTHING RETURNING kind, name, version, body, author, at",
        (
            kind,
            name,
            before + 1,
            "" if body is None else orjson.dumps(dict(body)).decode(),
            author,
            at,
            before,
            kind,
            name,
        ),
    ).fetchone()
    return _row(made) if made else None


def _row(row: Any) -> OfficeText:
    kind, name, version, body, author, at = row
    return OfficeText(kind, name, version, orjson.loads(body) if body else None, author, at)
