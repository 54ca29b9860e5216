"""Số liệu trả lời: what residents are answered with, how old it is, and the form to add to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aiohttp import web

from broadcasts.model import Problem, Role
from directory.content import GROUP, load_kinds
from store import content, directory
from store.content import ContentRow
from store.directory import GroupRow
from store.engine import Tx
from text.dates import OFFICE_ZONE
from web.api.content import keep, withdraw
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least

PAGE: Final = 60
FIELDS: Final = ("subject", "station", "level", "alarm", "release", "name", "place", "phone", "capacity")
"""One-line fields of the form, in its order; which of them a kind uses is marked by it."""
OF_KIND: Final = {
    "evacuation": ("name", "place", "phone", "capacity"),
    "reservoir": ("subject", "level", "release", "text"),
    "river": ("subject", "station", "level", "alarm"),
    "dyke": ("subject", "text"),
    "duty": ("name", "phone"),
}
"""Fields of the kinds that are no bulletin."""


@page("GET", "/content", at_least(Role.VIEWER))
async def content_page(request: web.Request) -> web.StreamResponse:
    return await _shown(request, {}, ())


@page("POST", "/content", at_least(Role.OFFICER))
async def add(request: web.Request) -> web.StreamResponse:
    form = {name: str(value) for name, value in (await request.post()).items()}
    given = form | {"group": "", "unit_code": ""}
    place = form.get("scope", "")
    given["group" if place.startswith(GROUP) else "unit_code"] = place.removeprefix(GROUP)
    try:
        await keep(services_of(request), given, actor_of(request).name)
    except Trouble as trouble:
        if trouble.key != "invalid_input":
            raise
        return await _shown(request, form, trouble.errors, status=422)
    return see_other("/content")


@page("POST", "/content/{id}/end", at_least(Role.OFFICER))
async def end(request: web.Request) -> web.StreamResponse:
    await withdraw(services_of(request), request.match_info["id"], actor_of(request).name)
    return see_other("/content")


async def _shown(
    request: web.Request, form: dict[str, str], problems: Sequence[Problem], status: int = 200
) -> web.StreamResponse:
    services = services_of(request)
    kinds = load_kinds()
    wanted = request.query.get("kind", "")
    kind = wanted if wanted in kinds.by_name else None
    before = request.query.get("before", "")
    older_than = int(before) if before.isdecimal() and len(before) < 19 else None

    def read(tx: Tx) -> tuple[list[ContentRow], list[GroupRow]]:
        return content.listing(tx, kind, older_than, PAGE), directory.groups(tx)

    rows, groups = await services.ledger.read(read)
    now = services.now()
    return await render(
        request,
        "content.html",
        status=status,
        rows=rows,
        kind=kind,
        kinds=tuple(kinds.by_name),
        limits=kinds.limits,
        fields=FIELDS,
        of_kind=OF_KIND,
        form=form,
        problems=problems,
        groups=groups,
        titles={GROUP + group.name: group.title or group.name for group in groups},
        units=services.units.all,
        holds=lambda row: row.ended_at is None and row.valid_until > now,
        local_now=f"{datetime.fromtimestamp(now, OFFICE_ZONE):%Y-%m-%dT%H:%M}",
        older=rows[-1].id if len(rows) == PAGE else None,
    )


ROUTES: Final = (content_page, add, end)
