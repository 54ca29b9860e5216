"""Địa chỉ lệnh: from which telephones and accounts members of staff may command by message; bound and taken away, those
of people who approve by two administrators."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Problem, Role
from directory.columns import Form, load_words
from directory.staff_addresses import AddressRefused
from store import access, approvals, privileges
from store.access import Staff
from store.approvals import BoundStaff
from store.engine import Tx
from store.privileges import AddressRequest
from web.admitting import OPEN, admit_address, grant_address, refuse_address, remove_address
from web.console.page import page, render, see_other
from web.console.second_person import to_decide
from web.context import actor_of, services_of
from web.roles import ORDER, at_least

ADMIN: Final = at_least(Role.ADMIN)
PATH: Final = "/staff-addresses"


@page("GET", PATH, ADMIN)
async def staff_addresses(request: web.Request) -> web.StreamResponse:
    return await _shown(request)


async def _shown(request: web.Request, problem: Problem | None = None) -> web.StreamResponse:
    def read(tx: Tx) -> tuple[list[Staff], list[BoundStaff], list[AddressRequest]]:
        people = [one for one in access.list_staff(tx) if one.active]
        return people, approvals.bound(tx), privileges.addresses_waiting(tx)

    people, bound, waiting = await services_of(request).ledger.read(read)
    return await render(
        request,
        "staff_addresses.html",
        status=422 if problem else 200,
        people=people,
        waiting=waiting,
        guarded=tuple(role.value for role in ORDER[ORDER.index(OPEN) + 1 :]),
        bound={one.name: [other for other in bound if other.staff.id == one.id] for one in people},
        families=sorted(name for name, family in load_words().families.items() if family.form is not Form.LANDLINE),
        problem=problem,
    )


@page("POST", PATH, ADMIN)
async def change(request: web.Request) -> web.StreamResponse:
    """Binds an address or asks for it, or takes it away (`remove`); all stand in the log, without the whole number."""
    form, services, actor = await request.post(), services_of(request), actor_of(request)
    name, channel, address = (str(form.get(key, "")).strip() for key in ("name", "channel", "address"))
    remove, now = form.get("remove") == "1", services.now()

    def write(tx: Tx) -> None:
        if remove:
            remove_address(tx, name, channel, address, actor.name, now)
        else:
            admit_address(tx, name, channel, address, actor.name, now)

    try:
        await services.ledger.write(write)
    except AddressRefused as refused:
        return await _shown(request, Problem(refused.field, refused.key, dict(refused.params)))
    return see_other(PATH)


@page("POST", PATH + "/requests/{id}", ADMIN)
async def decide(request: web.Request) -> web.StreamResponse:
    """Another administrator than the one who asked, and not the person themselves, agrees or does not."""
    form, actor, now = await request.post(), actor_of(request), services_of(request).now()
    granted = form.get("verdict") == "grant"

    def settle(tx: Tx) -> None:
        waiting = privileges.addresses_waiting(tx)
        asked = to_decide(waiting, request.match_info["id"], actor.name, granted=granted)
        if granted:
            grant_address(tx, asked, actor.name, now)
        else:
            refuse_address(tx, asked, actor.name, now)

    try:
        await services_of(request).ledger.write(settle)
    except AddressRefused as refused:
        return await _shown(request, Problem(refused.field, refused.key, dict(refused.params)))
    return see_other(PATH)


ROUTES: Final = (staff_addresses, change, decide)
