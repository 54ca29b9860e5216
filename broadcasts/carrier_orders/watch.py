"""Carriers that say nothing: after N minutes without an acknowledgement the duty board rings."""

from __future__ import annotations

import time

import structlog

from adapters.contract import Now
from broadcasts.carrier_orders.office import SILENT, SYSTEM, OrderSettings, alarm_subject, publish
from broadcasts.carrier_orders.states import LEFT
from broadcasts.model import Mode
from lanes.port import Bus
from store import alarms
from store import carrier_orders as store
from store.engine import Ledger, Tx

log = structlog.get_logger(__name__)


class SilenceWatch:
    """The clock runs from the approval, whatever became of the letter: one that never left is silence, too."""

    def __init__(self, ledger: Ledger, bus: Bus, settings: OrderSettings, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._settings = settings
        self._now = now

    async def tick(self) -> int:
        """How many carriers ring now that did not before."""
        if not await self._ledger.read(lambda tx: bool(self._silent(tx))):
            return 0
        codes = await self._ledger.write(self._raise)
        for code in codes:
            publish(self._bus, code)
            self._bus.publish("alarms", {"type": "raised", "kind": SILENT})
        return len(codes)

    def _silent(self, tx: Tx) -> list[tuple[store.OrderRow, store.CopyRow]]:
        before = self._now() - self._settings.acknowledge_within
        return store.silent(tx, before, [state.value for state in LEFT], Mode.ACTUAL.value)

    def _raise(self, tx: Tx) -> list[str]:
        now, codes = self._now(), []
        for order, copy in self._silent(tx):
            detail = {"order": order.code, "carrier": copy.name, "phone": copy.phone}
            alarms.raise_once(tx, SILENT, alarm_subject(order.code, copy.name), detail, now)
            store.mark_silent(tx, order.id, copy.place, now)
            store.note(tx, order.id, now, SYSTEM, "carrier_silent", {"carrier": copy.name})
            log.warning("carrier_silent", order=order.code, place=copy.place)
            codes.append(order.code)
        return codes
