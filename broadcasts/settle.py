"""Move named deliveries of one chunk to a state that we decide ourselves: expired, cancelled, in doubt, retried."""

from __future__ import annotations

from collections.abc import Sequence

from broadcasts.model import DeliveryState
from broadcasts.states import fold
from store import chunks, deliveries, rollcalls
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
    deliveries.settle(tx, to, cause, [rows[one] for one in changed])
    chunks.add_counts(tx, {chunk: delta})
    named = deliveries.direct_in(tx, ids[0], ids[-1]) if ids else {}
    if event or named:
        deliveries.add_events(tx, [(one, now, to.word, reason, "") for one in changed])
    if to in (D.UNKNOWN, D.EXPIRED):
        for direct in named.values():
            if direct.unit_code:
                rollcalls.hasten(tx, direct.broadcast_no, direct.unit_code, now)
    return len(changed)
