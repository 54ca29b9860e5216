"""What people decide about a broadcast: yes, back to its author, no, and no longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from broadcasts import lifecycle
from broadcasts.approval_rules import ApprovalRules
from broadcasts.approvers import authors, may_approve_now
from broadcasts.model import Actor, BroadcastState, DeliveryState, Problem, Refusal, RefusalKind, Role
from broadcasts.permitted import CANCELLABLE, MAY_APPROVE, MAY_WRITE, found, move, require, wrong_state
from broadcasts.states import may_move
from store import broadcasts
from store.engine import Tx

S = BroadcastState
REASON_MAX: Final = 500
"""Characters of a reason: it is read on a phone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who may take it, in which states, and where it leads. `act` names it in a refusal."""

    act: str
    to: BroadcastState
    roles: frozenset[Role]
    states: tuple[BroadcastState, ...]


RETURN: Final = Decision("return", S.RETURNED, MAY_APPROVE, (S.PENDING_APPROVAL,))
REJECT: Final = Decision("reject", S.REJECTED, MAY_APPROVE, (S.PENDING_APPROVAL,))
CANCEL: Final = Decision("cancel", S.CANCELLED, MAY_WRITE, CANCELLABLE)


def approve(
    tx: Tx, ref: str, content_hash: str, actor: Actor, rules: ApprovalRules, now: float
) -> tuple[int, bool]:  # fmt: skip
    """Approve exactly this hash. (number, whether it is to leave at once); one past its validity expires instead.

    Raises `Refusal`: another version, one's own draft, nobody who may approve now, or overtaken by a newer one.
    """
    require(actor, MAY_APPROVE)
    row = found(tx, ref)
    if S(row.state) is not S.PENDING_APPROVAL:
        raise wrong_state(row, "approve")
    if content_hash != row.content_hash:
        raise Refusal(RefusalKind.STALE, "stale_hash", code=row.code, version=row.version)
    if actor.name in authors(tx, row):
        raise Refusal(RefusalKind.FORBIDDEN, "own_draft", code=row.code)
    if not may_approve_now(tx, actor, rules, now):
        raise Refusal(RefusalKind.FORBIDDEN, "not_on_duty", code=row.code)
    if row.valid_until <= now:
        lifecycle.expire(tx, row, now)
        return row.no, False
    if (by := lifecycle.overtaken_by(tx, row)) is not None:
        raise Refusal(RefusalKind.WRONG_STATE, "overtaken", code=row.code, by=by)
    values = {
        "state": S.SCHEDULED.value,
        "approved_by": actor.name,
        "approved_at": now,
        "approved_hash": content_hash,
    }
    move(tx, row, (S.PENDING_APPROVAL,), values)
    broadcasts.note(tx, row.no, now, actor.name, "approved", {"hash": content_hash})
    return row.no, (row.fire_at or 0.0) <= now


def worded(reason: str) -> str:
    """The reason without what surrounds it. Raises `Refusal` for none, and for one nobody would read."""
    reason = reason.strip()
    if not reason or len(reason) > REASON_MAX:
        problem = Problem("reason", "reason_missing" if not reason else "reason_too_long", {"limit": REASON_MAX})
        raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))
    return reason


def decide(
    tx: Tx, ref: str, decision: Decision, reason: str, actor: Actor, now: float, *, unread: bool = False
) -> int:  # fmt: skip
    """Move it, with its reason; its number. `unread`: whoever decides has not seen that somebody approved it."""
    row = found(tx, ref)
    if S(row.state) not in decision.states or not may_move(S(row.state), decision.to):
        raise wrong_state(row, decision.act)
    if unread and row.approved_at is not None:
        raise Refusal(RefusalKind.WRONG_STATE, "approved_meanwhile", code=row.code, by=row.approved_by)
    values: dict[str, Any] = {"state": decision.to.value, "reason": reason}
    if decision.to is not S.RETURNED:
        values["ended_at"] = now
    move(tx, row, decision.states, values)
    detail: dict[str, Any] = {"reason": reason}
    if decision.to is S.CANCELLED:
        detail["deliveries"] = lifecycle.withdraw(tx, row.no, DeliveryState.CANCELLED, "cancelled", now)
    broadcasts.note(tx, row.no, now, actor.name, decision.to.value, detail)
    return row.no
