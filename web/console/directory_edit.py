"""Changes to the directory by hand: a person, a number, an account. Each is one line of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from broadcasts.model import Problem, Role
from directory import editing
from directory.book import PROVINCE
from directory.editing import EditRefused
from store import audit, directory
from store.engine import Tx
from text.numbers import mask
from web.console.directory import shown_unit
from web.console.page import page, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least

OFFICER: Final = at_least(Role.OFFICER)
PERSON: Final = "/directory/people/{person}"


@page("POST", "/directory/{unit}/people", OFFICER)
async def add_person(request: web.Request) -> web.StreamResponse:
    services, form, now = services_of(request), await request.post(), services_of(request).now()
    unit, actor = request.match_info["unit"], actor_of(request)
    role, name, phone = (str(form.get(key, "")).strip() for key in ("role", "name", "phone"))

    def write(tx: Tx) -> None:
        person = editing.add_person(tx, services.units, "" if unit == PROVINCE else unit, role, name, now)
        if phone:
            editing.add_address(tx, person, "sms", phone, now)
        audit.record(tx, now, actor.name, "person_added", person=person, unit=unit, role=role)

    return await _done(request, write, unit, "new")


@page("POST", PERSON, OFFICER)
async def change_person(request: web.Request) -> web.StreamResponse:
    form, now = await request.post(), services_of(request).now()
    person, actor = number_in(request, "person"), actor_of(request)
    role, name = str(form.get("role", "")), str(form.get("name", ""))
    unit = await unit_of(request, person)

    def write(tx: Tx) -> None:
        editing.change_person(tx, person, role, name, now)
        audit.record(tx, now, actor.name, "person_changed", person=person, unit=unit, role=role)

    return await _done(request, write, unit, f"person-{person}")


@page("POST", PERSON + "/retire", OFFICER)
async def retire_person(request: web.Request) -> web.StreamResponse:
    now = services_of(request).now()
    person, actor = number_in(request, "person"), actor_of(request)
    unit = await unit_of(request, person)

    def write(tx: Tx) -> None:
        editing.retire_person(tx, person, actor.name, now)
        audit.record(tx, now, actor.name, "person_left", person=person, unit=unit)

    return await _done(request, write, unit, f"person-{person}")


@page("POST", PERSON + "/addresses", OFFICER)
async def add_address(request: web.Request) -> web.StreamResponse:
    form, now = await request.post(), services_of(request).now()
    person, actor = number_in(request, "person"), actor_of(request)
    family, typed = str(form.get("channel", "")), str(form.get("address", ""))
    unit = await unit_of(request, person)

    def write(tx: Tx) -> None:
        editing.add_address(tx, person, family, typed, now)
        audit.record(tx, now, actor.name, "address_added", person=person, channel=family, value=mask(typed))

    return await _done(request, write, unit, f"person-{person}")


@page("POST", PERSON + "/addresses/{address}", OFFICER)
async def change_address(request: web.Request) -> web.StreamResponse:
    """`does`: replace (by `address`), remove, or first."""
    form, now = await request.post(), services_of(request).now()
    person, address, actor = number_in(request, "person"), number_in(request, "address"), actor_of(request)
    does, typed = str(form.get("does", "")), str(form.get("address", ""))
    unit = await unit_of(request, person)

    def write(tx: Tx) -> None:
        if does == "replace":
            editing.replace_address(tx, address, person, typed, actor.name, now)
        elif does == "remove":
            editing.remove_address(tx, address, person, actor.name, now)
        elif does == "first":
            editing.prefer_address(tx, address, person)
        else:
            raise Trouble(422, "not_found")
        audit.record(tx, now, actor.name, f"address_{does}", person=person, address=address)

    return await _done(request, write, unit, f"person-{person}")


async def _done(request: web.Request, write: Callable[[Tx], None], unit: str, at: str) -> web.StreamResponse:
    """Back to the unit's page; with what is wrong in place where it is refused."""
    try:
        await services_of(request).ledger.write(write)
    except EditRefused as refused:
        problem = Problem(refused.field, refused.key, dict(refused.params))
        return await shown_unit(request, unit, [problem], at, 422)
    return see_other(f"/directory/{unit}#{at}")


async def unit_of(request: web.Request, person_id: int) -> str:
    """The page on which a person stands. Raises `Trouble` 404."""
    person = await services_of(request).ledger.read(lambda tx: directory.person(tx, person_id))
    if person is None:
        raise Trouble(404, "not_found")
    return person.unit_code or PROVINCE


def number_in(request: web.Request, name: str) -> int:
    """A number of the path. Raises `Trouble` 404."""
    given = request.match_info[name]
    if not given.isdecimal() or len(given) > 18:
        raise Trouble(404, "not_found")
    return int(given)


ROUTES: Final = (add_person, change_person, retire_person, add_address, change_address)
