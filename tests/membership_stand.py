"""Several processes on one ledger, in tests: each a `Membership` of its own, under one clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loa.roles.homes import Group
from loa.roles.identity import Identity, own_identity
from loa.roles.membership import Membership
from store import leases
from store.engine import Ledger, LedgerError
from tests.ledgers import ledger_of

LEASE = 15.0
HOMES = ("sms.a", "sms.b", "telegram")


@dataclass
class Clock:
    """The ledger's."""

    at: float = 1_000_000.0

    def __call__(self, _: object = None) -> float:
        return self.at


@dataclass
class Sessions:
    """What lives in one process."""

    live: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.release.set()

    async def take_up(self, home: str) -> None:
        self.live.add(home)
        self.taken.append(home)

    async def hand_over(self, home: str) -> None:
        await self.release.wait()
        self.live.discard(home)

    async def let_go(self, home: str) -> None:
        self.live.discard(home)


class Office:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.clock = ledger, Clock()
        self.made: list[Membership] = []

    def process(self, name: str, role: str = "worker", *, off: float = 0.0, schema: str = "9998", pid: int = 0):
        machine, own = ("", own_identity()) if not pid else (own_identity().machine, own_identity())
        identity = Identity(name, name, machine, pid or own.pid, "0" if pid else own.born)
        sessions = Sessions()
        group = Group(frozenset({"worker", "all"}), HOMES, sessions)
        made = Membership(
            self.ledger, role, "1", LEASE, [group], lambda: self.clock.at + off, self.clock, identity, schema
        )
        self.made.append(made)
        return made, sessions

    async def holders(self) -> dict[str, str]:
        held = await self.ledger.read(lambda tx: leases.held(tx, self.clock.at))
        return {name: lease.owner for name, lease in held.items()}


@asynccontextmanager
async def office_on(folder: Path) -> AsyncIterator[Office]:
    ledger = ledger_of(folder)
    ledger.open()
    office = Office(ledger)
    try:
        yield office
    finally:
        for one in office.made:
            await one.leave()
        await ledger.close()


async def join(one: Membership, fenced: Callable[[LedgerError], object]) -> None:
    await one.enter(fenced)
    await one.join()


def nothing(why: LedgerError) -> None:
    raise AssertionError(why.key)
