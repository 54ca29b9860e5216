"""Receipts: the map from provider ids to deliveries, and receipts that overtake our own commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from store.engine import Tx
from store.provider_ids import packed, unpacked

ORPHAN_DAYS: Final = 3.0
"""How long a receipt without a send is kept: carriers report up to 72 h later."""


def map_receipts(tx: Tx, rows: Iterable[tuple[str, int, int, int]]) -> None:
    """(provider id, account, delivery id, part, -1 for all parts under one id).

    Carriers use ids again after a while: the newest send owns the id."""
    newest = {(pmid, account): (packed(pmid), account, delivery_id, part) for pmid, account, delivery_id, part in rows}
    clause = "(pmid, account) DO UPDATE SET delivery_id = excluded.delivery_id, part = excluded.part"
    tx.insert_many("receipt", ("pmid", "account", "delivery_id", "part"), newest.values(), clause)


Matched = tuple[int, int, int, int, int, int]
"""(delivery id, part, status, parts, parts_done, recipient)"""


def match_receipts(tx: Tx, account: int, pmids: Sequence[str]) -> dict[str, Matched]:
    rows = tx.among(
        "SELECT r.pmid, r.delivery_id, r.part, d.status, d.parts, d.parts_done, d.recipient"
        " FROM receipt r JOIN delivery d ON d.id = r.delivery_id WHERE r.pmid IN (?*) AND r.account = ?",
        [packed(pmid) for pmid in pmids],
        (account,),
    )
    return {unpacked(row[0]): row[1:] for row in rows}


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
    """(provider id, state, code, at) of receipts that waited for these ids; they are gone afterwards."""
    sql = "SELECT pmid, keys, state, code, at FROM receipt_orphan WHERE pmid IN (?*) AND account = ? ORDER BY id"
    rows = tx.among(sql, pmids, (account,))
    tx.executemany("DELETE FROM receipt_orphan WHERE keys = ? AND account = ?", [(row[1], account) for row in rows])
    return [(row[0], row[2], row[3], row[4]) for row in rows]


def count_orphans(tx: Tx) -> int:
    return int(tx.execute("SELECT count(*) FROM receipt_orphan").fetchone()[0])


def forget_orphans(tx: Tx, before: float) -> int:
    return tx.execute("DELETE FROM receipt_orphan WHERE came_at < ?", (before,)).rowcount


def provider_ids(tx: Tx, first_id: int, last_id: int) -> dict[int, str]:
    """First part's provider id, or the whole message's, of each delivery in a range."""
    rows = tx.execute(
        "SELECT delivery_id, pmid FROM receipt WHERE delivery_id BETWEEN ? AND ? AND part <= 0", (first_id, last_id)
    )
    return {row[0]: unpacked(row[1]) for row in rows}
