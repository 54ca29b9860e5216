"""Envelopes in, submit_sm out, outcomes back: by priority, within the carrier's window, at the carrier's pace.

No task and no future per message: a queue per priority, the link's table of unanswered PDUs, and callbacks. Whatever
happens to a link, each envelope is reported exactly once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from adapters.contract import Accepted, Envelope, Now, Outcome, Priority, RejectClass, Rejected, Report, Unknown
from adapters.rates import UNSHARED, Share
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp import limits
from adapters.sms.smpp.codes import SLOW_DOWN, Codes, Status
from adapters.sms.smpp.link import Link, Sent
from adapters.sms.smpp.outgoing import Handover, Outgoing, References
from adapters.sms.smpp.pace import Pace
from adapters.sms.smpp.parts import UnsendableText, splitter
from adapters.sms.smpp.pdu import HEADER, Command, decode_message_id
from adapters.sms.smpp.receipt_ids import ReceiptIds
from adapters.sms.smpp.tlv import Tag, number
from text.numbers import mask

log = structlog.get_logger(__name__)

REMEMBERED_REFUSALS: Final = 50_000
"""Messages whose earlier refusals we count, for statuses that allow so many tries."""
_SUBMIT: Final = int(Command.SUBMIT_SM)
_MONTH_SECONDS: Final = 30 * 86_400


class Pump:
    """`link` is the bound link to write to, None while there is none."""

    def __init__(self, account: SmppAccount, ids: ReceiptIds, now: Now, share: Share = UNSHARED) -> None:
        self.link: Link | None = None
        self.pace = Pace(account.tps, asyncio.get_running_loop().time)
        self.submitted = self.accepted = self.refused = self.unknown = 0
        """PDUs (parts), not messages."""
        self.config_refusal: Rejected | None = None
        """The last refusal of class CONFIG, until the carrier takes a message again."""
        self.proven_at: float | None = None
        """Epoch seconds at which the carrier last took a message."""
        self._share = share
        self._account = account
        self._ids = ids
        self._now = now
        self._codes = Codes({int(key, 16): cls for key, cls in account.vendor_codes.items()})
        self._queues: tuple[deque[Outgoing], ...] = tuple(deque() for _ in Priority)
        self._split = splitter(account)
        self._references = References()
        self._refusals: dict[int, int] = {}
        self._prefix = _prefix(account)
        self._proven = 0
        self._validity: tuple[float, int, bytes] = (0.0, 0, b"\0")
        self._timer: asyncio.TimerHandle | None = None
        self._told = bool(log.is_enabled_for(logging.DEBUG))
        """Whether every PDU is logged, with the id of its delivery."""

    # In

    def put(self, batch: Sequence[Envelope], report: Report) -> Handover:
        """Queue a batch and write what may leave at once."""
        handover = Handover(len(batch))
        now = self._now()
        for envelope in batch:
            refusal = self._admit(envelope, report, handover, now)
            if refusal is not None:
                self._tell(report, envelope.delivery_id, refusal)
                handover.one()
        self.turn()
        return handover

    def _admit(self, envelope: Envelope, report: Report, handover: Handover, now: float) -> Rejected | None:
        if envelope.valid_until is not None and envelope.valid_until <= now:
            return _expired()
        to = envelope.to
        if not (to.isascii() and to.isdigit() and len(to) <= limits.ADDRESS_CHARACTERS):
            return Rejected("invalid_recipient", RejectClass.RECIPIENT)
        try:
            parts = self._split(envelope.text, envelope.priority)
        except UnsendableText as wrong:
            return Rejected(wrong.reason, RejectClass.TEXT)
        ref = self._references.take(parts.ref_octets, to) if parts.ref_octets else b""
        self._queues[envelope.priority].append(Outgoing(envelope, parts, ref, report, handover))
        return None

    @property
    def queued(self) -> int:
        return sum(map(len, self._queues))

    # Out

    def turn(self) -> None:
        """Write as many submit_sm as window, pace and socket allow, in one write."""
        if self.accepted != self._proven:
            self._proven, self.proven_at, self.config_refusal = self.accepted, self._now(), None
        link = self.link
        if link is None or not link.writable or not link.bound:
            return
        room = self._account.window - len(link.pending)
        if room <= 0:
            return
        allowed = min(self.pace.allowance(), self._share.allowance(room if self.queued else 0))
        pdus = self._fill(link, min(room, allowed))
        if pdus:
            self.pace.spend(len(pdus))
            self._share.spend(len(pdus))
            self.submitted += len(pdus)
            link.write(b"".join(pdus))
        if allowed <= len(pdus) and self._timer is None and self.queued:
            self._timer = link.loop.call_later(max(self.pace.wait(), self._share.wait()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.turn()

    def _fill(self, link: Link, room: int) -> list[bytes]:
        pdus: list[bytes] = []
        written_at, now = link.loop.time(), self._now()
        pending, take, pack, prefix = link.pending, link.next_sequence, HEADER.pack, self._prefix
        for queue in self._queues:
            while queue and len(pdus) < room:
                message = queue[0]
                validity = b"\0"
                if message.valid_until is not None:
                    if message.valid_until <= now:
                        self._give_up(queue.popleft(), _expired())
                        continue
                    validity = self._validity_of(message.valid_until, now)
                index = 0
                if message.total > 1:
                    if message.all_written:  # a refusal stopped it
                        self._leave(queue.popleft())
                        continue
                    index = message.take_part()
                part = message.parts[index]
                body = b"".join((prefix, message.to, part.lead, validity, part.before, message.ref, part.after))
                sequence = take()
                pdus.append(pack(len(body) + 16, _SUBMIT, 0, sequence) + body)
                pending[sequence] = (message, index, written_at)
                if self._told:
                    self._tell_pdu("submit_sm", message, index, sequence=sequence, to=mask(message.to.decode()))
                if message.total == 1 or message.all_written:
                    self._leave(queue.popleft())
        return pdus

    def _leave(self, message: Outgoing) -> None:
        """Out of the queue: handed over."""
        message.queued = False
        if message.handover is not None:
            message.handover.one()
            message.handover = None

    def _validity_of(self, until: float, now: float) -> bytes:
        """validity_period, relative (SMPP 3.4 7.1.1.2), remembered within a second as a broadcast shares it."""
        cached_until, second, octets = self._validity
        if cached_until != until or second != int(now):
            octets = relative_time(until - now)
            self._validity = (until, int(now), octets)
        return octets

    # Back

    def answered(self, sent: Sent, status: int, body: bytes) -> None:
        message, index, _ = sent
        if self._told:
            message_id = body.partition(b"\0")[0].decode("latin-1")
            self._tell_pdu("submit_sm_resp", message, index, status=f"{status:#x}", provider_id=message_id)
        if status == 0:
            end = body.find(0)
            message_id = body[:end].decode("latin-1") if end >= 0 else body.decode("latin-1")
            if end + 1 < len(body):
                self._look_at_tlvs(body)
            self._ids.submitted(message_id)
            self.accepted += 1
            if message.total == 1:
                self._tell(message.report, message.delivery_id, Accepted((message_id,)))
                return
            message.ids[index] = message_id
        else:
            self._refused(message, index, status, body)
            if message.total == 1:
                return
        message.open -= 1
        self._finish(message)

    def _refused(self, message: Outgoing, index: int, status: int, body: bytes) -> None:
        self.refused += 1
        if body:
            self._look_at_tlvs(body)
        if status in SLOW_DOWN:
            self.pace.throttled()
        if message.total > 1 and status == Status.RTHROTTLED:
            message.open -= 1  # for the question whether other parts are out
            repeat = message.may_repeat()
            message.open += 1
            if repeat:
                message.again.append(index)
                return
        earlier = self._refusals.pop(message.delivery_id, 0)
        rejected, alarm = self._codes.reject(status, earlier)
        if rejected.cls is RejectClass.CONFIG:
            self.config_refusal = rejected
        if rejected.cls is RejectClass.RETRY_LATER:
            self._refusals[message.delivery_id] = earlier + 1
            if len(self._refusals) > REMEMBERED_REFUSALS:
                del self._refusals[next(iter(self._refusals))]
        if alarm:
            log.error("smpp_refused", status=rejected.code, reason=rejected.reason, to=mask(message.to.decode()))
        if status == Status.RINVBNDSTS and self.link is not None:
            self.link.close("not_bound")
        if message.total == 1:
            self._tell(message.report, message.delivery_id, rejected)
        else:
            message.refuse(rejected)

    def _look_at_tlvs(self, body: bytes) -> None:
        level = number(decode_message_id(body)[1], Tag.CONGESTION_STATE)
        if level is not None:
            self.pace.congested(level)

    def unanswered(self, sent: Sequence[Sent], why: str) -> None:
        """`why`: `timeout` or `link_lost`. They may have left: unknown."""
        for message, _, _ in sent:
            self.unknown += 1
            if message.total == 1:
                self._tell(message.report, message.delivery_id, Unknown(why, ("",)))
                continue
            message.open -= 1
            message.unknown = why
            message.stop()
            self._finish(message)

    def drop_queued(self, refusal: Rejected) -> None:
        """There is no link to wait for: everything that was not written is refused."""
        for queue in self._queues:
            while queue:
                self._give_up(queue.popleft(), refusal)

    def _give_up(self, message: Outgoing, refusal: Rejected) -> None:
        """Out of the queue without (all of) its parts written."""
        if message.total == 1 or message.next == 0:
            self._tell(message.report, message.delivery_id, refusal)
        else:
            if not message.all_written:
                message.refuse(refusal)
            message.queued = False
            self._finish(message)
        self._leave(message)

    def _finish(self, message: Outgoing) -> None:
        """Report a message of several parts once nothing more can come; put it back if a part must go again."""
        if message.again and not message.queued:
            message.queued = True
            self._queues[message.priority].appendleft(message)
        elif message.ended and message.next == message.total:
            message.next += 1  # reported
            self._tell(message.report, message.delivery_id, message.outcome())

    def _tell_pdu(self, event: str, message: Outgoing, index: int, **facts: str | int) -> None:
        part = f"{index + 1}/{message.total}"
        log.debug(event, account=self._account.name, delivery=message.delivery_id, part=part, **facts)

    def _tell(self, report: Report, delivery_id: int, outcome: Outcome) -> None:
        try:
            report(delivery_id, outcome)
        except Exception:
            log.exception("report_failed", delivery=delivery_id)


def relative_time(seconds: float) -> bytes:
    """`YYMMDDhhmmss000R` and NUL, whole seconds, at least one, at most 30 days."""
    left = min(max(1, int(seconds)), _MONTH_SECONDS)
    days, rest = divmod(left, 86_400)
    hours, rest = divmod(rest, 3_600)
    return b"0000%02d%02d%02d%02d000R\0" % (days, hours, *divmod(rest, 60))


def _prefix(account: SmppAccount) -> bytes:
    """A submit_sm body up to destination_addr."""
    source_ton, source_npi = account.sender_numbering()
    source = bytes((source_ton, source_npi)) + account.sender.encode("ascii") + b"\0"
    return account.service_type.encode("ascii") + b"\0" + source + bytes((account.dest_ton, account.dest_npi))


def _expired() -> Rejected:
    return Rejected("expired", RejectClass.TEXT)
