"""One message to one recipient, and what people wrote to us."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from broadcasts.model import Role
from broadcasts.shown import DeliveryView
from store import inbox
from text.numbers import mask
from web.api.endpoint import Call, Nothing, endpoint
from web.api.idempotency import once
from web.api.models import InboxPage, InboxQuery, Message
from web.problems import Trouble
from web.roles import at_least

LARGEST_ID: Final = 1 << 62


@endpoint(
    "POST", "/messages", rule=at_least(Role.OFFICER), summary="Send one message to one recipient",
    body=Message, answer=DeliveryView, status=202, problems=(409,), idempotent=True,
)  # fmt: skip
async def send_message(call: Call[Message, Nothing]) -> web.Response:
    async def act() -> DeliveryView:
        message = call.body
        sent = await call.services.desk.send_single(message.channel, message.to, message.text, call.who)
        return await call.services.desk.single(sent)

    return await once(call, 202, act)


@endpoint("GET", "/messages/{id}", rule=at_least(Role.VIEWER), summary="One message", answer=DeliveryView,
          problems=(404,))  # fmt: skip
async def get_message(call: Call[Nothing, Nothing]) -> DeliveryView:
    given = call.path("id")
    if not (given.isascii() and given.isdigit() and int(given) < LARGEST_ID):
        raise Trouble(404, "not_found")
    return await call.services.desk.single(int(given))


@endpoint(
    "GET", "/inbox", rule=at_least(Role.VIEWER), summary="What people wrote to us, newest first",
    query=InboxQuery, answer=InboxPage,
)  # fmt: skip
async def list_inbox(call: Call[Nothing, InboxQuery]) -> dict[str, Any]:
    query = call.query
    rows = await call.services.ledger.read(lambda tx: inbox.listing(tx, query.state, query.before, query.limit))
    return {"items": [_line(row) for row in rows], "next": rows[-1].id if len(rows) == query.limit else None}


def _line(row: inbox.InboxRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": datetime.fromtimestamp(row.at, UTC),
        "channel": row.channel,
        "sender": mask(row.sender),
        "sender_name": row.sender_name,
        "text": row.text,
        "kind": row.kind,
        "state": row.state,
        "intent": row.intent,
        "note": row.note,
        "unit": row.unit_code,
        "broadcast": row.broadcast_no,
        "reply": row.reply,
        "handled_by": row.handled_by,
    }


ROUTES: Final = (send_message, get_message, list_inbox)
