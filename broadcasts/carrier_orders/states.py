"""The state machine of a carrier order, as pure code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from broadcasts.carrier_orders.model import OrderState

S = OrderState

MOVES: Final[dict[OrderState, frozenset[OrderState]]] = {
    S.DRAFT: frozenset({S.PENDING_APPROVAL, S.CANCELLED}),
    S.PENDING_APPROVAL: frozenset({S.APPROVED, S.RETURNED, S.REJECTED, S.CANCELLED}),
    S.RETURNED: frozenset({S.PENDING_APPROVAL, S.CANCELLED}),
    S.APPROVED: frozenset({S.SENT, S.ACKNOWLEDGED, S.REPORTED, S.ARCHIVED, S.CANCELLED}),
    S.SENT: frozenset({S.ACKNOWLEDGED, S.REPORTED, S.ARCHIVED, S.CANCELLED}),
    S.ACKNOWLEDGED: frozenset({S.REPORTED, S.ARCHIVED, S.CANCELLED}),
    S.REPORTED: frozenset({S.ARCHIVED}),
    S.REJECTED: frozenset(),
    S.ARCHIVED: frozenset(),
    S.CANCELLED: frozenset(),
}
"""An officer may archive an order that some carrier never answered: the record then says so."""

EDITABLE: Final = (S.DRAFT, S.RETURNED)
CANCELLABLE: Final = tuple(state for state in S if S.CANCELLED in MOVES[state])
ARCHIVABLE: Final = tuple(state for state in S if S.ARCHIVED in MOVES[state])
LEFT: Final = (S.APPROVED, S.SENT, S.ACKNOWLEDGED, S.REPORTED)
"""Carriers may answer."""
HAS_COPIES: Final = (*LEFT, S.ARCHIVED, S.CANCELLED)


class Progress(Protocol):
    """What of a carrier's copy decides about the whole order."""

    @property
    def handed_at(self) -> float | None: ...

    @property
    def acknowledged_at(self) -> float | None: ...

    @property
    def reported_at(self) -> float | None: ...


def reached(now: OrderState, copies: Iterable[Progress]) -> OrderState:
    """How far the order is: as far as its slowest carrier, and never back. Only `LEFT` states move by themselves."""
    if now not in LEFT:
        return now
    return max(now, min((_one(copy) for copy in copies), default=now, key=LEFT.index), key=LEFT.index)


def _one(copy: Progress) -> OrderState:
    """A count is an acknowledgement, and an acknowledgement proves that the order arrived."""
    if copy.reported_at is not None:
        return S.REPORTED
    if copy.acknowledged_at is not None:
        return S.ACKNOWLEDGED
    return S.SENT if copy.handed_at is not None else S.APPROVED
