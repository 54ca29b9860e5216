"""command_status → what we do about it (SMPP 3.4 5.1.3, SMPP 5.0 4.7.6; Jasmin's shipped retry table for the pauses).

A status is data: vendor codes (0x400…0x4FF, SMPP 3.4 5.1.3) come from the account's settings, and one that nobody has
described refuses that message for good and raises an alarm. Nothing here can fail on a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from adapters.contract import RejectClass, Rejected


class Status(IntEnum):
    """Those that the session itself acts on."""

    ROK = 0x00
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RSYSERR = 0x08
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RMSGQFUL = 0x14
    RINVSYSTYP = 0x53
    RTHROTTLED = 0x58
    RX_T_APPN = 0x64
    RX_P_APPN = 0x65


AUTH: Final = frozenset({Status.RBINDFAIL, Status.RINVPASWD, Status.RINVSYSID, Status.RINVSYSTYP})
"""Refused credentials: stop after a few tries, a carrier locks the account."""
SLOW_DOWN: Final = frozenset({Status.RTHROTTLED, Status.RMSGQFUL})
"""Statuses that slow the whole bind down."""
VENDOR: Final = range(0x400, 0x500)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`after` seconds and `tries` (times that we ask for another try of one message; None: the core decides) belong to
    RETRY_LATER; past them the class becomes RECIPIENT, so that the message goes on by another way. `alarm`: an operator
    or a developer must look."""

    name: str
    reason: str
    cls: RejectClass
    after: float | None = None
    tries: int | None = None
    alarm: bool = False


def _retry(name: str, reason: str, after: float, tries: int | None = None) -> Verdict:
    return Verdict(name, reason, RejectClass.RETRY_LATER, after, tries)


def _number(name: str, reason: str = "invalid_recipient") -> Verdict:
    return Verdict(name, reason, RejectClass.RECIPIENT)


def _text(name: str, reason: str = "rejected_content", alarm: bool = False) -> Verdict:
    return Verdict(name, reason, RejectClass.TEXT, alarm=alarm)


def _config(name: str, reason: str) -> Verdict:
    return Verdict(name, reason, RejectClass.CONFIG, alarm=True)


_BUG: Final = "provider_error"

