"""Danh sách số: what is there, and a new one, however long, with its progress while it comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from broadcasts.model import Refusal, Role
from directory.number_lines import LIST_LIMIT as NUMBERS_MOST
from store import audit, number_lists
from store.engine import LedgerError
from web.api.office import LIST_LIMIT, limited
from web.console.page import page, render
from web.context import actor_of, say_of, services_of
from web.locale import Catalogue
from web.problems import Trouble, refused
from web.roles import at_least
from web.security import secure
from web.services import ImportReport

OFFICER: Final = at_least(Role.OFFICER)
PATH: Final = "/number-lists"
LOOK_SECONDS: Final = 0.5
"""How often the browser is told how far it is."""
NAME_MOST: Final = 60
LINES: Final = {hdrs.CONTENT_TYPE: "application/x-ndjson", "X-Accel-Buffering": "no"}
"""One JSON object a line, and no proxy may hold them back."""


@page("GET", PATH, OFFICER)
async def list_page(request: web.Request) -> web.StreamResponse:
    lists = await services_of(request).ledger.read(number_lists.all_current)
    return await render(request, "number_lists.html", lists=lists, most=NUMBERS_MOST, name_most=NAME_MOST)


@page("POST", PATH, OFFICER)
async def take_list(request: web.Request) -> web.StreamResponse:
    """The file is the body, its name `?name=`. The answer comes line by line: `{"stored", "of"}` while it is worked on,
    at the end `{"says", "rejected"}` or `{"problem"}`. Whoever closes the page leaves the import to its end."""
    name = request.query.get("name", "").strip()[:NAME_MOST]
    if not name:
        raise Trouble(422, "list_name_missing", room="refusal")
    far = Far()
    work = asyncio.ensure_future(_import(request, name, far))
    waits: set[asyncio.Future[Any]] = {work, far.whole}
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    response = web.StreamResponse(headers=LINES)
    secure(response, https=services_of(request).settings.is_https, private=True)
    await response.prepare(request)
    try:
        while not work.done():
            await _line(response, {"stored": far.stored, "of": far.of})
            await asyncio.wait({work}, timeout=LOOK_SECONDS)
    except ConnectionResetError:
        await work
        return response
    await _line(response, work.result())
    return response


class Far:
    """How far an import is. `whole` is done when the last byte of the file has come."""

    def __init__(self) -> None:
        self.stored = self.of = 0
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def told(self, stored: int, of: int) -> None:
        self.stored, self.of = stored, of
        if not self.whole.done():
            self.whole.set_result(None)


async def _import(request: web.Request, name: str, far: Far) -> dict[str, Any]:
    """The last line of the answer."""
    services, say, who = services_of(request), say_of(request), actor_of(request).name
    try:
        chunks = limited(request, LIST_LIMIT)
        report = await services.importing.numbers(name, chunks, dry_run=False, told=far.told)
    except (Refusal, Trouble) as wrong:
        return {"problem": (refused(wrong) if isinstance(wrong, Refusal) else wrong).detail(say)}
    except LedgerError as failed:
        return {"problem": say.first(f"error.{failed.key}", "error.ledger_not_usable")}
    now = services.now()
    await services.ledger.write(lambda tx: audit.record(tx, now, who, "import_list", name=name, added=report.added))
    return {"says": _says(say, report), "rejected": list(_rejected(say, report))}


def _says(say: Catalogue, report: ImportReport) -> str:
    return say.say("lists.done", added=report.added, removed=report.removed, rejections=report.rejections)


def _rejected(say: Catalogue, report: ImportReport) -> Iterator[str]:
    for one in report.rejected:
        yield f"{say.say('import.line', n=str(one['line']))} {say.say('reject.' + one['key'], **one['params'])}"


async def _line(response: web.StreamResponse, what: dict[str, Any]) -> None:
    await response.write(orjson.dumps(what) + b"\n")


ROUTES: Final = (list_page, take_list)
