"""Entries from a table, CSV or XLSX: every good line is kept, a bad one is told and left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from directory.content import ContentRefused, entry, load_kinds
from directory.reading import FileRefused, Record, Reject, read_records
from directory.units import UnitCatalogue
from store import content
from store.content import ContentRow
from store.engine import Ledger, Tx
from text.dates import local
from text.folding import fold

MOST_LINES: Final = 20_000
"""Lines of one table: a hundred entries for each unit."""


@dataclass(frozen=True, slots=True)
class ContentReport:
    """What an import did or would do, in lines; `unchanged` were there already."""

    added: int
    unchanged: int
    rejected: tuple[Reject, ...]


async def import_content(
    ledger: Ledger,
    catalogue: UnitCatalogue,
    path: Path,
    author: str,
    now: float,
    *,
    dry_run: bool = False,
    undated: float | None = None,
) -> ContentReport:
    """Add the entries of a table. The same line again adds nothing. A line without a time of issue is refused, or gets
    `undated` (epoch seconds). Raises `FileRefused`."""
    columns, records = _table(path, undated)

    def carry_out(tx: Tx) -> ContentReport:
        known = content.known(tx)
        rejected: list[Reject] = []
        rows: list[ContentRow] = []
        unchanged = 0
        for record in records:
            row = _row(tx, catalogue, record, columns, author, now, undated, rejected)
            if row is None:
                continue
            if content.key_of(row) in known:
                unchanged += 1
                continue
            known.add(content.key_of(row))
            rows.append(row)
        if not dry_run:
            for row in rows:
                content.insert(tx, row)
        return ContentReport(len(rows), unchanged, tuple(rejected))

    return await (ledger.read(carry_out) if dry_run else ledger.write(carry_out))


def _table(path: Path, undated: float | None) -> tuple[dict[str, int], list[Record]]:
    headers = load_kinds().headers
    records = read_records(path)
    header = next(records, None)
    columns: dict[str, int] = {}
    for index, cell in enumerate(header.cells if header else ()):
        if (name := headers.get(fold(cell))) is not None:
            columns.setdefault(name, index)
    needed = ("kind", "source") if undated is not None else ("kind", "source", "issued_at")
    if missing := [name for name in needed if name not in columns]:
        raise FileRefused("columns_missing", columns=", ".join(missing))
    kept: list[Record] = []
    for record in records:
        kept.append(record)
        if len(kept) > MOST_LINES:
            raise FileRefused("list_too_long", limit=MOST_LINES)
    return columns, kept


def _row(
    tx: Tx,
    catalogue: UnitCatalogue,
    record: Record,
    columns: dict[str, int],
    author: str,
    now: float,
    undated: float | None,
    rejected: list[Reject],
) -> ContentRow | None:
    if record.broken:
        rejected.append(Reject(record.line, record.broken, {}))
        return None
    given = {name: record.cells[at] for name, at in columns.items() if at < len(record.cells)}
    if not given.get("issued_at", "").strip():
        if undated is None:
            rejected.append(Reject(record.line, "content_undated", {}))
            return None
        given["issued_at"] = local(undated).isoformat()
    try:
        return entry(tx, catalogue, given, author, now)
    except ContentRefused as refused:
        first = refused.problems[0]
        rejected.append(Reject(record.line, first.key, {"field": first.field, **first.params}))
        return None