TABLE: Final[Mapping[int, Verdict]] = {
    0x01: _text("RINVMSGLEN", "too_long", alarm=True),
    0x02: _config("RINVCMDLEN", _BUG),
    0x03: _config("RINVCMDID", _BUG),
    0x04: _retry("RINVBNDSTS", "link_down", 5),
    0x05: _retry("RALYBND", "link_down", 60),
    0x06: _text("RINVPRTFLG"),
    0x07: _text("RINVREGDLVFLG"),
    0x08: _retry("RSYSERR", "provider_error", 30, tries=3),
    0x0A: _config("RINVSRCADR", "invalid_sender"),
    0x0B: _number("RINVDSTADR"),
    0x0C: _text("RINVMSGID"),
    0x0D: _config("RBINDFAIL", "auth"),
    0x0E: _config("RINVPASWD", "auth"),
    0x0F: _config("RINVSYSID", "auth"),
    0x11: _text("RCANCELFAIL"),
    0x13: _text("RREPLACEFAIL"),
    0x14: _retry("RMSGQFUL", "throttled", 60, tries=5),
    0x15: _text("RINVSERTYP"),
    0x33: _text("RINVNUMDESTS"),
    0x34: _text("RINVDLNAME"),
    0x40: _text("RINVDESTFLAG"),
    0x42: _text("RINVSUBREP"),
    0x43: _text("RINVESMCLASS", alarm=True),
    0x44: _text("RCNTSUBDL"),
    0x45: _retry("RSUBMITFAIL", "provider_error", 30, tries=1),
    0x48: _config("RINVSRCTON", "invalid_sender"),
    0x49: _config("RINVSRCNPI", "invalid_sender"),
    0x50: _number("RINVDSTTON"),
    0x51: _number("RINVDSTNPI"),
    0x53: _config("RINVSYSTYP", "auth"),
    0x54: _text("RINVREPFLAG"),
    0x55: _text("RINVNUMMSGS"),
    0x58: _retry("RTHROTTLED", "throttled", 2),
    0x61: _text("RINVSCHED", "expired"),
    0x62: _text("RINVEXPIRY", "expired"),
    0x63: _text("RINVDFTMSGID"),
    0x64: _retry("RX_T_APPN", "provider_error", 30, tries=3),
    0x65: _number("RX_P_APPN", "blocked"),
    0x66: _number("RX_R_APPN", "blocked"),
    0x67: _text("RQUERYFAIL"),
    0xC0: _text("RINVOPTPARSTREAM", alarm=True),
    0xC1: _text("ROPTPARNOTALLWD", alarm=True),
    0xC2: _text("RINVPARLEN", alarm=True),
    0xC3: _text("RMISSINGOPTPARAM", alarm=True),
    0xC4: _text("RINVOPTPARAMVAL", alarm=True),
    0xFE: _number("RDELIVERYFAILURE", "provider_error"),
    0xFF: _retry("RUNKNOWNERR", "provider_error", 30, tries=2),
    # SMPP 5.0
    0x100: _config("RSERTYPUNAUTH", "auth"),
    0x101: _config("RPROHIBITED", "auth"),
    0x102: _retry("RSERTYPUNAVAIL", "provider_error", 30, tries=3),
    0x103: _config("RSERTYPDENIED", "auth"),
    0x104: _text("RINVDCS", alarm=True),
    0x105: _number("RINVSRCADDRSUBUNIT", "provider_error"),
    0x106: _number("RINVDSTADDRSUBUNIT"),
    **{code: _text(f"RBROADCAST_0x{code:03X}", "provider_error") for code in range(0x107, 0x113)},
}

_UNDESCRIBED: Final = Verdict("UNDESCRIBED", "provider_error", RejectClass.RECIPIENT, alarm=True)
_VENDOR_REASONS: Final = {
    RejectClass.RETRY_LATER: "throttled",
    RejectClass.RECIPIENT: "invalid_recipient",
    RejectClass.TEXT: "rejected_content",
    RejectClass.CONFIG: "provider_error",
    RejectClass.QUOTA: "quota",
    RejectClass.DUPLICATE: "duplicate",
}
VENDOR_RETRY_SECONDS: Final = 30.0
"""Pause for a vendor code that the settings call retry_later."""


def code(status: int) -> str:
    """As operators and carriers write it: "0x00000058"."""
    return f"0x{status:08X}"


class Codes:
    """The table with an account's own vendor codes laid over it."""

    def __init__(self, vendor: Mapping[int, RejectClass] | None = None) -> None:
        """`vendor`: class by command_status, from the account's settings."""
        self._own = {
            status: Verdict(
                f"VENDOR_{status:#x}", _VENDOR_REASONS[cls], cls,
                VENDOR_RETRY_SECONDS if cls is RejectClass.RETRY_LATER else None,
                alarm=cls in (RejectClass.CONFIG, RejectClass.QUOTA),
            )
            for status, cls in (vendor or {}).items()
        }  # fmt: skip

    def verdict(self, status: int) -> Verdict:
        return self._own.get(status) or TABLE.get(status) or _UNDESCRIBED

    def reject(self, status: int, earlier: int = 0) -> tuple[Rejected, bool]:
        """The outcome for a refused message, and whether to alarm. `earlier`: how often this very message was already
        told to come back because of this status."""
        verdict = self.verdict(status)
        if verdict.tries is not None and earlier >= verdict.tries:
            verdict = replace(verdict, cls=RejectClass.RECIPIENT, after=None)
        return Rejected(verdict.reason, verdict.cls, code(status), verdict.after), verdict.alarm
