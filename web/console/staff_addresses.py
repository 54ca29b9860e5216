"""Địa chỉ lệnh: from which telephones and accounts members of staff may command by message; bound and taken away."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Problem, Role
from directory.columns import Form, load_words
from directory.staff_addresses import AddressRefused, bind_address
from store import access, approvals, audit
from store.access import Staff
from store.approvals import BoundStaff
from store.engine import Tx
from text.numbers import mask
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.roles import at_least

ADMIN: Final = at_least(Role.ADMIN)
PATH: Final = "/staff-addresses"


@page("GET", PATH, ADMIN)
async def staff_addresses(request: web.Request) -> web.StreamResponse:
    return await _shown(request)


async def _shown(request: web.Request, problem: Problem | None = None) -> web.StreamResponse:
    def read(tx: Tx) -> tuple[list[Staff], list[BoundStaff]]:
        return [one for one in access.list_staff(tx) if one.active], approvals.bound(tx)

    people, bound = await services_of(request).ledger.read(read)
    return await render(
        request,
        "staff_addresses.html",
        status=422 if problem else 200,
        people=people,
        bound={one.name: [other for other in bound if other.staff.id == one.id] for one in people},
        families=sorted(name for name, family in load_words().families.items() if family.form is not Form.LANDLINE),
        problem=problem,
    )


@page("POST", PATH, ADMIN)
async def change(request: web.Request) -> web.StreamResponse:
    """Binds an address, or takes it away (`remove`); both stand in the log, without the whole number."""
    form, services, actor = await request.post(), services_of(request), actor_of(request)
    name, channel, address = (str(form.get(key, "")).strip() for key in ("name", "channel", "address"))
    remove, now = form.get("remove") == "1", services.now()

    def write(tx: Tx) -> None:
        kept = bind_address(tx, name, channel, address, now, remove=remove)
        action = "unbind_staff" if remove else "bind_staff"
        audit.record(tx, now, actor.name, action, name=name, channel=channel, address=mask(kept))

    try:
        await services.ledger.write(write)
    except AddressRefused as refused:
        return await _shown(request, Problem(refused.field, refused.key, dict(refused.params)))
    return see_other(PATH)


ROUTES: Final = (staff_addresses, change)
