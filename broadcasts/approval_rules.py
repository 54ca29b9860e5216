"""What an office decides about approving: who may, when, who is asked next, and what one officer may send alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from text.dates import OFFICE_ZONE, local

NEXT_AFTER_SECONDS: Final = 5 * 60.0
"""Without a decision for so long, the next approver is asked: source 000's chain of signatures took 41 minutes, and a
storm bulletin is two hours old by then."""
BREAK_GLASS_AFTER_SECONDS: Final = 10 * 60.0
"""Without a decision for so long, the officer may send alone: two approvers were asked by then."""
REVIEW_AT: Final = "07:00"
"""When a review of what was sent alone is asked for: the morning hand-over of a 24-hour watch."""


class WhoApproves(StrEnum):
    """`any`: every approver at any time. `on_duty`: those on shift and those who always may; where the roster has no
    approver at that time, every one, for a gap in the roster must not stop a warning."""

    ANY = "any"
    ON_DUTY = "on_duty"


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """The `[approval]` settings."""

    who: WhoApproves = WhoApproves.ANY
    always: tuple[str, ...] = ()
    """Names of staff who may approve whatever the roster says."""
    next_after: float = NEXT_AFTER_SECONDS
    break_glass: bool = True
    break_glass_after: float = BREAK_GLASS_AFTER_SECONDS
    flash_at_once: bool = False
    """A flash warning (hoả tốc) need not wait for an answer."""
    review_at: str = REVIEW_AT
    """HH:MM on the office's clock."""


ANY_APPROVER: Final = ApprovalRules()
"""As it is without settings."""


def next_review(at: float, review_at: str) -> float:
    """The first such time of day after `at`."""
    when = local(at)
    due = datetime.combine(when.date(), time.fromisoformat(review_at), OFFICE_ZONE)
    return (due if due > when else due + timedelta(days=1)).timestamp()


def latest_review(at: float, review_at: str) -> float:
    """The last such time of day that is not after `at`."""
    return next_review(at, review_at) - timedelta(days=1).total_seconds()
