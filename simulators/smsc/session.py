"""One TCP connection to the simulated carrier: framing, bind, answers, and the window of deliver_sm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from adapters.sms.smpp.frames import FrameReader
from adapters.sms.smpp.pdu import (
    HEADER,
    RESPONSE,
    Bind,
    Command,
    MalformedPdu,
    bind_resp_body,
    decode_bind,
    encode,
)
from simulators.smsc.messages import Delivery

if TYPE_CHECKING:
    from simulators.smsc.carrier import Carrier
    from simulators.smsc.system import System

RINVCMDLEN: Final = 0x02
RINVCMDID: Final = 0x03
RINVBNDSTS: Final = 0x04
RX_T_APPN: Final = 0x64
_BINDS: Final = {
    Command.BIND_RECEIVER: (False, True),
    Command.BIND_TRANSMITTER: (True, False),
    Command.BIND_TRANSCEIVER: (True, True),
}
"""(may submit, receives) by bind."""
_NONSENSE: Final = b"HTTP/1.1 400 Bad Request\r\n\r\n"
_SUBMIT: Final = int(Command.SUBMIT_SM)
_DELIVER_RESP: Final = int(Command.DELIVER_SM_RESP)


class Session(asyncio.Protocol):
    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.loop = asyncio.get_running_loop()
        self.opened_at = self.loop.time()
        self.enquired_at = self.opened_at
        self.system: System | None = None
        self.submits = self.receives = False
        self.submitted = 0
        self.outstanding: dict[int, tuple[Delivery, float]] = {}
        """deliver_sm without an answer, with the loop time at which each was written."""
        self.out: list[bytes] = []
        """Answers of this read, written together."""
        self.reading = False
        self.writable = True
        self.transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._sequence = 0
        self._trickle: asyncio.Task[None] | None = None
        self._to_trickle = bytearray()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.carrier.sessions.add(self)
        self.carrier.most_sessions = max(self.carrier.most_sessions, len(self.carrier.sessions))
        if self.carrier.faults.outage:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.carrier.sessions.discard(self)
        if self.system is not None:
            self.system.leave(self)

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        if self.system is not None:
            self.system.flush()

    def data_received(self, data: bytes) -> None:
        carrier = self.carrier
        if carrier.faults.half_open:
            return
        submit, may_submit = carrier.submit, self.submits
        self.reading = True
        for command, status, sequence, body in self._reader.feed(data):
            if command == _SUBMIT and may_submit:
                submit(self, sequence, body)
            elif command == _DELIVER_RESP:
                self._delivery_answered(sequence, status)
            else:
                self._other(command, status, sequence, body)
                may_submit = self.submits
        if self.system is not None:
            self.system.flush()
        self.reading = False
        if self._reader.broken is not None:
            self.out.append(encode(Command.GENERIC_NACK, 0, status=RINVCMDLEN))
            self.flush()
            self.close()
        self.flush()
        carrier.publish()

    # Writing

    def flush(self) -> None:
        out = self.out
        if not out or self.transport is None:
            return
        if self.carrier.faults.reorder:
            out.reverse()
        self.out = []
        self.write(b"".join(out))

    def write(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if not self.carrier.faults.split_bytes:
            self.transport.write(data)
            return
        self._to_trickle += data
        if self._trickle is None or self._trickle.done():
            self._trickle = asyncio.create_task(self._write_single_octets(), name="smsc trickle")

    async def _write_single_octets(self) -> None:
        while self._to_trickle and self.transport is not None:
            self.transport.write(self._to_trickle[:1])
            del self._to_trickle[:1]
            await asyncio.sleep(0)

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Write deliver_sm or data_sm and remember them until they are answered."""
        now, pack = self.loop.time(), HEADER.pack
        pdus: list[bytes] = []
        for delivery in deliveries:
            self._sequence += 1
            command, body, _ = delivery
            self.outstanding[self._sequence] = (delivery, now)
            pdus.append(pack(len(body) + 16, command, 0, self._sequence) + body)
        if self.reading:
            self.out += pdus
        else:
            self.write(b"".join(pdus))

    def room(self) -> int:
        if not self.receives or not self.writable:
            return 0
        return self.carrier.faults.deliver_window - len(self.outstanding)

    def repeat_unanswered(self, before: float) -> None:
        """What was delivered before that loop time, and not answered, is delivered again."""
        late = [sequence for sequence, (_, at) in self.outstanding.items() if at <= before]
        if late and self.system is not None:
            self.system.put([self.outstanding.pop(sequence)[0] for sequence in late])

    def request(self, command: int) -> None:
        """enquire_link or unbind from the carrier's side."""
        self._sequence += 1
        self.enquired_at = self.loop.time()
        self.write(encode(command, self._sequence))

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    # What the other side says

    def _delivery_answered(self, sequence: int, status: int) -> None:
        if sequence not in self.outstanding:
            self.carrier.stray_answers += 1
            return
        if status == 0 and self.carrier.lose_answer():
            self.abort()
            return
        delivery, _ = self.outstanding.pop(sequence)
        if self.system is not None:
            self.system.answered(delivery, status)

    def _other(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if command in _BINDS:
            self._bind(command, sequence, body)
        elif command == Command.ENQUIRE_LINK:
            self.out.append(encode(Command.ENQUIRE_LINK_RESP, sequence))
        elif command == Command.DATA_SM_RESP:
            self._delivery_answered(sequence, status)
        elif command == Command.ENQUIRE_LINK_RESP:
            self.carrier.alive += 1
        elif command == Command.UNBIND:
            self.carrier.unbinds += 1
            self.out.append(encode(Command.UNBIND_RESP, sequence))
            self.flush()
            self._end()
            self.close()
        elif command == Command.UNBIND_RESP:
            self._end()
            self.close()
        elif command == Command.SUBMIT_SM:
            self.out.append(encode(command | RESPONSE, sequence, status=RINVBNDSTS))
        elif not command & RESPONSE:
            self.out.append(encode(Command.GENERIC_NACK, sequence, status=RINVCMDID))

    def _bind(self, command: int, sequence: int, body: bytes) -> None:
        faults = self.carrier.faults
        if faults.bind_silent:
            return
        if faults.bind_delay:
            self.loop.call_later(faults.bind_delay, self._bind_now, command, sequence, body)
            return
        self._bind_now(command, sequence, body)

    def _bind_now(self, command: int, sequence: int, body: bytes) -> None:
        try:
            fields = decode_bind(body)
        except MalformedPdu:
            fields = Bind("", "")
        status, system = self.carrier.admit(self, command, fields)
        answer = bind_resp_body(self.carrier.name) if status == 0 or not self.carrier.faults.empty_errors else b""
        pdu = encode(command | RESPONSE, sequence, answer, status)
        if status or system is None:
            self.write(pdu)
            return
        self.submits, self.receives = _BINDS[Command(command)]
        self.system = system
        system.sessions.append(self)
        if self.carrier.faults.coalesce_bind:
            self.out.append(pdu)
            system.flush()
            self.flush()
        else:
            self.write(pdu)
            self.loop.call_soon(system.flush)
        if self.carrier.faults.nonsense:
            self.write(_NONSENSE)

    def _end(self) -> None:
        """Unbound: no more traffic on this connection."""
        self.submits = self.receives = False
        if self.system is not None:
            self.system.leave(self)
            self.system = None
