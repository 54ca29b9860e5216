"""Files that broadcasts carry: who gave them, which broadcasts have them, which bytes nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """One upload. `size` in bytes; `media` is its media type; `sha256` in lower-case hex names its bytes."""

    id: int
    short: str
    sha256: str
    name: str
    media: str
    size: int
    created_by: str
    created_at: float


_COLUMNS: Final = "a.id, a.short, a.sha256, a.name, a.media, a.size, a.created_by, a.created_at"
LEFT: Final = ("sending", "sent", "closed")
"""States of a broadcast of which something may have left."""
DEAD: Final = ("cancelled", "rejected", "expired")


def insert(
    tx: Tx, *, short: str, sha256: str, name: str, media: str, size: int, created_by: str, now: float
) -> AttachmentRow:
    row = tx.execute(
        "INSERT INTO attachment (short, sha256, name, media, size, created_by, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (short, sha256, name, media, size, created_by, now),
    ).fetchone()
    return AttachmentRow(int(row[0]), short, sha256, name, media, size, created_by, now)


def by_ids(tx: Tx, ids: Sequence[int]) -> list[AttachmentRow]:
    """Those of `ids` whose bytes are there, in the order of `ids`."""
    if not ids:
        return []
    marks = ", ".join("?" * len(ids))
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM attachment a WHERE a.id IN ({marks}) AND a.collected_at IS NULL",  # noqa: S608
        tuple(ids),
    )
    found = {row[0]: AttachmentRow(*row) for row in rows}
    return [found[one] for one in dict.fromkeys(ids) if one in found]


def attach(tx: Tx, broadcast_no: int, ids: Sequence[int]) -> None:
    """A broadcast has these, in this order; what it had before goes."""
    tx.execute("DELETE FROM broadcast_attachment WHERE broadcast_no = ?", (broadcast_no,))
    tx.executemany(
        "INSERT INTO broadcast_attachment (broadcast_no, place, attachment_id) VALUES (?, ?, ?)",
        [(broadcast_no, place, one) for place, one in enumerate(ids)],
    )


def published(tx: Tx, short: str) -> tuple[AttachmentRow, float] | None:
    """The file of a public address, and until when (epoch seconds) the last broadcast that left with it is valid;
    None while none has left, and when all that did were withdrawn."""
    marks = ", ".join("?" * len(LEFT))
    row = tx.execute(
        f"SELECT {_COLUMNS}, MAX(b.valid_until) FROM attachment a"  # noqa: S608
        " JOIN broadcast_attachment ba ON ba.attachment_id = a.id"
        " JOIN broadcast b ON b.no = ba.broadcast_no"
        f" WHERE a.short = ? AND a.collected_at IS NULL AND b.state IN ({marks})"
        f" GROUP BY {_COLUMNS}",
        (short, *LEFT),
    ).fetchone()
    return (AttachmentRow(*row[:-1]), float(row[-1])) if row else None


def unneeded(tx: Tx, unused_before: float, ended_before: float) -> list[AttachmentRow]:
    """Uploads that no broadcast has, given before `unused_before`, and those whose broadcasts all ended before
    `ended_before` without having left."""
    dead = ", ".join("?" * len(DEAD))
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM attachment a"  # noqa: S608
        " WHERE a.collected_at IS NULL AND a.created_at < ? AND NOT EXISTS ("
        "  SELECT 1 FROM broadcast_attachment ba JOIN broadcast b ON b.no = ba.broadcast_no"
        "  WHERE ba.attachment_id = a.id AND NOT ("
        f"   b.state IN ({dead}) AND b.started_at IS NULL AND COALESCE(b.ended_at, b.created_at) < ?))"
        " ORDER BY a.id",
        (unused_before, *DEAD, ended_before),
    )
    return [AttachmentRow(*row) for row in rows]


def collect(tx: Tx, ids: Iterable[int], now: float) -> None:
    """The bytes of these uploads are given up. The rows stay, for the record of the broadcasts that had them."""
    tx.executemany("UPDATE attachment SET collected_at = ? WHERE id = ?", [(now, one) for one in ids])


def wanted(tx: Tx) -> Iterator[tuple[str, int]]:
    """(SHA-256, size) of all bytes that must be there."""
    rows = tx.execute("SELECT DISTINCT sha256, size FROM attachment WHERE collected_at IS NULL ORDER BY sha256")
    yield from ((str(row[0]), int(row[1])) for row in rows)


def is_wanted(tx: Tx, sha256: str) -> bool:
    return (
        tx.execute("SELECT 1 FROM attachment WHERE sha256 = ? AND collected_at IS NULL LIMIT 1", (sha256,)).fetchone()
        is not None
    )


def make_room_in_backup(tx: Tx) -> None:
    """A backup is one file: the bytes ride in a table that the ledger itself does not have."""
    tx.execute("CREATE TABLE backup_file (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL)")


def put_in_backup(tx: Tx, sha256: str, content: bytes) -> None:
    tx.execute("INSERT INTO backup_file (sha256, content) VALUES (?, ?)", (sha256, content))


def in_backup(tx: Tx) -> list[str]:
    """SHA-256 of all files of a backup; none for a backup that was made before there were attachments."""
    has = tx.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'backup_file'").fetchone()
    return [row[0] for row in tx.execute("SELECT sha256 FROM backup_file ORDER BY sha256")] if has else []


def out_of_backup(tx: Tx, sha256: str) -> bytes:
    return bytes(tx.execute("SELECT content FROM backup_file WHERE sha256 = ?", (sha256,)).fetchone()[0])


def drop_from_backup(tx: Tx) -> None:
    tx.execute("DROP TABLE IF EXISTS backup_file")
