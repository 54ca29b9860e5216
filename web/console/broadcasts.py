"""The list, one broadcast as its state asks for it, and every step of its life up to the approval."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.desk import Desk
from broadcasts.model import Actor, BroadcastState, Role
from broadcasts.shown import BroadcastView
from text.report import count_report
from web.api.idempotency import one_at_a_time
from web.console.approving import asked_number, require_number, what_may
from web.console.by_hand import posts_of
from web.console.differing import blanks_before, differing, last_approved, replaced_by
from web.console.page import page, render, see_other
from web.context import actor_of, ref_of, services_of
from web.problems import Trouble
from web.roles import at_least

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
    before = replaced or await last_approved(services, view)
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
        differs=differing(before, view.texts) if before else {},
        before=before,
        blanks_before=blanks_before(before, view.template, view.blanks),
        labels={name: blank.label for name, blank in template.blanks.items()} if template else {},
        quote=(view.cost or {}).get("estimated") or await services.desk.quote(view.code),
        reports={form: count_report(text) for form, text in view.texts.items() if form != "chat"},
        may_decide=await what_may(services, view, actor),
        number=asked_number(view),
        stoppable=view.state in STOPPABLE,
        live=view.state in LIVE,
        same=is_same_as_shown(request, view),
    )


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
    require_number(view, str(form.get("number", "")))
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
    seen = str((await request.post()).get("seen", ""))
    view = await services.desk.cancel(ref_of(request), await _reason(request), actor_of(request), seen)
    return see_other(f"/broadcasts/{view.code}?all")


@page("POST", "/broadcasts/{ref}/supersede", OFFICER)
async def supersede(request: web.Request) -> web.StreamResponse:
    """A copy to correct, which will replace this one when it is approved. Pressed again, the same person goes on with
    the copy that is there."""
    actor: Actor = actor_of(request)
    desk = services_of(request).desk
    old = await desk.view(ref_of(request))
    async with one_at_a_time(request, actor.name, f"supersede {old.code}"):
        begun = await _begun(desk, old.code, actor)
        code = begun or (await desk.supersede(old.code, None, actor)).code
    return see_other(f"/broadcasts/{code}/edit")


async def _begun(desk: Desk, code: str, actor: Actor) -> str:
    """The update of `code` that the same person has among their drafts; "" for none."""
    drafts = await desk.list(BroadcastState.DRAFT, LISTED)
    return next((one.code for one in drafts if (one.created_by, one.supersedes) == (actor.name, code)), "")


async def _reason(request: web.Request) -> str:
    """Typed, or one of the quick ones."""
    form = await request.post()
    reason = str(form.get("reason", "")).strip() or str(form.get("quick", "")).strip()
    if not reason:
        raise Trouble(422, "reason_missing")
    return reason


ROUTES: Final = (list_page, one, submit, approve, give_back, reject, cancel, supersede)
