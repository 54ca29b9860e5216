"""What people answer to "please post this", in place of a provider's codes."""

from __future__ import annotations

from adapters.contract import Accepted, Outcome, ReceiptState, RejectClass, Rejected

WAITING = "waiting_for_person"
POSTED = "posted"
DECLINED = "declined"
EXPIRED = "expired"

RECEIPTS = {POSTED: ReceiptState.ACCEPTED, DECLINED: ReceiptState.FAILED, EXPIRED: ReceiptState.EXPIRED}


def outcome(answer: str, reference: str) -> Outcome | None:
    """None while nobody has answered."""
    if answer == POSTED:
        return Accepted((reference,), POSTED)
    if answer in (DECLINED, EXPIRED):
        return Rejected(answer, RejectClass.RECIPIENT if answer == DECLINED else RejectClass.TEXT, answer)
    return None
