"""Collects what providers say and flushes it to the ledger in batches.

A flush begins as soon as the one before it is committed, but not more often than `pause_after` it: under load the
batches grow by themselves, and where the ledger is slow, because several workers share its machine, they grow more.
Whoever brings receipts waits for the commit (invariant 1); outcomes of our own sends do
not wait, and are kept here until they are committed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from itertools import zip_longest
from typing import Final

import structlog

from adapters.contract import LedgerUnavailable, Now, Outcome, Receipt
from broadcasts.following import is_told
from broadcasts.model import DeliveryState
from broadcasts.record import ChunkRanges, Flush
from broadcasts.recorded import Came, Change, Recorded, Sent
from lanes.port import Bus
from store import deliveries, receipts
from store.engine import Ledger, LedgerError, Tx

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 0.02
"""Least time from the begin of a flush to the begin of the next."""
FLUSH_SECONDS_MAX: Final = 0.08
"""Most of it. With `rate` messages a second, at most rate × (this + one commit) outcomes are lost by a kill, and their
deliveries become `unknown` (DESIGN 6)."""
FLUSH_SHARE: Final = 0.25
"""A flush takes no more of the time than this, or waits for `FLUSH_SECONDS_MAX`: each costs as much as some hundred
outcomes in it (benchmarks/machines.py)."""
FLUSH_ENOUGH: Final = 500
"""So many outcomes do not wait longer than `FLUSH_SECONDS`: more at once are hardly cheaper, and a carrier keeps about
as many receipts in flight."""
RETRY_SECONDS = 0.5
"""Pause after a flush that failed (disk full)."""

WAITED_SECONDS = 600.0
"""How long ago a receipt may have come for which a send of another process is looked for: longer than a provider's
answer, a ledger that is away and a process that takes over together."""
WAITED_AT_ONCE = 2_000

Waiter = tuple[asyncio.Future[None], int]
"""(whoever brought receipts, how many of them go into this flush), in the order of the receipts."""
OnFlushed = Callable[[Recorded], None]


def pause_after(took: float) -> float:
    """Seconds from the begin of a flush that took so long to the begin of the next."""
    return max(FLUSH_SECONDS, min(took / FLUSH_SHARE, FLUSH_SECONDS_MAX))


class Recorder:
    def __init__(self, ledger: Ledger, bus: Bus, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._now = now
        self._sent: list[Sent] = []
        self._came: list[Came] = []
        self._waiters: list[Waiter] = []
        self._work = asyncio.Event()
        self._enough = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._accounts: dict[str, int] = {}
        self._known_as: dict[int, int] = {}
        self._causes: dict[tuple[str, str], int] = {}
        self._ranges = ChunkRanges()
        self._orphans_wait = False
        self._listeners: list[OnFlushed] = []
        self.received: Counter[tuple[str, str]] = Counter()
        """Receipts since the start of this process, by account and what they say."""
        self.flushing = asyncio.Event()
        """Set while flushes succeed; dispatchers stop handing over while it is clear."""
        self.flushing.set()

    async def start(self, accounts: Sequence[str], systems: Mapping[str, str] | None = None) -> None:
        """`accounts` are the channels' names: the values of `Receipt.account`. `systems`: account → the one of its
        carrier's system under which the ids of all of them are kept (`Route.system`)."""

        def begin(tx: Tx) -> tuple[dict[str, int], dict[tuple[str, str], int], int]:
            receipts.forget_orphans(tx, self._now() - receipts.ORPHAN_DAYS * 86_400)
            ids = {name: deliveries.account_id(tx, name) for name in accounts}
            return ids, {pair: no for no, pair in deliveries.causes(tx).items()}, receipts.count_orphans(tx)

        self._accounts, self._causes, orphans = await self._ledger.write(begin)
        ids = self._accounts
        self._known_as = {ids[one]: ids[system] for one, system in (systems or {}).items()}
        self._orphans_wait = orphans > 0
        self._task = asyncio.create_task(self._run(), name="recorder")

    async def stop(self) -> None:
        """Flush what is left, then end."""
        if self._task is None:
            return
        while self._sent or self._came:
            self._work.set()
            await asyncio.sleep(FLUSH_SECONDS)
            if not self.flushing.is_set():
                break
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def on_flushed(self, listener: OnFlushed) -> None:
        """`listener` hears of every committed flush, from the event loop."""
        self._listeners.append(listener)

    def outcome(self, account: str, delivery_id: int, outcome: Outcome) -> None:
        """Keep what a provider answered to one of our sends."""
        number = self._accounts[account]
        self._sent.append(Sent(delivery_id, number, outcome, self._known_as.get(number, 0)))
        self._waits()

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Returns after the commit; raises `LedgerUnavailable` when it failed."""
        if not batch:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        accounts, known_as = self._accounts, self._known_as
        came = [
            Came(known_as.get(number, number), receipt, may_wait=True)
            for receipt in batch
            if (number := accounts.get(receipt.account)) is not None
        ]
        self._came += came
        self.received.update((receipt.account, receipt.state.value) for receipt in batch if receipt.account in accounts)
        self._waiters.append((done, len(came)))
        self._waits()
        await done

    def _waits(self) -> None:
        self._work.set()
        if len(self._sent) + len(self._came) >= FLUSH_ENOUGH:
            self._enough.set()

    async def tick_waiting(self) -> None:
        """Receipts that overtook their send in another process: neither of the two could know of the other."""
        since = self._now() - WAITED_SECONDS

        def look(tx: Tx) -> list[tuple[str, int]]:
            waiting = receipts.waiting_since(tx, since, WAITED_AT_ONCE)
            accounts = {account for _, account in waiting}
            pmids = {account: [pmid for pmid, whose in waiting if whose == account] for account in accounts}
            return [
                (pmid, account)
                for account in accounts
                for pmid in receipts.match_receipts(tx, account, pmids[account], self._now())
            ]

        def write(tx: Tx) -> Recorded:
            flush = Flush(tx, self._ranges, self._causes, self._now())
            flush.waited(found)
            return flush.close()

        found = await self._ledger.read(look)
        if found:
            self._recorded(await self._ledger.write(write, beside=True))

    async def _run(self) -> None:
        began = ended = 0.0
        while True:
            await self._work.wait()
            await asyncio.sleep(max(0.0, began + FLUSH_SECONDS - time.monotonic()))
            with suppress(TimeoutError):
                async with asyncio.timeout(began + pause_after(ended - began) - time.monotonic()):
                    await self._enough.wait()
            self._work.clear()
            self._enough.clear()
            began = time.monotonic()
            await self._flush()
            ended = time.monotonic()

    async def _flush(self) -> None:
        sent, came, waiters = self._sent, self._came, self._waiters
        self._sent, self._came, self._waiters = [], [], []
        if not sent and not came:
            _resolve(waiters, None)
            return
        orphans_wait = self._orphans_wait

        def write(tx: Tx) -> Recorded:
            flush = Flush(tx, self._ranges, self._causes, self._now())
            flush.outcomes(sent, orphans_wait)
            flush.receipts(came)
            return flush.close()

        try:
            recorded = await self._ledger.write(write, beside=True)
        except Exception as failed:
            await self._flush_failed(sent, waiters, failed)
            return
        self.flushing.set()
        self._orphans_wait = orphans_wait or recorded.orphans > 0
        if recorded.early:
            waiters = self._look_again(came, waiters, {id(one) for one in recorded.early})
        _resolve(waiters, None)
        self._recorded(recorded)

    def _look_again(self, came: Sequence[Came], waiters: Sequence[Waiter], early: Set[int]) -> list[Waiter]:
        """What came before its send goes into the next flush, too, first of all; whoever brought none of it is given
        back."""
        stored: list[Waiter] = []
        again: list[Came] = []
        wait_on: list[Waiter] = []
        at = 0
        for done, count in waiters:
            held = [one for one in came[at : at + count] if id(one) in early]
            at += count
            again += held
            (wait_on if held else stored).append((done, len(held)))
        for one in again:
            one.may_wait = False
        self._came[:0], self._waiters[:0] = again, wait_on
        self._waits()
        return stored

    def _recorded(self, recorded: Recorded) -> None:
        """Committed: whoever wants to know hears of it."""
        self._causes.update(recorded.causes)
        if is_told():
            _tell(recorded)
        for listener in self._listeners:
            listener(recorded)
        for no in recorded.broadcasts:
            self._bus.publish(f"broadcast:{no}", {"type": "deliveries", "no": no})

    async def _flush_failed(self, sent: list[Sent], waiters: Sequence[Waiter], failed: Exception) -> None:
        """Nothing of it is stored: providers keep their receipts, we keep our outcomes and try again."""
        self._ranges.forget()
        self._sent = sent + self._sent
        self.flushing.clear()
        _resolve(waiters, LedgerUnavailable(str(failed)))
        log.error("flush_failed", outcomes=len(sent), error=repr(failed), expected=isinstance(failed, LedgerError))
        await asyncio.sleep(RETRY_SECONDS)
        self._work.set()


def _resolve(waiters: Sequence[Waiter], error: Exception | None) -> None:
    for waiter, _ in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)


def _tell(recorded: Recorded) -> None:
    """What the ledger now says of each message."""
    for step in recorded.together:
        for one, pmid in zip_longest(step.ids, step.provider_ids, fillvalue=""):
            _tell_one(Change(int(one), 0, step.old, step.new, "", step.code, str(pmid)))
    for change in recorded.changes:
        _tell_one(change)


def _tell_one(one: Change) -> None:
    facts = {"was": DeliveryState(one.old).word, "state": DeliveryState(one.new).word, "reason": one.reason}
    facts |= {"code": one.code, "provider_id": one.provider_id}
    log.debug("recorded", delivery=one.delivery_id, **{key: value for key, value in facts.items() if value})
