"""Every code of SpeedSMS by what we do about it, and what the states of its reports mean.

Source: speedsms.vn/sms-api, "Mã lỗi" and "Webhook". A code that SpeedSMS adds later is `UNKNOWN`: final for this
recipient, logged as an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.contract import ReceiptState, Rejected
from adapters.contract import RejectClass as C
from adapters.sms.speedsms import limits


@dataclass(frozen=True, slots=True)
class Code:
    """`alarm`: an operator or a developer must look. `some_number`: the whole request was refused because of some of
    its numbers; the others may go again."""

    reason: str
    cls: C
    after: float | None = None
    """Seconds, with RETRY_LATER."""
    alarm: bool = False
    some_number: bool = False


ACCEPTED: Final = "00"
INVALID_PHONE: Final = "105"
THROTTLED: Final = "429"

UNKNOWN: Final = Code("provider_error", C.RECIPIENT, alarm=True)

SEND: Final[Mapping[str, Code]] = {
    "007": Code("auth", C.CONFIG, alarm=True),
    "008": Code("account_disabled", C.CONFIG, alarm=True),
    "009": Code("not_authorised", C.CONFIG, alarm=True),
    "101": Code("invalid_parameter", C.TEXT, alarm=True, some_number=True),
    INVALID_PHONE: Code("invalid_recipient", C.RECIPIENT, some_number=True),
    "110": Code("rejected_content", C.TEXT),
    "113": Code("too_long", C.TEXT),
    "300": Code("quota", C.QUOTA, alarm=True),
    "500": Code("provider_error", C.RETRY_LATER, limits.RETRY_SECONDS),
    THROTTLED: Code("throttled", C.RETRY_LATER, limits.THROTTLED_SECONDS),
    "http_401": Code("auth", C.CONFIG, alarm=True),
    "http_403": Code("auth", C.CONFIG, alarm=True),
    "http_404": Code("bad_url", C.CONFIG, alarm=True),
    "http_429": Code("throttled", C.RETRY_LATER, limits.THROTTLED_SECONDS),
}
"""`http_…` are ours, for a refusal by status without a code of SpeedSMS."""


def look_up(code: str) -> Code:
    return SEND.get(code, UNKNOWN)


def rejected(code: str) -> Rejected:
    found = look_up(code)
    return Rejected(found.reason, found.cls, code, found.after)


FAILED_FROM: Final = 64
"""`status` of a report: 0 delivered, below 64 a passing failure, from 64 on final."""


def state_of(status: Any) -> ReceiptState | None:
    """None: not a status at all."""
    try:
        number = int(status)
    except (TypeError, ValueError):
        return None
    if number < 0:
        return None
    if number == 0:
        return ReceiptState.DELIVERED
    return ReceiptState.PENDING if number < FAILED_FROM else ReceiptState.FAILED
