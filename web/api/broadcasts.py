"""The life of a broadcast: drafted, submitted, approved by another person, sent, corrected."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from broadcasts.model import Draft, Role
from broadcasts.shown import BroadcastView
from web.api.endpoint import Call, Nothing, endpoint
from web.api.idempotency import once
from web.api.models import (
    Approval,
    BroadcastPage,
    BroadcastQuery,
    DeliveryPage,
    DeliveryQuery,
    PreviewAnswer,
    Reason,
    Replacement,
)
from web.roles import at_least

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
APPROVER: Final = at_least(Role.APPROVER)


@endpoint(
    "POST", "/broadcasts/preview", rule=OFFICER, summary="What would leave, to whom, and what stands in the way",
    body=Draft, answer=PreviewAnswer,
)  # fmt: skip
async def preview_broadcast(call: Call[Draft, Nothing]) -> dict[str, Any]:
    shown = await call.services.desk.preview(call.body)
    problems = [
        {"field": one.field, "key": one.key, "says": call.say.say(f"problem.{one.key}", **one.params)}
        for one in shown.problems
    ]
    return {
        "texts": shown.texts,
        "sms": shown.sms,
        "units": shown.units,
        "people": shown.people,
        "numbers": shown.numbers,
        "gaps": shown.gaps,
        "sms_messages": shown.sms_messages,
        "problems": problems,
        "escalation": shown.escalation,
        "opted_out": shown.opted_out,
        "duplicates": shown.duplicates,
        "cost": shown.cost,
        "notices": [
            {"field": one.field, "key": one.key, "says": call.say.say(f"notice.{one.key}", **one.params)}
            for one in shown.notices
        ],
    }


@endpoint(
    "POST", "/broadcasts", rule=OFFICER, summary="Draft a broadcast",
    body=Draft, answer=BroadcastView, status=201, problems=(409,), idempotent=True,
)  # fmt: skip
async def create_broadcast(call: Call[Draft, Nothing]) -> web.Response:
    return await once(call, 201, lambda: call.services.desk.draft(call.body, call.who))


@endpoint(
    "GET", "/broadcasts", rule=VIEWER, summary="Broadcasts, newest first", query=BroadcastQuery, answer=BroadcastPage
)
async def list_broadcasts(call: Call[Nothing, BroadcastQuery]) -> dict[str, Any]:
    state = call.query.state.value if call.query.state else None
    return {"items": await call.services.desk.list(state, call.query.limit)}


@endpoint("GET", "/broadcasts/{ref}", rule=VIEWER, summary="One broadcast", answer=BroadcastView, problems=(404,))
async def get_broadcast(call: Call[Nothing, Nothing]) -> BroadcastView:
    return await call.services.desk.view(call.ref)


@endpoint(
    "PUT", "/broadcasts/{ref}", rule=OFFICER, summary="Change a draft or a returned broadcast",
    body=Draft, answer=BroadcastView, problems=(404, 409),
)  # fmt: skip
async def edit_broadcast(call: Call[Draft, Nothing]) -> BroadcastView:
    return await call.services.desk.edit(call.ref, call.body, call.who)


@endpoint(
    "POST", "/broadcasts/{ref}/submit", rule=OFFICER, summary="Freeze the content and ask for approval",
    answer=BroadcastView, problems=(404, 409),
)  # fmt: skip
async def submit_broadcast(call: Call[Nothing, Nothing]) -> BroadcastView:
    return await call.services.desk.submit(call.ref, call.who)


@endpoint(
    "POST", "/broadcasts/{ref}/approve", rule=APPROVER, summary="Approve exactly the version with this hash",
    body=Approval, answer=BroadcastView, problems=(404, 409),
)  # fmt: skip
async def approve_broadcast(call: Call[Approval, Nothing]) -> BroadcastView:
    return await call.services.desk.approve(call.ref, call.body.content_hash, call.who)


@endpoint(
    "POST", "/broadcasts/{ref}/return", rule=APPROVER, summary="Give it back to its author",
    body=Reason, answer=BroadcastView, problems=(404, 409),
)  # fmt: skip
async def return_broadcast(call: Call[Reason, Nothing]) -> BroadcastView:
    return await call.services.desk.give_back(call.ref, call.body.reason, call.who)


@endpoint(
    "POST", "/broadcasts/{ref}/reject", rule=APPROVER, summary="Refuse it for good",
    body=Reason, answer=BroadcastView, problems=(404, 409),
)  # fmt: skip
async def reject_broadcast(call: Call[Reason, Nothing]) -> BroadcastView:
    return await call.services.desk.reject(call.ref, call.body.reason, call.who)


@endpoint(
    "POST", "/broadcasts/{ref}/cancel", rule=OFFICER, summary="Stop it: nothing more leaves",
    body=Reason, answer=BroadcastView, problems=(404, 409),
)  # fmt: skip
async def cancel_broadcast(call: Call[Reason, Nothing]) -> BroadcastView:
    return await call.services.desk.cancel(call.ref, call.body.reason, call.who)


@endpoint(
    "POST", "/broadcasts/{ref}/supersede", rule=OFFICER, summary="Draft the broadcast that replaces this one",
    body=Replacement, answer=BroadcastView, status=201, problems=(404, 409), idempotent=True,
)  # fmt: skip
async def supersede_broadcast(call: Call[Replacement, Nothing]) -> web.Response:
    return await once(call, 201, lambda: call.services.desk.supersede(call.ref, call.body.draft, call.who))


@endpoint(
    "GET", "/broadcasts/{ref}/deliveries", rule=VIEWER, summary="Deliveries by id, a page at a time",
    query=DeliveryQuery, answer=DeliveryPage, problems=(404,),
)  # fmt: skip
async def list_deliveries(call: Call[Nothing, DeliveryQuery]) -> dict[str, Any]:
    query = call.query
    found = await call.services.desk.deliveries(call.ref, query.state, query.after, query.limit)
    return {"items": found, "next": found[-1].id if len(found) == query.limit else None}


ROUTES: Final = (
    preview_broadcast,
    create_broadcast,
    list_broadcasts,
    get_broadcast,
    edit_broadcast,
    submit_broadcast,
    approve_broadcast,
    return_broadcast,
    reject_broadcast,
    cancel_broadcast,
    supersede_broadcast,
    list_deliveries,
)
