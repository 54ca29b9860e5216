"""Nhóm xã: made, renamed and filled by ticking units; taken away unless something still counts on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from broadcasts.model import Role
from directory.content_book import TOPIC
from directory.group_editing import KIND, GroupEditRefused, drop_group, mark_of, write_group
from directory.groups import GroupRefused
from store import directory, office_texts
from store.engine import Tx
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least

VIEWER: Final = at_least(Role.VIEWER)
APPROVER: Final = at_least(Role.APPROVER)
PATH: Final = "/unit-groups"
TITLE_MOST: Final = 80
STALE: Final = ("group_stale", "no_such_group")


@page("GET", PATH, VIEWER)
async def groups_page(request: web.Request) -> web.StreamResponse:
    return await render(request, "unit_groups.html", groups=await services_of(request).ledger.read(directory.groups))


@page("GET", f"{PATH}/new", APPROVER)
async def new(request: web.Request) -> web.StreamResponse:
    return await _shown(request, "", "", frozenset(), "")


@page("POST", f"{PATH}/new", APPROVER)
async def make(request: web.Request) -> web.StreamResponse:
    return await _write(request, "")


@page("GET", f"{PATH}/{{name}}", APPROVER)
async def group_page(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    title, members, mark = await services_of(request).ledger.read(lambda tx: _group(tx, name))
    return await _shown(request, name, title, members, mark)


@page("POST", f"{PATH}/{{name}}", APPROVER)
async def change(request: web.Request) -> web.StreamResponse:
    """Another title or other units; `drop` takes it away."""
    return await _write(request, request.match_info["name"])


async def _write(request: web.Request, name: str) -> web.StreamResponse:
    form, services, actor = await request.post(), services_of(request), actor_of(request).name
    title, mark = str(form.get("title", "")).strip()[:TITLE_MOST], str(form.get("mark", ""))
    codes = frozenset(str(one) for one in form.getall("unit", []))
    now = services.now()
    work: Callable[[Tx], Any] = lambda tx: write_group(tx, services.units, name, title, codes, mark, actor, now)  # noqa: E731
    if name and form.get("drop") == "1":
        work = lambda tx: drop_group(tx, name, mark, actor, now)  # noqa: E731
    try:
        await services.ledger.write(work)
    except (GroupEditRefused, GroupRefused) as refused:
        newest = mark
        if refused.key in STALE:
            newest = await services.ledger.read(lambda tx: mark_of(tx, name))
        return await _shown(request, name, title, codes, newest, refused)
    services.bus.publish(TOPIC, {"type": "group"})
    return see_other(PATH)


def _group(tx: Tx, name: str) -> tuple[str, frozenset[str], str]:
    """Title, units and mark. Raises `Trouble` 404."""
    row = next((one for one in directory.groups(tx) if one.name == name), None)
    if row is None:
        raise Trouble(404, "not_found")
    return row.title, directory.group_members(tx, name) or frozenset(), mark_of(tx, name)


async def _shown(
    request: web.Request, name: str, title: str, chosen: frozenset[str], mark: str,
    refused: GroupEditRefused | GroupRefused | None = None,
) -> web.StreamResponse:  # fmt: skip
    services = services_of(request)
    status = 200 if refused is None else 409 if refused.key in (*STALE, "group_used") else 422
    history = await services.ledger.read(lambda tx: office_texts.history(tx, KIND, name)) if name else []
    return await render(
        request, "unit_group.html", status=status, group=name, title=title, chosen=chosen, mark=mark, refused=refused,
        districts=services.units.old_districts, title_most=TITLE_MOST, history=history,
    )  # fmt: skip


ROUTES: Final = (groups_page, new, make, group_page, change)
