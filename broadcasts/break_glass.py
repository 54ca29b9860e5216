"""Break-glass: when nobody decides, one officer sends a warning under their own name, and answers for it afterwards.

Never a directive: that is somebody else's order. The leaders are told at once, and the next morning it rings until one
of them has reviewed it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from adapters.contract import Now
from broadcasts import lifecycle
from broadcasts.approval_rules import ApprovalRules, latest_review, next_review
from broadcasts.clockwork import Clockwork
from broadcasts.model import Actor, BroadcastState, Kind, Problem, Refusal, RefusalKind, Urgency
from broadcasts.permitted import MAY_APPROVE, MAY_WRITE, found, require
from lanes.port import Bus
from store import alarms, broadcasts
from store import break_glass as store
from store.break_glass import BreakGlassRow
from store.broadcasts import BroadcastRow
from store.engine import Ledger, Tx
from text.dates import local

S = BroadcastState
REASON_MAX: Final = 500
SENT_ALONE: Final = "break_glass"
"""Kind of the alarm that rings at once; its subject is the broadcast's code."""
REVIEW: Final = "break_glass_review"
"""Kind of the alarm of the morning; its subject is the code and the day."""
CHAIN_MAX: Final = 100
"""Updates of updates that are followed to the first message."""
LISTED: Final = 200


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Way:
    """Whether one officer may send it now. `ground`: why; `at`: from when on, where time decides; `key`: why not."""

    allowed: bool
    ground: str = ""
    at: datetime | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the list: what was sent alone, and its review."""

    row: BreakGlassRow
    code: str
    title: str
    mode: str
    told: list[store.Told]


class BreakGlass:
    def __init__(
        self, ledger: Ledger, bus: Bus, clockwork: Clockwork, rules: ApprovalRules, now: Now = time.time
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._clockwork = clockwork
        self._rules = rules
        self._now = now

    async def way(self, ref: str) -> Way:
        """Whether the way is open, for the page that offers it."""
        now = self._now()
        return await self._ledger.read(lambda tx: way_of(tx, found(tx, ref), self._rules, now))

    async def send(self, ref: str, content_hash: str, reason: str, actor: Actor) -> str:
        """Send exactly this hash without an approval; the code. Raises `Refusal`."""
        require(actor, MAY_WRITE)
        reason = checked_reason(reason)

        def write(tx: Tx) -> tuple[BroadcastRow, bool]:
            row, now = found(tx, ref), self._now()
            if S(row.state) is not S.PENDING_APPROVAL:
                raise Refusal(RefusalKind.WRONG_STATE, "wrong_state", code=row.code, state=row.state, act="break_glass")
            if content_hash != row.content_hash:
                raise Refusal(RefusalKind.STALE, "stale_hash", code=row.code, version=row.version)
            if row.valid_until <= now:
                lifecycle.expire(tx, row, now)
                return row, False
            if (by := lifecycle.overtaken_by(tx, row)) is not None:
                raise Refusal(RefusalKind.WRONG_STATE, "overtaken", code=row.code, by=by)
            way = way_of(tx, row, self._rules, now)
            if not way.allowed:
                raise Refusal(RefusalKind.FORBIDDEN, way.key, code=row.code, **_when(way))
            self._send(tx, row, way.ground, reason, actor, now)
            return row, True

        row, sent = await self._ledger.write(write)
        if not sent:
            raise Refusal(RefusalKind.WRONG_STATE, "expired", code=row.code)
        if (row.fire_at or 0.0) <= self._now():
            await self._clockwork.fire(row.no)
        self._bus.publish(f"broadcast:{row.no}", {"type": "state", "no": row.no})
        self._bus.publish("broadcasts", {"type": "state", "no": row.no})
        self._bus.publish("alarms", {"type": "raised", "kind": SENT_ALONE})
        return row.code

    def _send(self, tx: Tx, row: BroadcastRow, ground: str, reason: str, actor: Actor, now: float) -> None:
        values = {
            "state": S.SCHEDULED.value,
            "approved_by": actor.name,
            "approved_at": now,
            "approved_hash": row.content_hash,
        }
        if not broadcasts.update(tx, row.no, (S.PENDING_APPROVAL,), values):
            raise Refusal(RefusalKind.WRONG_STATE, "wrong_state", code=row.code, state=row.state, act="break_glass")
        review_at = next_review(now, self._rules.review_at)
        store.add(tx, row.no, row.content_hash, actor.name, now, reason, ground, review_at)
        detail = {"hash": row.content_hash, "reason": reason, "ground": ground}
        broadcasts.note(tx, row.no, now, actor.name, "break_glass", detail)  # and into the audit log
        alarms.raise_once(tx, SENT_ALONE, row.code, {"code": row.code, "by": actor.name, "reason": reason}, now)

    # -- the review -----------------------------------------------------------------------------------------------

    async def tick_review(self) -> int:
        """Ring for what waits for a review, once a morning until there is one; how many alarms were raised."""
        now = self._now()
        if not await self._ledger.read(lambda tx: store.to_review(tx, now)):
            return 0

        def ring(tx: Tx) -> int:
            raised = 0
            day = f"{local(latest_review(now, self._rules.review_at)):%Y-%m-%d}"
            for row in store.to_review(tx, now):
                broadcast = broadcasts.by_no(tx, row.broadcast_no)
                code = broadcast.code if broadcast is not None else str(row.broadcast_no)
                detail = {"code": code, "by": row.sent_by, "reason": row.reason}
                raised += alarms.raise_once(tx, REVIEW, f"{code} {day}", detail, now) is not None
            return raised

        raised = await self._ledger.write(ring)
        if raised:
            self._bus.publish("alarms", {"type": "raised", "kind": REVIEW})
        return raised

    async def review(self, ref: str, verdict: str, note: str, actor: Actor) -> None:
        """Another person than the sender says what to think of it. Raises `Refusal`."""
        require(actor, MAY_APPROVE)
        if verdict not in {one.value for one in Verdict}:
            problem = Problem("verdict", "not_a_choice", {"value": verdict, "known": ", ".join(Verdict)})
            raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))
        note = note.strip()[:REASON_MAX] if verdict == Verdict.RIGHT else checked_reason(note, "note")

        def write(tx: Tx) -> None:
            row, now = found(tx, ref), self._now()
            kept = store.one(tx, row.no)
            if kept is None:
                raise Refusal(RefusalKind.NOT_FOUND, "no_break_glass", code=row.code)
            if kept.sent_by == actor.name:
                raise Refusal(RefusalKind.FORBIDDEN, "own_break_glass", code=row.code)
            if not store.review(tx, row.no, actor.name, now, verdict, note):
                raise Refusal(RefusalKind.WRONG_STATE, "break_glass_reviewed", code=row.code, by=kept.reviewed_by)
            broadcasts.note(tx, row.no, now, actor.name, "reviewed", {"verdict": verdict, "note": note})
            for alarm in alarms.ringing(tx):
                if alarm.kind in (SENT_ALONE, REVIEW) and alarm.detail.get("code") == row.code:
                    alarms.take(tx, alarm.id, actor.name, now)

        await self._ledger.write(write)
        self._bus.publish("alarms", {"type": "taken"})

    async def cases(self) -> list[Case]:
        """What was ever sent alone: unreviewed first."""

        def read(tx: Tx) -> list[Case]:
            found = []
            for row in store.listing(tx, LISTED):
                broadcast = broadcasts.by_no(tx, row.broadcast_no)
                if broadcast is not None:
                    told = store.told(tx, row.broadcast_no)
                    found.append(Case(row, broadcast.code, broadcast.title, broadcast.mode, told))
            return found

        return await self._ledger.read(read)


def way_of(tx: Tx, row: BroadcastRow, rules: ApprovalRules, now: float) -> Way:
    """The rule itself: only what waits for a decision, only a warning, only after the wait (or at once, if flash)."""
    if not rules.break_glass:
        return Way(False, key="break_glass_off")
    if is_directive(tx, row):
        return Way(False, key="break_glass_directive")
    if S(row.state) is not S.PENDING_APPROVAL or row.submitted_at is None:
        return Way(False, key="break_glass_not_asked")
    if rules.flash_at_once and row.urgency == Urgency.HOA_TOC:
        return Way(True, "flash")
    opens = row.submitted_at + rules.break_glass_after
    at = datetime.fromtimestamp(opens, UTC)
    return Way(True, "unanswered", at) if now >= opens else Way(False, at=at, key="break_glass_too_early")


def is_directive(tx: Tx, row: BroadcastRow) -> bool:
    """Itself, or as an update or recall of one."""
    for _ in range(CHAIN_MAX):
        if row.kind == Kind.DIRECTIVE:
            return True
        older = broadcasts.by_no(tx, row.supersedes) if row.supersedes is not None else None
        if older is None:
            return False
        row = older
    return True


def summary(tx: Tx, no: int) -> dict[str, Any] | None:
    """What the record says, for whoever looks at the broadcast."""
    row = store.one(tx, no)
    if row is None:
        return None
    return {
        "by": row.sent_by,
        "at": datetime.fromtimestamp(row.at, UTC),
        "reason": row.reason,
        "ground": row.ground,
        "reviewed_by": row.reviewed_by,
        "reviewed_at": None if row.reviewed_at is None else datetime.fromtimestamp(row.reviewed_at, UTC),
        "verdict": row.verdict,
        "review_note": row.review_note,
    }


def checked_reason(reason: str, field: str = "reason") -> str:
    """Raises `Refusal` for one that is missing or too long."""
    reason = reason.strip()
    if not reason or len(reason) > REASON_MAX:
        problem = Problem(field, "reason_missing" if not reason else "reason_too_long", {"limit": REASON_MAX})
        raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))
    return reason


def _when(way: Way) -> dict[str, Any]:
    return {} if way.at is None else {"at": f"{local(way.at):%H:%M}"}
