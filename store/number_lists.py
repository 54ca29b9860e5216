"""Lists of phone numbers: versions, entries in ascending order, opt-outs.

A finished version never changes. While an import runs its version is neither `complete` nor `current`, so whatever
happens to it, a name keeps meaning the last whole version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class ListRow:
    """`digest` is SHA-256 (hex) over the numbers in ascending order, each as `84…` and a line feed."""

    id: int
    name: str
    """"" for a list made for one broadcast."""
    size: int
    digest: str
    current: bool
    created_at: float


_COLUMNS = "id, name, size, digest, current, created_at"
_CURRENT = f"SELECT {_COLUMNS} FROM number_list WHERE name = ? AND current = 1"  # noqa: S608
_BY_ID = f"SELECT {_COLUMNS} FROM number_list WHERE id = ? AND complete = 1"  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM number_list WHERE current = 1 ORDER BY name"  # noqa: S608


def current(tx: Tx, name: str) -> ListRow | None:
    return _row(tx.execute(_CURRENT, (name,)).fetchone())


def by_id(tx: Tx, list_id: int) -> ListRow | None:
    """Any whole version, also an old or a nameless one."""
    return _row(tx.execute(_BY_ID, (list_id,)).fetchone())


def all_current(tx: Tx) -> list[ListRow]:
    return [_version(row) for row in tx.execute(_ALL)]


def _row(row: tuple[int, str, int, str, int, float] | None) -> ListRow | None:
    return _version(row) if row else None


def _version(row: tuple[int, str, int, str, int, float]) -> ListRow:
    return ListRow(row[0], row[1], row[2], row[3], bool(row[4]), row[5])


def begin(tx: Tx, name: str, now: float) -> int:
    """A new version, not yet whole."""
    row = tx.execute(
        "INSERT INTO number_list (name, size, digest, complete, current, created_at) VALUES (?, 0, '', 0, 0, ?)"
        " RETURNING id",
        (name, now),
    ).fetchone()
    return int(row[0])


def append(tx: Tx, list_id: int, numbers: Iterable[int]) -> None:
    tx.insert_many("number_list_entry", ("list_id", "msisdn"), [(list_id, number) for number in numbers])


def finish(tx: Tx, list_id: int, size: int, digest: str) -> None:
    """The version is whole, and its name means it from now on."""
    tx.execute(
        "UPDATE number_list SET current = 0 WHERE current = 1 AND name = (SELECT name FROM number_list WHERE id = ?)",
        (list_id,),
    )
    tx.execute(
        "UPDATE number_list SET size = ?, digest = ?, complete = 1,"
        " current = CASE WHEN name = '' THEN 0 ELSE 1 END WHERE id = ?",
        (size, digest, list_id),
    )


def incomplete(tx: Tx, made_before: float) -> list[int]:
    rows = tx.execute("SELECT id FROM number_list WHERE complete = 0 AND created_at < ? ORDER BY id", (made_before,))
    return [row[0] for row in rows]


def drop_entries(tx: Tx, list_id: int, limit: int) -> int:
    """Delete up to `limit` entries of a version; how many went."""
    last = tx.execute(
        "SELECT max(msisdn) FROM"
        " (SELECT msisdn FROM number_list_entry WHERE list_id = ? ORDER BY msisdn LIMIT ?) AS first",
        (list_id, limit),
    ).fetchone()[0]
    if last is None:
        return 0
    return tx.execute("DELETE FROM number_list_entry WHERE list_id = ? AND msisdn <= ?", (list_id, last)).rowcount


def drop(tx: Tx, list_id: int) -> None:
    tx.execute("DELETE FROM number_list WHERE id = ?", (list_id,))


def page(tx: Tx, list_id: int, after: int, limit: int) -> list[int]:
    """The next numbers of a version above `after`, ascending."""
    rows = tx.execute(
        "SELECT msisdn FROM number_list_entry WHERE list_id = ? AND msisdn > ? ORDER BY msisdn LIMIT ?",
        (list_id, after, limit),
    )
    return [row[0] for row in rows]


def opted_out_page(tx: Tx, after: int, limit: int) -> list[int]:
    """The next numbers above `after` that take no campaign texts, ascending."""
    rows = tx.execute("SELECT msisdn FROM opt_out WHERE msisdn > ? ORDER BY msisdn LIMIT ?", (after, limit))
    return [row[0] for row in rows]


def opted_out_in(tx: Tx, list_id: int) -> int:
    """How many numbers of a version take no campaign texts."""
    row = tx.execute(
        "SELECT count(*) FROM opt_out o JOIN number_list_entry e ON e.list_id = ? AND e.msisdn = o.msisdn", (list_id,)
    ).fetchone()
    return int(row[0])
