"""Gửi không chờ duyệt: the one way past the approval, and the list that waits for a review."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.break_glass import Verdict
from broadcasts.model import Role
from web.console.approving import require_number
from web.console.page import page, render, see_other
from web.context import actor_of, ref_of, services_of
from web.roles import at_least


@page("GET", "/break-glass", at_least(Role.VIEWER))
async def list_page(request: web.Request) -> web.StreamResponse:
    cases = await services_of(request).duty.break_glass.cases()
    return await render(request, "break_glass.html", cases=cases, verdicts=list(Verdict), me=actor_of(request).name)


@page("POST", "/broadcasts/{ref}/break-glass", at_least(Role.OFFICER))
async def send(request: web.Request) -> web.StreamResponse:
    """The version that was shown, with the number of communes typed, and with a reason."""
    services, form = services_of(request), await request.post()
    view = await services.desk.view(ref_of(request))
    require_number(view, str(form.get("number", "")))
    reason, content_hash = str(form.get("reason", "")), str(form.get("content_hash", ""))
    await services.duty.break_glass.send(view.code, content_hash, reason, actor_of(request))
    return see_other(f"/broadcasts/{view.code}")


@page("POST", "/break-glass/{ref}/review", at_least(Role.APPROVER))
async def review(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    verdict, note = str(form.get("verdict", "")), str(form.get("note", ""))
    await services_of(request).duty.break_glass.review(ref_of(request), verdict, note, actor_of(request))
    return see_other("/break-glass")


ROUTES: Final = (list_page, send, review)
