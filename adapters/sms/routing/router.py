"""The channel `sms`: all SMS accounts of the office as one."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import structlog

from adapters.contract import (
    ELSEWHERE,
    EVERY_PART,
    Accepted,
    Channel,
    DurableState,
    Envelope,
    Health,
    HealthState,
    Hook,
    LedgerUnavailable,
    Now,
    Outcome,
    Part,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
)
from adapters.pricing import Budget, Cost, Registration
from adapters.sms.accounts import AccountSettings
from adapters.sms.carriers import CARRIERS
from adapters.sms.routing.choice import Choice
from adapters.sms.routing.estimate import estimate
from adapters.sms.routing.learned import LearnedCarriers
from adapters.sms.routing.legs import Going, Leg, Pass
from adapters.sms.routing.member import Member
from adapters.sms.routing.views import AccountView, WatchingSink

log = structlog.get_logger(__name__)

NAME: Final = "sms"
SAVE_SECONDS: Final = 5.0
"""How often counters and learned networks are written down."""
DOUBTS_REMEMBERED: Final = 50_000
"""Unknown sends of which we know the account."""


class SmsRouter:
    """`accounts`: settings and channel of each. Receipts and incoming messages keep their account's name; outcomes name
    it in `account`. `views` are the accounts as channels of their own, for answers to people who wrote to one.

    Where one process does not do all, an account lives in one process: its view starts it there, and what another
    account should take that lives elsewhere is refused with `ELSEWHERE` and that account's name.
    """

    name = NAME
    hooks: Mapping[str, Hook] = {}

    def __init__(
        self,
        accounts: Sequence[tuple[AccountSettings, Channel]],
        learned: LearnedCarriers,
        state: DurableState,
        now: Now = time.time,
        clock: Callable[[], float] = time.monotonic,
        parts: Part = EVERY_PART,
    ) -> None:
        self.members = tuple(Member(settings, channel, state, now, clock) for settings, channel in accounts)
        self.learned = learned
        self.traits = _traits([member.channel.traits for member in self.members])
        self.views = tuple(AccountView(self, member) for member in self.members)
        self.choice = Choice(self.members, learned, clock)
        self._late: list[Going] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._doubts: OrderedDict[int, Member] = OrderedDict()
        self._stopping = False
        self._keeper: asyncio.Task[None] | None = None
        self._parts = parts
        if parts != EVERY_PART:
            for member in self.members:
                member.here = False

    # -- session ------------------------------------------------------------------------------------------------------

    async def start(self, sink: Sink) -> None:
        self._stopping = False
        await self.learned.load()
        for member in self.members:
            await member.spending.load()
        if self._parts == EVERY_PART:
            await asyncio.gather(*(self.start_account(member, sink) for member in self.members))
        self._keeper = asyncio.create_task(self._keep(), name="sms keeper")

    async def start_account(self, member: Member, sink: Sink) -> None:
        member.stopping = False
        await member.spending.load()
        await member.channel.start(WatchingSink(sink, self.members))
        member.here = Part.SEND in self._parts

    async def stop_account(self, member: Member) -> None:
        """It reports what it holds; what was on its way to it goes on to others."""
        member.stopping, member.here = True, False
        await member.channel.stop()
        await member.spending.save()

    async def start_view(self, member: Member, sink: Sink) -> None:
        if self._parts != EVERY_PART:
            await self.start_account(member, sink)

    async def stop_view(self, member: Member) -> None:
        if self._parts != EVERY_PART:
            await self.stop_account(member)

    async def stop(self) -> None:
        """Accounts stop and report what they hold; nothing goes on to another one any more."""
        self._stopping = True
        for member in self.members:
            member.stopping = True
        await asyncio.gather(*(member.channel.stop() for member in self.members), return_exceptions=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
            await self._save()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await self._save()
            await self._read_others()

    async def _read_others(self) -> None:
        """What accounts spent, and what networks were learned, in other processes."""
        if self._parts == EVERY_PART:
            return
        await self.learned.load()
        for member in self.members:
            if not member.here:
                await member.spending.load()

    async def _save(self) -> None:
        try:
            await self.learned.save()
            for member in self.members:
                if member.here:
                    await member.spending.save()
        except LedgerUnavailable:
            log.warning("sms_counters_not_stored")

    # -- sending ------------------------------------------------------------------------------------------------------

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        await self.send_by(None, batch, report)

    async def send_by(self, first: Member | None, batch: Sequence[Envelope], report: Report) -> None:
        """`first`: the account to try before the others."""
        self.choice.adjust()
        turn = Pass()
        chosen: dict[Member, list[Envelope]] = {}
        for envelope in batch:
            member = self.choice.choose(envelope, first)
            if member is None:
                report(envelope.delivery_id, self.choice.nowhere(envelope))
            elif not member.here:
                report(envelope.delivery_id, _elsewhere(member))
            else:
                chosen.setdefault(member, []).append(envelope)
        legs = [
            Leg(member, some, report, turn, self._on_late, self._on_doubt, first=first)
            for member, some in chosen.items()
        ]
        await self._hand_over(legs)
        await self._finish(turn)

    async def _finish(self, turn: Pass) -> None:
        """Hand on what was refused meanwhile, until all of it is with an account or reported."""
        while turn.going:
            going, turn.going = turn.going, []
            await self._hand_over(self._next_legs(going, turn))
        turn.open = False

    def _next_legs(self, going: Sequence[Going], turn: Pass) -> list[Leg]:
        """The next account of each; what has none left is reported."""
        chosen: dict[Member, list[Going]] = {}
        for one in going:
            member = None if self._stopping else self.choice.choose(one.envelope, one.first, one.tried)
            if member is None:
                one.report(one.envelope.delivery_id, one.refusal)
            elif not member.here:
                one.report(one.envelope.delivery_id, _elsewhere(member))
            else:
                chosen.setdefault(member, []).append(one)
        return [self._next_leg(member, some, turn) for member, some in chosen.items()]

    def _next_leg(self, member: Member, going: Sequence[Going], turn: Pass) -> Leg:
        envelopes = [one.envelope for one in going]
        tried = {one.envelope.delivery_id: one for one in going}
        return Leg(
            member, envelopes, going[0].report, turn, self._on_late, self._on_doubt, tried=tried, first=going[0].first
        )

    async def _hand_over(self, legs: Sequence[Leg]) -> None:
        if len(legs) == 1:
            await self._to_account(legs[0])
        elif legs:
            await asyncio.gather(*(self._to_account(leg) for leg in legs))

    async def _to_account(self, leg: Leg) -> None:
        try:
            await leg.member.channel.send(list(leg.open.values()), leg)
        except Exception:
            log.exception("sms_account_broke", account=leg.member.name)
            leg.lost()

    def _on_late(self, going: Going) -> None:
        """A refusal that came after `send` had returned. Those of one moment go on together."""
        if self._stopping:
            going.report(going.envelope.delivery_id, going.refusal)
            return
        self._late.append(going)
        if len(self._late) == 1:
            task = asyncio.create_task(self._send_late())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_late(self) -> None:
        turn = Pass()
        turn.going, self._late = self._late, []
        await self._finish(turn)

    # -- doubt --------------------------------------------------------------------------------------------------------

    def _on_doubt(self, delivery_id: int, member: Member) -> None:
        self._doubts[delivery_id] = member
        if len(self._doubts) > DOUBTS_REMEMBERED:
            self._doubts.popitem(last=False)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """Ask the account that has it; after a restart, when nobody remembers which, all that can be asked. Then only a
        find counts, or that all of them, each of which can be asked, never had it."""
        member = self._doubts.get(envelope.delivery_id)
        asked = (member,) if member is not None else self.members
        lost: list[Rejected] = []
        for one in asked:
            outcome = await one.channel.ask(envelope, sent_at) if one.here and one.channel.traits.can_ask else None
            if outcome is not None:
                outcome.account = one.name
            if isinstance(outcome, Accepted):
                self._doubts.pop(envelope.delivery_id, None)
                return outcome
            if isinstance(outcome, Rejected):
                lost.append(outcome)
        return lost[0] if len(lost) == len(asked) else None

    # -- money and health ---------------------------------------------------------------------------------------------

    def count_by_carrier(self, numbers: Iterable[int | str]) -> dict[str, int]:
        return self.learned.count(numbers)

    def estimate(self, counts: Mapping[str, int], parts: int, text: str = "") -> dict[str, Cost]:
        """Cost by account of messages of so many parts to so many numbers of each network, as things stand now."""
        return estimate(counts, parts, {carrier: self.choice.reaching(carrier) for carrier in counts}, text)

    def budgets(self) -> list[Budget]:
        return [
            Budget(member.name, member.price, member.spending.vnd, member.spending.budget) for member in self.members
        ]

    def registration(self, carriers: Iterable[str] | None, text: str) -> Registration:
        """Of a text for people on these networks (None: any): accounts without a template for it, and networks that no
        account is left for."""
        carriers = ("", *CARRIERS) if carriers is None else carriers
        reaching = {carrier: self.choice.reaching(carrier)[1] for carrier in carriers}
        asked = {member for members in reaching.values() for member in members}
        refusing = {member for member in asked if not member.registered.takes(text)}
        return Registration(
            tuple(member.name for member in self.members if member in refusing),
            tuple(carrier for carrier, members in reaching.items() if refusing.issuperset(members)),
        )

    def figures(self) -> dict[str, int]:
        """Counters since the start, for metrics: sums over the accounts that keep some."""
        total: dict[str, int] = {}
        for member in self.members:
            own: Callable[[], dict[str, int]] | None = getattr(member.channel, "figures", None)
            for name, count in (own() if own is not None else {}).items():
                total[name] = total.get(name, 0) + count
        return total

    async def probe(self) -> Health:
        """Keys: the account's own where there is one; `sms.ok`, `sms.some_down`, `sms.none`. Several accounts have
        lights of their own that ask them; this one only sums up."""
        if len(self.members) == 1:
            return await self.members[0].probe()
        return self.summary([member.name for member in self.members if not member.sends])

    def settle(self, well: Collection[str]) -> None:
        for member in self.members:
            member.well_elsewhere = not member.here and member.name in well

    def summary(self, down: Collection[str]) -> Health:
        proven = max((member.proven_at for member in self.members if member.proven_at is not None), default=None)
        params: dict[str, str | int | float] = {
            "accounts": len(self.members),
            "messages": sum(member.spending.messages for member in self.members),
            "parts": sum(member.spending.parts for member in self.members),
            "vnd": round(sum(member.spending.vnd for member in self.members)),
        }
        if not down:
            return Health(HealthState.OK, "sms.ok", params, proven)
        params["down"] = ", ".join(name.partition(".")[2] for name in down)
        if len(down) == len(self.members):
            return Health(HealthState.DOWN, "sms.none", params, proven)
        return Health(HealthState.DEGRADED, "sms.some_down", params, proven)


def _elsewhere(member: Member) -> Rejected:
    """Nothing is wrong with it: the process in which that account lives sends it."""
    return Rejected(ELSEWHERE, RejectClass.RETRY_LATER, after=0.0, account=member.name)


def _traits(all_traits: Sequence[Traits]) -> Traits:
    """What every account can prove; what any of them can be asked."""
    return Traits(
        receipts=frozenset.intersection(*(traits.receipts for traits in all_traits)),
        text_limit=min(traits.text_limit for traits in all_traits),
        unaccented=True,
        can_ask=any(traits.can_ask for traits in all_traits),
        window=sum(traits.window for traits in all_traits),
    )
