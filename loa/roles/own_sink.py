"""What a session hears is stored by the process that holds the session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from adapters.contract import Incoming, LedgerUnavailable, Receipt, Sink


class OwnSink:
    """`adapters.contract.Sink` of a process that may have slept. What it reads then, the provider tells whoever has
    the session by now, too; and a text carries no id by which the ledger could know it again, as receipts do.

    `homes`: sessions that live in one process; an event of theirs has the session's name. `holds`: one is surely here.
    """

    def __init__(self, sink: Sink, homes: Collection[str], holds: Callable[[str], bool]) -> None:
        self._sink = sink
        self._homes = frozenset(homes)
        self._holds = holds

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        await self._sink.receipts(batch)

    async def incoming(self, batch: Sequence[Incoming]) -> None:
        if any(one.channel in self._homes and not self._holds(one.channel) for one in batch):
            raise LedgerUnavailable
        await self._sink.incoming(batch)
