"""What became of a broadcast's deliveries, for reports: by channel from the chunks' counters, by cause from rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from store import deliveries
from store.chunks import STATE_COLUMNS
from store.engine import Tx

UNHAPPY: Final = (3, 7, 8)
"""`delivery.status` of unknown, failed and expired."""
_SUMS: Final = ", ".join(f"coalesce(sum({column}), 0)" for column in STATE_COLUMNS)
_HAS_UNHAPPY: Final = " + ".join(STATE_COLUMNS[state] for state in UNHAPPY)


@dataclass(frozen=True, slots=True)
class Cause:
    """Deliveries of one channel that ended so. `reason` is ours, `code` the provider's, verbatim."""

    channel: str
    status: int
    reason: str
    code: str
    count: int


def by_channel(tx: Tx, no: int) -> dict[str, list[int]]:
    """Channel → numbers in the order of `delivery.status`: reads a thousandth of the rows."""
    rows = tx.execute(
        f"SELECT channel, {_SUMS} FROM chunk WHERE broadcast_no = ? GROUP BY channel ORDER BY channel",  # noqa: S608
        (no,),
    )
    return {row[0]: list(row[1:]) for row in rows}


def rows_to_read(tx: Tx, no: int) -> int:
    """How many deliveries `causes` would look at: those of chunks in which any went wrong."""
    row = tx.execute(
        "SELECT coalesce(sum(last_id - id + 1), 0) FROM chunk WHERE broadcast_no = ?"  # noqa: S608
        f" AND {_HAS_UNHAPPY} > 0",
        (no,),
    )
    return int(row.fetchone()[0])


def causes(tx: Tx, no: int) -> list[Cause]:
    """Most frequent first.

    A statement for each piece of the list, by the key of its rows alone: a join of all chunks with their rows is
    planned by statistics, which PostgreSQL does not have of a new partition."""
    found: Counter[tuple[str, int, int]] = Counter()
    for channel, first, last in _pieces(tx, no):
        rows = tx.execute(
            "SELECT status, cause, count(*) FROM delivery WHERE id BETWEEN ? AND ? AND status IN (?, ?, ?)"
            " GROUP BY status, cause",
            (first, last, *UNHAPPY),
        )
        for status, cause, count in rows:
            found[channel, status, cause] += count
    words = deliveries.causes(tx)
    named = [Cause(channel, status, *words.get(cause, ("", "")), n) for (channel, status, cause), n in found.items()]
    return sorted(named, key=lambda one: (-one.count, one.channel, one.reason, one.code, one.status))


def _pieces(tx: Tx, no: int) -> list[tuple[str, int, int]]:
    """(channel, first id, last id) of chunks in a row by one channel, in each of which any went wrong."""
    rows = tx.execute(
        f"SELECT channel, id, last_id FROM chunk WHERE broadcast_no = ? AND {_HAS_UNHAPPY} > 0 ORDER BY id",  # noqa: S608
        (no,),
    )
    pieces: list[tuple[str, int, int]] = []
    for channel, first, last in rows:
        if pieces and pieces[-1][0] == channel and pieces[-1][2] + 1 == first:
            pieces[-1] = (channel, pieces[-1][1], last)
        else:
            pieces.append((channel, first, last))
    return pieces
