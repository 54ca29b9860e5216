"""Chunks: the unit of claim. A chunk is an id range; its first delivery's id is its own.

The SQL here decides who may send what: a claim is a lease with a fencing token, and every later write of the claimer
carries the token (DESIGN 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from store.engine import Tx

QUEUED, CLAIMED, DONE, CANCELLED = range(4)

ORDINAL_BITS = 24
"""A delivery's id is broadcast_no << 24 | ordinal: up to 16.7 million deliveries a broadcast."""
CHUNK_SIZE = 1_000
"""Most deliveries of one chunk: bookkeeping costs a thousandth a message."""

STATE_COLUMNS = (
    "c_queued",
    "c_sending",
    "c_retrying",
    "c_unknown",
    "c_accepted",
    "c_delivered",
    "c_seen",
    "c_failed",
    "c_expired",
    "c_skipped",
    "c_cancelled",
)
"""In the order of the numbers in `delivery.status`."""
_COUNTS = ", ".join(STATE_COLUMNS)
_ADD = tuple(f"{column} = {column} + ?" for column in STATE_COLUMNS)
_SUMS = ", ".join(f"coalesce(sum({c}), 0)" for c in STATE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that this worker holds until `lease_until`."""

    chunk: int
    last_id: int
    broadcast_no: int
    channel: str
    step: int
    priority: int
    token: int
    hwm: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued chunk, for the lanes."""

    chunk: int
    channel: str
    priority: int
    next_try_at: float


def insert(
    tx: Tx, first_id: int, last_id: int, broadcast_no: int, channel: str, step: int, priority: int, next_try_at: float
) -> None:
    tx.execute(
        "INSERT INTO chunk (id, last_id, broadcast_no, channel, step, priority, hwm, next_try_at, c_queued)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (first_id, last_id, broadcast_no, channel, step, priority, first_id, next_try_at, last_id - first_id + 1),
    )


def claim(tx: Tx, chunk: int, owner: str, now: float, lease_until: float) -> Claim | None:
    """Take a queued chunk. None: somebody else has it, or there is nothing to do yet. One whose lease ran out is first
    looked through for what may have left (`broadcasts.doubt`), then queued again."""
    row = tx.execute(
        "UPDATE chunk SET state = 1, owner = ?, token = token + 1, lease_until = ?"
        " WHERE id = ? AND next_try_at <= ? AND state = 0"
        " RETURNING id, last_id, broadcast_no, channel, step, priority, token, hwm",
        (owner, lease_until, chunk, now),
    ).fetchone()
    return Claim(*row) if row else None


def raise_hwm(tx: Tx, chunk: int, token: int, hwm: int, lease_until: float) -> bool:
    """Commit that ids below `hwm` may leave from now on. False: the claim is lost, send nothing more."""
    return (
        tx.execute(
            "UPDATE chunk SET hwm = CASE WHEN hwm > ? THEN hwm ELSE ? END, lease_until = ?"
            " WHERE id = ? AND token = ? AND state = 1",
            (hwm, hwm, lease_until, chunk, token),
        ).rowcount
        == 1
    )


def lower_hwm(tx: Tx, chunk: int, token: int, hwm: int) -> bool:
    """Take a mark back whose ids surely did not leave: only the claimer itself can know that."""
    return (
        tx.execute("UPDATE chunk SET hwm = ? WHERE id = ? AND token = ? AND state = 1", (hwm, chunk, token)).rowcount
        == 1
    )


def renew(tx: Tx, chunk: int, token: int, lease_until: float) -> bool:
    """Keep a claim whose answers are still to come."""
    return (
        tx.execute(
            "UPDATE chunk SET lease_until = ? WHERE id = ? AND token = ? AND state = 1", (lease_until, chunk, token)
        ).rowcount
        == 1
    )


def release(tx: Tx, chunk: int, token: int, next_try_at: float) -> bool:
    """Give a chunk back for another pass."""
    return (
        tx.execute(
            "UPDATE chunk SET state = 0, owner = '', lease_until = 0, next_try_at = ?"
            " WHERE id = ? AND token = ? AND state = 1",
            (next_try_at, chunk, token),
        ).rowcount
        == 1
    )


def finish(tx: Tx, chunk: int, token: int) -> bool:
    return (
        tx.execute(
            "UPDATE chunk SET state = 2, owner = '', lease_until = 0 WHERE id = ? AND token = ? AND state = 1",
            (chunk, token),
        ).rowcount
        == 1
    )


def reopen(tx: Tx, chunk: int, next_try_at: float) -> None:
    """A finished chunk has work again (an officer resends)."""
    tx.execute("UPDATE chunk SET state = 0, next_try_at = ? WHERE id = ? AND state = 2", (next_try_at, chunk))


def add_counts(tx: Tx, deltas: Mapping[int, Iterable[int]]) -> None:
    """Per chunk the eleven differences, in the order of `STATE_COLUMNS`. Rows are changed in the order of their ids
    (`Tx.update_many`), so that two who count in several at once do not wait for each other."""
    tx.update_many("chunk", _ADD, [(*deltas[chunk], chunk) for chunk in deltas])


def ranges(tx: Tx, broadcast_no: int) -> list[tuple[int, int]]:
    """(first id, last id) of the broadcast's chunks in order: to find the chunk of a delivery id."""
    rows = tx.execute("SELECT id, last_id FROM chunk WHERE broadcast_no = ? ORDER BY id", (broadcast_no,))
    return [(row[0], row[1]) for row in rows]


def expired_leases(tx: Tx, now: float, owner_gone: str | None = None) -> list[int]:
    """Chunks that somebody holds and nobody works on any more, also such as were withdrawn while something of them was
    in flight. `owner_gone`: every owner but this one is known to be dead."""
    if owner_gone is not None:
        rows = tx.execute("SELECT id FROM chunk WHERE owner <> '' AND owner <> ? ORDER BY id", (owner_gone,))
    else:
        rows = tx.execute("SELECT id FROM chunk WHERE owner <> '' AND lease_until < ? ORDER BY id", (now,))
    return [row[0] for row in rows]


def requeue(tx: Tx, chunk: int, now: float) -> None:
    """Back to the queue with a new token, so that a claimer that still lives can write nothing more. A chunk that was
    withdrawn stays so; nobody holds it any more."""
    tx.execute(
        "UPDATE chunk SET state = CASE WHEN state = 1 THEN 0 ELSE state END, owner = '', lease_until = 0,"
        " token = token + 1, next_try_at = ? WHERE id = ? AND owner <> ''",
        (now, chunk),
    )


def waiting(tx: Tx, limit: int) -> list[Waiting]:
    rows = tx.execute(
        "SELECT id, channel, priority, next_try_at FROM chunk WHERE state = 0 ORDER BY priority, id LIMIT ?", (limit,)
    )
    return [Waiting(*row) for row in rows]


def one(tx: Tx, chunk: int) -> Claim | None:
    """The chunk as it stands, whoever holds it."""
    row = tx.execute(
        "SELECT id, last_id, broadcast_no, channel, step, priority, token, hwm FROM chunk WHERE id = ?", (chunk,)
    ).fetchone()
    return Claim(*row) if row else None


def is_withdrawn(tx: Tx, chunk: int) -> bool:
    row = tx.execute("SELECT state FROM chunk WHERE id = ?", (chunk,)).fetchone()
    return row is not None and row[0] == CANCELLED


def holding(tx: Tx, delivery_id: int) -> int | None:
    """The chunk that a delivery belongs to."""
    row = tx.execute("SELECT id, last_id FROM chunk WHERE id <= ? ORDER BY id DESC LIMIT 1", (delivery_id,)).fetchone()
    return int(row[0]) if row and row[1] >= delivery_id else None


def open_chunks(tx: Tx, broadcast_no: int) -> int:
    """How many chunks of the broadcast still have something to send."""
    row = tx.execute("SELECT count(*) FROM chunk WHERE broadcast_no = ? AND state < 2", (broadcast_no,)).fetchone()
    return int(row[0])


def counts(tx: Tx, broadcast_no: int) -> list[int]:
    """Deliveries by state, summed over the chunks."""
    return list(tx.execute(f"SELECT {_SUMS} FROM chunk WHERE broadcast_no = ?", (broadcast_no,)).fetchone())  # noqa: S608


def open_to_numbers(tx: Tx, broadcast_no: int, priority: int, channels: Sequence[str]) -> tuple[int, int]:
    """Deliveries to lists (of a priority of their own) that may still hear of their fate: (accepted, unknown)."""
    marks = ", ".join("?" * len(channels))
    row = tx.execute(
        "SELECT coalesce(sum(c_accepted), 0), coalesce(sum(c_unknown), 0) FROM chunk"  # noqa: S608
        f" WHERE broadcast_no = ? AND priority = ? AND channel IN ({marks})",
        (broadcast_no, priority, *channels),
    ).fetchone()
    return int(row[0]), int(row[1])


def stop(tx: Tx, broadcast_no: int) -> list[tuple[int, int, int]]:
    """Withdraw every chunk that still has something to send: (first id that surely did not leave, last id, chunk). Who
    holds one keeps it until its lease ends: what is in flight then, and its answer never came, is in doubt."""
    rows = tx.execute(
        "UPDATE chunk SET state = 3, token = token + 1 WHERE broadcast_no = ? AND state < 2 RETURNING hwm, last_id, id",
        (broadcast_no,),
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]
