"""Which account an envelope goes to: by the network of its number, then by share, then past what does not work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from adapters.contract import Envelope, RejectClass, Rejected
from adapters.sms.routing.learned import LearnedCarriers
from adapters.sms.routing.legs import better
from adapters.sms.routing.member import Member
from adapters.sms.routing.shares import Shares

ADJUST_SECONDS: Final = 1.0
"""How often it is looked at whether traffic should move."""
NOT_REGISTERED: Final = Rejected("text_not_registered", RejectClass.TEXT, "templates")
Reaching = tuple[Shares, tuple[Member, ...]]
"""The accounts for one network, and how traffic is spread over them."""


class Choice:
    """`clock` is monotonic, in seconds."""

    def __init__(self, members: Sequence[Member], learned: LearnedCarriers, clock: Callable[[], float]) -> None:
        self._members = tuple(members)
        self._learned = learned
        self._clock = clock
        self._by_carrier: dict[str, Reaching] = {}
        self._shares: dict[tuple[Member, ...], Shares] = {}
        self._adjusted_at = float("-inf")

    def reaching(self, carrier: str) -> Reaching:
        """The prefix is a hint: where no account says that it reaches the network, any may."""
        known = self._by_carrier.get(carrier)
        if known is None:
            members = tuple(m for m in self._members if not m.carriers or carrier in m.carriers) or self._members
            shares = self._shares.setdefault(members, Shares(members, self._clock))
            known = self._by_carrier[carrier] = (shares, members)
        return known

    def choose(self, envelope: Envelope, first: Member | None = None, tried: Sequence[Member] = ()) -> Member | None:
        """`first`: before the others, while it works. None: no account may be tried (any more)."""
        text, priority = envelope.text, envelope.priority
        if first is not None and first not in tried and first.registered.takes(text) and first.takes(priority):
            return first
        shares, members = self.reaching(self._learned.of(envelope.to))
        if not tried:
            member = self._in_turn(shares, members)
            if member.registered.takes(text) and member.takes(priority):
                return member
        left = [members[index] for index in shares.order() if members[index] not in tried]
        left = [member for member in left if member.registered.takes(text)]
        for accepts in (Member.may_take, Member.takes, Member.takes_at_last):
            for member in left:
                if accepts(member, priority):
                    return member
        return None

    @staticmethod
    def _in_turn(shares: Shares, members: Sequence[Member]) -> Member:
        """Whose turn it is; of several whose shares the office wants, one that lives here before one elsewhere: the
        processes take chunks in turn, so the accounts share all the same."""
        first = member = members[shares.pick()]
        for _ in members:
            if member.here:
                return member
            member = members[shares.pick()]
        return first

    def nowhere(self, envelope: Envelope) -> Rejected:
        """What an envelope hears that no account may be tried with: the word after which the core tries again, if any
        of them says so."""
        _, members = self.reaching(self._learned.of(envelope.to))
        said = [(m.closed_because(), m.name) for m in members if m.registered.takes(envelope.text)]
        if not said:
            return replace(NOT_REGISTERED, account=members[0].name)
        best, account = said[0]
        for refusal, name in said[1:]:
            if better(best, refusal) is refusal:
                best, account = refusal, name
        return Rejected(best.reason, best.cls, best.code, best.after, account=account)

    def adjust(self) -> None:
        """Move traffic if something calls for it; cheap enough for every `send`."""
        now = self._clock()
        if len(self._members) > 1 and now - self._adjusted_at >= ADJUST_SECONDS:
            self._adjusted_at = now
            for shares in self._shares.values():
                shares.adjust()

    def points(self, member: Member) -> dict[str, float]:
        """Share of an account by the accounts that it shares with, in points of 100."""
        return {
            "+".join(each.name for each in members): shares.points[members.index(member)]
            for members, shares in self._shares.items()
            if member in members
        }
