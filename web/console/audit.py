"""Nhật ký: who did what, when; to be searched, taken along as a table, and checked for lines that were changed."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlencode

import orjson
from aiohttp import hdrs, web

from broadcasts.model import Role
from store import audit
from store.audit import AuditLine
from store.engine import Ledger, Tx
from text.cells import plain_cell
from text.dates import local
from web.console.page import page, render
from web.context import services_of
from web.roles import at_least

PAGE: Final = 100
ROWS_AT_ONCE: Final = 1_000
LONGEST: Final = 100
"""Characters of a word that is searched for."""
CHIEF: Final = at_least(Role.APPROVER)


@page("GET", "/audit", CHIEF)
async def audit_page(request: web.Request) -> web.StreamResponse:
    wanted, before = _wanted(request), request.query.get("before", "")
    older_than = int(before) if before.isdecimal() and len(before) < 19 else None

    def read(tx: Tx) -> tuple[list[AuditLine], list[str], audit.Head]:
        return audit.lines(tx, older_than, PAGE, **wanted), audit.actions(tx), audit.head(tx)

    lines, actions, head = await services_of(request).ledger.read(read)
    return await render(
        request, "audit.html", lines=lines, actions=actions, head=head, wanted=wanted, verdict=None,
        older=lines[-1].id if len(lines) == PAGE else None, query=_query(wanted),
    )  # fmt: skip


@page("GET", "/audit/verify", CHIEF)
async def verify(request: web.Request) -> web.StreamResponse:
    """Count the chain again; `head` is a digest that somebody noted before."""
    known = request.query.get("head", "").strip().lower()[:64]
    verdict = await services_of(request).ledger.read(lambda tx: audit.verify(tx, known))
    return await render(request, "audit_verdict.html", verdict=verdict, known=known)


@page("GET", "/audit.csv", CHIEF)
async def as_table(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type, response.charset = "text/csv", "utf-8"
    response.headers[hdrs.CONTENT_DISPOSITION] = 'attachment; filename="nhat-ky.csv"'
    await response.prepare(request)
    async for part in _rows(services_of(request).ledger, _wanted(request)):
        await response.write(part)
    return response


async def _rows(ledger: Ledger, wanted: dict[str, str]) -> AsyncIterator[bytes]:
    """CSV in parts, newest first; a cell that a spreadsheet would take for a formula is disarmed."""
    yield "\ufeffid,at,actor,action,detail,chain\r\n".encode()
    before: int | None = None
    while True:
        found = await ledger.read(lambda tx, before=before: audit.lines(tx, before, ROWS_AT_ONCE, **wanted))  # type: ignore[misc]
        if not found:
            return
        out = io.StringIO()
        writer = csv.writer(out)
        for one in found:
            detail = orjson.dumps(one.detail).decode()
            cells = (one.id, local(one.at).isoformat(timespec="seconds"), one.actor, one.action, detail, one.chain)
            writer.writerow([plain_cell(cell) for cell in cells])
        yield out.getvalue().encode()
        before = found[-1].id


def _wanted(request: web.Request) -> dict[str, str]:
    return {name: request.query.get(name, "").strip()[:LONGEST] for name in ("actor", "action", "text")}


def _query(wanted: dict[str, str]) -> str:
    return urlencode({name: value for name, value in wanted.items() if value})


ROUTES: Final = (audit_page, verify, as_table)
