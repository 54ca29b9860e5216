"""Lệnh nhà mạng: the list, the form with its count of 160, the approval, the checklist and the printed copies."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.carrier_orders.form import make_form
from broadcasts.carrier_orders.model import TEXT_LIMIT, CallResult, OrderState, OrderView
from broadcasts.carrier_orders.states import ARCHIVABLE, CANCELLABLE, EDITABLE, LEFT
from broadcasts.carrier_orders.wording import load_wording
from broadcasts.model import Mode, Role
from store import directory
from web.api.carrier_orders import carrier_of, link_for, named_order, pdf_response
from web.console.carrier_order_form import OrderForm, form_of, read_form
from web.console.page import page, part, render, see_other
from web.context import actor_of, say_of, services_of, session_of
from web.problems import Trouble
from web.roles import allows, at_least

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
APPROVER: Final = at_least(Role.APPROVER)
BASE: Final = "/carrier-orders"
ONE: Final = BASE + "/{ref}"
LONGEST_PLACE: Final = 4
"""Digits."""
CALL_CHOICES: Final = (CallResult.NO_ANSWER, CallResult.TOLD, CallResult.CONFIRMED, CallResult.WRONG_NUMBER)
"""What changes nothing stands first: a hasty press must not confirm an order."""
QUICK_REASONS: Final = ("wording", "audience", "time")


# -- the list and the form --------------------------------------------------------------------------------------------


@page("GET", BASE, VIEWER)
async def list_page(request: web.Request) -> web.StreamResponse:
    wanted = request.query.get("state", "")
    state = wanted if wanted in list(OrderState) else None
    found = await services_of(request).orders.list(state)
    return await render(request, "carrier_orders.html", found=found, state=state, states=list(OrderState))


@page("GET", f"{BASE}/new", OFFICER)
async def new(request: web.Request) -> web.StreamResponse:
    services, session = services_of(request), session_of(request)
    mode = session.mode if session else Mode.ACTUAL.value
    settings = services.orders.settings
    form = OrderForm(
        areas="all-units", mode=mode, ring_back=settings.hotline, carriers=tuple(one.name for one in settings.carriers)
    )
    return await _form_page(request, form, f"{BASE}/new", quiet=True)


@page("POST", f"{BASE}/new", OFFICER)
async def create(request: web.Request) -> web.StreamResponse:
    form = read_form(await request.post())
    orders, draft = services_of(request).orders, form.draft()
    if (await orders.preview(draft)).problems:
        return await _form_page(request, form, f"{BASE}/new", status=422)
    view = await orders.draft(draft, actor_of(request))
    return see_other(f"{BASE}/{view.code}")


@page("POST", f"{BASE}/preview", OFFICER)
async def preview(request: web.Request) -> web.StreamResponse:
    """The live count, the text as carriers will send it, and what stands in the way."""
    checked = await services_of(request).orders.preview(read_form(await request.post()).draft())
    return await render(request, "parts/carrier_check.html", checked=checked, limit=TEXT_LIMIT, quiet=False)


@page("GET", f"{ONE}/edit", OFFICER)
async def edit_form(request: web.Request) -> web.StreamResponse:
    orders, ref = services_of(request).orders, _ref(request)
    view = await orders.view(ref)
    if view.state not in EDITABLE:
        return see_other(f"{BASE}/{view.code}")
    return await _form_page(request, form_of(await orders.kept_draft(ref)), f"{BASE}/{view.code}/edit", view=view)


@page("POST", f"{ONE}/edit", OFFICER)
async def edit(request: web.Request) -> web.StreamResponse:
    form, orders, ref = read_form(await request.post()), services_of(request).orders, _ref(request)
    draft = form.draft()
    if (await orders.preview(draft)).problems:
        view = await orders.view(ref)
        return await _form_page(request, form, f"{BASE}/{view.code}/edit", view=view, status=422)
    view = await orders.edit(ref, draft, actor_of(request))
    return see_other(f"{BASE}/{view.code}")


async def _form_page(
    request: web.Request, form: OrderForm, action: str, *, view: OrderView | None = None, status: int = 200,
    quiet: bool = False,
) -> web.StreamResponse:  # fmt: skip
    services = services_of(request)
    return await render(
        request, "carrier_order_compose.html", status=status, mode=form.mode, form=form, action=action, view=view,
        limit=TEXT_LIMIT, carriers=services.orders.settings.carriers, quiet=quiet,
        groups=await services.ledger.read(directory.groups), districts=services.units.old_districts,
        units_total=len(services.units), picked=form.picked, checked=await services.orders.preview(form.draft()),
    )  # fmt: skip


# -- one order --------------------------------------------------------------------------------------------------------


@page("GET", ONE, VIEWER)
async def one(request: web.Request) -> web.StreamResponse:
    orders, actor, ref = services_of(request).orders, actor_of(request), _ref(request)
    view = await orders.view(ref)
    missing = (await orders.preview(await orders.kept_draft(ref))).missing if view.state in EDITABLE else ()
    return await render(
        request, "carrier_order.html", mode=view.mode, view=view, timeline=await orders.events(ref),
        links=await orders.links(ref) if allows(actor.role, Role.OFFICER) else {}, missing=missing,
        author=actor.name in (view.created_by, view.submitted_by), approver=allows(actor.role, Role.APPROVER),
        editable=view.state in EDITABLE, left=view.state in LEFT, cancellable=view.state in CANCELLABLE,
        archivable=view.state in ARCHIVABLE, results=CALL_CHOICES, quick=QUICK_REASONS,
        answers=view.state in LEFT and view.mode == Mode.ACTUAL,
    )  # fmt: skip


async def regions(request: web.Request, ref: str) -> dict[str, str]:
    """The live parts of an order's page, by the id of their element: where each carrier stands, and who was rung."""
    services, say, app = services_of(request), say_of(request), request.app
    now, view = services.now(), await services.orders.view(ref)
    answers = view.state in LEFT and view.mode == Mode.ACTUAL
    made = {"order-tags": part(app, "carrier_tags.html", say, now, view=view)}
    for each in view.carriers:
        made[f"carrier-{each.place}"] = part(app, "carrier_state.html", say, now, one=each, view=view, answers=answers)
        made[f"calls-{each.place}"] = part(app, "carrier_calls.html", say, now, one=each, view=view)
    return made


