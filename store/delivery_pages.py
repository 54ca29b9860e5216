"""Deliveries as people leaf through them, and the provider's ids for those of a page.

Of three million rows a page reads about as many as it shows: the chunks' counters say where rows of a state lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from store.chunks import ORDINAL_BITS, STATE_COLUMNS
from store.engine import Tx
from store.partitions import day_of
from store.provider_ids import unpacked

BLOCK_BITS: Final = 6
"""PostgreSQL's index of the receipt map is of blocks of 64 deliveries; SQLite's of deliveries."""
GAP_MOST: Final = 50
"""Ids that are read in vain rather than asking for another range."""
DAY_UNKNOWN: Final = 0
"""`receipt.day` of what was mapped before days were noted."""
_PAGE: Final = (
    "SELECT d.id, coalesce(r.unit_code, ''), coalesce(r.person_name, ''),"
    " coalesce(a.name, r.channel,"
    " (SELECT channel FROM chunk WHERE chunk.id <= d.id ORDER BY chunk.id DESC LIMIT 1)),"
    " coalesce(r.step, 0), d.status, coalesce(c.reason, ''), coalesce(c.code, ''), d.parts, d.sent_at, d.done_at,"
    " d.recipient, coalesce(r.value, s.value, ''), d.account"
    " FROM delivery d LEFT JOIN direct r ON r.delivery_id = d.id LEFT JOIN single s ON s.delivery_id = d.id"
    " LEFT JOIN cause c ON c.id = d.cause LEFT JOIN channel_account a ON a.id = d.account"
    " WHERE d.id BETWEEN ? AND ?"
)
_ALL: Final = f"{_PAGE} ORDER BY d.id LIMIT ?"
_OF_STATE: Final = f"{_PAGE} AND d.status = ? ORDER BY d.id LIMIT ?"


def page(tx: Tx, broadcast_no: int, status: int | None, after: int, limit: int) -> list[tuple[Any, ...]]:
    """Deliveries in id order with what people want to know of them; the channel is the account by which it went, before
    that the route."""
    if status is None:
        first, last = broadcast_no << ORDINAL_BITS, ((broadcast_no + 1) << ORDINAL_BITS) - 1
        return tx.execute(_ALL, (max(first, after + 1), last, limit)).fetchall()
    found: list[tuple[Any, ...]] = []
    for first, last in _where(tx, broadcast_no, status, after, limit):
        found += tx.execute(_OF_STATE, (max(first, after + 1), last, status, limit - len(found))).fetchall()
        if len(found) >= limit:
            break
    return found


def _where(tx: Tx, broadcast_no: int, status: int, after: int, limit: int) -> Iterator[tuple[int, int]]:
    """Id ranges of chunks in a row that have such deliveries, none of them longer than a page needs."""
    column = STATE_COLUMNS[status]
    rows = tx.execute(
        f"SELECT id, last_id, {column} FROM chunk WHERE broadcast_no = ? AND last_id > ? AND {column} > 0"  # noqa: S608
        " ORDER BY id",
        (broadcast_no, after),
    )
    first = last = held = 0
    for begin, end, count in rows:
        if held and (begin > last + 1 or held >= limit):
            yield first, last
            held = 0
        if not held:
            first = begin
        last, held = end, held + count
    if held:
        yield first, last


def provider_ids(tx: Tx, sent: Sequence[tuple[int, int]]) -> dict[int, str]:
    """First part's provider id, or the whole message's, of each of these (delivery id, sent_at) that has one. Ids
    ascend; `sent_at` in epoch seconds, 0: never.

    A statement for each range, since PostgreSQL plans none of them wrongly even where it knows nothing of a new
    partition: of many ranges in one it thinks that they are most of the table, and reads all of it."""
    left = [(one, day_of(at)) for one, at in sent if at]
    if not left:
        return {}
    asked = (
        "SELECT delivery_id, pmid FROM receipt WHERE delivery_id BETWEEN ? AND ? AND delivery_id >> "  # noqa: S608
        f"{BLOCK_BITS} BETWEEN ? AND ? AND part <= 0 AND day IN ({_days(day for _, day in left)}) ORDER BY day"
    )
    found: dict[int, str] = {}
    wanted = {one for one, _ in left}
    for first, last in _ranges([one for one, _ in left]):
        rows = tx.execute(asked, (first, last, first >> BLOCK_BITS, last >> BLOCK_BITS))
        found |= {row[0]: unpacked(row[1]) for row in rows if row[0] in wanted}
    return found


def _days(left: Iterable[int]) -> str:
    """Days in which the receipt map may name what left then, as they stand in a statement: PostgreSQL then looks at
    these partitions alone, of years of them. A try before the last one may have been the day before."""
    known = set(left)
    return ", ".join(map(str, sorted({DAY_UNKNOWN} | known | {day - 1 for day in known})))


def _ranges(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    begin = before = None
    for one in ids:
        if begin is None or before is None or one - before > GAP_MOST:
            if begin is not None and before is not None:
                yield begin, before
            begin = one
        before = one
    if begin is not None and before is not None:
        yield begin, before
