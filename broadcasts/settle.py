"""Move named deliveries of one chunk to a state that we decide ourselves: expired, cancelled, in doubt, retried."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.contract import Priority
from broadcasts.model import DeliveryState
from broadcasts.states import fold
from store import broadcasts, chunks, deliveries, rollcalls
from store.engine import Tx

D = DeliveryState


def settle(tx: Tx, chunk: int, ids: Sequence[int], to: DeliveryState, reason: str, now: float, *, event: bool) -> int:
    """Fold `to` into each delivery, with counters; `event` writes the step into the deliveries' history.

    Returns how many changed. Deliveries in person whose way is in doubt or ended hasten their unit's next step.
    """
    rows = deliveries.rows_of(tx, ids)
    cause = deliveries.cause_id(tx, reason, "")
    delta = [0] * len(D)
    changed = []
    for one in ids:
        old = rows[one][2]
        new = fold(old, to)
        if new != old:
            delta[old] -= 1
            delta[new] += 1
            changed.append(one)
    deliveries.set_status(tx, to, cause, changed)
    chunks.add_counts(tx, {chunk: delta})
    named = deliveries.direct_in(tx, ids[0], ids[-1]) if ids else {}
    if event or named:
        deliveries.add_events(tx, [(one, now, to.word, reason, "") for one in changed])
    if to in (D.UNKNOWN, D.EXPIRED):
        for direct in named.values():
            if direct.unit_code:
                rollcalls.hasten(tx, direct.broadcast_no, direct.unit_code, now)
    return len(changed)


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
    if row.duplicate_ok or claim.priority == Priority.LIFE:
        return 0, settle(tx, chunk, ids, D.RETRYING, "repeated_by_policy", now, event=True)
    unknown = settle(tx, chunk, ids, D.UNKNOWN, "worker_died", now, event=True)
    deliveries.left_between(tx, ids, int(row.started_at or row.created_at), int(now))
    return unknown, 0


def surely_lost(tx: Tx, delivery_id: int, now: float) -> int | None:
    """The provider was asked and never had it: the one case in which `unknown` goes back to be sent again.

    Returns the chunk to announce, None when the delivery is no longer unknown.
    """
    chunk = chunks.holding(tx, delivery_id)
    if chunk is None or deliveries.rows_of(tx, [delivery_id])[delivery_id][2] != D.UNKNOWN:
        return None
    delta = [0] * len(D)
    delta[D.UNKNOWN], delta[D.RETRYING] = -1, 1
    deliveries.set_status(tx, D.RETRYING, deliveries.cause_id(tx, "lost", ""), [delivery_id])
    chunks.add_counts(tx, {chunk: delta})
    deliveries.add_events(tx, [(delivery_id, now, D.RETRYING.word, "lost", "")])
    chunks.reopen(tx, chunk, now)
    return chunk