@page("POST", f"{ONE}/submit", OFFICER)
async def submit(request: web.Request) -> web.StreamResponse:
    view = await services_of(request).orders.submit(_ref(request), actor_of(request))
    return see_other(f"{BASE}/{view.code}")


@page("POST", f"{ONE}/approve", APPROVER)
async def approve(request: web.Request) -> web.StreamResponse:
    """The version that was shown, and only with the number of communes typed."""
    orders, form = services_of(request).orders, await request.post()
    view = await orders.view(_ref(request))
    typed = str(form.get("number", "")).strip()
    if typed.replace(".", "").replace(",", "") != str(len(view.areas)):
        raise Trouble(422, "number_differs", {"typed": typed, "n": len(view.areas)})
    await orders.approve(view.code, str(form.get("content_hash", "")), actor_of(request))
    return see_other(f"{BASE}/{view.code}")


@page("POST", f"{ONE}/return", APPROVER)
async def give_back(request: web.Request) -> web.StreamResponse:
    view = await services_of(request).orders.give_back(_ref(request), await _reason(request), actor_of(request))
    return see_other(f"{BASE}/{view.code}")


@page("POST", f"{ONE}/reject", APPROVER)
async def reject(request: web.Request) -> web.StreamResponse:
    view = await services_of(request).orders.reject(_ref(request), await _reason(request), actor_of(request))
    return see_other(f"{BASE}/{view.code}")


@page("POST", f"{ONE}/cancel", OFFICER)
async def cancel(request: web.Request) -> web.StreamResponse:
    view = await services_of(request).orders.cancel(_ref(request), await _reason(request), actor_of(request))
    return see_other(f"{BASE}/{view.code}")


@page("POST", f"{ONE}/archive", OFFICER)
async def archive(request: web.Request) -> web.StreamResponse:
    view = await services_of(request).orders.archive(_ref(request), actor_of(request))
    return see_other(f"{BASE}/{view.code}")


@page("POST", f"{ONE}/carriers/{{place}}/calls", OFFICER)
async def call(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    spoke_to, result, note = (str(form.get(name, "")) for name in ("spoke_to", "result", "note"))
    orders, place = services_of(request).orders, _place(request)
    view = await orders.call(_ref(request), place, spoke_to, result, note, actor_of(request))
    return see_other(f"{BASE}/{view.code}#c{place}")


@page("POST", f"{ONE}/carriers/{{place}}/handed-over", OFFICER)
async def hand_over(request: web.Request) -> web.StreamResponse:
    place = _place(request)
    view = await services_of(request).orders.hand_over(_ref(request), place, actor_of(request))
    return see_other(f"{BASE}/{view.code}#c{place}")


@page("GET", f"{ONE}/carriers/{{place}}/pdf", VIEWER)
async def pdf(request: web.Request) -> web.StreamResponse:
    return await pdf_response(services_of(request), _ref(request), _place(request), actor_of(request))


@page("GET", f"{ONE}/carriers/{{place}}/print", VIEWER)
async def print_page(request: web.Request) -> web.StreamResponse:
    orders, ref, place = services_of(request).orders, _ref(request), _place(request)
    view = await orders.view(ref)
    link = await link_for(actor_of(request), services_of(request), ref, place)
    form = make_form(view, carrier_of(view, place), orders.settings.office, link, load_wording())
    return await render(request, "carrier_order_print.html", mode=view.mode, form=form, view=view, place=place)


def _ref(request: web.Request) -> str:
    return named_order(request.match_info["ref"])


def _place(request: web.Request) -> int:
    given = request.match_info["place"]
    if not (given.isascii() and given.isdecimal() and len(given) <= LONGEST_PLACE):
        raise Trouble(404, "not_found")
    return int(given)


async def _reason(request: web.Request) -> str:
    """Typed, or one of the quick ones."""
    form = await request.post()
    return str(form.get("reason", "")).strip() or str(form.get("quick", "")).strip()


ROUTES: Final = (
    list_page, new, create, preview, edit_form, edit, one, submit, approve, give_back, reject, cancel, archive, call,
    hand_over, pdf, print_page,
)  # fmt: skip
