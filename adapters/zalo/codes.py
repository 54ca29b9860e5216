"""Every code of Zalo's OA OpenAPI, ZNS, OAuth and Bot Platform, by what we do about it.

Sources: Zalo OA docs, "Mã lỗi"; Zalo ZNS docs, "Bảng mã lỗi"; Zalo Bot docs, error table. Codes that Zalo adds later
are `UNKNOWN`: final for this recipient (another channel takes over), logged as an alarm, never repeated without end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from adapters.contract import RejectClass as C
from adapters.contract import Rejected
from adapters.zalo import limits


class Action(StrEnum):
    """What the channel itself does before it gives an outcome."""

    NONE = "none"
    REFRESH = "refresh"  # renew the access token, then once more
    USE_V2 = "use_v2"  # this OA is served by the v2.0 message call
    USE_V3 = "use_v3"
    PLAIN = "plain"  # once more without buttons
    HOLD = "hold"  # nothing more until the next minute


@dataclass(frozen=True, slots=True)
class Code:
    reason: str
    cls: C
    action: Action = Action.NONE
    after: float | None = None
    """Seconds, with RETRY_LATER."""
    night: bool = False
    """Refused between 22:00 and 06:00: again at 06:00."""
    alarm: bool = False
    """Logged as an error even though only this message is refused."""


UNKNOWN = Code("provider_error", C.RECIPIENT, alarm=True)
RETRY_SECONDS = 30.0
"""Pause before a repeat where Zalo names none."""


def _table(*rows: tuple[Iterable[int], Code]) -> dict[int, Code]:
    return {number: code for numbers, code in rows for number in numbers}


AUTH = Code("auth", C.CONFIG, Action.REFRESH)

OA: dict[int, Code] = _table(
    ([-32], Code("throttled", C.RETRY_LATER, Action.HOLD)),
    ([-100], Code("attachment_expired", C.TEXT)),
    ([-200, -214], Code("provider_error", C.RETRY_LATER, after=RETRY_SECONDS)),
    ([-201], Code("invalid_parameter", C.TEXT, Action.PLAIN)),
    ([-204, -205], Code("account_disabled", C.CONFIG)),
    ([-209, -212, -219], Code("app_not_active", C.CONFIG)),
    ([-210], Code("too_long", C.TEXT)),
    ([-211], Code("quota", C.QUOTA)),
    ([-213], Code("not_following", C.RECIPIENT)),
    ([-216, -220], AUTH),
    ([-217, -244], Code("blocked", C.RECIPIENT)),
    ([-218], Code("recipient_quota", C.RECIPIENT)),
    ([-221], Code("account_unverified", C.CONFIG)),
    ([-223], Code("not_authorised", C.CONFIG)),
    ([-224], Code("package_too_low", C.CONFIG)),
    ([-227], Code("invalid_recipient", C.RECIPIENT)),
    ([-230, -232], Code("window_closed", C.RECIPIENT)),
    ([-233], Code("unsupported_type", C.RECIPIENT, Action.PLAIN)),
    ([-234], Code("night", C.RETRY_LATER, night=True)),
    ([-235], Code("wrong_account_type", C.CONFIG, Action.USE_V2)),
    ([-237], Code("group_disabled", C.CONFIG)),
    ([-238, -241], Code("asset_disabled", C.CONFIG)),
    ([-240], Code("wrong_account_type", C.CONFIG, Action.USE_V3)),
    ([-242], Code("auth", C.CONFIG)),
    ([-248], Code("rejected_content", C.TEXT, alarm=True)),
    ([-249], Code("template", C.CONFIG)),
    ([-320], Code("wallet", C.CONFIG)),
    ([-321], Code("wallet", C.QUOTA)),
    ([-403], Code("not_in_group", C.CONFIG)),
    ([-1340, -1341], Code("form", C.CONFIG)),
)

ZNS: dict[int, Code] = _table(
    ([-124], AUTH),
    ([-32], Code("throttled", C.RETRY_LATER, Action.HOLD)),
    ([-100, -123, -128, -129], Code("provider_error", C.RETRY_LATER, after=RETRY_SECONDS)),
    ([-115, -126, -144, -1441, -147, -160], Code("quota", C.QUOTA)),
    ([-1471], Code("recipient_quota", C.RECIPIENT)),
    ([-133], Code("night", C.RETRY_LATER, night=True)),
    ([-101, -102, -103, -104, -105, -138, -1381], Code("app_not_active", C.CONFIG)),
    ([-106, -122], Code("bad_request", C.CONFIG)),
    ([-109, -117, -131, -145, -146, -161, -162], Code("template", C.CONFIG)),
    ([-120, -1201, -1202], Code("not_authorised", C.CONFIG)),
    ([-125, -1351], Code("account_disabled", C.CONFIG)),
    ([-127], Code("development_mode", C.CONFIG)),
    ([-135], Code("account_unverified", C.CONFIG)),
    ([-136, -137], Code("wallet", C.CONFIG)),
    ([-1241, -142, -143], Code("auth", C.CONFIG)),
    ([-107, -132], Code("invalid_parameter", C.TEXT)),
    ([-108, -118], Code("invalid_recipient", C.RECIPIENT)),
    ([-110, -114, -119, -140], Code("unreachable", C.RECIPIENT)),
    ([-139, -141], Code("blocked", C.RECIPIENT)),
    ([-111, -112, -1122, -1123, -1124, -113, -1131], Code("template_data", C.TEXT)),
    ([-116, -121], Code("rejected_content", C.TEXT)),
    ([-1121, -130], Code("too_long", C.TEXT)),
    (range(-153, -147), Code("unreachable", C.RECIPIENT)),
)

BOT: dict[int, Code] = _table(
    ([400], Code("rejected_content", C.TEXT)),
    ([401], Code("auth", C.CONFIG)),
    ([403, 500], Code("provider_error", C.RETRY_LATER, after=RETRY_SECONDS)),
    ([404], Code("invalid_recipient", C.RECIPIENT)),
    ([429], Code("quota", C.QUOTA)),
)

OA_INVALID = -201
"""`<field> is invalid`: the field's name in the message tells a wrong recipient from a wrong text."""
OAUTH_SPENT = -14020
"""The refresh token was used before or has expired: an administrator of the OA must grant again."""
OAUTH_BAD_APP = -14002
OAUTH_BAD_CODE = -14003
"""A wrong redirect or parameter; at the exchange of a code: a code that is wrong, used or older than 10 minutes."""
OAUTH_BAD_SECRET = -14004
OAUTH_WRONG = frozenset({OAUTH_BAD_APP, OAUTH_BAD_CODE, OAUTH_BAD_SECRET, -14012, -14024})
"""Wrong app id, redirect, secret or grant: an operator mends the settings."""


ZNS_DAY_SPENT = frozenset({-144})
"""The account's quota of the day: nothing more passes before midnight."""


def look_up(table: dict[int, Code], number: int) -> Code:
    return table.get(number, UNKNOWN)


def rejected(code: Code, number: int, now: float, hold: float = 0.0) -> Rejected:
    """The outcome of a refusal. `now` is epoch seconds, `hold` the seconds to the next minute's budget."""
    after = code.after
    if code.night:
        after = seconds_to_morning(now)
    elif code.action is Action.HOLD:
        after = hold
    return Rejected(code.reason, code.cls, str(number), after)


def seconds_to_morning(now: float) -> float:
    """Seconds from `now` (epoch) to the next 06:00 in Asia/Ho_Chi_Minh."""
    local = now + limits.LOCAL_UTC_OFFSET_HOURS * 3600
    into_day = local % 86_400
    return (limits.NIGHT_ENDS_HOUR * 3600 - into_day) % 86_400 or 86_400.0
