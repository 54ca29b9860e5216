"""What follows a broadcast in two taps: the exact words and to whom they go, then the button that sends them."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.aftermath import REASON_MAX, Aftermath
from broadcasts.model import Role
from broadcasts.prepared import After
from broadcasts.shown import BroadcastView
from text.report import count_report
from web.console.page import page, render, see_other
from web.context import actor_of, ref_of, services_of
from web.problems import Trouble
from web.roles import at_least

OFFICER: Final = at_least(Role.OFFICER)
PATHS: Final = {"correct": After.CORRECTION, "all-clear": After.ALL_CLEAR, "recall": After.RECALL}
"""Word in the address → what follows."""


@page("GET", "/broadcasts/{ref}/after/{what}", OFFICER)
async def ask(request: web.Request) -> web.StreamResponse:
    """The first tap: nothing is sent yet."""
    after, aftermath = _after(request), Aftermath(services_of(request).desk)
    foretold = await aftermath.foretell(ref_of(request), after, actor_of(request), request.query.get("reason", ""))
    prepared = foretold.prepared
    return await render(
        request,
        "aftermath.html",
        mode=foretold.old.mode,
        old=foretold.old,
        after=after.value,
        what=request.match_info["what"],
        texts=prepared.content.forms,
        title=prepared.content.title,
        frozen=prepared.frozen(),
        reports={form: count_report(text) for form, text in prepared.content.forms.items() if form != "chat"},
        reasons=aftermath.reasons,
        reason_max=REASON_MAX,
    )


@page("POST", "/broadcasts/{ref}/after/{what}", OFFICER)
async def send(request: web.Request) -> web.StreamResponse:
    """The second tap."""
    after, ref, actor = _after(request), ref_of(request), actor_of(request)
    aftermath, form = Aftermath(services_of(request).desk), await request.post()
    made: BroadcastView
    if after is After.RECALL:
        reason = str(form.get("reason", "")).strip() or str(form.get("quick", "")).strip()
        made = await aftermath.recall(ref, reason, actor)
    elif after is After.CORRECTION:
        made = await aftermath.correct(ref, actor)
    else:
        made = await aftermath.all_clear(ref, actor)
    return see_other(f"/broadcasts/{made.code}")


def _after(request: web.Request) -> After:
    after = PATHS.get(request.match_info["what"])
    if after is None:
        raise Trouble(404, "not_found")
    return after


ROUTES: Final = (ask, send)
