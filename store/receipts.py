"""Receipts: the map from provider ids to deliveries, and receipts that overtake our own commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from store import deliveries
from store.engine import Tx
from store.partitions import day_of
from store.provider_ids import all_packed, unpacked

ORPHAN_DAYS: Final = 3.0
"""How long a receipt without a send is kept: carriers report up to 72 h later."""
RECEIPT_DAYS: Final = 1
"""Days before this one in which a receipt is looked for first: the days that lists of numbers are in."""


COLUMNS: Final = ("pmid", "account", "delivery_id", "part", "day")


def map_receipts(tx: Tx, rows: Iterable[tuple[str, int, int, int]], now: float) -> None:
    """(provider id, account, delivery id, part, -1 for all parts under one id).

    Carriers use ids again after a while: the newest send owns the id."""
    day = day_of(now)
    newest = {(row[0], row[1]): row for row in rows}
    kept = all_packed([pmid for pmid, _ in newest])
    given = [(pmid, row[1], row[2], row[3], day) for pmid, row in zip(kept, newest.values(), strict=True)]
    if tx.insert_many("receipt", COLUMNS, given, "DO NOTHING") == len(given):
        return
    for account in {account for _, account in newest}:
        pmids = [row[0] for row in given if row[1] == account]
        tx.among("DELETE FROM receipt WHERE pmid IN (?*) AND account = ?", pmids, (account,))
    tx.insert_many("receipt", COLUMNS, given)


Matched = tuple[int, int, int, int, int, int, int]
"""(delivery id, part, status, parts, parts_done, recipient, attempts)"""


def match_receipts(
    tx: Tx, account: int, pmids: Sequence[str], now: float, *, any_day: bool = True
) -> dict[str, Matched]:
    """The deliveries that these ids mean. First among what left lately, as nearly all did; then, `any_day`, among all:
    what a person reads after a week is found, too."""
    wanted = all_packed(pmids)
    found = _matched(tx, account, wanted, _lately(now))
    others = [pmid for pmid in wanted if pmid not in found]
    if others and any_day:
        found |= _matched(tx, account, others, ANY_DAY)
    return {unpacked(pmid): matched for pmid, matched in found.items()}


def _matched(tx: Tx, account: int, pmids: Sequence[bytes], days: str) -> dict[bytes, Matched]:
    newest = _meant(tx, account, pmids, days)
    known = deliveries.rows_of(tx, sorted({delivery_id for delivery_id, _ in newest.values()}))
    return {
        pmid: (delivery_id, part, row[2], row[4], row[5], row[1], row[3])
        for pmid, (delivery_id, part) in newest.items()
        if (row := known.get(delivery_id)) is not None
    }


def meant(tx: Tx, account: int, pmids: Sequence[str], now: float) -> dict[str, tuple[int, int]]:
    """(delivery id, part) of each of these ids that left lately; nearly all did today."""
    wanted = dict(zip(all_packed(pmids), pmids, strict=True))
    found = _meant(tx, account, list(wanted), f"day = {day_of(now)}")
    others = [pmid for pmid in wanted if pmid not in found] if len(found) < len(wanted) else []
    if others:
        found |= _meant(tx, account, others, _lately(now))
    return {wanted[pmid]: means for pmid, means in found.items()}


ANY_DAY: Final = "day >= 0"


def _lately(now: float) -> str:
    """Days as they stand in a statement: PostgreSQL then plans for these partitions alone, and once."""
    today = day_of(now)
    return f"day IN ({', '.join(str(day) for day in range(today - RECEIPT_DAYS, today + 2))})"


def _meant(tx: Tx, account: int, pmids: Sequence[bytes], days: str) -> dict[bytes, tuple[int, int]]:
    found = f"SELECT pmid, delivery_id, part FROM receipt WHERE pmid IN (?*) AND account = ? AND {days}"  # noqa: S608
    by_day = "" if days.startswith("day =") else " ORDER BY day"
    return {pmid: (delivery_id, part) for pmid, delivery_id, part in tx.among(found + by_day, pmids, (account,))}


@dataclass(frozen=True, slots=True)
class Orphan:
    """A receipt that no send claims yet. `keys` are the id's forms, exact first."""

    account: int
    keys: tuple[str, ...]
    state: str
    code: str
    at: float


def insert_orphans(tx: Tx, orphans: Iterable[Orphan], now: float) -> None:
    tx.insert_many(
        "receipt_orphan",
        ("account", "pmid", "keys", "state", "code", "at", "came_at"),
        [(o.account, key, "\n".join(o.keys), o.state, o.code, o.at, now) for o in orphans for key in o.keys],
    )


def take_orphans(tx: Tx, account: int, pmids: Sequence[str]) -> list[tuple[str, str, str, float]]:
    """(provider id, state, code, at) of receipts that waited for these ids; they are gone afterwards, under the other
    forms of their ids, too."""
    columns = "SELECT id, pmid, keys, state, code, at FROM receipt_orphan"
    rows = tx.among(f"{columns} WHERE pmid IN (?*) AND account = ? ORDER BY id", pmids, (account,))
    known_as = {row[2] for row in rows}
    others = sorted({form for keys in known_as for form in keys.split("\n")} - set(pmids))
    also = tx.among("SELECT id, keys FROM receipt_orphan WHERE pmid IN (?*) AND account = ?", others, (account,))
    gone = [row[0] for row in rows] + [row[0] for row in also if row[1] in known_as]
    tx.among("DELETE FROM receipt_orphan WHERE id IN (?*)", gone)
    return [(row[1], row[3], row[4], row[5]) for row in rows]


def waiting_since(tx: Tx, since: float, limit: int) -> list[tuple[str, int]]:
    """(provider id, account) of receipts that came since then and wait for their send."""
    rows = tx.execute("SELECT pmid, account FROM receipt_orphan WHERE came_at >= ? LIMIT ?", (since, limit))
    return [(row[0], row[1]) for row in rows]


def count_orphans(tx: Tx) -> int:
    return int(tx.execute("SELECT count(*) FROM receipt_orphan").fetchone()[0])


def forget_orphans(tx: Tx, before: float) -> int:
    return tx.execute("DELETE FROM receipt_orphan WHERE came_at < ?", (before,)).rowcount
