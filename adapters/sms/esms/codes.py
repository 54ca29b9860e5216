"""Every code of eSMS by what we do about it, and what its message states mean.

Source: eSMS docs, "Bảng mã lỗi" (the codes that concern SMS; those of Zalo and voice calls never answer our requests)
and "Callback Url". A code that eSMS adds later is `UNKNOWN`: final for this recipient, logged as an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from adapters.contract import ReceiptState, Rejected
from adapters.contract import RejectClass as C


class Action(StrEnum):
    NONE = "none"
    ACCEPT = "accept"  # eSMS has the message
    REPEAT = "repeat"  # eSMS is at it: the same RequestId again tells more
    SLOW_DOWN = "slow_down"


@dataclass(frozen=True, slots=True)
class Code:
    """`alarm`: an operator or a developer must look, even though only this message is refused."""

    reason: str
    cls: C
    action: Action = Action.NONE
    after: float | None = None
    """Seconds, with RETRY_LATER."""
    alarm: bool = False


ACCEPTED: Final = "100"
REPEATED: Final = "124"
NOT_FOUND: Final = "105"
MALFORMED: Final = "invalid_request"
"""Ours, for `{"error": "Invalid request"}` without a code."""
THROTTLED_SECONDS: Final = 2.0
"""Pause after 160; eSMS names none."""
RETRY_SECONDS: Final = 30.0

UNKNOWN: Final = Code("provider_error", C.RECIPIENT, alarm=True)

_TAKEN: Final = Code("duplicate", C.DUPLICATE, Action.ACCEPT)
SEND: Final[Mapping[str, Code]] = {
    ACCEPTED: _TAKEN,
    REPEATED: _TAKEN,
    "199": Code("no_answer", C.RETRY_LATER, Action.REPEAT),
    "160": Code("throttled", C.RETRY_LATER, Action.SLOW_DOWN, THROTTLED_SECONDS),
    "101": Code("auth", C.CONFIG, alarm=True),
    "140": Code("auth", C.CONFIG, alarm=True),
    "143": Code("account_disabled", C.CONFIG, alarm=True),
    "102": Code("no_price", C.CONFIG, alarm=True),
    "103": Code("quota", C.QUOTA, alarm=True),
    "104": Code("invalid_sender", C.CONFIG, alarm=True),
    "118": Code("bad_request", C.CONFIG, alarm=True),
    "300": Code("bad_request", C.CONFIG, alarm=True),
    "146": Code("text_not_registered", C.TEXT),
    "177": Code("carrier_not_registered", C.RECIPIENT, alarm=True),
    "201": Code("rejected_content", C.TEXT),
    "99": Code("blocked", C.RECIPIENT),
    "108": Code("invalid_recipient", C.RECIPIENT),
    "107": Code("bad_request", C.TEXT, alarm=True),
    "120": Code("bad_request", C.TEXT, alarm=True),
    "163": Code("bad_request", C.TEXT, alarm=True),
    "110": Code("bad_request", C.TEXT, alarm=True),
    NOT_FOUND: Code("provider_error", C.RETRY_LATER, after=RETRY_SECONDS, alarm=True),
    MALFORMED: Code("bad_request", C.TEXT, alarm=True),
    "http_401": Code("auth", C.CONFIG, alarm=True),
    "http_403": Code("auth", C.CONFIG, alarm=True),
    "http_429": Code("throttled", C.RETRY_LATER, Action.SLOW_DOWN, THROTTLED_SECONDS),
}
"""105 belongs to the status calls; as the answer to a send it would be eSMS's own confusion."""


def look_up(code: str) -> Code:
    return SEND.get(code, UNKNOWN)


def rejected(code: str) -> Rejected:
    found = look_up(code)
    return Rejected(found.reason, found.cls, code, found.after)


class SendStatus(StrEnum):
    """`SendStatus` of the status calls and of callbacks."""

    COMPOSING = "0"
    TO_BE_APPROVED = "1"
    QUEUED = "2"
    REFUSED = "4"
    FINISHED = "5"
    REPORT_PENDING = "7"


def state_of(body: Mapping[str, Any]) -> tuple[ReceiptState, str]:
    """(state, code verbatim as "status/success/failed") of a status answer or a callback's query.

    The counters are segments or attempts, not people: a message of which one failed is not on the phone as it was
    written, so mixed counters are a failure. Finished without any count says nothing yet.
    """
    status, success, failed = (_figure(body.get(key)) for key in ("SendStatus", "SendSuccess", "SendFailed"))
    code = f"{status}/{success}/{failed}"
    if status == SendStatus.REFUSED:
        return ReceiptState.FAILED, code
    if status != SendStatus.FINISHED:
        return ReceiptState.PENDING, code
    if _is_count(failed):
        return ReceiptState.FAILED, code
    return (ReceiptState.DELIVERED if _is_count(success) else ReceiptState.PENDING), code


def _figure(value: Any) -> str:
    """Numbers come as numbers in one call and as text in another."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if value is not None else ""


def price_of(body: Mapping[str, Any]) -> float | None:
    """`TotalPrice` of a status answer, VND; None where it says nothing that can be read."""
    try:
        price = float(str(body.get("TotalPrice")))
    except ValueError:
        return None
    return price if 0 <= price < float("inf") else None


def _is_count(figure: str) -> bool:
    return figure.isascii() and figure.isdigit() and int(figure) > 0


CARRIER_BY_TELCOID: Final[Mapping[str, str]] = {
    "1": "viettel",
    "2": "mobifone",
    "3": "vinaphone",
    "4": "vietnamobile",
    "5": "gmobile",
    "6": "itel",
    "7": "wintel",
}
"""`telcoid` of a callback: where the number is today, whatever its prefix (eSMS docs, "Callback Url"; Reddi is the
former name of Wintel)."""
