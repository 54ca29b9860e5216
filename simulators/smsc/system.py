"""One account at the simulated carrier. What it has not acknowledged is kept, whatever becomes of its sessions."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import Final

from simulators.journal import Journal
from simulators.smsc.messages import Delivery, written
from simulators.smsc.session import Session
from simulators.smsc.wheel import Wheel

RETRIED: Final = frozenset({0x04, 0x08, 0x14, 0x58, 0x64})
"""deliver_sm_resp statuses after which the message is sent again; others end it."""


class System:
    def __init__(self, name: str, password: str, counters: Counter[str], wheel: Wheel, journal: Journal) -> None:
        self.name = name
        self.password = password
        self.sessions: list[Session] = []
        self.outbox: deque[Delivery] = deque()
        self.accepted_at: deque[float] = deque()
        """Loop times of the last second, for `throttle_tps`."""
        self.redeliver_delay = 1.0
        self._counters = counters
        self._wheel = wheel
        self._journal = journal

    def owe(self, deliveries: list[Delivery], delay: float = 0.0) -> None:
        """New ones, for after `delay` seconds; they go with the next `flush`."""
        if self._journal.on:
            for delivery in deliveries:
                self._journal.write("owed", system=self.name, delivery=written(delivery))
        if not delay:
            self.outbox += deliveries
            return
        for delivery in deliveries:
            self._wheel.add(delay, self, delivery)

    def put(self, deliveries: list[Delivery]) -> None:
        self.outbox += deliveries
        self.flush()

    def flush(self) -> None:
        """As many deliveries as the receiving sessions have room for."""
        outbox = self.outbox
        for session in self.sessions:
            while outbox and (room := session.room()) > 0:
                take = [outbox.popleft() for _ in range(min(room, len(outbox)))]
                self._counters["deliveries"] += len(take)
                session.deliver(take)

    def answered(self, delivery: Delivery, status: int) -> None:
        if status in RETRIED:
            self._counters["put_off"] += 1
            self._wheel.add(self.redeliver_delay, self, delivery)
            return
        self._counters["dropped" if status else "acknowledged"] += 1
        if self._journal.on:
            self._journal.write("paid", system=self.name, delivery=written(delivery))

    def leave(self, session: Session) -> None:
        """Its unanswered deliveries come again, first."""
        if session in self.sessions:
            self.sessions.remove(session)
        self.outbox.extendleft(delivery for delivery, _ in reversed(session.outstanding.values()))
        session.outstanding.clear()
        if self.sessions:
            asyncio.get_running_loop().call_soon(self.flush)
