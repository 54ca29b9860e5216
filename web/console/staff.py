"""Người dùng: who may sign in, with which role; higher roles by two administrators."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Problem, Role
from store import access, approvals, audit, privileges, second_factors
from store.access import NameTaken, Staff
from store.approvals import BoundStaff
from store.engine import Tx
from store.privileges import PrivilegeRequest, ResetRequest
from web import passwords
from web.admitting import LONGEST_NAME, OPEN, admit, change_role, name_problem
from web.console.page import page, render, see_other
from web.console.second_person import to_decide
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import ORDER, at_least

ADMIN: Final = at_least(Role.ADMIN)


@page("GET", "/staff", ADMIN)
async def staff_page(request: web.Request) -> web.StreamResponse:
    return await shown(request)


async def shown(
    request: web.Request, problem: Problem | None = None, shown_password: tuple[str, str] | None = None
) -> web.StreamResponse:
    """The page, with what is wrong with a new account, or a new password: (whose, which)."""

    def read(tx: Tx) -> tuple[list[Staff], list[PrivilegeRequest], list[ResetRequest], set[str], list[BoundStaff]]:
        without = set(second_factors.without(tx, list(Role)))
        resets = privileges.resets_waiting(tx)
        return access.list_staff(tx), privileges.waiting(tx), resets, without, approvals.bound(tx)

    people, waiting, resets, without, bound = await services_of(request).ledger.read(read)
    return await render(
        request,
        "staff.html",
        status=422 if problem else 200,
        people=people,
        waiting=waiting,
        resets=resets,
        resets_of={one.id: [other.what for other in resets if other.staff_id == one.id] for one in people},
        guarded=tuple(role.value for role in ORDER[ORDER.index(OPEN) + 1 :]),
        addresses={one.staff_id: [at for at in bound if at.staff.id == one.staff_id] for one in waiting},
        asked={one.staff_id: one for one in waiting},
        without=without,
        roles=tuple(Role),
        problem=problem,
        shown_password=shown_password,
    )


@page("POST", "/staff", ADMIN)
async def add(request: web.Request) -> web.StreamResponse:
    """A new account with a password that is shown this once."""
    form, services, actor = await request.post(), services_of(request), actor_of(request)
    name, title = str(form.get("name", "")).strip(), str(form.get("title", "")).strip()[:LONGEST_NAME]
    if (problem := name_problem(name)) is not None:
        return await shown(request, problem)
    password, role, now = passwords.made_password(), _role(str(form.get("role", ""))), services.now()
    stored = await passwords.hashed(password)
    try:
        await services.ledger.write(lambda tx: admit(tx, name, role, stored, title, actor.name, now))
    except NameTaken:
        return await shown(request, Problem("name", "name_taken"))
    return await shown(request, shown_password=(name, password))


@page("POST", "/staff/{name}/role", ADMIN)
async def set_role(request: web.Request) -> web.StreamResponse:
    form, actor, now = await request.post(), actor_of(request), services_of(request).now()
    role = _role(str(form.get("role", "")))

    def change(tx: Tx) -> None:
        change_role(tx, _known(tx, request), role, actor.name, now)

    await services_of(request).ledger.write(change)
    return see_other("/staff")


@page("POST", "/staff/requests/{id}", ADMIN)
async def decide(request: web.Request) -> web.StreamResponse:
    """Another administrator than the one who asked grants or refuses a higher role."""
    form, actor, now = await request.post(), actor_of(request), services_of(request).now()
    granted = form.get("verdict") == "grant"

    def settle(tx: Tx) -> None:
        asked = to_decide(privileges.waiting(tx), request.match_info["id"], actor.name, granted=granted)
        privileges.decide(tx, asked, actor.name, granted, now)
        if granted:
            access.set_role(tx, asked.staff_id, asked.role)
        action = "privilege_granted" if granted else "privilege_refused"
        audit.record(tx, now, actor.name, action, name=asked.name, role=asked.role, asked_by=asked.asked_by)

    await services_of(request).ledger.write(settle)
    return see_other("/staff")


@page("POST", "/staff/{name}/active", ADMIN)
async def set_active(request: web.Request) -> web.StreamResponse:
    form, actor, now = await request.post(), actor_of(request), services_of(request).now()
    active = form.get("active") == "1"

    def change(tx: Tx) -> None:
        one = other(tx, request, actor.name)
        access.set_active(tx, one.id, active)
        audit.record(tx, now, actor.name, "staff_returned" if active else "staff_left", name=one.name)

    await services_of(request).ledger.write(change)
    return see_other("/staff")


def _role(typed: str) -> Role:
    if typed not in tuple(Role):
        raise Trouble(422, "invalid_input", errors=[Problem("role", "not_one_of", {"expected": ", ".join(Role)})])
    return Role(typed)


def _known(tx: Tx, request: web.Request) -> Staff:
    found = access.staff_named(tx, request.match_info["name"])
    if found is None:
        raise Trouble(404, "not_found")
    return found


def other(tx: Tx, request: web.Request, me: str) -> Staff:
    """Somebody else: nobody locks themselves out, and there is always an administrator left."""
    found = _known(tx, request)
    if found.name == me:
        raise Trouble(409, "not_yourself")
    return found


ROUTES: Final = (staff_page, add, set_role, decide, set_active)
