"""Deliveries as people leaf through them, and the provider's ids for those of a page.

Of three million rows a page reads about as many as it shows: the chunks' counters say where rows of a state lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from store.chunks import ORDINAL_BITS, STATE_COLUMNS
from store.engine import Tx
from store.provider_ids import unpacked

RANGES_AT_ONCE: Final = 20
"""Ranges of one statement."""
GAP_MOST: Final = 50
"""Ids that are read in vain rather than asking for another range."""
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


def provider_ids(tx: Tx, ids: Sequence[int]) -> dict[int, str]:
    """First part's provider id, or the whole message's, of each of these deliveries (ascending) that has one."""
    found: dict[int, str] = {}
    ranges = list(_ranges(ids))
    for at in range(0, len(ranges), RANGES_AT_ONCE):
        some = ranges[at : at + RANGES_AT_ONCE]
        within = " OR ".join(["delivery_id BETWEEN ? AND ?"] * len(some))
        rows = tx.execute(
            f"SELECT delivery_id, pmid FROM receipt WHERE part <= 0 AND ({within})",  # noqa: S608
            [end for one in some for end in one],
        )
        found |= {row[0]: unpacked(row[1]) for row in rows}
    return found


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
