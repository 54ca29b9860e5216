"""A send without an answer is looked up where its channel can be asked, before anything else is done about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from adapters.contract import Now, RejectClass, Rejected
from broadcasts.doubt import surely_lost
from broadcasts.plan import priority_of
from broadcasts.recorder import Recorder
from broadcasts.routes import Route, Routes
from broadcasts.texts import in_person
from lanes.port import Lanes
from store import broadcasts, deliveries
from store.broadcasts import BroadcastRow
from store.deliveries import Direct
from store.engine import Ledger, Tx

ASK_FOR_SECONDS = 6 * 3600.0
"""How long an unknown send is asked for; afterwards it stays unknown."""
ASK_AFTER_CRASH_SECONDS = 20.0
"""What was on its way when we died is with the provider by then, or never will be. Longer than a provider's answer
takes (`answer_seconds`); after a send that we saw without an answer the channel itself waits."""
ASK_AT_ONCE = 50


class Asker:
    """`serves`: routes whose session lives in this process."""

    def __init__(
        self,
        ledger: Ledger,
        lanes: Lanes,
        recorder: Recorder,
        routes: Routes,
        ack_label: str,
        now: Now = time.time,
        serves: Callable[[Route], bool] = lambda route: True,
    ) -> None:
        self._serves = serves
        self._ledger = ledger
        self._lanes = lanes
        self._recorder = recorder
        self._routes = {route.name: route for route in routes.all if route.traits.can_ask}
        self._ack_label = ack_label
        self._files = ledger.files
        self._now = now

    async def tick_unknown(self) -> int:
        """Ask for some of the sends in doubt; how many are no longer."""
        if not self._routes:
            return 0
        here = [name for name, route in self._routes.items() if self._serves(route)]
        found = await self._ledger.read(lambda tx: self._in_doubt(tx, here)) if here else []
        known = 0
        for row, direct, sent_at in found:
            known += await self._ask(row, direct, sent_at)
        return known

    def _in_doubt(self, tx: Tx, here: Sequence[str]) -> list[tuple[BroadcastRow, Direct, int]]:
        now, rows = self._now(), []
        since, doubted_before = int(now - ASK_FOR_SECONDS), int(now - ASK_AFTER_CRASH_SECONDS)
        for direct, sent_at in deliveries.unknown_direct(tx, here, since, doubted_before, ASK_AT_ONCE):
            row = broadcasts.by_no(tx, direct.broadcast_no)
            if row is not None:
                rows.append((row, direct, sent_at))
        return rows

    async def _ask(self, row: BroadcastRow, direct: Direct, sent_at: int) -> bool:
        route = self._routes[direct.channel]
        priority = priority_of(row, to_list=False)
        envelope = in_person(row, direct, route.traits, self._ack_label, route.post_to, priority, self._files)
        outcome = await route.channel.ask(envelope, float(sent_at))
        if outcome is None:
            return False
        if isinstance(outcome, Rejected) and outcome.cls is RejectClass.RETRY_LATER:
            now = self._now()
            chunk = await self._ledger.write(lambda tx: surely_lost(tx, direct.delivery_id, now))
            if chunk is not None:
                await self._lanes.announce(direct.channel, priority, chunk, now)
            return chunk is not None
        self._recorder.outcome(outcome.account or direct.channel, direct.delivery_id, outcome)
        return True
