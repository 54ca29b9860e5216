"""Looks through the ledger from outside for what should have moved and did not. Reading only, and cheap: a safety check
must never be what brings the ledger down (GOV.UK Notify, incident jpwxytmst2tx).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from broadcasts.model import BroadcastState
from broadcasts.watch.findings import Finding, Weight
from directory.units import UnitCatalogue
from store import approvals, broadcasts, outages, paths, rollcalls, schedules, watch
from store.engine import Tx

IDLE_SECONDS: Final = 300.0
"""Something to send that nobody touches for so long (sweepers of GOV.UK Notify wait 30 minutes; a storm does not)."""
UNKNOWN_SECONDS: Final = 600.0
"""A send without an answer is waited for so long before it is listed."""
UNKNOWN_FOR: Final = 86_400.0
NOT_STARTED_SECONDS: Final = 60.0
UNREAD_SECONDS: Final = 60.0
STEP_SECONDS: Final = 60.0
NAMES: Final = 5
"""Units named in a sentence."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What `[watch]` says. Seconds."""

    approval_after: float = 600.0
    path_proved_within: float = 60 * 86_400.0


Audit = Callable[[Tx, float], list[Finding]]


def audit(tx: Tx, now: float, limits: Limits, units: UnitCatalogue) -> list[Finding]:
    """Everything in the ledger that a person should know of."""
    return [
        *_not_moving(tx, now),
        *_unknown(tx, now),
        *_paths(tx, now, limits, units),
        *_not_started(tx, now),
        *_approvals(tx, now, limits),
        *(Finding("channel_down", name, {"channel": name, "since": one.since}, Weight.TELL)
          for name, one in sorted(outages.open_now(tx).items())),
    ]  # fmt: skip


def _not_moving(tx: Tx, now: float) -> Iterator[Finding]:
    down = set(outages.open_now(tx))
    for one in watch.idle_chunks(tx, now - IDLE_SECONDS):
        if one.channel not in down:
            facts = {"code": one.code, "channel": one.channel, "count": one.waiting}
            href = f"/broadcasts/{one.code}" if one.has_page else ""
            yield Finding("idle", f"{one.code} {one.channel}", facts, href=href)
    unread = watch.oldest_unread(tx)
    if unread is not None and unread < now - UNREAD_SECONDS:
        yield Finding("unread", "inbox", {"since": unread}, href="/inbox")
    due = rollcalls.next_due(tx)
    if due is not None and due < now - STEP_SECONDS:
        yield Finding("step_late", "escalation", {"since": due})


def _unknown(tx: Tx, now: float) -> Iterator[Finding]:
    for code, count in watch.unknown_outcomes(tx, now - UNKNOWN_FOR, now - UNKNOWN_SECONDS):
        href = f"/broadcasts/{code}/rollcall?show=deliveries&state=unknown"
        yield Finding("unknown", code, {"code": code, "count": count}, Weight.NOTE, href)


def _paths(tx: Tx, now: float, limits: Limits, units: UnitCatalogue) -> Iterator[Finding]:
    """Units that nothing reaches, and those of which nobody knows whether anything would."""
    best: dict[str, float] = {}
    for path in paths.all_paths(tx):
        if path.unit_code and path.blocked_at is None:
            best[path.unit_code] = max(best.get(path.unit_code, 0.0), path.proved_at or 0.0)
    bare = [unit.name for unit in units.all if unit.code not in best]
    old = [unit.name for unit in units.all if best.get(unit.code, now) < now - limits.path_proved_within]
    if bare:
        yield Finding("no_way", "units", {"count": len(bare), "names": named(bare)}, Weight.NOTE, "/watch#paths")
    if old:
        days = int(limits.path_proved_within // 86_400)
        facts = {"count": len(old), "names": named(old), "days": days}
        yield Finding("path_old", "units", facts, Weight.NOTE, "/watch#paths")


def _not_started(tx: Tx, now: float) -> Iterator[Finding]:
    before = now - NOT_STARTED_SECONDS
    for one in schedules.overdue(tx, before):
        yield Finding(
            "not_started", f"schedule {one.id}", {"name": one.name, "since": one.next_fire}, Weight.TELL, "/schedules"
        )
    for row in broadcasts.in_states(tx, (BroadcastState.SCHEDULED,)):
        due = max(row.fire_at or 0.0, row.approved_at or 0.0)
        if due <= before:
            facts = {"name": row.code, "since": due}
            yield Finding("not_started", row.code, facts, Weight.TELL, f"/broadcasts/{row.code}")


def _approvals(tx: Tx, now: float, limits: Limits) -> Iterator[Finding]:
    for _, code, _, since in approvals.pending(tx):
        if since <= now - limits.approval_after:
            yield Finding("approval_waiting", code, {"code": code, "since": since}, Weight.TELL, f"/broadcasts/{code}")


def named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES]) + ("…" if len(names) > NAMES else "")
