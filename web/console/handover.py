"""Bàn giao: the note that the system drafts, signed by who goes, read by who comes, and kept."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Role
from web.console.page import page, render, see_other
from web.console.roster import number_of
from web.context import actor_of, services_of
from web.roles import at_least

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)


@page("GET", "/handovers", VIEWER)
async def list_page(request: web.Request) -> web.StreamResponse:
    found = await services_of(request).duty.handovers.listing()
    return await render(request, "handovers.html", found=found)


@page("POST", "/handovers", OFFICER)
async def draft(request: web.Request) -> web.StreamResponse:
    made = await services_of(request).duty.handovers.draft(actor_of(request))
    return see_other(f"/handovers/{made.id}")


@page("GET", "/handovers/{id}", VIEWER)
async def one(request: web.Request) -> web.StreamResponse:
    row = await services_of(request).duty.handovers.one(number_of(request))
    me = actor_of(request).name
    return await render(request, "handover.html", row=row, mine=row.opened_by == me, me=me)


@page("POST", "/handovers/{id}", OFFICER)
async def write(request: web.Request) -> web.StreamResponse:
    """Save, or sign what stands in the field."""
    form, desk = await request.post(), services_of(request).duty.handovers
    note, number = str(form.get("note", "")), number_of(request)
    act = desk.sign if form.get("act") == "sign" else desk.edit
    await act(number, note, actor_of(request))
    return see_other(f"/handovers/{number}")


@page("POST", "/handovers/{id}/read", OFFICER)
async def read(request: web.Request) -> web.StreamResponse:
    row = await services_of(request).duty.handovers.read(number_of(request), actor_of(request))
    return see_other(f"/handovers/{row.id}")


ROUTES: Final = (list_page, draft, one, write, read)
