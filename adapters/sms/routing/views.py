"""Each account as a channel of its own beside the router, and the sink through which the router reads along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from adapters.contract import (
    Envelope,
    Health,
    Hook,
    Incoming,
    Outcome,
    Receipt,
    ReceiptState,
    Report,
    Sink,
)
from adapters.sms.routing.member import Member


class Router(Protocol):
    async def start_view(self, member: Member, sink: Sink) -> None: ...

    async def stop_view(self, member: Member) -> None: ...

    async def send_by(self, first: Member | None, batch: Sequence[Envelope], report: Report) -> None: ...

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None: ...


class AccountView:
    """What is sent by it goes by this account while it works, else by another. In a process that does all, the router
    starts and stops the account; else it is started where it lives."""

    def __init__(self, router: Router, member: Member) -> None:
        self.name = member.name
        self.traits = member.channel.traits
        self.hooks: Mapping[str, Hook] = member.channel.hooks
        self._router = router
        self._member = member

    async def start(self, sink: Sink) -> None:
        await self._router.start_view(self._member, sink)

    async def stop(self) -> None:
        await self._router.stop_view(self._member)

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        await self._router.send_by(self._member, batch, report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        return await self._router.ask(envelope, sent_at)

    async def probe(self) -> Health:
        return await self._member.probe()


class WatchingSink:
    """The sink of all accounts: first the commit, then a look at how long messages took."""

    def __init__(self, sink: Sink, members: Sequence[Member]) -> None:
        self._sink = sink
        self._members = {member.name: member for member in members}

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        await self._sink.receipts(batch)
        for receipt in batch:
            member = self._members.get(receipt.account)
            if member is not None and receipt.state is not ReceiptState.PENDING:
                member.health.ended(receipt.keys)

    async def incoming(self, batch: Sequence[Incoming]) -> None:
        await self._sink.incoming(batch)
