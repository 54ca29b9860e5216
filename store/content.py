"""What answers to residents are made of: entries that officers keep. A row is never changed but for its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class ContentRow:
    """`scope` is "" (the province), a unit's code or `group:NAME`. Times are epoch seconds; `ended_at` is None unless
    an officer withdrew it."""

    id: int
    kind: str
    scope: str
    subject: str
    fields: Mapping[str, str]
    source: str
    issued_at: float
    valid_until: float
    author: str
    created_at: float
    ended_at: float | None = None
    ended_by: str = ""


_COLUMNS = "id, kind, scope, subject, fields, source, issued_at, valid_until, author, created_at, ended_at, ended_by"


def insert(tx: Tx, row: ContentRow) -> int:
    """The new row's id; the one in `row` is not looked at."""
    made = tx.execute(
        "INSERT INTO content (kind, scope, subject, fields, source, issued_at, valid_until, author, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            row.kind,
            row.scope,
            row.subject,
            orjson.dumps(dict(row.fields)).decode(),
            row.source,
            row.issued_at,
            row.valid_until,
            row.author,
            row.created_at,
        ),
    ).fetchone()
    return int(made[0])


def end(tx: Tx, content_id: int, by: str, at: float) -> bool:
    """Withdraw it. False where there is none, or it has ended."""
    done = tx.execute(
        "UPDATE content SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL AND valid_until > ?",
        (at, by, content_id, at),
    )
    return done.rowcount > 0


def one(tx: Tx, content_id: int) -> ContentRow | None:
    row = tx.execute(f"SELECT {_COLUMNS} FROM content WHERE id = ?", (content_id,)).fetchone()  # noqa: S608
    return None if row is None else _row(row)


def current(tx: Tx, now: float) -> list[ContentRow]:
    """All that an answer may be made of now or later, newest first; at one time, the one entered last."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM content WHERE ended_at IS NULL AND valid_until > ? ORDER BY issued_at DESC, id DESC",  # noqa: S608
        (now,),
    )
    return [_row(row) for row in rows]


def listing(tx: Tx, kind: str | None, before: int | None, limit: int) -> list[ContentRow]:
    """The history, entered last first; `before` pages on from the last id of the page before."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM content WHERE id < ? AND (? = '' OR kind = ?) ORDER BY id DESC LIMIT ?",  # noqa: S608
        ((1 << 62) if before is None else before, kind or "", kind or "", limit),
    )
    return [_row(row) for row in rows]


def known(tx: Tx) -> set[tuple[str, str, str, float, str]]:
    """(kind, scope, subject, issued_at, fields as JSON) of everything that holds, so that a file imported twice adds
    nothing."""
    rows = tx.execute("SELECT kind, scope, subject, issued_at, fields FROM content WHERE ended_at IS NULL")
    return {(row[0], row[1], row[2], row[3], row[4]) for row in rows}


def key_of(row: ContentRow) -> tuple[str, str, str, float, str]:
    return row.kind, row.scope, row.subject, row.issued_at, orjson.dumps(dict(row.fields)).decode()


def _row(row: Iterable[object]) -> ContentRow:
    values = list(row)
    values[4] = orjson.loads(str(values[4]))
    return ContentRow(*values)  # type: ignore[arg-type]
