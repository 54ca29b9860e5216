"""Texts that a person posts in a group where no program may write: copy, post, tick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from broadcasts.model import Role
from store.chunks import ORDINAL_BITS
from web.console.directory_edit import number_in
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least
from web.services import ByHand, HandNote, Services

SHOWN: Final = 50
LONGEST_REASON: Final = 300
BASE: Final = "/by-hand"
WAITING: Final = "waiting_for_person"
"""`HandNote.answer` of a text that nobody has posted yet."""


@page("GET", BASE, at_least(Role.VIEWER))
async def posts_page(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    posts = await posts_of(services)
    codes = {}
    for one in {note.delivery_id >> ORDINAL_BITS for note in posts[:SHOWN]}:
        codes[one] = (await services.desk.view(str(one))).code
    return await render(
        request, "by_hand.html", posts=posts[:SHOWN], codes=codes, bits=ORDINAL_BITS, on=services.by_hand is not None
    )


@page("POST", BASE + "/{delivery}/tick", at_least(Role.OFFICER))
async def tick(request: web.Request) -> web.StreamResponse:
    delivery = number_in(request, "delivery")
    await _open(request).tick(delivery, actor_of(request))
    return see_other(await _back(request))


@page("POST", BASE + "/{delivery}/decline", at_least(Role.OFFICER))
async def decline(request: web.Request) -> web.StreamResponse:
    delivery = number_in(request, "delivery")
    form = await request.post()
    reason = (str(form.get("reason", "")).strip() or str(form.get("quick", "")).strip())[:LONGEST_REASON]
    if not reason:
        raise Trouble(422, "reason_missing")
    await _open(request).decline(delivery, reason, actor_of(request))
    return see_other(await _back(request))


async def posts_of(services: Services, broadcast_no: int | None = None) -> Sequence[HandNote]:
    """Newest first; nothing where nobody posts by hand."""
    return [] if services.by_hand is None else await services.by_hand.notes(broadcast_no)


def _open(request: web.Request) -> ByHand:
    posts = services_of(request).by_hand
    if posts is None:
        raise Trouble(404, "not_found")
    return posts


async def _back(request: web.Request) -> str:
    """To the broadcast's page where the form stood there."""
    given = str((await request.post()).get("back", ""))
    return f"/broadcasts/{given}?all" if given.replace("-", "").isalnum() and given.isascii() else BASE


ROUTES: Final = (posts_page, tick, decline)
