"""What the watch looks at across the ledger, what it has found, and proofs of each channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from store.broadcasts import SINGLE
from store.engine import Tx

BEAT = "watch.beat"
"""Key of the row that is written to know that the ledger can be written."""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """Times are epoch seconds; `ended_at` None: it still holds, `told_at` None: nobody was told."""

    kind: str
    subject: str
    params: dict[str, Any]
    since: float
    seen_at: float
    told_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class LinkTestRow:
    """`status` is the delivery's, as the numbers of `DeliveryState`; `done_at` 0 where nothing ended it."""

    channel: str
    at: float
    made_by: str
    delivery_id: int
    status: int
    sent_at: int
    done_at: int


@dataclass(frozen=True, slots=True)
class Idle:
    """Deliveries of one broadcast and channel that wait although nobody works at them."""

    code: str
    channel: str
    waiting: int
    has_page: bool
    """False for answers and single messages, which ride in a broadcast that is never listed."""


_FINDING = "kind, subject, params, since, seen_at, told_at, ended_at"


def findings(tx: Tx, *, open_only: bool = True) -> list[FindingRow]:
    where = " WHERE ended_at IS NULL" if open_only else ""
    rows = tx.execute(f"SELECT {_FINDING} FROM watch_finding{where} ORDER BY since, kind, subject")  # noqa: S608
    return [FindingRow(row[0], row[1], orjson.loads(row[2]), *row[3:]) for row in rows]


def save(tx: Tx, row: FindingRow) -> None:
    tx.execute(
        f"INSERT INTO watch_finding ({_FINDING}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        " ON CONFLICT (kind, subject) DO UPDATE SET params = excluded.params, since = excluded.since,"
        " seen_at = excluded.seen_at, told_at = excluded.told_at, ended_at = excluded.ended_at",
        (
            row.kind, row.subject, orjson.dumps(row.params).decode(), row.since, row.seen_at, row.told_at, row.ended_at,
        ),
    )  # fmt: skip


def end_alarm(tx: Tx, kind: str, subject: str, by: str, at: float) -> bool:
    """What is mended rings no more."""
    done = tx.execute(
        "UPDATE alarm SET taken_by = ?, taken_at = ? WHERE kind = ? AND subject = ? AND taken_at IS NULL",
        (by, at, kind, subject),
    )
    return done.rowcount > 0


def add_link_test(tx: Tx, channel: str, at: float, delivery_id: int, made_by: str) -> None:
    tx.execute(
        "INSERT INTO link_test (channel, at, delivery_id, made_by) VALUES (?, ?, ?, ?)",
        (channel, at, delivery_id, made_by),
    )


def last_link_tests(tx: Tx) -> dict[str, LinkTestRow]:
    """Channel → its newest test, with how far it got."""
    return _link_tests(tx, "")


def proven_links(tx: Tx, reached: tuple[int, ...]) -> Mapping[str, float]:
    """Channel → when a test of it last came to one of these states."""
    marks = ", ".join("?" * len(reached))
    rows = tx.execute(
        "SELECT t.channel, max(CASE WHEN d.done_at > 0 THEN d.done_at ELSE d.sent_at END) FROM link_test t"  # noqa: S608
        f" JOIN delivery d ON d.id = t.delivery_id WHERE d.status IN ({marks}) GROUP BY t.channel",
        reached,
    )
    return {row[0]: float(row[1]) for row in rows if row[1]}


def _link_tests(tx: Tx, where: str) -> dict[str, LinkTestRow]:
    rows = tx.execute(
        "SELECT t.channel, t.at, t.made_by, t.delivery_id, d.status, d.sent_at, d.done_at FROM link_test t"  # noqa: S608
        f" JOIN delivery d ON d.id = t.delivery_id{where} ORDER BY t.id"
    )
    return {row[0]: LinkTestRow(*row) for row in rows}


def idle_chunks(tx: Tx, before: float) -> list[Idle]:
    """What could have been sent since `before` and that no worker touched since then. Chunks of a long list that wait
    their turn are none: somebody works at that list."""
    rows = tx.execute(
        "SELECT b.code, c.channel, sum(c.c_queued + c.c_sending + c.c_retrying), b.kind FROM chunk c"
        " JOIN broadcast b ON b.no = c.broadcast_no WHERE c.state < 2"
        " GROUP BY b.code, b.kind, c.channel"
        " HAVING max(c.lease_until) < ? AND max(c.next_try_at) < ? AND sum(c.c_queued + c.c_sending + c.c_retrying) > 0"
        " AND max(coalesce(b.started_at, b.created_at)) < ?",
        (before, before, before),
    )
    return [Idle(row[0], row[1], int(row[2]), row[3] != SINGLE) for row in rows]


def unknown_outcomes(tx: Tx, since: float, before: float) -> list[tuple[str, int]]:
    """(code, how many) of broadcasts that began in this time and have deliveries without an outcome."""
    rows = tx.execute(
        "SELECT b.code, sum(c.c_unknown) FROM broadcast b JOIN chunk c ON c.broadcast_no = b.no"
        " WHERE b.started_at >= ? AND b.started_at < ? GROUP BY b.no HAVING sum(c.c_unknown) > 0 ORDER BY b.no DESC",
        (since, before),
    )
    return [(row[0], int(row[1])) for row in rows]


def oldest_unread(tx: Tx) -> float | None:
    """When the oldest message came in that nothing has looked at yet."""
    row = tx.execute("SELECT min(came_at) FROM inbox WHERE state = 'new'").fetchone()
    return None if row is None or row[0] is None else float(row[0])
