"""The three state machines of DESIGN 3 as pure code.

A delivery's state is the greatest of all it was ever told, in one total order: so receipts may come shuffled, doubled
or late and the end is the same (peers learned it the hard way: nyaruka/courier#1189).
"""

from __future__ import annotations

from broadcasts.model import AckState, BroadcastState, DeliveryState

B = BroadcastState
D = DeliveryState
A = AckState

BROADCAST_MOVES: dict[BroadcastState, frozenset[BroadcastState]] = {
    B.DRAFT: frozenset({B.PENDING_APPROVAL, B.CANCELLED}),
    B.PENDING_APPROVAL: frozenset({B.SCHEDULED, B.RETURNED, B.REJECTED, B.CANCELLED, B.EXPIRED}),
    B.RETURNED: frozenset({B.PENDING_APPROVAL, B.CANCELLED}),
    B.SCHEDULED: frozenset({B.SENDING, B.CANCELLED, B.EXPIRED}),
    B.SENDING: frozenset({B.SENT, B.CANCELLED, B.EXPIRED}),
    B.SENT: frozenset({B.CLOSED, B.CANCELLED}),
    B.REJECTED: frozenset(),
    B.CLOSED: frozenset(),
    B.CANCELLED: frozenset(),
    B.EXPIRED: frozenset(),
}

OPEN_FOR_ACKNOWLEDGEMENT = frozenset({B.SENDING, B.SENT})

PRECEDENCE: dict[DeliveryState, int] = {
    D.QUEUED: 0,
    D.SENDING: 1,
    D.RETRYING: 1,
    D.SKIPPED: 2,
    D.CANCELLED: 3,
    D.UNKNOWN: 4,  # it did leave: stronger than our own wish to withdraw it
    D.ACCEPTED: 5,
    D.EXPIRED: 6,
    D.FAILED: 7,
    D.DELIVERED: 8,  # corrects a failure that was reported too early
    D.SEEN: 9,
}

RANK: dict[DeliveryState, int | None] = {
    D.QUEUED: 0,
    D.SENDING: 1,
    D.RETRYING: 1,
    D.UNKNOWN: 2,
    D.ACCEPTED: 3,
    D.DELIVERED: 4,
    D.SEEN: 5,
    D.FAILED: None,
    D.EXPIRED: None,
    D.SKIPPED: None,
    D.CANCELLED: None,
}
"""As shown to people (DESIGN 3); None is an end."""

FINAL = frozenset({D.DELIVERED, D.SEEN, D.FAILED, D.EXPIRED, D.SKIPPED, D.CANCELLED})
REACHED = frozenset({D.DELIVERED, D.SEEN})
WORKING = frozenset({D.QUEUED, D.SENDING, D.RETRYING})

_FOLD: list[list[int]] = [
    [event if PRECEDENCE[D(event)] >= PRECEDENCE[D(now)] else now for event in range(len(D))] for now in range(len(D))
]


def fold(now: int, event: int) -> int:
    """The state after `event`, both as the numbers of `DeliveryState`. Monotone, idempotent, order-free."""
    return _FOLD[now][event]


WHOLE = -1
"""In place of a part's number: the provider gave one id, and gives one receipt, for all parts of a message."""


def fold_part(parts: int, parts_done: int, part: int, event: int) -> tuple[int, int | None]:
    """A receipt of one part, or of the `WHOLE`: (new bit mask of delivered parts, event for the message or None).

    The message is as good as its worst part: delivered when all are, failed when one is (SMPP 3.4 has a message id and
    a receipt for each part).
    """
    if event not in (D.DELIVERED, D.SEEN):
        return parts_done, event
    parts_done |= (1 << parts) - 1 if part == WHOLE else 1 << part
    return parts_done, event if parts_done == (1 << parts) - 1 else None


def may_move(now: BroadcastState, to: BroadcastState) -> bool:
    return to in BROADCAST_MOVES[now]


def acknowledge(now: AckState, *, late: bool) -> AckState:
    """What a confirmation makes of a unit's state. The first confirmation stands; a confirmation after a call for help
    does not take the call back."""
    if now in (A.ACKNOWLEDGED, A.ACKNOWLEDGED_LATE, A.NEEDS_HELP):
        return now
    return A.ACKNOWLEDGED_LATE if late else A.ACKNOWLEDGED


STILL_ASKED = frozenset({A.AWAITING, A.UNREACHABLE})
"""Units that the escalation may still write to."""

MARKABLE = frozenset({A.ACKNOWLEDGED, A.NEEDS_HELP, A.UNREACHABLE, A.EXEMPT, A.AWAITING})
"""What an officer may set by hand; `awaiting` takes a wrong mark back."""
