"""Two people at one draft: the second is told who was faster, and when."""

from __future__ import annotations

from typing import Final

from broadcasts.model import Refusal, RefusalKind
from store import broadcasts
from store.broadcasts import BroadcastRow
from store.engine import Tx
from text.dates import moment

EVENTS_READ: Final = 1_000


def edited_meanwhile(tx: Tx, row: BroadcastRow) -> Refusal:
    """`by` and `at` of the newest edit."""
    edits = [event for event in broadcasts.timeline(tx, row.no, 0, EVENTS_READ) if event[3] == "edited"]
    by, at = (edits[-1][2], moment(edits[-1][1])) if edits else (row.created_by, moment(row.created_at))
    return Refusal(RefusalKind.STALE, "edited_meanwhile", code=row.code, by=by, at=at)
