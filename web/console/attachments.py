"""Files of a broadcast on the pages: taken in while composing, opened when checking, given to whoever has the link."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.archive import read_short
from broadcasts.attachments import LINK_SECONDS
from broadcasts.model import Refusal, Role
from store import attachments
from store.attachments import AttachmentRow
from web.api.attachments import found
from web.console.page import is_fragment, page, render, see_other
from web.context import actor_of, say_of, services_of
from web.problems import Trouble, refused
from web.roles import at_least, public
from web.services import Services
from web.uploads import give, take

KEEP_SECONDS: Final = 3_600.0
"""How long a reader's browser may keep a file without asking again."""


@page("POST", "/attachments", at_least(Role.OFFICER))
async def upload(request: web.Request) -> web.StreamResponse:
    """One more file for the form; what is wrong with it comes as a sentence for the same place."""
    services = services_of(request)
    try:
        row = await take(request, services.archive, actor_of(request))
    except (Refusal, Trouble) as wrong:
        trouble = refused(wrong) if isinstance(wrong, Refusal) else wrong
        if not is_fragment(request):
            raise
        say = say_of(request)
        says = " ".join(one["says"] for one in trouble.fields(say)) or trouble.detail(say)
        return await render(request, "parts/attach_refused.html", status=trouble.status, says=says)
    if not is_fragment(request):
        return see_other(f"/attachments/{row.id}")
    return await render(request, "parts/attached.html", status=201, files=[row])


@page("GET", "/attachments/{id}", at_least(Role.VIEWER))
async def open_file(request: web.Request) -> web.StreamResponse:
    """Before it left as well: an approver reads what is to be approved."""
    services = services_of(request)
    row = await found(services, request.match_info["id"])
    return give(row, services.archive.path(row.sha256), keep_seconds=0)


@page("GET", "/t/{short}", public("whoever got the message holds its random address; only what has left is given"))
async def public_file(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    row, left = await _published(services, read_short(request.match_info["short"]))
    return give(row, services.archive.path(row.sha256), keep_seconds=min(left, KEEP_SECONDS))


async def _published(services: Services, short: str) -> tuple[AttachmentRow, float]:
    """The file and for how many seconds more. Raises `Trouble` 404."""
    known = await services.ledger.read(lambda tx: attachments.published(tx, short))
    left = 0.0 if known is None else known[1] + LINK_SECONDS - services.now()
    if known is None or left <= 0:
        raise Trouble(404, "file_gone")
    return known[0], left


ROUTES: Final = (upload, open_file, public_file)
