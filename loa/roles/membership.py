"""This process among the others: that it is alive, what it holds, and when it has to let go (docs/decisions/).

One round every few seconds is one small transaction: the sign of life, the leases that are held, those that are free.
Time is the ledger's. A process that could not make a round for as long as a lease lasts lets go of everything by its
own count, for by then others may hold it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import structlog

from adapters.contract import Now
from loa.roles.homes import Group, Seen
from loa.roles.identity import Identity, own_identity, still_runs
from loa.roles.role import Role
from loa.roles.shares import moves
from loa.roles.turns import Turns
from store import leases, workers
from store.engine import Ledger, LedgerError, Tx
from store.revisions import own_revision
from store.workers import DRAINING, READY, Worker

log = structlog.get_logger(__name__)

ROUND_SECONDS: Final = 2.0
SETTLED_SECONDS: Final = 10.0
"""How long another process must have been there before something is handed over to it."""
CLOCK_WARN_SECONDS: Final = 2.0
CLOCK_REFUSED_SECONDS: Final = 10.0
"""A clock that is further off than this would send what is over, and retry what is not due: a third of a claim's
lease."""


ALL: Final = Role.ALL.value
"""Who does all shares with nobody: another one beside it would poll, bind and tick a second time."""


class Membership:
    """`fenced` is called when this process may not go on: the schema has outgrown its program."""

    def __init__(
        self,
        ledger: Ledger,
        role: str,
        version: str,
        lease_seconds: float,
        groups: Sequence[Group],
        now: Now = time.time,
        clock: Callable[[Tx], float] = leases.ledger_clock,
        identity: Identity | None = None,
        schema: str = "",
    ) -> None:
        self.identity = identity or own_identity()
        self.owner = self.identity.owner
        self.state = READY
        self.clock_off = 0.0
        self.holders: dict[str, str] = {}
        """Home → owner, as of the last round."""
        self._ledger = ledger
        self._role = role
        self._version = version
        self._schema = schema or own_revision()
        self._lease = lease_seconds
        self._groups = list(groups)
        self._now = now
        self._clock = clock
        self._held: dict[str, tuple[int, Group]] = {}
        self._going: dict[str, asyncio.Task[None]] = {}
        """Homes that are being handed over."""
        self._turns = Turns()
        self._rounds = asyncio.Lock()
        self._round_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._fenced: Callable[[LedgerError], None] = lambda why: None

    def holds(self, home: str) -> bool:
        return home in self._held

    def surely_holds(self, home: str) -> bool:
        """By our own count nobody else can have taken it yet."""
        return home in self._held and self._left() > 0

    def assert_held(self, tx: Tx, homes: Collection[str]) -> None:
        """`loa.roles.own_sink.Holding`"""
        now = self._clock(tx)
        for home in sorted(homes):
            known = self._held.get(home)
            if known is None or not leases.holds_on(tx, home, self.owner, known[0], now):
                raise LedgerError("lease_lost")

    @property
    def homes(self) -> list[str]:
        return sorted(self._held)

    def behind(self) -> str:
        """Why this process does not do its part; "" when it does."""
        if self._task is None:
            return "starting"
        return "ledger_away" if self._left() <= 0 else ""

    async def enter(self, fenced: Callable[[LedgerError], None]) -> None:
        """Say that we are there. Raises `LedgerError`: clock_off, program_too_old, not_alone."""
        self._fenced = fenced
        off, floor = await self._enter_in_time()
        self._round_at = time.monotonic()
        if abs(off) > CLOCK_REFUSED_SECONDS:
            await self._ledger.write_presence(lambda tx: workers.leave(tx, self.owner))
            raise LedgerError("clock_off", seconds=f"{off:+.1f}", most=f"{CLOCK_REFUSED_SECONDS:.0f}")
        self._judge(off, floor)

    async def join(self) -> None:
        """Take what is free, and go on with rounds."""
        await self.round()
        self._task = asyncio.create_task(self._run(), name="membership")

    async def _enter_in_time(self) -> tuple[float, str]:
        """A process that ended without a word is waited for, for as long as it may still live."""
        until = time.monotonic() + self._lease + ROUND_SECONDS
        while True:
            try:
                return await self._ledger.write_presence(self._enter)
            except LedgerError as refused:
                if refused.key != "not_alone" or time.monotonic() > until:
                    raise
            await asyncio.sleep(ROUND_SECONDS)

    def _judge(self, off: float, floor: str) -> None:
        self.clock_off = off
        if abs(off) > CLOCK_WARN_SECONDS:
            log.warning("clock_off", seconds=round(off, 1), refused_from=CLOCK_REFUSED_SECONDS)
        if floor > self._schema:
            raise LedgerError("program_too_old", schema=self._schema, floor=floor)

    def _enter(self, tx: Tx) -> tuple[float, str]:
        now, own = self._clock(tx), self.identity
        off = self._now() - now
        for other in self._without_dead(tx, workers.alive(tx, now), now):
            if other.id != own.owner and ALL in (other.role, self._role):
                raise LedgerError("not_alone", name=other.name)
        name = f"{self._role}@{own.host}"
        workers.register(
            tx,
            Worker(
                own.owner, name, self._role, own.machine, own.pid, own.born, self._version, self.state, off, now,
                now + self._lease,
            ),
        )  # fmt: skip
        workers.forget_old(tx, now)
        return off, workers.schema_floor(tx)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                # who holds nothing endangers nothing by waiting, and under load a round may take a moment
                patience = max(0.1, self._left()) if self._held else self._lease
                async with asyncio.timeout(patience):
                    await self.round()
            except LedgerError as failed:
                log.warning("round_failed", reason=failed.key)
            except TimeoutError:
                log.warning("round_failed", reason="timeout")
            except Exception:
                log.exception("round_failed")
            if self._left() <= 0:
                await self._let_go(list(self._held), "no_round")

    def _left(self) -> float:
        """Seconds for which nobody else can have taken what is held here."""
        return self._round_at + self._lease - time.monotonic()

    async def round(self) -> None:
        """Raises `LedgerError` when the ledger cannot be written; nothing is known then."""
        async with self._rounds:
            await self._round()

    async def _round(self) -> None:
        seen = await self._ledger.write_presence(self._look)
        if not seen.alive:  # by now others may hold what we held: begin anew, with nothing
            await self._let_go(list(self._held), "forgotten")
            await self._ledger.write_presence(self._enter)
            return
        self._round_at = seen.at
        self.holders = dict(seen.held)
        try:
            self._judge(seen.clock_off, seen.floor)
        except LedgerError as too_old:
            self._fenced(too_old)
        await self._let_go(seen.lost, "lease_lost")
        for home, token, group in seen.taken:
            log.info("home_taken", home=home, token=token)
            self._held[home] = (token, group)
            # a round that takes too long is given up; what it took is begun all the same
            await asyncio.shield(self._turns.take(home, partial(group.holder.take_up, home)))
        for home in seen.given:
            self._start_handing_over(home)

    def _look(self, tx: Tx) -> Seen:
        at = time.monotonic()
        now, me = self._clock(tx), self.owner
        off = self._now() - now
        if not workers.beat(tx, me, self.state, off, now, self._lease):
            return Seen(alive=False, at=at)
        seen = Seen(alive=True, at=at, clock_off=off, floor=workers.schema_floor(tx))
        alive = self._without_dead(tx, workers.alive(tx, now), now)
        for home, (token, _) in self._held.items():
            if not leases.renew(tx, home, me, token, now, self._lease):
                seen.lost.append(home)
        held = {
            name: lease.owner
            for name, lease in leases.held(tx, now).items()
            if lease.owner != me or name in self._held  # else a round took it whose end we did not wait for
        }
        for group in self._groups:
            self._share(tx, group, alive, held, seen, now)
        seen.held = held
        return seen

    def _without_dead(self, tx: Tx, alive: Sequence[Worker], now: float) -> list[Worker]:
        gone = [one.id for one in alive if one.id != self.owner and not still_runs(one.machine, one.pid, one.born)]
        workers.give_up(tx, gone, now)
        return [one for one in alive if one.id not in gone]

    def _share(
        self, tx: Tx, group: Group, alive: Sequence[Worker], held: dict[str, str], seen: Seen, now: float
    ) -> None:
        may = [one for one in alive if one.role in group.roles and one.state == READY]
        settled = [one.id for one in may if now - one.started_at >= SETTLED_SECONDS]
        wanted = moves(self.owner, [one.id for one in may], group.homes, held, settled)
        for home in wanted.take:
            token = leases.take(tx, home, self.owner, now, self._lease)
            if token is not None:
                held[home] = self.owner
                seen.taken.append((home, token, group))
        seen.given += [home for home in wanted.give if home in self._held and home not in self._going]

    async def _let_go(self, homes: Sequence[str], why: str) -> None:
        """What is not ours any more ends at once, side by side; all of it, though the round be given up meanwhile."""
        ending = []
        for home in homes:
            known = self._held.pop(home, None)
            if known is not None:  # else it was handed over while the round looked
                log.error("home_lost", home=home, why=why)
                ending.append(self._turns.take(home, partial(known[1].holder.let_go, home)))
        await asyncio.shield(asyncio.gather(*ending, return_exceptions=True))

    def _start_handing_over(self, home: str) -> None:
        task = self._turns.take(home, partial(self._hand_over, home))
        self._going[home] = task
        task.add_done_callback(lambda _: self._going.pop(home, None))

    async def _hand_over(self, home: str) -> None:
        """It stays ours until it has ended, unless it is lost before."""
        known = self._held.get(home)
        if known is None:
            return
        log.info("home_handed_over", home=home)
        try:
            await known[1].holder.hand_over(home)
        finally:
            ours = self._held.get(home) is known
            if ours:
                del self._held[home]
        if ours:
            await self._ledger.write_presence(lambda tx: leases.give_back(tx, home, self.owner))

    async def drain(self) -> None:
        """Take nothing more and hand everything over. What is held stays ours until it has ended."""
        self.state = DRAINING
        try:
            await self.round()
        except LedgerError as failed:
            log.warning("round_failed", reason=failed.key)
        for home in list(self._held):
            if home not in self._going:
                self._start_handing_over(home)
        await asyncio.gather(*list(self._going.values()), return_exceptions=True)

    async def leave(self) -> None:
        """After `drain`: nobody needs to wait for us."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

        def end(tx: Tx) -> None:
            leases.give_back_all(tx, self.owner)
            workers.leave(tx, self.owner)

        try:
            await self._ledger.write_presence(end)
        except LedgerError as failed:
            log.warning("not_signed_off", reason=failed.key)
