"""The channel `sms.<account>`: an SMPP account behind the contract of `adapters.contract`."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import structlog

from adapters.contract import (
    EVERY_PART,
    DurableState,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Hook,
    Now,
    Outcome,
    Part,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
)
from adapters.rates import UNSHARED, Share
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp import limits
from adapters.sms.smpp.bind import AuthGuard, Bind, BindState, Role, tls_context
from adapters.sms.smpp.codes import code
from adapters.sms.smpp.inbox import Inbox
from adapters.sms.smpp.pump import Pump
from adapters.sms.smpp.receipt_ids import ReceiptIds
from text.segments import GSM_PART, GSM_SINGLE

log = structlog.get_logger(__name__)

_OPENING: Final = (BindState.CONNECTING, BindState.BINDING)
_ROLES: Final[Mapping[str, tuple[Role, ...]]] = {"trx": ("trx",), "tx+rx": ("tx", "rx")}


class SmppChannel:
    """`start` opens the binds; `send` then queues, writes and reports. One instance per account and process."""

    hooks: Mapping[str, Hook]

    def __init__(
        self,
        settings: SmppAccount,
        state: DurableState,
        now: Now = time.time,
        parts: Part = EVERY_PART,
        share: Share = UNSHARED,
    ) -> None:
        self.name = f"sms.{settings.name}"
        self.hooks = {}
        single = settings.max_parts == 1
        self.traits = Traits(
            receipts=frozenset({Evidence.ACCEPTED, Evidence.DELIVERED}),
            text_limit=GSM_SINGLE if single else GSM_PART * settings.max_parts,
            unaccented=True,
            window=settings.window,
        )
        self._settings = settings
        self._share = share
        self._sends = Part.SEND in parts
        self._state = state
        self._now = now
        self._pump: Pump | None = None
        self._inbox: Inbox | None = None
        self._binds: list[Bind] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._auth: AuthGuard | None = None
        self._tls_error = ""

    async def start(self, sink: Sink) -> None:
        if not self._sends:
            return
        settings = self._settings
        ids = ReceiptIds(settings.dlr_ids)
        self._pump = Pump(settings, ids, self._now, self._share)
        self._inbox = Inbox(self.name, settings, ids, self._state, self._now)
        self._inbox.start(sink)
        self._auth = AuthGuard()
        try:
            tls = tls_context(settings)
        except (OSError, ssl.SSLError) as wrong:
            self._tls_error = type(wrong).__name__
            log.error("smpp_tls_files", account=settings.name, error=self._tls_error)
            return
        for role in _ROLES[settings.bind]:
            bind = Bind(settings, role, self._pump, self._inbox, self._auth, self._now, tls)
            self._binds.append(bind)
            self._tasks.append(asyncio.create_task(bind.run(), name=f"{self.name} {role}"))

    async def stop(self) -> None:
        """Answers first, then the ledger, then a polite unbind: at most about `drain` + `drain` + `unbind` seconds."""
        if self._pump is None or self._inbox is None:
            return
        pump, inbox = self._pump, self._inbox
        self._pump = None  # `send` refuses from here on
        pump.drop_queued(_stopped())
        pump.link = None
        await asyncio.gather(*(bind.drain() for bind in self._binds))
        await inbox.stop(self._settings.timers.drain)
        await asyncio.gather(*(bind.stop() for bind in self._binds))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        pump.drop_queued(_stopped())
        self._tasks, self._inbox = [], None

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        pump = self._pump
        if pump is None or not self._binds:
            refusal = Rejected("auth", RejectClass.CONFIG) if self._tls_error else _stopped()
            for envelope in batch:
                report(envelope.delivery_id, refusal)
            return
        handover = pump.put(batch, report)
        if handover.left > 0 and pump.link is None:
            self._refuse_or_wait(pump)
        await handover.wait()

    def _refuse_or_wait(self, pump: Pump) -> None:
        """Without a link: an attempt under way gets a moment, otherwise the answer is no."""
        bind = self._binds[0]
        if bind.state in _OPENING and not bind.error:
            asyncio.get_running_loop().call_later(self._settings.timers.bind_grace, self._end_grace, pump, bind)
        else:
            pump.drop_queued(bind.refusal())

    @staticmethod
    def _end_grace(pump: Pump, bind: Bind) -> None:
        if pump.link is None:
            pump.drop_queued(bind.refusal())

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """SMPP has no way to ask for a message whose id never came."""
        return None

    def resume(self) -> None:
        """An operator has mended the credentials after `smpp.auth`: bind again."""
        if self._auth is not None:
            self._auth.resume()

    async def probe(self) -> Health:
        """Keys: `smpp.off`, `smpp.tls_files`, `smpp.auth`, `smpp.already_bound`, `smpp.link_down`, `smpp.connecting`,
        `smpp.no_receiver`, `smpp.refused` (the carrier refuses our sender or settings), `smpp.slowed`, `smpp.bound`."""
        pump, inbox = self._pump, self._inbox
        if self._tls_error:
            return Health(HealthState.DOWN, "smpp.tls_files", {"error": self._tls_error})
        if pump is None or inbox is None:
            return Health(HealthState.OFF, "smpp.off")
        down = next((bind for bind in self._binds if bind.state is not BindState.BOUND), None)
        proven = self._proven_at(pump)
        if down is not None:
            return self._down(down, proven)
        figures: dict[str, str | int | float] = {
            "in_flight": sum(len(bind.link.pending) for bind in self._binds if bind.link is not None),
            "queued": pump.queued,
            "held": inbox.held,
            "rate": round(pump.pace.rate, 1),
        }
        if pump.config_refusal is not None:
            figures |= {"status": pump.config_refusal.code, "reason": pump.config_refusal.reason}
            return Health(HealthState.DEGRADED, "smpp.refused", figures, proven)
        if pump.pace.rate != pump.pace.limit:
            return Health(HealthState.DEGRADED, "smpp.slowed", figures, proven)
        return Health(HealthState.OK, "smpp.bound", figures, proven)

    def _down(self, bind: Bind, proven: datetime | None) -> Health:
        params: dict[str, str | int | float] = {
            "role": bind.role, "error": bind.error, "status": code(bind.status), "retry_in": round(bind.retry_in(), 1),
        }  # fmt: skip
        if bind.state is BindState.STOPPED:
            return Health(HealthState.DOWN, "smpp.auth", params | {"tries": limits.AUTH_TRIES}, proven)
        if bind.error == "already_bound":
            return Health(HealthState.DOWN, "smpp.already_bound", params, proven)
        if not bind.transmits:
            return Health(HealthState.DEGRADED, "smpp.no_receiver", params, proven)
        if bind.state in _OPENING and not bind.error:
            return Health(HealthState.DEGRADED, "smpp.connecting", params, proven)
        return Health(HealthState.DOWN, "smpp.link_down", params, proven)

    def _proven_at(self, pump: Pump) -> datetime | None:
        alive = [self._now() - bind.link.silent_for() for bind in self._binds if bind.link is not None]
        times = [at for at in (pump.proven_at, *(bind.proven_at for bind in self._binds), *alive) if at is not None]
        return datetime.fromtimestamp(max(times), UTC) if times else None

    def figures(self) -> dict[str, int]:
        """Counters since the start, for metrics."""
        pump, inbox = self._pump, self._inbox
        counted = dict(inbox.counters) if inbox is not None else {}
        if pump is not None:
            counted |= {"submitted": pump.submitted, "accepted": pump.accepted}
            counted |= {"refused": pump.refused, "unknown": pump.unknown}
        counted["strays"] = sum(bind.strays + (bind.link.strays if bind.link else 0) for bind in self._binds)
        return counted


def _stopped() -> Rejected:
    return Rejected("link_down", RejectClass.RETRY_LATER, after=limits.BACKOFF_MIN_SECONDS)
