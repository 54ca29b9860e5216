"""Ghi danh: accounts that wait for an officer, who is enrolled, who is in the group, and codes to hand out."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from aiohttp import web

from broadcasts.model import Role
from directory import book
from directory.book import UnitEntry
from directory.enrolment_sheet import WHO, memberships, state_of, waiting, wanted
from directory.people_table import EXPORTS
from directory.roles import ContactRole
from store import enrolment
from text.dates import local
from web.console.directory import attached
from web.console.directory_edit import number_in, unit_of
from web.console.page import page, render, see_other
from web.context import actor_of, say_of, services_of
from web.locale import Catalogue
from web.problems import Trouble
from web.roles import at_least

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
DECIDED: Final = 20
"""Decisions that the page still shows."""
STATES: Final = ("waits", "none", "invited", "enrolled")
"""What somebody must act on first."""
LONGEST_REASON: Final = 300


@page("GET", "/enrolment", VIEWER)
async def enrolment_page(request: web.Request) -> web.StreamResponse:
    services, now = services_of(request), services_of(request).now()
    units = await services.ledger.read(lambda tx: book.book(tx, services.units, now, province=False))
    pending = await services.ledger.read(waiting)
    decided = await services.ledger.read(lambda tx: enrolment.decided(tx, DECIDED))
    families = list(services.enrolling.families)
    family = request.query.get("channel", "")
    family = family if family in families else (families[0] if families else "")
    leaders = [(unit, unit.holders(ContactRole.CHAIRMAN)) for unit in units]
    states = {unit.code: _state(unit, family) for unit in units}
    wanted_state = request.query.get("state", "")
    return await render(
        request,
        "enrolment.html",
        pending=pending,
        decided=decided,
        names={one.person_id: one.name for unit in units for one in unit.people},
        families=families,
        family=family,
        leaders=[one for one in leaders if not wanted_state or states[one[0].code] == wanted_state],
        states=states,
        counts=Counter(states.values()),
        order=STATES,
        state=wanted_state if wanted_state in STATES else "",
        total=len(units),
        who=WHO,
        groups=services.enrolling.groups,
    )


def _state(unit: UnitEntry, family: str) -> str:
    """How far a unit's leader is; a unit without one counts as not begun."""
    leader = next(iter(unit.holders(ContactRole.CHAIRMAN)), None)
    return state_of(leader, family) if leader else "none"


@page("POST", "/enrolment/requests/{id}/confirm", OFFICER)
async def confirm(request: web.Request) -> web.StreamResponse:
    await services_of(request).enrolling.confirm(number_in(request, "id"), actor_of(request))
    return see_other("/enrolment")


@page("POST", "/enrolment/requests/{id}/refuse", OFFICER)
async def refuse(request: web.Request) -> web.StreamResponse:
    reason = str((await request.post()).get("reason", "")).strip()[:LONGEST_REASON]
    if not reason:
        raise Trouble(422, "reason_missing")
    await services_of(request).enrolling.refuse(number_in(request, "id"), reason, actor_of(request))
    return see_other("/enrolment")


@page("POST", "/enrolment/codes", OFFICER)
async def make_codes(request: web.Request) -> web.StreamResponse:
    """For all who have neither a code nor an account, then the sheet to print."""
    services, form = services_of(request), await request.post()
    family, who, unit = (str(form.get(key, "")) for key in ("channel", "who", "unit"))
    if family not in services.enrolling.families or who not in WHO:
        raise Trouble(422, "not_found")
    units = await services.ledger.read(lambda tx: book.book(tx, services.units, services.now(), province=False))
    await services.enrolling.issue_all(wanted(units, who, unit), family, actor_of(request))
    return see_other(f"/enrolment/sheet?channel={family}" + (f"&unit={unit}" if unit.isdecimal() else ""))


@page("POST", "/enrolment/people/{person}/code", OFFICER)
async def one_code(request: web.Request) -> web.StreamResponse:
    """`does`: issue (what was handed out before is void), send (to the registered telephone), withdraw."""
    services, form, actor = services_of(request), await request.post(), actor_of(request)
    person, family, does = number_in(request, "person"), str(form.get("channel", "")), str(form.get("does", ""))
    if family not in services.enrolling.families or does not in ("issue", "send", "withdraw"):
        raise Trouble(422, "not_found")
    unit = await unit_of(request, person)
    if does == "issue":
        await services.enrolling.issue(person, family, actor)
        return see_other(f"/enrolment/sheet?person={person}&channel={family}")
    if does == "send":
        await services.enrolling.send_code(person, family, actor)
    else:
        await services.enrolling.withdraw(person, family, actor)
    return see_other(f"/directory/{unit}#person-{person}")


# -- groups -----------------------------------------------------------------------------------------------------------


@page("GET", "/enrolment/groups", VIEWER)
async def groups_page(request: web.Request) -> web.StreamResponse:
    found = await _groups(request)
    shown = request.query.get("show", "out")
    return await render(
        request, "enrolment_groups.html", shown=shown if shown in SHOWN else "out", order=tuple(SHOWN), **found
    )


SHOWN: Final = {"out": False, "unknown": None, "in": True}
"""Filter → `Membership.inside`."""


@page("POST", "/enrolment/groups/read", OFFICER)
async def read_groups(request: web.Request) -> web.StreamResponse:
    await services_of(request).enrolling.read_groups()
    return see_other("/enrolment/groups")


@page("GET", "/enrolment/groups/export/{kind}", OFFICER)
async def export_groups(request: web.Request) -> web.StreamResponse:
    made = EXPORTS.get(request.match_info["kind"])
    if made is None:
        raise Trouble(404, "not_found")
    make, media = made
    found, say = await _groups(request), say_of(request)
    header = [say.say(f"enrol.column.{key}") for key in ("unit", "role", "name", "inside", "account")]
    lines = [_line(one, say) for one in found["members"]]
    at = f"{local(services_of(request).now()):%Y%m%d}"
    return attached(make([header, *lines]), media, f"nhom-{at}.{request.match_info['kind']}")


def _line(one: Any, say: Catalogue) -> list[str]:
    inside = {True: "in", False: "out", None: "unknown"}[one.inside]
    seen = next((member.name or member.value for member in one.person.groups), "")
    role = say.first(f"person.{one.person.role}", "person.member")
    return [one.unit.name, role, one.person.name, say.say(f"enrol.group.{inside}"), seen]


async def _groups(request: web.Request) -> dict[str, Any]:
    """The chosen group and everybody against it. Without any group the list is empty."""
    services, now = services_of(request), services_of(request).now()
    groups = list(services.enrolling.groups)
    chosen = next((one for one in groups if one[0] == request.query.get("group")), groups[0] if groups else None)
    if chosen is None:
        return {"groups": [], "chosen": "", "members": [], "counts": Counter()}
    units = await services.ledger.read(lambda tx: book.book(tx, services.units, now, province=False))
    members = memberships(units, chosen[1], chosen[2])
    return {
        "groups": [one[0] for one in groups],
        "chosen": chosen[0],
        "members": members,
        "counts": Counter({True: "in", False: "out", None: "unknown"}[one.inside] for one in members),
    }


ROUTES: Final = (
    enrolment_page, confirm, refuse, make_codes, one_code, groups_page, read_groups, export_groups,
)  # fmt: skip
