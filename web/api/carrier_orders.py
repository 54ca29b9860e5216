"""Orders to carriers: messages to all subscribers of an area, from the draft to the counts that come back."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from broadcasts.carrier_orders.content import Checked
from broadcasts.carrier_orders.form import make_form
from broadcasts.carrier_orders.letter import file_name
from broadcasts.carrier_orders.model import (
    NAME_LIMIT,
    NOTE_LIMIT,
    TEXT_LIMIT,
    CallResult,
    CarrierLine,
    OrderDraft,
    OrderEvent,
    OrderLine,
    OrderState,
    OrderView,
)
from broadcasts.carrier_orders.wording import load_wording
from broadcasts.model import Actor, Refusal, RefusalKind, Role
from web.api.endpoint import Call, Nothing, endpoint
from web.api.idempotency import once
from web.api.models import PAGE_DEFAULT, PAGE_MOST, Approval, Body, PreviewProblem, Query, Reason
from web.context import checked_ref
from web.roles import allows, at_least
from web.services import Services

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
APPROVER: Final = at_least(Role.APPROVER)
PDF: Final = "application/pdf"
BASE: Final = "/carrier-orders"
ONE: Final = BASE + "/{ref}"


class NewCall(Body):
    carrier: int = Field(ge=0, le=1_000)
    """The carrier's place in the order."""
    result: Literal["confirmed", "told", "no_answer", "wrong_number"]
    spoke_to: str = Field(default="", max_length=NAME_LIMIT)
    """Needed where the carrier confirmed."""
    note: str = Field(default="", max_length=NOTE_LIMIT)


class Handing(Body):
    carrier: int = Field(ge=0, le=1_000)


class OrderQuery(Query):
    state: OrderState | None = None
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MOST)


class PdfQuery(Query):
    carrier: int = Field(default=0, ge=0, le=1_000)


class OrderPage(TypedDict):
    items: list[OrderLine]


class OrderEvents(TypedDict):
    items: list[OrderEvent]


class OrderCheck(TypedDict):
    text: str
    """As carriers would send it."""
    units: int
    limit: int
    parts: int
    encoding: str
    accented_units: int
    accented_parts: int
    changes: list[dict[str, str]]
    areas: list[tuple[str, str]]
    problems: list[PreviewProblem]
    """What stands in the way now."""
    missing: list[PreviewProblem]
    """What must be filled in before approval is asked for."""


@endpoint("POST", f"{BASE}/preview", rule=OFFICER, summary="What carriers would be asked, and what stands in the way",
          body=OrderDraft, answer=OrderCheck)  # fmt: skip
async def preview_carrier_order(call: Call[OrderDraft, Nothing]) -> dict[str, Any]:
    checked: Checked = await call.services.orders.preview(call.body)
    counted = checked.counted

    def said(problems: Any) -> list[dict[str, str]]:
        return [
            {"field": one.field, "key": one.key, "says": call.say.say(f"problem.{one.key}", **one.params)}
            for one in problems
        ]

    return {
        "text": counted.text, "units": counted.units, "limit": TEXT_LIMIT, "parts": counted.parts,
        "encoding": counted.encoding, "accented_units": counted.accented_units,
        "accented_parts": counted.accented_parts,
        "changes": [{"from": one.source, "to": one.target} for one in counted.changes],
        "areas": checked.content.areas, "problems": said(checked.problems), "missing": said(checked.missing),
    }  # fmt: skip


@endpoint("POST", BASE, rule=OFFICER, summary="Draft an order to carriers", body=OrderDraft, answer=OrderView,
          status=201, problems=(409,), idempotent=True)  # fmt: skip
async def create_carrier_order(call: Call[OrderDraft, Nothing]) -> web.Response:
    return await once(call, 201, lambda: call.services.orders.draft(call.body, call.who))


@endpoint("GET", BASE, rule=VIEWER, summary="Orders to carriers, newest first", query=OrderQuery, answer=OrderPage)
async def list_carrier_orders(call: Call[Nothing, OrderQuery]) -> dict[str, Any]:
    state = call.query.state.value if call.query.state else None
    return {"items": await call.services.orders.list(state, call.query.limit)}


@endpoint("GET", ONE, rule=VIEWER, summary="One order with every carrier and call", answer=OrderView, problems=(404,))
async def get_carrier_order(call: Call[Nothing, Nothing]) -> OrderView:
    return await call.services.orders.view(order_ref(call))


