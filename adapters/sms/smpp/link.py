"""One socket of an SMPP session: framing, answers to the peer, the table of unanswered submit_sm, timers.

It decides nothing about messages: what a submit_sm_resp means is the pump's, what a deliver_sm says is the inbox's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from adapters.sms.smpp import limits
from adapters.sms.smpp.codes import Status
from adapters.sms.smpp.frames import Frame, FrameReader
from adapters.sms.smpp.pdu import EMPTY_MESSAGE_ID, HEADER, RESPONSE, Command, encode

if TYPE_CHECKING:
    from adapters.sms.settings import SmppTimers
    from adapters.sms.smpp.outgoing import Outgoing

log = structlog.get_logger(__name__)

_TICK_SHARE: Final = 4
_TICK_SECONDS: Final = (0.02, 1.0)
"""Timers are looked at this often: a quarter of the shortest, within these bounds."""
_ABORT_SECONDS: Final = 1.0
"""A closing socket that does not close by then is cut."""

Sent = tuple["Outgoing", int, float]
"""A submit_sm without an answer: its message, the index of its part, when it was written (loop time)."""
Delivered = tuple[int, int, bytes]
"""command_id, sequence_number and body of a deliver_sm or data_sm."""

Answer = tuple["Link", int, int]
"""A delivery to answer: the link that it came by, command_id, sequence_number."""

_SUBMIT_RESP: Final = int(Command.SUBMIT_SM_RESP)
_DELIVER: Final = int(Command.DELIVER_SM)


class LinkUser(Protocol):
    """Who a link tells. All calls come from the event loop and must not block."""

    def answered(self, sent: Sent, status: int, body: bytes) -> None: ...

    def unanswered(self, sent: list[Sent]) -> None:
        """The response timer ran out; the link lives."""

    def lost(self, link: Link, sent: list[Sent]) -> None:
        """The link is gone, and nobody will answer these."""

    def delivered(self, link: Link, pdus: list[Delivered]) -> None: ...

    def turn(self, link: Link) -> None:
        """After each read and when the socket takes more: time to write."""

    def peer_unbinds(self, link: Link) -> None: ...


class LinkClosed(ConnectionError):
    """The link ended before a control PDU was answered."""


class Link(asyncio.Protocol):
    def __init__(self, user: LinkUser, timers: SmppTimers) -> None:
        self.user = user
        self.timers = timers
        self.loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[str] = self.loop.create_future()
        """Result: why the link ended."""
        self.bound = False
        self.bound_at = self.loop.time()
        self.writable = True
        self.pending: dict[int, Sent] = {}
        self.confirmed = float("-inf")
        """The peer has read whatever we wrote before this loop time (it answered a request written then)."""
        self.strays = 0
        """Answers to requests that we never made, or no longer wait for."""
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._control: dict[int, asyncio.Future[Frame]] = {}
        self._sequence = 0
        self._why = "lost"
        self._partial_since: float | None = None
        self._answer_at = self.loop.time()
        self._enquiry: tuple[int, float] | None = None
        self._misses = 0
        shortest = min(timers.enquire_link, timers.enquire_link_answer, timers.response, timers.partial_pdu)
        self._tick_seconds = min(max(shortest / _TICK_SHARE, _TICK_SECONDS[0]), _TICK_SECONDS[1])
        self._ticker: asyncio.TimerHandle | None = None

    # What the session asks of the link.

    def next_sequence(self) -> int:
        self._sequence = self._sequence + 1 if self._sequence < limits.MAX_SEQUENCE else 1
        return self._sequence

    def silent_for(self) -> float:
        """Seconds since the peer last answered a request of ours."""
        return self.loop.time() - self._answer_at

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def request(self, command: int, body: bytes, seconds: float) -> Frame:
        """Send a control PDU and wait for its answer. Raises `TimeoutError`, `LinkClosed`."""
        sequence = self.next_sequence()
        answer: asyncio.Future[Frame] = self.loop.create_future()
        self._control[sequence] = answer
        self.write(encode(command, sequence, body))
        try:
            async with asyncio.timeout(seconds):
                return await answer
        finally:
            self._control.pop(sequence, None)

    def answer_deliveries(self, deliveries: Iterable[tuple[int, int]], status: int) -> None:
        """deliver_sm_resp or data_sm_resp for each (command_id, sequence_number), in one write."""
        pack, length, body = HEADER.pack, HEADER.size + len(EMPTY_MESSAGE_ID), EMPTY_MESSAGE_ID
        self.write(b"".join([pack(length, command | RESPONSE, status, seq) + body for command, seq in deliveries]))

    def close(self, why: str) -> None:
        """Flush and close; cut if that takes too long."""
        if self._transport is None or self.closed.done():
            return
        self._why = why
        self.bound = False
        self._transport.close()
        self.loop.call_later(_ABORT_SECONDS, self._transport.abort)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ticker = self.loop.call_later(self._tick_seconds, self._tick)

    def data_received(self, data: bytes) -> None:
        deliveries: list[Delivered] = []
        pop, answered = self.pending.pop, self.user.answered
        sent: Sent | None = None
        frames = self._reader.feed(data)
        for frame in frames:
            command, status, sequence, body = frame
            if command == _SUBMIT_RESP:
                taken = pop(sequence, None)
                if taken is None:
                    self._stray(command, status)
                else:
                    sent = taken
                    answered(taken, status, body)
            elif command == _DELIVER:
                deliveries.append((command, sequence, body))
            else:
                self._control_frame(frame, deliveries)
        if sent is not None:
            self._alive(sent[2])
        if deliveries:
            self._pass_on(deliveries)
        if self._reader.broken is not None:
            self._broken(self._reader.broken)
        if frames or not self._reader.waiting:
            self._partial_since = None
        if self._reader.waiting and self._partial_since is None:
            self._partial_since = self.loop.time()
        self.user.turn(self)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self.user.turn(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.bound = False
        if self._ticker is not None:
            self._ticker.cancel()
        lost, self.pending = list(self.pending.values()), {}
        for answer in self._control.values():
            if not answer.done():
                answer.set_exception(LinkClosed(self._why))
        if not self.closed.done():
            self.closed.set_result(self._why if error is None else type(error).__name__)
        self.user.lost(self, lost)

    # What the peer sends besides answers and deliveries.

    def _control_frame(self, frame: Frame, deliveries: list[Delivered]) -> None:
        command, status, sequence, body = frame
        if command == Command.DATA_SM:
            deliveries.append((command, sequence, body))
        elif command == Command.ENQUIRE_LINK:
            self.write(encode(Command.ENQUIRE_LINK_RESP, sequence))
        elif command == Command.ENQUIRE_LINK_RESP and self._enquiry is not None and self._enquiry[0] == sequence:
            self._alive(self._enquiry[1])
        elif command == Command.UNBIND:
            self.write(encode(Command.UNBIND_RESP, sequence))
            self.bound = False
            self.user.peer_unbinds(self)
        elif command == Command.GENERIC_NACK and sequence in self.pending:
            self.user.answered(self.pending.pop(sequence), status or Status.RINVCMDID, b"")
        elif (answer := self._control.get(sequence)) is not None and command & RESPONSE:
            self._answer_control(answer, frame)
        elif command & RESPONSE:
            self._stray(command, status)
        elif command not in (Command.ALERT_NOTIFICATION, Command.OUTBIND):  # these two have no response
            log.warning("smpp_unknown_pdu", command=f"{command:#x}", octets=len(body))
            self.write(encode(Command.GENERIC_NACK, sequence, status=Status.RINVCMDID))

    def _answer_control(self, answer: asyncio.Future[Frame], frame: Frame) -> None:
        command, status, *_ = frame
        self._alive(self._answer_at)
        if command in _BIND_RESPONSES and status == Status.ROK:
            self.bound = True  # here, as deliver_sm may follow in the very same segment
            self.bound_at = self.loop.time()
        if not answer.done():
            answer.set_result(frame)

    def _pass_on(self, deliveries: list[Delivered]) -> None:
        if self.bound:
            self.user.delivered(self, deliveries)
        else:
            self.answer_deliveries([(command, sequence) for command, sequence, _ in deliveries], Status.RINVBNDSTS)

    def _stray(self, command: int, status: int) -> None:
        self.strays += 1
        if self.strays & (self.strays - 1) == 0:  # 1, 2, 4, 8, …: a flood stays readable
            log.warning("smpp_stray_answer", command=f"{command:#x}", status=f"{status:#x}", so_far=self.strays)

    def _broken(self, length: int) -> None:
        log.error("smpp_bad_length", length=length)
        self.write(encode(Command.GENERIC_NACK, 0, status=Status.RINVCMDLEN))
        self.close("bad_length")

    # Timers

    def _alive(self, asked_at: float) -> None:
        self._answer_at = self.loop.time()
        self.confirmed = max(self.confirmed, asked_at)
        self._enquiry = None
        self._misses = 0

    def _tick(self) -> None:
        now = self.loop.time()
        self._ticker = self.loop.call_later(self._tick_seconds, self._tick)
        if self._partial_since is not None and now - self._partial_since > self.timers.partial_pdu:
            log.error("smpp_partial_pdu")
            self.close("partial_pdu")
            return
        self._expire(now - self.timers.response)
        if self.bound:
            self._enquire(now)

    def _expire(self, before: float) -> None:
        late: list[int] = []
        for sequence, sent in self.pending.items():
            if sent[2] > before:
                break
            late.append(sequence)
        if late:
            self.user.unanswered([self.pending.pop(sequence) for sequence in late])
            self.user.turn(self)

    def _enquire(self, now: float) -> None:
        if self._enquiry is not None:
            if now - self._enquiry[1] < self.timers.enquire_link_answer:
                return
            self._misses += 1
            if self._misses >= limits.ENQUIRE_MISSES:
                log.error("smpp_peer_silent", misses=self._misses)
                self._why = "silent"
                if self._transport is not None:
                    self._transport.abort()
                return
        elif now - self._answer_at < self.timers.enquire_link:
            return
        sequence = self.next_sequence()
        self._enquiry = (sequence, now)
        self.write(encode(Command.ENQUIRE_LINK, sequence))


_BIND_RESPONSES: Final = frozenset(
    {Command.BIND_RECEIVER_RESP, Command.BIND_TRANSMITTER_RESP, Command.BIND_TRANSCEIVER_RESP}
)


def answer_all(answers: Iterable[Answer], status: int) -> None:
    """Answer deliveries of any links; a link that is gone takes nothing, and its SMSC sends again."""
    by_link: dict[Link, list[tuple[int, int]]] = {}
    for link, command, sequence in answers:
        by_link.setdefault(link, []).append((command, sequence))
    for link, deliveries in by_link.items():
        link.answer_deliveries(deliveries, status)
