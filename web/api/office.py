"""The office's own things: units, channels, imports, staff and keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from aiohttp import web

from broadcasts.model import Problem, Role
from directory.staff_addresses import AddressRefused
from directory.units import Unit
from store import access, audit
from store.engine import Tx
from text.folding import fold
from web import passwords
from web.admitting import admit, admit_address, gives_alone, make_key, remove_address
from web.api.endpoint import Call, Nothing, endpoint
from web.api.models import (
    ChannelPage,
    ImportAnswer,
    KeyAnswer,
    ListQuery,
    NewKey,
    NewStaff,
    PeopleQuery,
    StaffAddress,
    StaffAddressAnswer,
    StaffAnswer,
    StaffReset,
    StaffResetAnswer,
    UnitPage,
    UnitQuery,
)
from web.lights import LIGHTS
from web.locale import Catalogue
from web.problems import Trouble
from web.resetting import Reset, reset_or_ask
from web.roles import at_least
from web.services import ImportReport

LIST_LIMIT: Final = 256 << 20
"""Bytes of an uploaded list: 17 million numbers, one a line."""
PEOPLE_LIMIT: Final = 20 << 20
"""Bytes of an uploaded table of people."""
ANY_MEDIA: Final = "application/octet-stream"


@endpoint("GET", "/units", rule=at_least(Role.VIEWER), summary="Communes and wards, or those with `q` in their names",
          query=UnitQuery, answer=UnitPage)  # fmt: skip
async def list_units(call: Call[Nothing, UnitQuery]) -> dict[str, Any]:
    wanted = fold(call.query.q)
    return {"items": [_unit(unit) for unit in call.services.units.all if wanted in fold(unit.name)]}


@endpoint("GET", "/channels", rule=at_least(Role.VIEWER), summary="Every channel's health", answer=ChannelPage)
async def list_channels(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    lights = await call.request.app[LIGHTS].now()
    return {"items": [light.line(call.say) for light in lights]}


@endpoint(
    "POST", "/lists", rule=at_least(Role.OFFICER), summary="Upload phone numbers, one a line or CSV, as a stream",
    body_media=ANY_MEDIA, query=ListQuery, answer=ImportAnswer, problems=(413,),
)  # fmt: skip
async def upload_list(call: Call[Nothing, ListQuery]) -> dict[str, Any]:
    chunks = limited(call.request, LIST_LIMIT)
    report = await call.services.importing.numbers(call.query.name, chunks, dry_run=call.query.dry_run)
    await _audit(call, "import_list", name=call.query.name, added=report.added)
    return imported(call.say, report, call.query.dry_run)


@endpoint(
    "POST", "/import/people", rule=at_least(Role.ADMIN), summary="Upload people with their addresses, CSV or XLSX",
    body_media=ANY_MEDIA, query=PeopleQuery, answer=ImportAnswer, problems=(413,),
)  # fmt: skip
async def import_people(call: Call[Nothing, PeopleQuery]) -> dict[str, Any]:
    content = b"".join([chunk async for chunk in limited(call.request, PEOPLE_LIMIT)])
    query = call.query
    report = await call.services.importing.people(query.filename, content, call.who, dry_run=query.dry_run)
    await _audit(call, "import_people", file=query.filename, added=report.added, changed=report.changed)
    return imported(call.say, report, query.dry_run)


@endpoint("POST", "/staff", rule=at_least(Role.ADMIN), summary="Add somebody who may sign in", body=NewStaff,
          answer=StaffAnswer, status=201, problems=(409,))  # fmt: skip
async def add_staff(call: Call[NewStaff, Nothing]) -> dict[str, Any]:
    new = call.body
    password = new.password or passwords.made_password()
    stored = await passwords.hashed(password)
    ledger, now = call.services.ledger, call.services.now()
    try:
        role = await ledger.write(lambda tx: admit(tx, new.name, Role(new.role), stored, new.title, call.who.name, now))
    except access.NameTaken as taken:
        raise Trouble(409, "name_taken", {"name": new.name}) from taken
    waiting = None if role == new.role else new.role
    return {"user": new.name, "role": role, "waiting": waiting, "password": None if new.password else password}


@endpoint("POST", "/staff/{name}/addresses", rule=at_least(Role.ADMIN), body=StaffAddress, answer=StaffAddressAnswer,
          summary="Bind a telephone or account to a member of staff, or take it away")  # fmt: skip
async def bind_staff(call: Call[StaffAddress, Nothing]) -> dict[str, Any]:
    """For somebody who approves a second administrator has to agree, on the page: `waiting` until then."""
    given, name, who, now = call.body, call.path("name"), call.who.name, call.services.now()

    def write(tx: Tx) -> tuple[str, bool]:
        if given.remove:
            return remove_address(tx, name, given.channel, given.address, who, now), False
        return admit_address(tx, name, given.channel, given.address, who, now)

    try:
        kept, bound = await call.services.ledger.write(write)
    except AddressRefused as refused:
        problem = Problem(refused.field, refused.key, dict(refused.params))
        raise Trouble(422, "invalid_input", errors=[problem]) from refused
    waiting = not (bound or given.remove)
    return {"user": name, "channel": given.channel, "address": kept, "bound": bound, "waiting": waiting}


@endpoint("POST", "/staff/{name}/reset", rule=at_least(Role.ADMIN), body=StaffReset, answer=StaffResetAnswer,
          summary="A new password for a member of staff, or the second factor removed", problems=(404,))  # fmt: skip
async def reset_staff(call: Call[StaffReset, Nothing]) -> dict[str, Any]:
    """For somebody who approves a second administrator has to agree, on the page: `waiting` until then."""
    what, name, password = Reset(call.body.what), call.path("name"), passwords.made_password()
    stored, now = await passwords.hashed(password), call.services.now()

    def write(tx: Tx) -> bool:
        one = access.staff_named(tx, name)
        if one is None:
            raise Trouble(404, "not_found")
        return reset_or_ask(tx, one, what, stored, call.who.name, now)

    done = await call.services.ledger.write(write)
    shown = password if done and what is Reset.PASSWORD else None
    return {"user": name, "waiting": not done, "password": shown}


@endpoint("POST", "/keys", rule=at_least(Role.ADMIN), summary="Make an API key", body=NewKey, answer=KeyAnswer,
          status=201, problems=(409,))  # fmt: skip
async def add_key(call: Call[NewKey, Nothing]) -> dict[str, Any]:
    new = call.body
    role, who = Role(new.role), call.who.name
    if not gives_alone(who, role):
        raise Trouble(403, "key_needs_operator")
    ledger, now = call.services.ledger, call.services.now()
    try:
        key = await ledger.write(lambda tx: make_key(tx, new.name, role, who, now))
    except access.NameTaken as taken:
        raise Trouble(409, "name_taken", {"name": new.name}) from taken
    return {"name": new.name, "role": new.role, "api_key": key}


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "code": unit.code,
        "name": unit.name,
        "type": unit.type,
        "districts": list(unit.old_districts),
        "lat": unit.lat,
        "lon": unit.lon,
    }


async def limited(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """The body as it comes. Raises `Trouble` 413 as soon as there is too much of it."""
    if (request.content_length or 0) > most:
        raise Trouble(413, "too_large")
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > most:
            raise Trouble(413, "too_large")
        yield chunk


async def _audit(call: Call[Any, Any], action: str, **detail: str | int) -> None:
    who, now = call.who.name, call.services.now()
    await call.services.ledger.write(lambda tx: audit.record(tx, now, who, action, **detail))


def imported(say: Catalogue, report: ImportReport, dry_run: bool) -> dict[str, Any]:
    return {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "rejected": [_rejected(say, one) for one in report.rejected],
        "rejections": report.rejections,
        "list_id": report.list_id,
        "dry_run": dry_run,
    }


def _rejected(say: Catalogue, one: Mapping[str, Any]) -> dict[str, Any]:
    """`{"line", "reason"}`, the reason as a sentence; what is wrong in any form has one for forms, too."""
    key = one["key"]
    reason = say.first(f"reject.{key}", f"problem.{key}", "reject.other", **one.get("params", {}))
    return {"line": one["line"], "reason": reason}


ROUTES: Final = (list_units, list_channels, upload_list, import_people, add_staff, bind_staff, reset_staff, add_key)