@endpoint("GET", f"{ONE}/events", rule=VIEWER, summary="Its timeline", answer=OrderEvents, problems=(404,))
async def list_carrier_order_events(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return {"items": await call.services.orders.events(order_ref(call))}


@endpoint("PUT", ONE, rule=OFFICER, summary="Change a draft or a returned order", body=OrderDraft, answer=OrderView,
          problems=(404, 409))  # fmt: skip
async def edit_carrier_order(call: Call[OrderDraft, Nothing]) -> OrderView:
    return await call.services.orders.edit(order_ref(call), call.body, call.who)


@endpoint("POST", f"{ONE}/submit", rule=OFFICER, summary="Freeze the order and ask for approval", answer=OrderView,
          problems=(404, 409))  # fmt: skip
async def submit_carrier_order(call: Call[Nothing, Nothing]) -> OrderView:
    return await call.services.orders.submit(order_ref(call), call.who)


@endpoint("POST", f"{ONE}/approve", rule=APPROVER, summary="Approve exactly the version with this hash", body=Approval,
          answer=OrderView, problems=(404, 409))  # fmt: skip
async def approve_carrier_order(call: Call[Approval, Nothing]) -> OrderView:
    return await call.services.orders.approve(order_ref(call), call.body.content_hash, call.who)


@endpoint("POST", f"{ONE}/return", rule=APPROVER, summary="Give it back to its author", body=Reason, answer=OrderView,
          problems=(404, 409))  # fmt: skip
async def return_carrier_order(call: Call[Reason, Nothing]) -> OrderView:
    return await call.services.orders.give_back(order_ref(call), call.body.reason, call.who)


@endpoint("POST", f"{ONE}/reject", rule=APPROVER, summary="Refuse it for good", body=Reason, answer=OrderView,
          problems=(404, 409))  # fmt: skip
async def reject_carrier_order(call: Call[Reason, Nothing]) -> OrderView:
    return await call.services.orders.reject(order_ref(call), call.body.reason, call.who)


@endpoint("POST", f"{ONE}/cancel", rule=OFFICER, summary="Take it back; carriers that have it are told", body=Reason,
          answer=OrderView, problems=(404, 409))  # fmt: skip
async def cancel_carrier_order(call: Call[Reason, Nothing]) -> OrderView:
    return await call.services.orders.cancel(order_ref(call), call.body.reason, call.who)


@endpoint("POST", f"{ONE}/calls", rule=OFFICER, summary="Record a call to a carrier", body=NewCall, answer=OrderView,
          status=201, problems=(404, 409))  # fmt: skip
async def call_carrier(call: Call[NewCall, Nothing]) -> OrderView:
    new = call.body
    result = CallResult(new.result).value
    return await call.services.orders.call(order_ref(call), new.carrier, new.spoke_to, result, new.note, call.who)


@endpoint("POST", f"{ONE}/handed-over", rule=OFFICER, summary="A carrier got the printed form by other means",
          body=Handing, answer=OrderView, problems=(404, 409))  # fmt: skip
async def hand_carrier_order_over(call: Call[Handing, Nothing]) -> OrderView:
    return await call.services.orders.hand_over(order_ref(call), call.body.carrier, call.who)


@endpoint("POST", f"{ONE}/archive", rule=OFFICER, summary="Close the record", answer=OrderView, problems=(404, 409))
async def archive_carrier_order(call: Call[Nothing, Nothing]) -> OrderView:
    return await call.services.orders.archive(order_ref(call), call.who)


@endpoint("GET", f"{ONE}/pdf", rule=VIEWER, summary="The form of one carrier", query=PdfQuery, answer=Any,
          answer_media=PDF, problems=(404,))  # fmt: skip
async def carrier_order_pdf(call: Call[Nothing, PdfQuery]) -> web.Response:
    return await pdf_response(call.services, order_ref(call), call.query.carrier, call.who)


async def pdf_response(services: Services, ref: str, place: int, actor: Actor) -> web.Response:
    """One carrier's form as a file."""
    view = await services.orders.view(ref)
    carrier, link = carrier_of(view, place), await link_for(actor, services, ref, place)
    words = load_wording()
    form = make_form(view, carrier, services.orders.settings.office, link, words)
    from broadcasts.carrier_orders.pdf import make_pdf  # loaded by the first who prints

    body = await asyncio.to_thread(make_pdf, form)
    shown = {"Content-Disposition": f'inline; filename="{file_name(view, carrier, words)}"'}
    return web.Response(body=body, content_type=PDF, headers=shown)


async def link_for(actor: Actor, services: Services, ref: str, place: int) -> str:
    """The address of a carrier's page, for officers: whoever holds it can answer as the carrier."""
    return (await services.orders.links(ref)).get(place, "") if allows(actor.role, Role.OFFICER) else ""


def carrier_of(view: OrderView, place: int) -> CarrierLine:
    """Raises `Refusal` for a carrier that the order does not have."""
    for carrier in view.carriers:
        if carrier.place == place:
            return carrier
    raise Refusal(RefusalKind.NOT_FOUND, "no_such_carrier", code=view.code)


def order_ref(call: Call[Any, Any]) -> str:
    return named_order(call.path("ref"))


def named_order(ref: str) -> str:
    """Raises `Refusal` for what can be neither a number nor a code of an order."""
    try:
        return checked_ref(ref)
    except Refusal as refused:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_order", ref=str(refused.params["ref"])) from refused


ROUTES: Final = (
    preview_carrier_order,
    create_carrier_order,
    list_carrier_orders,
    get_carrier_order,
    list_carrier_order_events,
    edit_carrier_order,
    submit_carrier_order,
    approve_carrier_order,
    return_carrier_order,
    reject_carrier_order,
    cancel_carrier_order,
    call_carrier,
    hand_carrier_order_over,
    archive_carrier_order,
    carrier_order_pdf,
)
