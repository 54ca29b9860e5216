"""Danh bạ: every unit with its people, the order of their ways, when each was last proved, gaps in red; one unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from broadcasts.model import Problem, Role
from directory import book
from directory.book import Entry, UnitEntry
from directory.columns import load_words
from directory.people import SMS_FAMILY, VOICE_FAMILY
from directory.people_table import EXPORTS, people_table
from directory.roles import ContactRole
from store import enrolment
from store.paths import PathRow
from text.dates import local
from text.numbers import mask
from web.console.page import page, render
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import allows, at_least

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
PAGE: Final = 40
"""Units on one page."""
LONGEST_SEARCH: Final = 80
SHOWN_ROLES: Final = (ContactRole.CHAIRMAN, ContactRole.DEPUTY, ContactRole.DUTY)
"""Posts that the list names; a unit's own page has everybody."""
GAPS: Final = ("no_contact", "no_phone", "no_leader", "leader_no_phone", "no_duty", "no_account", "blocked", "unproved")
"""Worst first, as `directory.book.gaps_of` gives them."""
ANY_GAP: Final = "any"


@page("GET", "/directory", VIEWER)
async def list_page(request: web.Request) -> web.StreamResponse:
    services, now = services_of(request), services_of(request).now()
    words, gap = request.query.get("q", "")[:LONGEST_SEARCH], request.query.get("gap", "")
    units = await services.ledger.read(lambda tx: book.book(tx, services.units, now))
    counts = Counter(one for unit in units for one in unit.gaps)
    found = with_gap(book.search(units, words), gap)
    start = _start(request)
    return await render(
        request,
        "directory.html",
        units=found[start : start + PAGE],
        found=len(found),
        total=len(units),
        with_gaps=sum(bool(unit.gaps) for unit in units),
        counts={one: counts[one] for one in GAPS if counts[one]},
        q=words,
        gap=gap if gap in (*GAPS, ANY_GAP) else "",
        previous=max(0, start - PAGE) if start else None,
        following=start + PAGE if len(found) > start + PAGE else None,
        start=start,
        shown_roles=SHOWN_ROLES,
        ways=ways,
        way_state=lambda path: way_state(path, now),
        kinds=tuple(EXPORTS),
        province=book.PROVINCE,
    )


@page("GET", "/directory/export/{kind}", OFFICER)
async def export(request: web.Request) -> web.StreamResponse:
    """What the list shows, in the columns of the import."""
    made = EXPORTS.get(request.match_info["kind"])
    if made is None:
        raise Trouble(404, "not_found")
    services, now = services_of(request), services_of(request).now()
    units = await services.ledger.read(lambda tx: book.book(tx, services.units, now))
    found = with_gap(book.search(units, request.query.get("q", "")[:LONGEST_SEARCH]), request.query.get("gap", ""))
    make, media = made
    return attached(make(people_table(found)), media, f"danh-ba-{local(now):%Y%m%d}.{request.match_info['kind']}")


@page("GET", "/directory/{unit}", VIEWER)
async def unit_page(request: web.Request) -> web.StreamResponse:
    return await shown_unit(request, request.match_info["unit"])


async def shown_unit(
    request: web.Request, code: str, problems: Sequence[Problem] = (), at: str = "", status: int = 200
) -> web.StreamResponse:
    """One unit with its forms. `problems` belong to the form named by `at` ("person-12", "new", …)."""
    services, now = services_of(request), services_of(request).now()
    entry = await services.ledger.read(lambda tx: book.page_of(tx, services.units, code, now))
    if entry is None:
        raise Trouble(404, "not_found")
    people = [person.person_id for person in entry.people]
    history = await services.ledger.read(
        lambda tx: {one: [row for row in enrolment.of_person(tx, one) if row.state != "pending"] for one in people}
    )
    return await render(
        request,
        "directory_unit.html",
        status=status,
        entry=entry,
        code=code,
        problems=problems,
        at=at,
        history=history,
        roles=list(ContactRole) if entry.code else [ContactRole.MEMBER],
        families=[one.name for one in load_words().families.values()],
        enrolling=services.enrolling.families,
        way_state=lambda path: way_state(path, now),
        whole=allows(actor_of(request).role, Role.OFFICER),
        province=book.PROVINCE,
        shown_value=shown_value,
    )


def with_gap(units: Sequence[UnitEntry], gap: str) -> list[UnitEntry]:
    if gap == ANY_GAP:
        return [unit for unit in units if unit.gaps]
    return [unit for unit in units if not gap or gap not in GAPS or gap in unit.gaps]


def ways(person: Entry) -> list[PathRow]:
    """In the order in which they are tried: accounts before telephones, within a family as the person prefers."""
    last = (SMS_FAMILY, VOICE_FAMILY)
    return sorted(person.paths, key=lambda path: last.index(path.channel) + 1 if path.channel in last else 0)


def way_state(path: PathRow, now: float) -> str:
    """`shut`, `proved`, `old` or `never`."""
    if path.blocked_at is not None:
        return "shut"
    if path.proved_at is None:
        return "never"
    return "proved" if book.is_proved(path, now) else "old"


def shown_value(path: PathRow, *, whole: bool) -> str:
    """A telephone as it is dialled for those who may ring it; an account's id is of use to nobody in full."""
    if path.channel in (SMS_FAMILY, VOICE_FAMILY):
        return f"0{path.value[2:]}" if whole and path.value.startswith("84") else mask(path.value)
    return f"…{path.value[-4:]}"


def attached(body: bytes, media: str, name: str) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: media, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
    return web.Response(body=body, headers=headers)


def _start(request: web.Request) -> int:
    given = request.query.get("from", "0")
    return int(given) if given.isdecimal() and len(given) < 6 else 0


ROUTES: Final = (list_page, export, unit_page)
