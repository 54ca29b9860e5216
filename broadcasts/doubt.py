"""What becomes of deliveries whose worker died while they were in flight, and of those that a provider never had."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.contract import Priority
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import DeliveryState
from broadcasts.outcomes import REPEATED
from broadcasts.settle import settle
from store import broadcasts, chunks, deliveries
from store.broadcasts import BroadcastRow
from store.engine import Tx

D = DeliveryState


def resolve_doubt(tx: Tx, chunk: int, now: float) -> tuple[int, int]:
    """After its worker died: what may have left becomes `unknown`, or is tried again where the broadcast says that a
    duplicate is better than silence, as it always is for an answer to a cry for help. Each one is listed in its
    history. Returns (unknown, repeated)."""
    claim = chunks.one(tx, chunk)
    if claim is None:
        return 0, 0
    ids = deliveries.in_doubt(tx, claim.chunk, claim.last_id, claim.hwm)
    row = broadcasts.by_no(tx, claim.broadcast_no)
    if not ids or row is None:
        return 0, 0
    if (row.duplicate_ok or claim.priority == Priority.LIFE) and not chunks.is_withdrawn(tx, chunk):
        repeated = settle(tx, chunk, ids, D.RETRYING, REPEATED, now, event=True)
        _tell(tx, row, now, "repeated", REPEATED, ids)
        return 0, repeated
    unknown = settle(tx, chunk, ids, D.UNKNOWN, "worker_died", now, event=True)
    deliveries.left_between(tx, ids, int(row.started_at or row.created_at), int(now))
    _tell(tx, row, now, "in_doubt", "worker_died", ids)
    return unknown, 0


def _tell(tx: Tx, row: BroadcastRow, now: float, event: str, reason: str, ids: Sequence[int]) -> None:
    """Into the timeline, with every delivery that it is about: `ranges` are first and last ids."""
    if row.kind != broadcasts.SINGLE:
        detail = {"reason": reason, "deliveries": len(ids), "ranges": ranges(ids)}
        broadcasts.note(tx, row.no, now, SYSTEM, event, detail)


def ranges(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending ids as runs without a gap: (first, last) of each."""
    starts = [one for place, one in enumerate(ids) if not place or ids[place - 1] != one - 1]
    ends = [one for place, one in enumerate(ids) if place == len(ids) - 1 or ids[place + 1] != one + 1]
    return list(zip(starts, ends, strict=True))


def surely_lost(tx: Tx, delivery_id: int, now: float) -> int | None:
    """The provider was asked and never had it: the one case in which `unknown` goes back to be sent again.

    Returns the chunk to announce, None when the delivery is no longer unknown.
    """
    chunk = chunks.holding(tx, delivery_id)
    row = deliveries.rows_of(tx, [delivery_id])[delivery_id]
    if chunk is None or row[2] != D.UNKNOWN:
        return None
    delta = [0] * len(D)
    delta[D.UNKNOWN], delta[D.RETRYING] = -1, 1
    deliveries.settle(tx, D.RETRYING, deliveries.cause_id(tx, "lost", ""), [row])
    chunks.add_counts(tx, {chunk: delta})
    deliveries.add_events(tx, [(delivery_id, now, D.RETRYING.word, "lost", "")])
    chunks.reopen(tx, chunk, now)
    return chunk
