"""A table of people comes in: what it would change is shown first, and exactly that is done."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from aiohttp import web
from aiohttp.web_request import FileField

from broadcasts.model import Refusal, Role
from web.console.page import page, render
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least

OFFICER: Final = at_least(Role.OFFICER)
LARGEST: Final = 700_000
"""Bytes of a file: ten times the directory of 166 units; it travels through the browser once more, in base64."""
STEPS_SHOWN: Final = 400
REJECTS_SHOWN: Final = 200


@page("GET", "/directory/import", OFFICER)
async def import_page(request: web.Request) -> web.StreamResponse:
    return await render(request, "people_import.html", report=None)


@page("POST", "/directory/import", OFFICER)
async def take_file(request: web.Request) -> web.StreamResponse:
    """First the file, for a look at what it would change; then, with `digest`, the same file to do exactly that."""
    form = await request.post()
    given, digest = form.get("file"), str(form.get("digest", ""))
    replace = bool(form.get("replace"))
    if isinstance(given, FileField):
        name, content = given.filename, given.file.read(LARGEST + 1)
    else:
        name, content = str(form.get("file_name", "")), _decoded(str(form.get("content", "")))
    if not content:
        raise Trouble(422, "file_missing")
    if len(content) > LARGEST:
        raise Trouble(422, "file_too_large", {"limit": LARGEST // 1000})
    importing, actor = services_of(request).importing, actor_of(request)
    changed = False
    if digest:
        try:
            done = await importing.people(name, content, actor, dry_run=False, replace=replace, expect=digest)
            return await render(request, "people_import.html", report=done, done=True, **SHOWN)
        except Refusal as refused:
            if refused.key != "plan_changed":
                raise
            changed = True
    report = await importing.people(name, content, actor, dry_run=True, replace=replace)
    return await render(
        request,
        "people_import.html",
        report=report,
        done=False,
        changed=changed,
        file_name=name,
        content=base64.b64encode(content).decode(),
        replace=replace,
        **SHOWN,
    )


SHOWN: Final = {"steps_shown": STEPS_SHOWN, "rejects_shown": REJECTS_SHOWN}


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        raise Trouble(422, "file_missing") from None


ROUTES: Final = (import_page, take_file)
