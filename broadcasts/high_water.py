"""The high-water mark of a chunk: what is committed before a window leaves (docs/decisions/0004)."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.contract import Envelope
from broadcasts.model import DeliveryState
from store import chunks, deliveries
from store.chunks import Claim
from store.engine import Tx


def raise_mark(tx: Tx, claim: Claim, window: Sequence[Envelope], lease_until: float) -> set[int] | None:
    """This window may leave: the mark for new ids, `sending` for ids that are tried again. Renews the claim.

    Returns ids that are not to be sent any more since they were read, or None when the claim is lost.
    """
    if not chunks.raise_hwm(tx, claim.chunk, claim.token, window[-1].delivery_id + 1, lease_until):
        return None
    withdrawn = deliveries.withdrawn(tx, [one.delivery_id for one in window])
    staying = [one for one in window if one.delivery_id not in withdrawn]
    return withdrawn | _move(tx, claim, staying, DeliveryState.RETRYING, DeliveryState.SENDING)


def lower_mark(tx: Tx, claim: Claim, window: Sequence[Envelope]) -> None:
    """This window was marked and stays here after all."""
    if chunks.lower_hwm(tx, claim.chunk, claim.token, max(claim.hwm, window[0].delivery_id)):
        _move(tx, claim, window, DeliveryState.SENDING, DeliveryState.RETRYING)


def _move(tx: Tx, claim: Claim, window: Sequence[Envelope], old: DeliveryState, new: DeliveryState) -> set[int]:
    """Ids below the mark that we claimed with are second tries: their state says whether they are in flight. Gives back
    those that are no longer `old`: their provider spoke meanwhile."""
    again = [one.delivery_id for one in window if one.delivery_id < claim.hwm]
    if not again:
        return set()
    moved = deliveries.move(tx, again, old, new)
    delta = [0] * len(DeliveryState)
    delta[old], delta[new] = -len(moved), len(moved)
    chunks.add_counts(tx, {claim.chunk: delta})
    return set(again) - moved
