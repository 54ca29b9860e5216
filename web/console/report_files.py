"""The report of a broadcast as a file to keep or to print: the same files as `loa export` writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from broadcasts.export import write_export
from broadcasts.model import Mode, Refusal, Role
from broadcasts.shown import BroadcastView
from web.api.endpoint import as_json
from web.console.page import page
from web.context import ref_of, say_of, services_of
from web.problems import Trouble
from web.roles import at_least
from web.services import Services

KINDS: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}
LINES_MOST: Final = 20_000
"""Deliveries that a page's file lists, some seconds of work; more of them only by `loa export`, which has the time."""
PAGE: Final = 1_000


@page("GET", "/broadcasts/{ref}/report/export/{kind}", at_least(Role.VIEWER))
async def export(request: web.Request) -> web.StreamResponse:
    """The roll-call, in the XLSX with each delivery beside it; where nobody is called, the deliveries."""
    kind = request.match_info["kind"]
    if kind not in KINDS:
        raise Trouble(404, "not_found")
    services, say = services_of(request), say_of(request)
    view = await services.desk.view(ref_of(request))
    rows = _plain(await services.desk.rollcall(view.code))
    lines = await _deliveries(services, view) if kind == "xlsx" or not rows else []
    exercise = await _exercise(services, view)
    with TemporaryDirectory(prefix="loa-") as folder:
        file = Path(folder) / f"{view.code}.{kind}"
        await asyncio.to_thread(write_export, file, _plain(view), rows, lines, say.say, (), "", exercise)
        body = await asyncio.to_thread(file.read_bytes)
    named = f'attachment; filename="loa-{view.code}.{kind}"'
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: KINDS[kind], hdrs.CONTENT_DISPOSITION: named})


async def _deliveries(services: Services, view: BroadcastView) -> list[Mapping[str, Any]]:
    """All of them. Raises `Trouble` 422 where they are too many for a page to wait for."""
    size = sum(view.counts.values())
    if size > LINES_MOST:
        raise Trouble(422, "export_too_large", {"n": size, "limit": LINES_MOST, "code": view.code})
    found: list[Mapping[str, Any]] = []
    after = 0
    while part := _plain(await services.desk.deliveries(view.code, None, after, PAGE)):
        found += part
        after = part[-1]["id"]
    return found


async def _exercise(services: Services, view: BroadcastView) -> Mapping[str, Any] | None:
    if view.mode != Mode.EXERCISE:
        return None
    try:
        result = await services.duty.exercises.result(view.code)
    except Refusal:
        return None
    return _plain(result) if result else None


def _plain(value: Any) -> Any:
    """As programs get it: the files are made from what the API gives."""
    return orjson.loads(as_json(value))


ROUTES: Final = (export,)
