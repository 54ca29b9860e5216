"""(e) The link cut every two seconds for a minute: nothing lost, nothing twice, everything ambiguous on the list."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.sms_stand import Bench, D, bench
from store import delivery_pages

CUT_SECONDS: Final = 2.0
SECONDS: Final = 60
RATE: Final = 400
MESSAGES: Final = RATE * SECONDS * 5 // 8
PAGE: Final = 1_000
RECIPIENT: Final = 11
"""Its place in a row of `store.delivery_pages.page`."""
QUICK: Final = {"backoff_min": 0.1, "backoff_max": 0.5}
"""Seconds until the next connection: with the usual 1 to 60 the link would mostly be down."""


async def main() -> None:
    async with bench(tps=RATE, timers=QUICK) as stand:
        await stand.list_of(MESSAGES)
        await stand.faults(cut_every=CUT_SECONDS, show_rate=0)
        began = time.perf_counter()
        no = await stand.approved()
        counts = await stand.until_over(no, MESSAGES, (D.QUEUED, D.SENDING, D.RETRYING), SECONDS * 5)
        took = time.perf_counter() - began
        arrived = await stand.asked("received", format="counts")
        listed = await unknown(stand, no)
    lost = MESSAGES - len(set(arrived) | listed)
    twice = sum(1 for times in arrived.values() if times > 1)
    assert len(listed) == counts[D.UNKNOWN], (len(listed), counts)
    doubtful, had = counts[D.UNKNOWN], len(listed & set(arrived))
    print(f"sms cuts: {MESSAGES:,} messages through a link cut every {CUT_SECONDS:g} s for {took:.0f} s: {lost} lost,")
    print(
        f"          {twice} twice, {doubtful} ambiguous ({doubtful / MESSAGES:.2%}), each of them listed, of which the"
    )
    print(f"          carrier had {had}; the link was back after {QUICK['backoff_min']} s")
    assert not lost
    assert not twice


async def unknown(stand: Bench, no: int) -> set[str]:
    """Numbers of the deliveries that are listed as unknown."""
    found: set[str] = set()
    after = 0
    while page := await stand.service.ledger.read(
        lambda tx, after=after: delivery_pages.page(tx, no, int(D.UNKNOWN), after, PAGE)  # type: ignore[misc]
    ):
        found |= {str(row[RECIPIENT]) for row in page}
        after = page[-1][0]
    return found
