"""Room for a night's work on PostgreSQL: partitions of the two tables that grow. On SQLite there is nothing to make.

A partition is made before its first row is written, when a broadcast is planned. Where a table is in use for too long
to make one, and for a list that is short, rows go to the partition for the rest: slower after years, never wrong.
None is ever dropped here: what was sent is the office's record, and how long that is kept is the office's decision.
"""

from __future__ import annotations

from typing import Final

from store.chunks import ORDINAL_BITS
from store.engine import Tx

NUMBERS_MIN: Final = 10_000
"""Deliveries from which a broadcast gets a partition of its own; below it a table costs more than it saves."""
FILLED_BY_HALF: Final = "fillfactor = 50"
"""While rows come in: the other half of a page is for what becomes of them."""
FILLED: Final = "fillfactor = 100"
"""When all rows are there. It moves nothing, but the server clears a page of old rows whenever less than this leaves of
it is free: at 50 with nearly every change, a third of what a receipt costs (postgresql.org/docs/15, 73.7)."""
DAYS_AHEAD: Final = 7
DAY_SECONDS: Final = 86_400


def day_of(at: float) -> int:
    """Whole days since 1970-01-01, UTC."""
    return int(at // DAY_SECONDS)


def make_room(tx: Tx, broadcast_no: int, deliveries: int, now: float) -> None:
    """For a broadcast of so many deliveries, and for the receipts of this day and the next ones."""
    if deliveries >= NUMBERS_MIN:
        first, behind = broadcast_no << ORDINAL_BITS, (broadcast_no + 1) << ORDINAL_BITS
        tx.add_partition("delivery", f"{broadcast_no}", f"FROM ({first}) TO ({behind})", FILLED_BY_HALF)
    today = day_of(now)
    for day in range(today, today + DAYS_AHEAD + 1):
        tx.add_partition("receipt", f"day_{day}", f"IN ({day})")


def filled(tx: Tx, broadcast_no: int, deliveries: int) -> None:
    """Every delivery of the broadcast is planned; from now on they are only changed."""
    if deliveries >= NUMBERS_MIN:
        tx.set_partition("delivery", f"{broadcast_no}", FILLED)
