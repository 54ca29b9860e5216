"""The id under which eSMS knows one of our sends: the same for every repeat, and never that of another send.

eSMS blocks a RequestId for a day and answers 124. That makes a repeat after a silence safe, and makes an id that is
used for something else a message that is silently lost. So it holds what makes a send: this installation, the delivery,
number and text, and how often eSMS surely refused this very send before.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from adapters.contract import DurableState, Envelope

SALT_OCTETS: Final = 4
DIGEST_OCTETS: Final = 6
REMEMBERED: Final = 50_000
"""Deliveries whose refusals are counted."""


class RequestIds:
    def __init__(self, state: DurableState, account: str) -> None:
        self._state = state
        self._key = f"{account}.salt"
        self._salt = ""
        self._refused: dict[int, int] = {}

    async def of(self, envelope: Envelope) -> str:
        """At most 45 characters. Raises `LedgerUnavailable` while the first one cannot be made durable."""
        if not self._salt:
            await self._load()
        digest = hashlib.blake2b(f"{envelope.to}\n{envelope.text}".encode(), digest_size=DIGEST_OCTETS).hexdigest()
        turn = self._refused.get(envelope.delivery_id, 0)
        return f"{self.prefix}{envelope.delivery_id:x}-{digest}" + (f"-{turn}" if turn else "")

    @property
    def prefix(self) -> str:
        """Of every id of this installation, "" before the first one."""
        return f"loa-{self._salt}-" if self._salt else ""

    def refused(self, delivery_id: int) -> None:
        """eSMS surely refused this send: a repeat is a new request to it."""
        self._refused[delivery_id] = self._refused.get(delivery_id, 0) + 1
        if len(self._refused) > REMEMBERED:
            del self._refused[next(iter(self._refused))]

    async def _load(self) -> None:
        async with self._state.lock(self._key):
            known = await self._state.get(self._key)
            if known is None:
                known = secrets.token_hex(SALT_OCTETS).encode()
                await self._state.put(self._key, known)
        self._salt = known.decode()
