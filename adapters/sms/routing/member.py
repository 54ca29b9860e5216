"""One account as the router sees it: its channel, what it costs, and whether messages pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final

import structlog

from adapters.contract import (
    Accepted,
    Channel,
    DurableState,
    Evidence,
    Health,
    HealthState,
    Now,
    Priority,
    RejectClass,
    Rejected,
)
from adapters.sms.accounts import AccountSettings
from adapters.sms.registered import Registered
from adapters.sms.routing.breaker import Breaker
from adapters.sms.routing.health import AccountHealth
from adapters.sms.routing.spending import Spending
from text.segments import measure

log = structlog.get_logger(__name__)

PROBE_SECONDS: Final = 5.0
"""How old an account's own word on its health may be: each question may cost a request of its rate."""
OVER_BUDGET: Final = Rejected("budget", RejectClass.QUOTA, "daily_budget")
NOBODY_HAS_IT: Final = Rejected("link_down", RejectClass.RETRY_LATER, after=1.0)
"""No process has the account now, or the one that has it cannot send by it."""
PROBE_AGAIN_SECONDS: Final = 0.5
"""The same while it is not well: whoever mends it is watching."""
_CLOSES: Final = (RejectClass.CONFIG, RejectClass.QUOTA)
_TROUBLES: Final = frozenset({"throttled", "queue_full", "provider_error"})


class Member:
    """`clock` is monotonic, in seconds."""

    def __init__(
        self, settings: AccountSettings, channel: Channel, state: DurableState, now: Now, clock: Callable[[], float]
    ) -> None:
        self.channel = channel
        self.name = channel.name
        self.carriers = frozenset(settings.carriers)
        self.price = settings.price
        self.weight = settings.weight
        self.registered = Registered(settings.templates)
        self.breaker = Breaker(clock)
        self.health = AccountHealth(clock, proves_arrival=Evidence.DELIVERED in channel.traits.receipts)
        self.spending = Spending(self.name, settings.price, settings.daily_budget, state, now)
        self.stopping = False
        """What is refused now says nothing about the account."""
        self.here = True
        """Its session lives in this process."""
        self.well_elsewhere = False
        """Another process has it, and says that messages pass."""
        self._clock = clock
        self._probed: Health | None = None
        self._probed_at = float("-inf")
        self._probing = asyncio.Lock()

    @property
    def works(self) -> bool:
        return (not self.here or self.breaker.is_closed) and not self.spending.is_spent()

    def trouble(self) -> str:
        return self.health.trouble()

    def badness(self) -> float:
        return self.health.fault_share() + self.health.slow_share()

    def may_take(self, priority: Priority) -> bool:
        """Rescue answers go beyond the day's budget."""
        passes = self.breaker.is_closed if self.here else self.well_elsewhere
        return passes and (priority is Priority.LIFE or not self.spending.is_spent())

    def takes(self, priority: Priority) -> bool:
        """Also the one message that finds out whether an account works again; never one that is urgent."""
        return self.may_take(priority) or (priority > Priority.URGENT and self._tries())

    def takes_at_last(self, priority: Priority) -> bool:
        """Where nothing else works. A link that was down may be up again, and its account knows that best; a rescue
        answer is tried in any case."""
        if not self.here:
            return False
        if priority is Priority.LIFE:
            return True
        return not self.spending.is_spent() and (self.breaker.is_link or self._tries())

    def _tries(self) -> bool:
        if not self.here or not self.breaker.may_try() or self.spending.is_spent():
            return False
        self.breaker.trial()
        return True

    def closed_because(self) -> Rejected:
        """What a message hears that no account takes."""
        if not self.here:
            return NOBODY_HAS_IT
        return self.breaker.remembered() if not self.breaker.is_closed else OVER_BUDGET

    def took(self, outcome: Accepted, text: str) -> None:
        """Also notes in the outcome how many parts were taken, and for how much."""
        ids = outcome.provider_ids
        self.health.accepted(ids[0] if ids else "")
        outcome.parts = parts = len(ids) if len(ids) > 1 else max(outcome.parts, parts_of(text))
        outcome.vnd = parts * self.price
        self.spending.add(parts)
        self._passed()

    def doubted(self) -> None:
        """No answer: it may have left."""
        self.health.fault()
        if not self.stopping and self.breaker.silent():
            log.error("sms_account_closed", account=self.name, reason="no_answer")

    def refused(self, refusal: Rejected) -> None:
        if any(refusal.provider_ids):  # half a message is charged as such
            refusal.parts = sum(map(bool, refusal.provider_ids))
            refusal.vnd = refusal.parts * self.price
            self.spending.add(refusal.parts)
        if self.stopping:
            return
        if refusal.cls in _CLOSES or refusal.reason == "link_down":
            self.health.fault()
            if self.breaker.failed(refusal):
                log.error("sms_account_closed", account=self.name, reason=refusal.reason, code=refusal.code)
        elif refusal.cls is RejectClass.RETRY_LATER or refusal.reason == "expired":
            if refusal.reason in _TROUBLES:
                self.health.fault()
            self.breaker.unclear()
        else:
            self.health.answered()
            self._passed()

    def _passed(self) -> None:
        if not self.breaker.is_closed and self.breaker.passed():
            log.info("sms_account_open_again", account=self.name)

    async def probe(self) -> Health:
        """The account's own word, with what we know of it."""
        async with self._probing:
            well = self._probed is not None and self._probed.state is HealthState.OK
            if self._clock() - self._probed_at >= (PROBE_SECONDS if well else PROBE_AGAIN_SECONDS):
                self._probed = await self.channel.probe()
                self._probed_at = self._clock()
            own = self._probed
        assert own is not None
        spending = self.spending
        params = own.params | {"messages": spending.messages, "parts": spending.parts, "vnd": round(spending.vnd)}
        if spending.budget:
            params["budget"] = round(spending.budget)
        return Health(own.state, own.key, params, own.proven_at)

    @property
    def sends(self) -> bool:
        """Whether the duty board may count on it, by what is known without asking."""
        return self.works and (self._probed is None or self._probed.state not in (HealthState.DOWN, HealthState.OFF))

    @property
    def proven_at(self) -> datetime | None:
        return self._probed.proven_at if self._probed is not None else None


@lru_cache(maxsize=256)
def parts_of(text: str) -> int:
    """A broadcast sends one text many times."""
    return max(1, measure(text).segments)
