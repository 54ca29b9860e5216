"""The carrier's misbehaviour in answers to submit_sm, by its knobs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.sms.smpp import tlv
from adapters.sms.smpp.pdu import HEADER, Command, encode
from adapters.sms.smpp.tlv import Tag

if TYPE_CHECKING:
    from simulators.smsc.carrier import Carrier
    from simulators.smsc.session import Session
    from simulators.smsc.system import System

RTHROTTLED: Final = 0x58
_SUBMIT_RESP: Final = int(Command.SUBMIT_SM_RESP)
_STRANGE_SEQUENCE: Final = 0x7000_0000
_IMPOSSIBLE_LENGTH: Final = b"\0\0\0\x05"


def status(carrier: Carrier, session: Session, to: bytes) -> int:
    """command_status by the knobs; 0: take the message."""
    faults = carrier.faults
    number = faults.status_numbers.get(to.decode("latin-1"))
    if number:
        return number
    if faults.status and (not faults.status_every or carrier.submits % faults.status_every == 0):
        if faults.status_next == 1:
            carrier.set_faults(replace(faults, status=0, status_next=0))
        elif faults.status_next:
            carrier.count_down("status_next")
        return faults.status
    if faults.throttle_tps and session.system is not None and _too_fast(carrier, session.system):
        return RTHROTTLED
    return 0


def _too_fast(carrier: Carrier, system: System) -> bool:
    now, taken = carrier.loop.time(), system.accepted_at
    while taken and taken[0] <= now - 1.0:
        taken.popleft()
    if len(taken) >= carrier.faults.throttle_tps:
        return True
    taken.append(now)
    return False


def answer(carrier: Carrier, session: Session, sequence: int, pdu: bytes) -> None:
    """Write a submit_sm_resp as the knobs will have it; perhaps end the session."""
    faults = carrier.faults
    if faults.congestion:
        pdu = _congested(pdu, faults.congestion)
    if faults.bad_length:
        carrier.set_faults(replace(faults, bad_length=False))
        pdu = _IMPOSSIBLE_LENGTH + pdu[len(_IMPOSSIBLE_LENGTH) :]
    answers = [pdu] * (2 if faults.answer_twice else 1)
    if faults.answer_unknown:
        answers.append(encode(_SUBMIT_RESP, _STRANGE_SEQUENCE + sequence, b"stranger\0"))
    if not (faults.silent_every and carrier.submits % faults.silent_every == 0):
        if faults.response_delay:
            carrier.loop.call_later(faults.response_delay, session.write, b"".join(answers))
        else:
            session.out += answers
    if faults.abort_after and session.submitted >= faults.abort_after:
        carrier.set_faults(replace(carrier.faults, abort_after=0))
        session.out.clear()
        session.abort()
    if faults.unbind_after and session.submitted >= faults.unbind_after:
        carrier.set_faults(replace(carrier.faults, unbind_after=0))
        session.flush()
        session.request(Command.UNBIND)


def _congested(pdu: bytes, level: int) -> bytes:
    _, command, command_status, sequence = HEADER.unpack_from(pdu)
    body = (pdu[HEADER.size :] or b"\0") + tlv.encode(Tag.CONGESTION_STATE, bytes((min(level, 100),)))
    return encode(command, sequence, body, command_status)
