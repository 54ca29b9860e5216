"""Hộp thư: what people wrote, what we answered, what needs a person."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Role
from store import audit, inbox
from store.engine import Tx
from text.numbers import mask
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import allows, at_least

PAGE: Final = 50
STATES: Final = ("human", "answered", "acknowledged", "ignored", "closed", "new")


@page("GET", "/inbox", at_least(Role.VIEWER))
async def inbox_page(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    state = request.query.get("state", "")
    wanted = state if state in STATES else None
    before = request.query.get("before", "")
    older_than = int(before) if before.isdecimal() and len(before) < 19 else None

    def read(tx: Tx) -> tuple[list[inbox.InboxRow], dict[str, int]]:
        return inbox.listing(tx, wanted, older_than, PAGE), inbox.counts(tx)

    rows, counts = await services.ledger.read(read)
    whole = allows(actor_of(request).role, Role.OFFICER)
    return await render(
        request,
        "inbox.html",
        rows=rows,
        counts=counts,
        state=wanted,
        states=STATES,
        units=services.units,
        shown=lambda sender: sender if whole else mask(sender),
        older=rows[-1].id if len(rows) == PAGE else None,
    )


@page("POST", "/inbox/{id}/close", at_least(Role.OFFICER))
async def close(request: web.Request) -> web.StreamResponse:
    given = request.match_info["id"]
    if not given.isdecimal() or len(given) > 18:
        raise Trouble(404, "not_found")
    services, actor = services_of(request), actor_of(request)
    now = services.now()

    def act(tx: Tx) -> bool:
        done = inbox.close(tx, int(given), actor.name, now)
        if done:
            audit.record(tx, now, actor.name, "close_message", message=int(given))
        return done

    if not await services.ledger.write(act):
        raise Trouble(409, "message_closed")
    services.bus.publish("inbox", {"type": "closed", "id": int(given)})
    return see_other("/inbox?state=human")


ROUTES: Final = (inbox_page, close)
