"""How everything stands, for monitoring: a handful of sums over chunks and small indexes, never over deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from store import workers
from store.broadcasts import SINGLE
from store.chunks import STATE_COLUMNS
from store.engine import Tx

OPEN_MOST: Final = 50
"""Open broadcasts that are told one by one, the newest: an office has a few open at once."""
_SUMS: Final = ", ".join(f"sum(c.{column})" for column in STATE_COLUMNS)
_UNDER_WAY: Final = "('sending', 'sent')"


@dataclass(frozen=True, slots=True)
class Lane:
    """Chunks of one channel and priority that could be claimed now. `since`: when the oldest of them could first be."""

    channel: str
    priority: int
    chunks: int
    deliveries: int
    since: float


@dataclass(frozen=True, slots=True)
class OpenBroadcast:
    """One that is under way. `units`: roll-call state → how many; empty where nobody is called by name."""

    no: int
    code: str
    mode: str
    urgency: str
    started_at: float | None
    units: dict[str, int]


@dataclass(frozen=True, slots=True)
class Queue:
    """How many wait, and since when the oldest does (epoch seconds); None where nothing waits."""

    count: int
    since: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything at one moment. Times are epoch seconds."""

    deliveries: dict[str, list[int]]
    """Channel → how many in each state, in the order of `delivery.status`: of broadcasts under way, and of single
    messages that are not done."""
    lanes: Sequence[Lane]
    open: Sequence[OpenBroadcast]
    unread: Queue
    """Messages that nothing has looked at."""
    cries: Queue
    """Cries for help among them."""
    for_people: Queue
    """Messages that wait for an officer."""
    rescues: Queue
    """Alarms of people in danger that nobody took."""
    steps_due: Queue
    """Escalation steps that have fallen due and were not taken."""
    schedules_due: Queue
    approvals: Queue
    """Broadcasts that wait for an approver."""
    silent_carriers: Queue
    """Carriers that have not acknowledged an order that was approved."""
    alarms: dict[str, int]
    """Kind → how many ring."""
    findings: dict[str, int]
    """What the watch found wrong: kind → how many."""
    outages: dict[str, float] = field(default_factory=dict)
    """Channel that nothing passes through → since when."""
    workers: dict[tuple[str, str], int] = field(default_factory=dict)
    """(role, state) → how many processes of the installation are alive."""
    clock_off: float = 0.0
    """Seconds, the most that a process's clock differs from the ledger's."""


def look(tx: Tx, now: float) -> Standing:
    """One consistent reading."""
    alive = workers.alive(tx, now)
    return Standing(
        deliveries=_deliveries(tx),
        lanes=_lanes(tx, now),
        open=_open(tx),
        unread=_queue(tx, "SELECT count(*), min(came_at) FROM inbox WHERE state = 'new'"),
        cries=_queue(tx, "SELECT count(*), min(came_at) FROM inbox WHERE state = 'new' AND priority = 0"),
        for_people=_queue(tx, "SELECT count(*), min(came_at) FROM inbox WHERE state = 'human'"),
        rescues=_queue(tx, "SELECT count(*), min(at) FROM alarm WHERE kind = 'rescue' AND taken_at IS NULL"),
        steps_due=_queue(tx, "SELECT count(*), min(next_at) FROM rollcall WHERE next_at <= ?", now),
        schedules_due=_queue(
            tx, "SELECT count(*), min(next_fire) FROM schedule WHERE state = 'active' AND next_fire <= ?", now
        ),
        approvals=_queue(tx, "SELECT count(*), min(submitted_at) FROM broadcast WHERE state = 'pending_approval'"),
        silent_carriers=_queue(
            tx,
            "SELECT count(*), min(o.approved_at) FROM carrier_order o JOIN carrier_order_carrier c ON c.order_id = o.id"
            " WHERE o.state IN ('approved', 'sent', 'acknowledged', 'reported') AND o.mode = 'actual'"
            " AND c.acknowledged_at IS NULL",
        ),
        alarms=_counts(tx, "SELECT kind, count(*) FROM alarm WHERE taken_at IS NULL GROUP BY kind"),
        findings=_counts(tx, "SELECT kind, count(*) FROM watch_finding WHERE ended_at IS NULL GROUP BY kind"),
        outages=dict(_rows(tx, "SELECT channel, since FROM channel_outage WHERE ended_at IS NULL")),
        workers=dict(Counter((one.role, one.state) for one in alive)),
        clock_off=max((abs(one.clock_off) for one in alive), default=0.0),
    )


def _deliveries(tx: Tx) -> dict[str, list[int]]:
    """Sums of the chunks' counters. Standing broadcasts have a chunk for each single message, days of them: only those
    that are not done count."""
    found: dict[str, list[int]] = {}
    for channel, *counts in _rows(
        tx,
        f"SELECT c.channel, {_SUMS} FROM broadcast b JOIN chunk c ON c.broadcast_no = b.no"  # noqa: S608
        f" WHERE b.state IN {_UNDER_WAY} AND b.kind <> ? GROUP BY c.channel",
        SINGLE,
    ) + _rows(
        tx,
        f"SELECT c.channel, {_SUMS} FROM chunk c JOIN broadcast b ON b.no = c.broadcast_no"  # noqa: S608
        " WHERE c.state < 2 AND b.kind = ? GROUP BY c.channel",
        SINGLE,
    ):
        known = found.get(channel, [0] * len(STATE_COLUMNS))
        found[channel] = [int(one) + int(more) for one, more in zip(known, counts, strict=True)]
    return found


def _lanes(tx: Tx, now: float) -> list[Lane]:
    rows = _rows(
        tx,
        "SELECT channel, priority, count(*), sum(c_queued + c_retrying), min(next_try_at) FROM chunk"
        " WHERE state = 0 AND next_try_at <= ? GROUP BY channel, priority ORDER BY channel, priority",
        now,
    )
    return [Lane(channel, int(p), int(n), int(waiting), float(since)) for channel, p, n, waiting, since in rows]


def _open(tx: Tx) -> list[OpenBroadcast]:
    found = [
        OpenBroadcast(int(no), code, mode, urgency, started_at, {})
        for no, code, mode, urgency, started_at in _rows(
            tx,
            f"SELECT no, code, mode, urgency, started_at FROM broadcast WHERE state IN {_UNDER_WAY} AND kind <> ?"  # noqa: S608
            " ORDER BY no DESC LIMIT ?",
            SINGLE,
            OPEN_MOST,
        )
    ]
    for one in found:
        one.units.update(
            _counts(tx, "SELECT state, count(*) FROM rollcall WHERE broadcast_no = ? GROUP BY state", one.no)
        )
    return found


def _queue(tx: Tx, sql: str, *values: Any) -> Queue:
    count, since = tx.execute(sql, values).fetchone()
    return Queue(int(count), None if since is None else float(since))


def _counts(tx: Tx, sql: str, *values: Any) -> dict[str, int]:
    return {name: int(count) for name, count in _rows(tx, sql, *values)}


def _rows(tx: Tx, sql: str, *values: Any) -> list[Any]:
    return list(tx.execute(sql, values).fetchall())
