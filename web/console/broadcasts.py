"""The list, one broadcast as its state asks for it, and every step of its life up to the approval."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Actor, BroadcastState, BroadcastView, Role
from text.report import count_report
from web.console.differing import blanks_before, differing, replaced_by
from web.console.by_hand import posts_of
from web.console.page import page, render, see_other
from web.context import actor_of, ref_of, services_of
from web.problems import Trouble
from web.roles import allows, at_least

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
APPROVER: Final = at_least(Role.APPROVER)
LISTED: Final = 100
LIVE: Final = (BroadcastState.SENDING, BroadcastState.SENT, BroadcastState.CLOSED)
"""States that have a roll-call to look at."""
TILES_SHOW: Final = frozenset({"acknowledged", "acknowledged_late"})
"""Events that the roll-call shows better than a list."""
STOPPABLE: Final = (
    BroadcastState.DRAFT,
    BroadcastState.PENDING_APPROVAL,
    BroadcastState.RETURNED,
    BroadcastState.SCHEDULED,
    BroadcastState.SENDING,
    BroadcastState.SENT,
)


@page("GET", "/broadcasts", VIEWER)
async def list_page(request: web.Request) -> web.StreamResponse:
    wanted = request.query.get("state", "")
    state = wanted if wanted in list(BroadcastState) else None
    found = await services_of(request).desk.list(state, LISTED)
    return await render(request, "broadcasts.html", found=found, state=state, states=list(BroadcastState))


@page("GET", "/broadcasts/{ref}", VIEWER)
async def one(request: web.Request) -> web.StreamResponse:
    """The one page that a broadcast has: to check, to approve, or on to its roll-call."""
    services, actor = services_of(request), actor_of(request)
    view = await services.desk.view(ref_of(request))
    if view.state in LIVE and "all" not in request.query:
        return see_other(f"/broadcasts/{view.code}/rollcall")
    timeline = [event for event in await services.desk.events(view.code) if event.event not in TILES_SHOW]
    replaced = await replaced_by(services, view.supersedes)
    template = services.desk.templates.find(view.template) if view.template else None
    posts = await posts_of(services, view.id)
    return await render(
        request,
        "broadcast.html",
        posts=posts,
        mode=view.mode,
        view=view,
        timeline=timeline,
        replaced=replaced,
        differs=differing(replaced, view.texts) if replaced else {},
        blanks_before=blanks_before(replaced, view.template, view.blanks),
        labels={name: blank.label for name, blank in template.blanks.items()} if template else {},
        quote=(view.cost or {}).get("estimated") or await services.desk.quote(view.code),
        reports={form: count_report(text) for form, text in view.texts.items() if form != "chat"},
        approver=allows(actor.role, Role.APPROVER),
        author=view.created_by == actor.name,
        number=asked_number(view),
        stoppable=view.state in STOPPABLE,
        live=view.state in LIVE,
        same=is_same_as_shown(request, view),
    )


def asked_number(view: BroadcastView) -> int:
    """The number that approving asks to be typed: of communes; where none is addressed, of people or numbers."""
    return view.units or view.people or view.numbers


def is_same_as_shown(request: web.Request, view: BroadcastView) -> bool:
    """False where a link names a version that has been changed since."""
    wanted = request.query.get("version", "")
    return not wanted or wanted == str(view.version)


@page("POST", "/broadcasts/{ref}/submit", OFFICER)
async def submit(request: web.Request) -> web.StreamResponse:
    view = await services_of(request).desk.submit(ref_of(request), actor_of(request))
    return see_other(f"/broadcasts/{view.code}")


@page("POST", "/broadcasts/{ref}/approve", APPROVER)
async def approve(request: web.Request) -> web.StreamResponse:
    """The version that was shown, and only with the number of communes typed."""
    services, form = services_of(request), await request.post()
    view = await services.desk.view(ref_of(request))
    typed = str(form.get("number", "")).strip().replace(".", "").replace(",", "")
    if typed != str(asked_number(view)):
        raise Trouble(422, "number_differs", {"typed": str(form.get("number", "")).strip(), "n": asked_number(view)})
    view = await services.desk.approve(view.code, str(form.get("content_hash", "")), actor_of(request))
    return see_other(f"/broadcasts/{view.code}")


@page("POST", "/broadcasts/{ref}/return", APPROVER)
async def give_back(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    view = await services.desk.give_back(ref_of(request), await _reason(request), actor_of(request))
    return see_other(f"/broadcasts/{view.code}")


@page("POST", "/broadcasts/{ref}/reject", APPROVER)
async def reject(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    view = await services.desk.reject(ref_of(request), await _reason(request), actor_of(request))
    return see_other(f"/broadcasts/{view.code}")


@page("POST", "/broadcasts/{ref}/cancel", OFFICER)
async def cancel(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    view = await services.desk.cancel(ref_of(request), await _reason(request), actor_of(request))
    return see_other(f"/broadcasts/{view.code}?all")


@page("POST", "/broadcasts/{ref}/supersede", OFFICER)
async def supersede(request: web.Request) -> web.StreamResponse:
    """A copy to correct, which will replace this one when it is approved."""
    actor: Actor = actor_of(request)
    view = await services_of(request).desk.supersede(ref_of(request), None, actor)
    return see_other(f"/broadcasts/{view.code}/edit")


async def _reason(request: web.Request) -> str:
    """Typed, or one of the quick ones."""
    form = await request.post()
    reason = str(form.get("reason", "")).strip() or str(form.get("quick", "")).strip()
    if not reason:
        raise Trouble(422, "reason_missing")
    return reason


ROUTES: Final = (list_page, one, submit, approve, give_back, reject, cancel, supersede)
