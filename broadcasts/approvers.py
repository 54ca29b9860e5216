"""Who may approve at this moment, and in which order approvers are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broadcasts.approval_rules import ApprovalRules, WhoApproves
from broadcasts.model import Actor
from directory.roster import on_duty
from store import broadcasts
from store.broadcasts import BroadcastRow
from store.engine import Tx

WRITES = ("drafted", "edited", "submitted")
"""Events of a timeline by which somebody becomes an author of what it says."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an approver stands to the roster now."""

    on_duty: tuple[str, ...]
    """Names, who came on duty first first."""
    allowed: frozenset[str] | None
    """Names that may approve now; None: every approver."""


def standing(tx: Tx, rules: ApprovalRules, now: float) -> Standing:
    there = tuple(dict.fromkeys(one.name for one in on_duty(tx, now).approvers))
    if rules.who is WhoApproves.ANY or not there:
        return Standing(there, None)
    return Standing(there, frozenset(there) | frozenset(rules.always))


def may_approve_now(tx: Tx, actor: Actor, rules: ApprovalRules, now: float) -> bool:
    """Only about the time: the role is asked for elsewhere."""
    allowed = standing(tx, rules, now).allowed
    return allowed is None or actor.name in allowed


def authors(tx: Tx, row: BroadcastRow) -> frozenset[str]:
    """Everybody who had a hand in its words: none of them approves it."""
    wrote = {actor for _, _, actor, event, _ in broadcasts.timeline(tx, row.no, 0) if event in WRITES}
    return frozenset(wrote | {row.created_by, row.submitted_by})


def asked_by_now(
    names: Sequence[str], stand: Standing, rules: ApprovalRules, submitted_at: float, now: float
) -> list[str]:
    """Which of `names` (approvers who can be written to, authors left out) are to be asked by now, in order.

    Who is on duty at once; after each further wait the next one, those who always may before the others. Where no
    approver is on duty, all at once: there is nobody whose turn it would be.
    """
    may = [name for name in dict.fromkeys(names) if stand.allowed is None or name in stand.allowed]
    first = [name for name in stand.on_duty if name in may]
    if not stand.on_duty:
        return may
    rest = [name for name in may if name not in first]
    rest.sort(key=lambda name: name not in rules.always)
    waits = int(max(0.0, now - submitted_at) // rules.next_after) if rules.next_after > 0 else len(rest)
    return first + rest[: waits if first else waits + 1]
