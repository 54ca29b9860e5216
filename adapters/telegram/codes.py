"""Every refusal of the Bot API, and what we do about it.

The API gives an HTTP status and an English description, and no finer code. The rows below are the descriptions that
servers of tdlib/telegram-bot-api answer to sendMessage; what matches no row falls back on its status.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import structlog

from adapters.contract import Outcome, RejectClass, Rejected, Unknown
from adapters.telegram.request import BotApiFault

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0
"""For refusals that pass by themselves and name no time of their own."""
FLOOD_SECONDS = 30.0
"""For a 429 without `retry_after`."""


@dataclass(frozen=True, slots=True)
class Row:
    """`says` is looked for in the lower-case description."""

    status: int
    says: str
    reason: str
    cls: RejectClass


_RECIPIENT = RejectClass.RECIPIENT
_TEXT = RejectClass.TEXT
_CONFIG = RejectClass.CONFIG

ROWS: tuple[Row, ...] = (
    Row(400, "chat not found", "invalid_recipient", _RECIPIENT),
    Row(400, "peer_id_invalid", "invalid_recipient", _RECIPIENT),
    Row(400, "user_id_invalid", "invalid_recipient", _RECIPIENT),
    Row(400, "user not found", "invalid_recipient", _RECIPIENT),
    Row(400, "chat_id is empty", "invalid_recipient", _RECIPIENT),
    Row(400, "group chat was deactivated", "invalid_recipient", _RECIPIENT),
    Row(400, "message thread not found", "invalid_recipient", _RECIPIENT),
    Row(400, "topic_closed", "blocked", _RECIPIENT),
    Row(400, "topic_deleted", "invalid_recipient", _RECIPIENT),
    Row(400, "not enough rights", "blocked", _RECIPIENT),
    Row(400, "have no rights to send", "blocked", _RECIPIENT),
    Row(400, "need administrator rights", "blocked", _RECIPIENT),
    Row(400, "chat_write_forbidden", "blocked", _RECIPIENT),
    Row(400, "chat_send_plain_forbidden", "blocked", _RECIPIENT),
    Row(400, "chat_admin_required", "blocked", _RECIPIENT),
    Row(400, "chat_restricted", "blocked", _RECIPIENT),
    Row(400, "user_is_blocked", "blocked", _RECIPIENT),
    Row(400, "message is too long", "too_long", _TEXT),
    Row(400, "message_too_long", "too_long", _TEXT),
    Row(400, "entities_too_long", "too_long", _TEXT),
    Row(400, "text must be non-empty", "empty", _TEXT),
    Row(400, "message text is empty", "empty", _TEXT),
    Row(400, "button_data_invalid", "rejected_content", _TEXT),
    Row(400, "strings must be encoded in utf-8", "rejected_content", _TEXT),
    Row(401, "", "auth", _CONFIG),
    Row(403, "bot was blocked by the user", "blocked", _RECIPIENT),
    Row(403, "user is deactivated", "blocked", _RECIPIENT),
    Row(403, "bot can't initiate conversation", "not_started", _RECIPIENT),
    Row(403, "bot can't send messages to bots", "invalid_recipient", _RECIPIENT),
    Row(403, "bot was kicked", "blocked", _RECIPIENT),
    Row(403, "bot is not a member", "blocked", _RECIPIENT),
    Row(404, "", "auth", _CONFIG),  # "Not Found" is the answer to a token of the wrong form
)

FALLBACK: dict[int, Rejected] = {
    400: Rejected("provider_error", RejectClass.RECIPIENT),
    403: Rejected("blocked", RejectClass.RECIPIENT),
    413: Rejected("too_long", RejectClass.TEXT),
    409: Rejected("provider_error", RejectClass.RETRY_LATER, after=RETRY_SECONDS),
    420: Rejected("throttled", RejectClass.RETRY_LATER, after=FLOOD_SECONDS),
    429: Rejected("throttled", RejectClass.RETRY_LATER, after=FLOOD_SECONDS),
    503: Rejected("provider_error", RejectClass.RETRY_LATER, after=RETRY_SECONDS),
}
"""By status, where no row fits: final for this recipient (another channel takes over), and logged.
503 says that the request was not taken up; any other 5xx leaves that open."""

FORMATTING = ("can't parse entities", "can't parse messageentity", "entity_bounds_invalid", "unsupported parse_mode")
"""Descriptions (lower case) of a 400 that the same text without formatting does not get."""


def is_formatting(fault: BotApiFault) -> bool:
    """The text would pass as plain text."""
    return fault.status == HTTPStatus.BAD_REQUEST and any(says in fault.says.lower() for says in FORMATTING)


def classify(fault: BotApiFault) -> Outcome:
    """Our outcome for an answer that was no success; the provider's words stay in `code`."""
    code, says = f"{fault.status} {fault.says}".strip(), fault.says.lower()
    if fault.status == HTTPStatus.TOO_MANY_REQUESTS and fault.retry_after:
        return Rejected("throttled", RejectClass.RETRY_LATER, code, float(fault.retry_after))
    for row in ROWS:
        if row.status == fault.status and row.says in says:
            return Rejected(row.reason, row.cls, code)
    log.error("telegram.code_unknown", code=code)
    known = FALLBACK.get(fault.status)
    if known is not None:
        return Rejected(known.reason, known.cls, code, known.after)
    if fault.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unknown("provider_error", ("",), code)
    return Rejected("provider_error", RejectClass.RECIPIENT, code)
