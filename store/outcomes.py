"""What became of a broadcast's deliveries, for reports: by channel from the chunks' counters, by cause from rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
    """Most frequent first."""
    rows = tx.execute(
        "SELECT c.channel, d.status, coalesce(k.reason, ''), coalesce(k.code, ''), count(*) FROM chunk c"  # noqa: S608
        " JOIN delivery d ON d.id BETWEEN c.id AND c.last_id LEFT JOIN cause k ON k.id = d.cause"
        f" WHERE c.broadcast_no = ? AND {_HAS_UNHAPPY} > 0 AND d.status IN (?, ?, ?)"
        " GROUP BY c.channel, d.status, k.reason, k.code ORDER BY count(*) DESC, c.channel,"
        " coalesce(k.reason, ''), coalesce(k.code, '')",
        (no, *UNHAPPY),
    )
    return [Cause(*row) for row in rows]
