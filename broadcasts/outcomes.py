"""What a provider's answer to one send asks for: the state, the reason, whether and when to try again. Pure."""

from __future__ import annotations

from adapters.contract import ELSEWHERE, PARTS_MOST, Accepted, Outcome, RejectClass, Rejected, Unknown
from broadcasts.model import DeliveryState

D = DeliveryState
ATTEMPTS_MAX = 12
"""Refusals of one delivery by a provider's fault before we give it up; with the back-off below, about ten minutes."""
BACK_OFF_FIRST_SECONDS = 1.0
BACK_OFF_MAX_SECONDS = 60.0
REPEATED = "repeated_by_policy"
"""The reason of a second try of what may have left: listed, since somebody may have it twice."""
NO_PENALTY = frozenset({"throttled", "link_down", "queue_full", ELSEWHERE})
"""Refusals that say nothing about the message: they do not count as attempts."""
HOLDING = frozenset({RejectClass.CONFIG, RejectClass.QUOTA})
"""Refusals of our account by a provider: nothing passes until an operator mends something or pays. A unit goes on to
its next way; a number of a list has no other, so it waits until then, or until the end of validity."""


def event_of(outcome: Outcome, attempts: int, *, to_list: bool) -> tuple[DeliveryState, str]:
    """(state that the outcome asks for, our reason)"""
    if isinstance(outcome, Accepted):
        return D.ACCEPTED, ""
    if isinstance(outcome, Unknown):
        return D.UNKNOWN, outcome.why
    if outcome.cls is RejectClass.DUPLICATE:
        return D.ACCEPTED, outcome.reason
    if outcome.reason == "expired":
        return D.EXPIRED, outcome.reason
    if is_held(outcome, to_list=to_list):
        return D.RETRYING, outcome.reason
    if outcome.cls is not RejectClass.RETRY_LATER:
        return D.FAILED, outcome.reason
    if attempts + 1 >= ATTEMPTS_MAX and outcome.reason not in NO_PENALTY:
        return D.FAILED, "retries_exhausted"
    return D.RETRYING, outcome.reason


def is_held(outcome: Outcome, *, to_list: bool) -> bool:
    """Whether a delivery waits for an operator, see `HOLDING`."""
    return to_list and isinstance(outcome, Rejected) and outcome.cls in HOLDING


def parts_of(outcome: Outcome) -> int:
    """How many parts a message has as far as its outcome tells; a refusal tells nothing of it."""
    if isinstance(outcome, Rejected):
        return 0
    return min(PARTS_MOST, max(len(outcome.provider_ids), outcome.parts if isinstance(outcome, Accepted) else 0))


def back_off(attempts: int) -> float:
    """Seconds until the next try: 1, 2, 4 … 60."""
    return float(min(BACK_OFF_MAX_SECONDS, BACK_OFF_FIRST_SECONDS * 2 ** min(attempts, 10)))
