"""What answers to residents are made of: listing, adding, withdrawing, importing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import Field
from typing_extensions import TypedDict

from broadcasts.model import Problem, Role
from directory import content as entries
from directory.content import ContentRefused
from directory.content_book import TOPIC
from store import audit, content
from store.content import ContentRow
from store.engine import Tx
from text.dates import local
from web.api.endpoint import Call, Nothing, endpoint
from web.api.models import PAGE_DEFAULT, PAGE_MOST, Body, ImportAnswer, PeopleQuery, Query
from web.api.office import ANY_MEDIA, PEOPLE_LIMIT, imported, limited
from web.problems import Trouble
from web.roles import at_least
from web.services import Services

LONGEST_FIELD: Final = 2_000
"""Characters; what a kind of entry allows is told by name."""
_TEXT: Final = Field(default="", max_length=LONGEST_FIELD)


class NewContent(Body):
    kind: str = Field(min_length=1, max_length=40)
    """weather, rain, storm, flood, landslide, evacuation, reservoir, river, dyke, road or duty."""
    source: str = Field(min_length=1, max_length=LONGEST_FIELD)
    unit_code: str = _TEXT
    """With neither a unit nor a group it holds for the province."""
    group: str = _TEXT
    subject: str = _TEXT
    """The river, reservoir or dyke that it is about, with its kind: "sông Mã"."""
    issued_at: str = _TEXT
    """ISO 8601; left out: now."""
    valid_until: str = _TEXT
    """ISO 8601; left out: as long as its kind holds."""
    text: str = _TEXT
    short: str = _TEXT
    """The SMS form; left out, `text` must be short enough."""
    name: str = _TEXT
    place: str = _TEXT
    phone: str = _TEXT
    capacity: str = _TEXT
    station: str = _TEXT
    level: str = _TEXT
    """Metres."""
    release: str = _TEXT
    """m3/s."""
    alarm: str = _TEXT
    """0 below alarm 1, else 1 to 3."""


class ContentQuery(Query):
    kind: str | None = None
    before: int | None = Field(default=None, ge=1, lt=1 << 62)
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MOST)


class ContentLine(TypedDict):
    id: int
    kind: str
    scope: str
    """"" for the province, a unit's code, or `group:NAME`."""
    subject: str
    fields: dict[str, str]
    source: str
    issued_at: datetime
    valid_until: datetime
    author: str
    ended_at: datetime | None
    ended_by: str


class ContentPage(TypedDict):
    items: list[ContentLine]
    next: int | None
    """Give it as `before` for the page behind this one."""


@endpoint("GET", "/content", rule=at_least(Role.VIEWER), summary="Entries that answers are made of, newest first",
          query=ContentQuery, answer=ContentPage)  # fmt: skip
async def list_content(call: Call[Nothing, ContentQuery]) -> dict[str, Any]:
    query = call.query
    rows = await call.services.ledger.read(lambda tx: content.listing(tx, query.kind, query.before, query.limit))
    return {"items": [_line(row) for row in rows], "next": rows[-1].id if len(rows) == query.limit else None}


@endpoint("POST", "/content", rule=at_least(Role.OFFICER), summary="Add an entry", body=NewContent, answer=ContentLine,
          status=201)  # fmt: skip
async def add_content(call: Call[NewContent, Nothing]) -> dict[str, Any]:
    return _line(await keep(call.services, call.body.model_dump(), call.who.name))


@endpoint("POST", "/content/{id}/end", rule=at_least(Role.OFFICER), summary="Withdraw an entry before its time",
          answer=ContentLine, problems=(404, 409))  # fmt: skip
async def end_content(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return _line(await withdraw(call.services, call.path("id"), call.who.name))


@endpoint(
    "POST", "/import/content", rule=at_least(Role.OFFICER), summary="Upload entries as a table, CSV or XLSX",
    body_media=ANY_MEDIA, query=PeopleQuery, answer=ImportAnswer, problems=(413,),
)  # fmt: skip
async def import_content(call: Call[Nothing, PeopleQuery]) -> dict[str, Any]:
    uploaded = b"".join([chunk async for chunk in limited(call.request, PEOPLE_LIMIT)])
    services, query, who = call.services, call.query, call.who
    report = await services.importing.content(query.filename, uploaded, who, dry_run=query.dry_run)
    if not query.dry_run:
        now = services.now()
        await services.ledger.write(
            lambda tx: audit.record(tx, now, who.name, "import_content", file=query.filename, added=report.added)
        )
        services.bus.publish(TOPIC, {"type": "imported"})
    return imported(call.say, report, query.dry_run)


async def keep(services: Services, given: dict[str, str], author: str) -> ContentRow:
    """Keep one entry and tell who answers. Raises `Trouble` 422 with every problem at once."""
    now = services.now()

    def write(tx: Tx) -> ContentRow:
        row = entries.save(tx, services.units, given, author, now)
        audit.record(tx, now, author, "add_content", id=row.id, kind=row.kind)
        return row

    try:
        row = await services.ledger.write(write)
    except ContentRefused as refused:
        problems = [Problem(one.field, one.key, dict(one.params)) for one in refused.problems]
        raise Trouble(422, "invalid_input", errors=problems) from refused
    services.bus.publish(TOPIC, {"type": "added", "id": row.id})
    return row


async def withdraw(services: Services, given: str, by: str) -> ContentRow:
    """End an entry. Raises `Trouble` 404 or 409."""
    if not given.isdecimal() or len(given) > 18:
        raise Trouble(404, "not_found")
    now = services.now()

    def write(tx: Tx) -> tuple[bool, ContentRow | None]:
        done = content.end(tx, int(given), by, now)
        if done:
            audit.record(tx, now, by, "end_content", id=int(given))
        return done, content.one(tx, int(given))

    done, row = await services.ledger.write(write)
    if row is None:
        raise Trouble(404, "not_found")
    if not done:
        raise Trouble(409, "content_ended")
    services.bus.publish(TOPIC, {"type": "ended", "id": row.id})
    return row


def _line(row: ContentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "scope": row.scope,
        "subject": row.subject,
        "fields": dict(row.fields),
        "source": row.source,
        "issued_at": local(row.issued_at),
        "valid_until": local(row.valid_until),
        "author": row.author,
        "ended_at": None if row.ended_at is None else local(row.ended_at),
        "ended_by": row.ended_by,
    }


ROUTES: Final = (list_content, add_content, end_content, import_content)
