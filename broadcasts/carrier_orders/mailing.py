"""The outbox: letters leave one at a time, each outcome recorded; what is in doubt is never sent again by itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from adapters.contract import Now
from broadcasts.carrier_orders import views
from broadcasts.carrier_orders.letter import Letter, make_letter
from broadcasts.carrier_orders.model import CarrierLine, LetterKind, MailState, OrderView
from broadcasts.carrier_orders.office import SYSTEM, OrderSettings, again, move_on, publish
from broadcasts.carrier_orders.wording import load_wording
from lanes.port import Bus
from store import carrier_letters
from store import carrier_orders as store
from store.carrier_letters import LetterRow
from store.engine import Ledger, Tx

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = (15.0, 30.0, 60.0, 120.0, 300.0)
"""Waits between attempts; the last one again and again, until the window of the order is over."""
SAYS_LIMIT: Final = 300
"""Characters kept of a mail server's own words."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of one attempt: `sent`, `refused` for good, `retrying`, or `unknown`, with the server's own words."""

    state: MailState
    says: str = ""


class Mailer(Protocol):
    async def send(self, letter: Letter) -> Posted:
        """Never raises for what a server or a network does."""


class Outbox:
    """`tick` sends everything that is due. Safe to miss, to repeat and to run late."""

    def __init__(
        self, ledger: Ledger, bus: Bus, settings: OrderSettings, mailer: Mailer | None, now: Now = time.time
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._settings = settings
        self._mailer = mailer
        self._now = now

    async def recover(self) -> int:
        """At start, before any tick: how many letters the last process left in doubt."""

        def write(tx: Tx) -> int:
            now = self._now()
            doubted = carrier_letters.doubt_letters(tx, now)
            for letter in doubted:
                store.note(tx, letter.order_id, now, SYSTEM, "mail_unknown", {"carrier": _name(tx, letter)})
            return len(doubted)

        return await self._ledger.write(write)

    async def tick(self) -> None:
        if self._mailer is None:
            return
        while await self._ledger.read(lambda tx: carrier_letters.any_due(tx, self._now())):
            letter = await self._ledger.write(lambda tx: carrier_letters.claim_letter(tx, self._now()))
            if letter is None:
                return
            await self._send(self._mailer, letter)

    async def _send(self, mailer: Mailer, row: LetterRow) -> None:
        view, carrier, token = await self._ledger.read(lambda tx: self._read(tx, row))
        link, words = self._settings.link(token), load_wording()
        letter = await asyncio.to_thread(
            make_letter, LetterKind(row.kind), row.id, view, carrier, self._settings.office, link, words
        )
        posted = await mailer.send(letter)
        await self._ledger.write(lambda tx: self._settle(tx, row, view, posted))
        log.info("carrier_mail", order=view.code, place=row.place, kind=row.kind, state=posted.state.value)
        publish(self._bus, view.code)

    def _read(self, tx: Tx, row: LetterRow) -> tuple[OrderView, CarrierLine, str]:
        view = views.view(tx, again(tx, row.order_id), mail_ready=True)
        carrier = next(one for one in view.carriers if one.place == row.place)
        return view, carrier, next(copy.token for copy in store.copies(tx, row.order_id) if copy.place == row.place)

    def _settle(self, tx: Tx, row: LetterRow, view: OrderView, posted: Posted) -> None:
        now = self._now()
        state, wait = posted.state, RETRY_SECONDS[min(row.attempts - 1, len(RETRY_SECONDS) - 1)]
        if state is MailState.RETRYING and now + wait >= view.ends_at.timestamp():
            state = MailState.REFUSED
        if not carrier_letters.settle_letter(tx, row.id, state.value, posted.says[:SAYS_LIMIT], now, now + wait):
            return
        detail = {"carrier": _name(tx, row), "letter": row.kind}
        if state is not MailState.RETRYING:
            store.note(tx, row.order_id, now, SYSTEM, f"mail_{state.value}", detail)
        if state is MailState.SENT and row.kind == LetterKind.ORDER:
            store.hand_over(tx, row.order_id, row.place, "mail", now)
            move_on(tx, row.order_id, now)


def _name(tx: Tx, row: LetterRow) -> str:
    return next((copy.name for copy in store.copies(tx, row.order_id) if copy.place == row.place), "")
