"""What is under way: the envelopes that one account was handed, and those that must go on to another.

An envelope goes on only when an account surely refused all of it for a reason that another one may not share. Once an
account took it, or may have taken it, or took a part of it, it belongs to that account for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from adapters.contract import Accepted, Envelope, Outcome, Priority, RejectClass, Rejected, Report, Unknown
from adapters.sms.routing.member import Member

log = structlog.get_logger(__name__)

CLOSING: Final = (RejectClass.CONFIG, RejectClass.QUOTA)
OF_THIS_ACCOUNT: Final = frozenset({"text_not_registered", "carrier_not_registered", "link_down"})
"""Reasons that say nothing about the other accounts, whatever their class."""
FOR_NOW: Final = frozenset({"throttled", "queue_full", "provider_error"})
"""Reasons to wait, which urgent messages do not where another account is free."""
_NOTHING_TRIED: Final[Mapping[int, Going]] = {}


@dataclass(slots=True)
class Going:
    """One envelope that goes on. `refusal`: what is reported if nobody takes it."""

    envelope: Envelope
    report: Report
    tried: tuple[Member, ...]
    refusal: Rejected
    first: Member | None = None


@dataclass(slots=True)
class Pass:
    """One round of handing over. While it is `open`, what goes on is handed over before `send` returns."""

    open: bool = True
    going: list[Going] = field(default_factory=list)


def goes_on(refusal: Rejected, priority: Priority) -> bool:
    """True where another account may take what this one refused."""
    if any(refusal.provider_ids):
        return False
    if refusal.cls in CLOSING or refusal.reason in OF_THIS_ACCOUNT:
        return True
    return refusal.cls is RejectClass.RETRY_LATER and priority <= Priority.URGENT and refusal.reason in FOR_NOW


def better(one: Rejected, other: Rejected) -> Rejected:
    """Which of two refusals the core should hear: the one after which it tries again."""
    retry = RejectClass.RETRY_LATER
    if one.cls is retry and other.cls is retry:
        return min(one, other, key=lambda refusal: refusal.after or 0.0)
    return other if other.cls is retry else one


class Leg:
    """Envelopes at one account; the `report` that its channel calls."""

    __slots__ = ("_on_doubt", "_on_late", "_report", "_turn", "first", "member", "open", "tried")

    def __init__(
        self,
        member: Member,
        envelopes: Sequence[Envelope],
        report: Report,
        turn: Pass,
        on_late: Callable[[Going], None],
        on_doubt: Callable[[int, Member], None],
        tried: Mapping[int, Going] = _NOTHING_TRIED,
        first: Member | None = None,
    ) -> None:
        self.member = member
        self.open = {envelope.delivery_id: envelope for envelope in envelopes}
        self.tried = tried
        self.first = first
        self._report = report
        self._turn = turn
        self._on_late = on_late
        self._on_doubt = on_doubt

    def __call__(self, delivery_id: int, outcome: Outcome) -> None:
        envelope = self.open.pop(delivery_id, None)
        if envelope is None:
            log.error("sms_reported_twice", account=self.member.name, delivery=delivery_id)
            return
        outcome.account = self.member.name
        if isinstance(outcome, Accepted):
            self.member.took(outcome, envelope.text)
        elif isinstance(outcome, Unknown):
            self.member.doubted()
            self._on_doubt(delivery_id, self.member)
        else:
            self._refused(envelope, outcome)
            return
        self._tell(delivery_id, outcome)

    def _refused(self, envelope: Envelope, refusal: Rejected) -> None:
        self.member.refused(refusal)
        before = self.tried.get(envelope.delivery_id)
        if goes_on(refusal, envelope.priority):
            tried = (*before.tried, self.member) if before is not None else (self.member,)
            best = better(before.refusal, refusal) if before is not None else refusal
            report = before.report if before is not None else self._report
            going = Going(envelope, report, tried, best, self.first)
            if self._turn.open:
                self._turn.going.append(going)
            else:
                self._on_late(going)
            return
        self._tell(envelope.delivery_id, refusal)

    def _tell(self, delivery_id: int, outcome: Outcome) -> None:
        before = self.tried.get(delivery_id)
        (before.report if before is not None else self._report)(delivery_id, outcome)

    def lost(self) -> list[Outcome]:
        """The channel broke under it: whatever has no outcome may have left."""
        doubts: list[Outcome] = []
        for delivery_id in tuple(self.open):
            doubts.append(Unknown("internal_error"))
            self(delivery_id, doubts[-1])
        return doubts
