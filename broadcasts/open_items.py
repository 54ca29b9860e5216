"""What is open when a watch ends: read in one go, as plain items that a note is drafted from."""

from __future__ import annotations

from typing import Any, Final

from broadcasts.exercises import name_of
from broadcasts.model import AckState, BroadcastState
from directory.roster import gaps
from directory.units import UnitCatalogue
from store import alarms, break_glass, broadcasts, chunks, damage_reports, inbox, rollcalls
from store.broadcasts import BroadcastRow
from store.engine import Tx

S = BroadcastState
NAMED_MOST: Final = 10
"""Unreached units that one line names; the roll-call has them all."""
ROUNDS_LOOKED: Final = 20
INBOX_LOOKED: Final = 200
"""Messages looked through for the oldest that waits for a person."""
CONFIRMED: Final = (AckState.ACKNOWLEDGED, AckState.ACKNOWLEDGED_LATE, AckState.NEEDS_HELP)

Item = dict[str, Any]
"""`{"kind", …}`; times are epoch seconds. Kinds: alarm, approval, broadcast, review, scheduled, round, inbox, gap."""


def open_items(tx: Tx, catalogue: UnitCatalogue, now: float) -> list[Item]:
    """Most pressing first."""
    return [
        *_alarms(tx),
        *_approvals(tx),
        *(_broadcast(tx, catalogue, row) for row in broadcasts.in_states(tx, (S.SENDING, S.SENT))),
        *_reviews(tx),
        *_scheduled(tx),
        *_rounds(tx, catalogue, now),
        *_inbox(tx),
        *({"kind": "gap", "duty": one.duty.value, "at": one.start, "to": one.end} for one in gaps(tx, now)),
    ]


def _alarms(tx: Tx) -> list[Item]:
    return [
        {"kind": "alarm", "alarm": one.kind, "subject": _subject(tx, one), "at": one.at} for one in alarms.ringing(tx)
    ]


def _subject(tx: Tx, alarm: alarms.Alarm) -> str:
    """A rescue by what was written; others by their own subject."""
    if alarm.kind == "rescue" and alarm.subject.isdecimal():
        message = inbox.get(tx, int(alarm.subject))
        return message.text[:80] if message is not None else alarm.subject
    return str(alarm.detail.get("code") or alarm.subject)


def _approvals(tx: Tx) -> list[Item]:
    rows = broadcasts.in_states(tx, (S.PENDING_APPROVAL,))
    return [
        _titled(row, "approval") | {"by": row.submitted_by, "at": row.submitted_at or row.created_at} for row in rows
    ]


def _broadcast(tx: Tx, catalogue: UnitCatalogue, row: BroadcastRow) -> Item:
    counts = rollcalls.counts(tx, row.no)
    unreached = [one.unit_code for one in rollcalls.of_broadcast(tx, row.no) if one.state == AckState.UNREACHABLE]
    return _titled(row, "broadcast") | {
        "state": row.state,
        "mode": row.mode,
        "confirmed": sum(counts.get(state, 0) for state in CONFIRMED),
        "total": sum(counts.values()) or sum(chunks.counts(tx, row.no)),
        "rollcall": bool(counts),
        "awaiting": counts.get(AckState.AWAITING, 0),
        "unreachable": len(unreached),
        "names": sorted(name_of(catalogue, code) for code in unreached)[:NAMED_MOST],
    }


def _reviews(tx: Tx) -> list[Item]:
    found = []
    for one in break_glass.listing(tx, ROUNDS_LOOKED):
        row = broadcasts.by_no(tx, one.broadcast_no)
        if row is not None and one.reviewed_at is None:
            found.append(_titled(row, "review") | {"by": one.sent_by, "at": one.at})
    return found


def _scheduled(tx: Tx) -> list[Item]:
    rows = [row for row in broadcasts.in_states(tx, (S.SCHEDULED,)) if row.fire_at is not None]
    return [_titled(row, "scheduled") | {"at": row.fire_at} for row in sorted(rows, key=lambda row: row.fire_at or 0.0)]


def _rounds(tx: Tx, catalogue: UnitCatalogue, now: float) -> list[Item]:
    return [
        {
            "kind": "round",
            "id": one.id,
            "name": one.name,
            "at": one.deadline,
            "reported": len(damage_reports.all_standing(tx, one.id)),
            "total": len(catalogue),
        }
        for one in damage_reports.rounds(tx, ROUNDS_LOOKED)
        if not one.daily and one.opens_at <= now < one.deadline
    ]


def _inbox(tx: Tx) -> list[Item]:
    count = inbox.counts(tx).get("human", 0)
    if not count:
        return []
    rows = inbox.listing(tx, "human", None, INBOX_LOOKED)
    return [{"kind": "inbox", "count": count, "at": min(row.at for row in rows)}]


def _titled(row: BroadcastRow, kind: str) -> Item:
    return {"kind": kind, "code": row.code, "title": row.title}
