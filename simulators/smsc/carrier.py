"""The simulated carrier behind its sessions: who may bind, what becomes of a message, what waits for whom."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from adapters.sms.smpp import incoming
from adapters.sms.smpp.incoming import Place
from adapters.sms.smpp.pdu import HEADER, Bind, Command, MalformedPdu, decode_message, encode
from simulators.journal import Journal
from simulators.smsc import odd
from simulators.smsc.faults import Faults
from simulators.smsc.memory import remember, write_part
from simulators.smsc.messages import Dates, id_style, person_writes, receipt
from simulators.smsc.phones import DELIVERED, Phones
from simulators.smsc.session import Session
from simulators.smsc.system import System
from simulators.smsc.wheel import Wheel
from simulators.stage import Stage

RINVCMDLEN: Final = 0x02
RALYBND: Final = 0x05
RINVDSTADR: Final = 0x0B
RINVPASWD: Final = 0x0E
RINVSYSID: Final = 0x0F
_SUBMIT_RESP: Final = int(Command.SUBMIT_SM_RESP)
_UDH_CONCAT_8: Final = b"\x05\x00\x03"
_ID_SPAN: Final = 1 << 16
_FAST: Final = re.compile(
    rb"[^\0]{0,5}\0..([^\0]{0,20})\0..([^\0]{1,20})\0(.)..[^\0]{0,16}\0[^\0]{0,16}\0(.).(.).(.)", re.DOTALL
)
"""A submit_sm body up to sm_length: source, destination, esm_class, registered_delivery, data_coding, sm_length."""


class Carrier:
    def __init__(
        self, stage: Stage, systems: Mapping[str, str], short_code: str, seed: int,
        journal: Journal | None = None,
    ) -> None:  # fmt: skip
        """`systems`: password by system_id; people's messages go to the first. `short_code`: where they write to.
        `journal`: what it has is known from the start."""
        self.journal = journal or Journal()
        self.name = "LOASMSC"
        self.stage = stage
        self.phones = Phones(stage, seed)
        self.sessions: set[Session] = set()
        self.short_code = short_code
        self.faults = Faults()
        self.loop = asyncio.get_running_loop()
        self.wheel = Wheel()
        self.systems = {
            name: System(name, password, stage.counters, self.wheel, self.journal) for name, password in systems.items()
        }
        self.submits = self.accepted = self.throttled = self.refused = self.binds = 0
        self.receipts = self.delivered = self.failed = 0
        self.typed = self.stray_answers = self.unbinds = self.alive = self.most_sessions = 0
        self._plain = True
        self._dates = Dates()
        self.last_id = int(time.time()) * _ID_SPAN
        self._id_text = id_style("dec")
        self._receipt_id_text = self._id_text
        self._mo_ref = self.phones.random.randrange(_ID_SPAN)
        remember(self)

    def set_faults(self, faults: Faults) -> None:
        self.faults = faults
        self._plain = faults.answers_plainly
        self._id_text = id_style(faults.id_style)
        same = faults.receipt_id_style == "same"
        self._receipt_id_text = self._id_text if same else id_style(faults.receipt_id_style)
        self.phones.set_faults(faults)
        if faults.outage:
            for session in tuple(self.sessions):
                session.abort()
        for system in self.systems.values():
            system.redeliver_delay = faults.redeliver_delay
            system.flush()

    def count_down(self, knob: str) -> None:
        self.set_faults(replace(self.faults, **{knob: getattr(self.faults, knob) - 1}))

    def lose_answer(self) -> bool:
        if not self.faults.lose_answers_next:
            return False
        self.count_down("lose_answers_next")
        return True

    # Binds

    def admit(self, session: Session, command: int, bind: Bind) -> tuple[int, System | None]:
        faults = self.faults
        self.binds += 1
        if faults.bind_status:
            if faults.bind_status_next == 1:
                self.set_faults(replace(faults, bind_status=0, bind_status_next=0))
            elif faults.bind_status_next:
                self.count_down("bind_status_next")
            return faults.bind_status, None
        system = self.systems.get(bind.system_id)
        if system is None:
            return RINVSYSID, None
        if bind.password != system.password:
            return RINVPASWD, None
        if faults.single_session and system.sessions:
            return RALYBND, None
        return 0, system

    # submit_sm

    def submit(self, session: Session, sequence: int, body: bytes) -> None:
        """One submit_sm: check, take, answer, and have its receipt on the way."""
        self.submits += 1
        session.submitted += 1
        found = _FAST.match(body)
        if found is not None and found.end() + found[6][0] == len(body):
            source, to, esm, registered, coding, _ = found.groups()
            octets, place = body[found.end() :], None
            if esm[0] & 0x40:
                octets, place = _concatenated(octets)
            coding_number, wants = coding[0], registered[0]
        else:
            try:
                message = decode_message(body)
            except MalformedPdu:
                self._refuse(session, sequence, RINVCMDLEN)
                return
            mo = incoming.read(message)
            source, to = message.source.encode("latin-1"), message.destination.encode("latin-1")
            octets, place, coding_number, wants = mo.octets, mo.place, mo.coding, message.registered_delivery
        if not to.isdigit():
            self._refuse(session, sequence, RINVDSTADR)
            return
        if not self._plain:
            status = odd.status(self, session, to)
            if status:
                self._refuse(session, sequence, status)
                return
        self.last_id += 1
        self.accepted += 1
        message_id = self._id_text(self.last_id)
        stat, err = self.phones.fate(to)
        reached = stat == "DELIVRD"
        if self.journal.on:
            write_part(self.journal, self.last_id, to, source, octets, coding_number, place)
        self.phones.arrive(to, source, octets, coding_number, place, message_id, reached)
        pdu = HEADER.pack(len(message_id) + 17, _SUBMIT_RESP, 0, sequence) + message_id.encode() + b"\0"
        faults = self.faults
        if not faults.receipt_first:
            self._answer(session, sequence, pdu)
        if wants & 3 and not (wants & 3 == 2 and reached) and self._part_is_reported(place):
            self._report(session, to, source, stat, err, octets)
        if faults.receipt_first:
            if session.system is not None:
                session.system.flush()
            self._answer(session, sequence, pdu)

    def _report(self, session: Session, to: bytes, source: bytes, stat: str, err: str, octets: bytes) -> None:
        faults, system = self.faults, session.system
        if system is None:
            return
        now = time.time()
        stamp = self._dates.at(now)
        receipt_id = self._receipt_id_text(self.last_id)
        if (stat, err) == DELIVERED:
            self.delivered += 1
        else:
            self.failed += 1
        delivery = receipt(faults, receipt_id, to, source, stat, err, octets, stamp, stamp)
        copies = [delivery, delivery] if faults.receipt_twice else [delivery]
        if faults.intermediate:
            copies.insert(0, receipt(faults, receipt_id, to, source, "ENROUTE", "000", octets, stamp, stamp))
        self.receipts += len(copies)
        delay = faults.receipt_delay
        if faults.receipt_jitter:
            delay += self.phones.random.random() * faults.receipt_jitter
        system.owe(copies, delay)

    def _part_is_reported(self, place: Place | None) -> bool:
        parts = self.faults.receipt_parts
        if parts == "all" or (place is None and parts != "none"):
            return True
        return place is not None and place.seq == {"first": 1, "last": place.total}.get(parts)

    def _refuse(self, session: Session, sequence: int, status: int) -> None:
        self.refused += 1
        if status == odd.RTHROTTLED:
            self.throttled += 1
        body = b"" if self.faults.empty_errors else b"\0"
        self._answer(session, sequence, encode(_SUBMIT_RESP, sequence, body, status))

    def _answer(self, session: Session, sequence: int, pdu: bytes) -> None:
        if self._plain:
            session.out.append(pdu)
        else:
            odd.answer(self, session, sequence, pdu)

    # People

    def says(self, sender: str, to: str, text: str) -> None:
        """A person's text is on its way to the first account; it waits there while nobody is bound."""
        self._mo_ref = (self._mo_ref + 1) % _ID_SPAN
        self.typed += 1
        self.phones.watched.add(sender)
        system = next(iter(self.systems.values()))
        deliveries = person_writes(self.faults, sender, to, text, self._mo_ref, self.phones.random)
        system.owe(deliveries)
        system.flush()
        self.publish()

    # Time and figures

    def look_after(self) -> None:
        """Every now and then: cut, enquire, and repeat deliveries that nobody answered."""
        faults, now = self.faults, self.loop.time()
        for session in tuple(self.sessions):
            if faults.cut_every and now - session.opened_at >= faults.cut_every:
                session.abort()
            elif faults.half_open:
                continue
            elif now - session.enquired_at >= faults.enquire_seconds and session.system is not None:
                session.request(Command.ENQUIRE_LINK)
            session.repeat_unanswered(now - faults.deliver_timeout)

    def publish(self) -> None:
        """The figures of the control API."""
        counters, phones = self.stage.counters, self.phones
        for name in _FIGURES:
            counters[name] = getattr(self, name)
        counters["messages"], counters["destinations"] = phones.messages, len(phones.complete)
        counters["parts"], counters["duplicates"], counters["unshown"] = phones.parts, phones.duplicates, phones.unshown


_FIGURES: Final = (
    "submits", "accepted", "throttled", "refused", "binds", "receipts", "delivered", "failed", "stray_answers", "typed",
    "unbinds", "alive", "most_sessions",
)  # fmt: skip


def _concatenated(payload: bytes) -> tuple[bytes, Place | None]:
    if payload[:3] == _UDH_CONCAT_8 and len(payload) >= 6 and payload[4] > 1:
        return payload[6:], Place(payload[3], payload[4], payload[5], 8)
    return incoming.without_header(payload)
