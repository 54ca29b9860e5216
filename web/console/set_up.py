"""The very first account of an office: an administrator, made by whoever saw the ready line of the service."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Role
from store import access, audit
from store.engine import Tx
from web import passwords, sessions
from web.admitting import name_problem, password_problem
from web.console.page import page, render, see_other
from web.context import services_of
from web.problems import Trouble
from web.roles import public
from web.security import same_token

FIRST: Final = public("nobody has an account yet; the address holds a random token, and holds only until the first one")


@page("GET", "/set-up/{token}", FIRST)
async def set_up_form(request: web.Request) -> web.StreamResponse:
    await _still_first(request)
    return await render(request, "set_up.html", typed="", problem=None, shortest=passwords.SHORTEST)


@page("POST", "/set-up/{token}", FIRST)
async def set_up(request: web.Request) -> web.StreamResponse:
    await _still_first(request)
    form, services = await request.post(), services_of(request)
    name, fresh = str(form.get("name", "")).strip(), str(form.get("password", ""))
    problem = name_problem(name) or password_problem("password", fresh, str(form.get("again", "")))
    if problem is not None:
        return await render(
            request, "set_up.html", status=422, typed=name, problem=problem, shortest=passwords.SHORTEST
        )
    stored, now = await passwords.hashed(fresh), services.now()

    def begin(tx: Tx) -> int:
        if access.list_staff(tx):
            raise Trouble(404, "not_found")
        made = access.add_staff(tx, name, Role.ADMIN.value, stored, now)
        audit.record(tx, now, name, "first_account")
        return made.id

    staff_id = await services.ledger.write(begin)
    response = see_other("/staff")
    await sessions.begin(request, response, staff_id)
    return response


async def _still_first(request: web.Request) -> None:
    """Raises `Trouble` 404 where the token is wrong or an account exists: both look the same."""
    services = services_of(request)
    token = services.settings.set_up_token
    if not token or not same_token(request.match_info["token"], token):
        raise Trouble(404, "not_found")
    if await services.ledger.read(access.list_staff):
        raise Trouble(404, "not_found")


ROUTES: Final = (set_up_form, set_up)
