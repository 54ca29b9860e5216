"""What a session hears is stored by the process that holds the session."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Protocol

from adapters.contract import Incoming, LedgerUnavailable, Receipt
from loa.wiring import LedgerSink
from store.engine import Tx


class Holding(Protocol):
    """What lives in this process, by its own count and by the ledger's."""

    def surely_holds(self, home: str) -> bool: ...

    def assert_held(self, tx: Tx, homes: Collection[str]) -> None:
        """At the end of a transaction. Raises `LedgerError`: not ours, or not for as long as a commit takes."""


class OwnSink:
    """`adapters.contract.Sink` of a process that may have slept. What it reads then, the provider tells whoever has
    the session by now, too; and a text carries no id by which the ledger could know it again, as receipts do.

    It may sleep after any look at its own count, so the ledger looks again in the transaction that stores.
    `homes`: sessions that live in one process; an event of theirs has the session's name.
    """

    def __init__(self, sink: LedgerSink, homes: Collection[str]) -> None:
        self._sink = sink
        self._homes = frozenset(homes)
        self.holding: Holding | None = None
        """None: no other process shares the ledger, everything lives here."""

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        await self._sink.receipts(batch)

    async def incoming(self, batch: Sequence[Incoming]) -> None:
        heard = self._homes.intersection(one.channel for one in batch)
        if self.holding is None or not heard:
            await self._sink.incoming(batch)
            return
        if not all(self.holding.surely_holds(home) for home in heard):
            raise LedgerUnavailable
        await self._sink.incoming(batch, partial(self.holding.assert_held, homes=heard))
