"""What the clock and the end of work do to a broadcast's own state."""

from __future__ import annotations

from broadcasts.model import BroadcastState, DeliveryState, Kind
from broadcasts.settle import settle
from store import alarms, broadcasts, chunks, deliveries, document_statuses, rollcalls
from store.broadcasts import BroadcastRow
from store.document_statuses import StatusRow
from store.engine import Tx

S = BroadcastState
ASKED_BACK = "13"
"""Document code of a recall (`data/document_codes.toml`)."""
OFFICE = "officer"
"""The way by which a status comes that the office itself sets."""
SYSTEM = "loa"
"""The actor of what nobody pressed."""


def note_sent(tx: Tx, no: int, now: float) -> bool:
    """`sending` becomes `sent` when all is planned and no chunk has anything left to send. Of two workers that end the
    last two chunks at once the second waits for the first, so that one of them finds both ended."""
    row = broadcasts.locked(tx, no)
    if row is None or row.planned_at is None or chunks.open_chunks(tx, no):
        return False
    if not broadcasts.update(tx, no, (S.SENDING,), {"state": S.SENT.value, "sent_at": now}):
        return False
    broadcasts.note(tx, no, now, SYSTEM, "sent")
    return True


def withdraw(tx: Tx, no: int, to: DeliveryState, reason: str, now: float) -> int:
    """Stop every chunk; what surely did not leave ends as `to`. Returns how many deliveries that were."""
    stopped = 0
    for first, last, chunk in chunks.stop(tx, no):
        ids = [one for one in deliveries.working(tx, chunk, last) if one >= first or _waits(tx, one)]
        stopped += settle(tx, chunk, ids, to, reason, now, event=False)
    rollcalls.halt(tx, no)
    return stopped


def _waits(tx: Tx, delivery_id: int) -> bool:
    """Refused for now and not in flight: it is with us, whatever the mark says."""
    return deliveries.rows_of(tx, [delivery_id])[delivery_id][2] == DeliveryState.RETRYING


def expire(tx: Tx, row: BroadcastRow, now: float) -> bool:
    """Nothing of it may leave any more (invariant 8)."""
    live = (S.PENDING_APPROVAL, S.SCHEDULED, S.SENDING)
    if row.valid_until > now or not broadcasts.update(
        tx, row.no, live, {"state": S.EXPIRED.value, "ended_at": now, "reason": "valid_until"}
    ):
        return False
    stopped = withdraw(tx, row.no, DeliveryState.EXPIRED, "expired", now)
    broadcasts.note(tx, row.no, now, SYSTEM, "expired", {"deliveries": stopped})
    return True


def close(tx: Tx, row: BroadcastRow, now: float, why: str) -> bool:
    """The roll-call ends: nobody is asked any more; late confirmations are still written down."""
    if not broadcasts.update(tx, row.no, (S.SENT,), {"state": S.CLOSED.value, "ended_at": now}):
        return False
    rollcalls.halt(tx, row.no)
    broadcasts.note(tx, row.no, now, SYSTEM, "closed", {"why": why})
    return True


def overtaken_by(tx: Tx, row: BroadcastRow) -> str | None:
    """The code of another broadcast that has meanwhile replaced what `row` was to replace; None: nobody did."""
    older = None if row.supersedes is None else broadcasts.by_no(tx, row.supersedes)
    if older is None or older.superseded_by in (None, row.no):
        return None
    newer = broadcasts.by_no(tx, older.superseded_by or 0)
    return newer.code if newer is not None else older.code


def stop_overtaken(tx: Tx, row: BroadcastRow, now: float) -> bool:
    """An approved update whose predecessor somebody else has replaced first does not go out as a second version."""
    by = overtaken_by(tx, row)
    if by is None or not broadcasts.update(
        tx, row.no, (S.SCHEDULED,), {"state": S.CANCELLED.value, "ended_at": now, "reason": "overtaken"}
    ):
        return False
    broadcasts.note(tx, row.no, now, SYSTEM, "cancelled", {"reason": "overtaken", "by": by})
    return True


def stop_changed(tx: Tx, row: BroadcastRow, now: float) -> None:
    """What would leave is not what was approved: nothing of it does, and the duty board rings."""
    values = {"state": S.CANCELLED.value, "ended_at": now, "reason": "content_changed"}
    if broadcasts.update(tx, row.no, (S.SCHEDULED,), values):
        broadcasts.note(tx, row.no, now, SYSTEM, "cancelled", {"reason": "content_changed"})
        alarms.raise_once(tx, "content_changed", row.code, {"name": row.title}, now)


def replace(tx: Tx, old: int, new: int, now: float) -> None:
    """A newer broadcast takes the place of an older one: what did not leave never will, its urging stops, and its
    roll-call is over."""
    if not broadcasts.supersede(tx, old, new):
        return
    stopped = withdraw(tx, old, DeliveryState.CANCELLED, "superseded", now)
    broadcasts.note(tx, old, now, SYSTEM, "superseded", {"by": new, "deliveries": stopped})
    note_sent(tx, old, now)
    row, newer = broadcasts.by_no(tx, old), broadcasts.by_no(tx, new)
    if row is not None:
        close(tx, row, now, "superseded")
    if newer is not None and newer.kind == Kind.CANCEL:
        _ask_back(tx, old, newer, now)


def _ask_back(tx: Tx, old: int, newer: BroadcastRow, now: float) -> None:
    """Code 13, asked back, for every unit that was called upon."""
    units = [ack.unit_code for ack in rollcalls.of_broadcast(tx, old)]
    rows = [StatusRow(unit, ASKED_BACK, now, newer.created_by, OFFICE, newer.code) for unit in units]
    document_statuses.add(tx, old, rows)
