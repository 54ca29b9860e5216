"""Named groups of units: what only an office knows (coast, a river's reach, below a reservoir)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from directory.columns import load_words, match_header
from directory.names import slug, tidy
from directory.reading import FileRefused, Reject, read_records
from directory.units import UnitCatalogue
from store import directory
from store.directory import GroupRow
from store.engine import Ledger, Tx


class GroupRefused(Exception):
    """`key` names the sentence (`refusal.<key>`): group_name_missing, group_empty, unit_unknown (value)."""

    def __init__(self, key: str, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


@dataclass(frozen=True, slots=True)
class GroupsReport:
    """What an import of groups did or would do, in groups."""

    added: int
    changed: int
    unchanged: int
    rejected: tuple[Reject, ...]


def save_group(
    tx: Tx, catalogue: UnitCatalogue, name: str, title: str, unit_codes: Iterable[str], now: float
) -> GroupRow:
    """Make the group, or give it exactly these units. Raises `GroupRefused`."""
    kept = slug(name)
    codes = frozenset(unit_codes)
    if not kept:
        raise GroupRefused("group_name_missing")
    if not codes:
        raise GroupRefused("group_empty")
    for code in sorted(codes):
        if catalogue.by_code(code) is None:
            raise GroupRefused("unit_unknown", value=code)
    directory.set_group(tx, kept, tidy(title) or tidy(name), codes, now)
    return GroupRow(kept, tidy(title) or tidy(name), len(codes))


async def import_groups(
    ledger: Ledger, catalogue: UnitCatalogue, path: Path, now: float, *, dry_run: bool = False
) -> GroupsReport:
    """A table with a line for every unit of every group: group, title (once is enough), unit_code.

    A group of the file gets exactly the units of the file; others stay. Raises `FileRefused`.
    """
    titles, members, rejected = _read(path, catalogue)

    def carry_out(tx: Tx) -> GroupsReport:
        old = {row.name: row for row in directory.groups(tx)}
        added = changed = 0
        for name, codes in members.items():
            title = titles.get(name) or (old[name].title if name in old else name)
            if name not in old:
                added += 1
            elif old[name].title != title or directory.group_members(tx, name) != frozenset(codes):
                changed += 1
            else:
                continue
            if not dry_run:
                save_group(tx, catalogue, name, title, codes, now)
        return GroupsReport(added, changed, len(members) - added - changed, tuple(rejected))

    return await (ledger.read(carry_out) if dry_run else ledger.write(carry_out))


def _read(path: Path, catalogue: UnitCatalogue) -> tuple[dict[str, str], dict[str, set[str]], list[Reject]]:
    """Titles and units by group, and what is wrong. Reject keys: group_name_missing, unit_unknown."""
    titles: dict[str, str] = {}
    members: dict[str, set[str]] = {}
    rejected: list[Reject] = []
    records = read_records(path)
    header = next(records, None)
    columns = match_header(header.cells, load_words()) if header else {}
    if missing := [name for name in ("group", "unit_code") if name not in columns]:
        raise FileRefused("columns_missing", columns=", ".join(missing))
    for record in records:
        cells = {name: record.cells[at] for name, at in columns.items() if at < len(record.cells)}
        name, code = slug(cells.get("group", "")), cells.get("unit_code", "")
        if record.broken:
            rejected.append(Reject(record.line, record.broken, {}))
        elif not name:
            rejected.append(Reject(record.line, "group_name_missing", {}))
        elif catalogue.by_code(code) is None:
            rejected.append(Reject(record.line, "unit_unknown", {"value": code}))
        else:
            members.setdefault(name, set()).add(code)
            if title := tidy(cells.get("title", "")):
                titles[name] = title
    return titles, members, rejected
