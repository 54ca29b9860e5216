"""Is this the same message again, or has the person written the same words again?

A deliver_sm of a person's message carries no id. An SMSC sends it again when it did not get our answer: the link broke,
we answered late, or we could not store it. So each single message gets an event id, remembered (durably, before the
message is stored) until the peer has surely read our answer, which it has when it answers a request that we wrote
later on the same link. An equal message that comes while its twin is unsure is the twin; any other is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson
import structlog

from adapters.contract import DurableState, Now
from adapters.sms.smpp.incoming import Mo
from adapters.sms.smpp.link import Link

log = structlog.get_logger(__name__)

PROMPT_SECONDS: Final = 5.0
"""An answer within this time is in front of any repetition by the SMSC; their response timers start at 10 s."""
LATE_SECONDS: Final = 60.0
"""How long after a late answer a repetition may still be under way."""
REBOUND_SECONDS: Final = 600.0
"""What an SMSC kept for us comes in the first minutes of a new bind."""
FORGET_SECONDS: Final = 72 * 3_600.0
"""SMSCs keep undelivered messages for up to three days."""


@dataclass(slots=True, eq=False)
class Seen:
    event_id: str
    at: float
    """Epoch seconds at which it was first seen."""
    link: Link | None = None
    """The link that it came by, None after a restart."""
    received: float = 0.0
    answered: float | None = None
    """Loop times; `answered` None: not yet."""
    refused: bool = False
    """Answered 0x64: the SMSC has been asked to send it again."""

    def sure(self, now: float) -> bool:
        """The peer has our answer, and no repetition is under way."""
        if self.link is None or self.answered is None or self.link.confirmed <= self.answered:
            return False
        return self.answered - self.received < PROMPT_SECONDS or now - self.answered > LATE_SECONDS

    def may_repeat(self, link: Link, now: float) -> bool:
        """An equal message that comes by `link` now may be this one again."""
        if self.link is not link:
            return now - link.bound_at < REBOUND_SECONDS
        if self.refused:
            return True
        if self.answered is None:
            return now - self.received >= PROMPT_SECONDS
        return self.answered - self.received >= PROMPT_SECONDS and now - self.answered <= LATE_SECONDS


class Redelivery:
    def __init__(self, name: str, state: DurableState, now: Now) -> None:
        self._prefix = f"{name}:seen:"
        self._state = state
        self._now = now
        self._seen: dict[str, dict[str, Seen]] = {}
        """By fingerprint, then by event id, oldest first: equal messages may wait side by side."""
        self._count = 0

    async def load(self) -> None:
        stored = await self._state.items(self._prefix)
        for key in sorted(stored):
            try:
                fingerprint, event_id = key.removeprefix(self._prefix).split(":")
                self._seen.setdefault(fingerprint, {})[event_id] = Seen(event_id, float(orjson.loads(stored[key])))
            except (ValueError, TypeError):
                log.exception("smpp_seen_unreadable", key=key)

    async def claim(self, mo: Mo, link: Link) -> Seen:
        """The record of this message, durable now. Raises `LedgerUnavailable`."""
        loop_now = link.loop.time()
        twin = self._twin(mo.fingerprint, link, loop_now)
        if twin is None and loop_now - link.bound_at < REBOUND_SECONDS:
            await self._learn(mo.fingerprint)
            twin = self._twin(mo.fingerprint, link, loop_now)
        if twin is not None:
            twin.link, twin.received, twin.answered, twin.refused = link, loop_now, None, False
            return twin
        twins = self._seen.setdefault(mo.fingerprint, {})
        self._count += 1
        at = self._now()
        seen = Seen(f"{mo.fingerprint}-{int(at * 1000):x}-{self._count:x}", at, link, loop_now)
        twins[seen.event_id] = seen
        try:
            await self._state.put(f"{self._prefix}{mo.fingerprint}:{seen.event_id}", orjson.dumps(at))
        except BaseException:
            twins.pop(seen.event_id, None)
            raise
        return seen

    def _twin(self, fingerprint: str, link: Link, loop_now: float) -> Seen | None:
        known = self._seen.get(fingerprint, {}).values()
        return next((seen for seen in known if seen.may_repeat(link, loop_now)), None)

    async def _learn(self, fingerprint: str) -> None:
        """What the process that held this account before us still wrote down after we had loaded: it may have stood
        still meanwhile, and could not answer any more."""
        stored = await self._state.items(f"{self._prefix}{fingerprint}:")
        known = self._seen.setdefault(fingerprint, {})
        for key in sorted(stored):
            event_id = key.rpartition(":")[2]
            known.setdefault(event_id, Seen(event_id, float(orjson.loads(stored[key]))))

    @property
    def unsure(self) -> int:
        return sum(map(len, self._seen.values()))

    async def sweep(self, loop_now: float) -> None:
        """Forget what is sure or very old."""
        old = self._now() - FORGET_SECONDS
        over = [
            (fingerprint, seen.event_id)
            for fingerprint, twins in self._seen.items()
            for seen in twins.values()
            if seen.at <= old or seen.sure(loop_now)
        ]
        if not over:
            return
        await self._state.delete(*(f"{self._prefix}{fingerprint}:{event_id}" for fingerprint, event_id in over))
        for fingerprint, event_id in over:
            self._seen[fingerprint].pop(event_id, None)
            if not self._seen[fingerprint]:
                del self._seen[fingerprint]
