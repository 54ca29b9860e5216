"""Người dùng: a new password, or no second factor any more, for somebody else; by two administrators where that person
approves or administers."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Role
from store import privileges
from store.engine import Tx
from store.privileges import ResetRequest
from web import passwords
from web.console.page import page, see_other
from web.console.second_person import to_decide
from web.console.staff import other, shown
from web.context import actor_of, services_of
from web.resetting import Reset, grant, refuse, reset_or_ask
from web.roles import at_least

ADMIN: Final = at_least(Role.ADMIN)


@page("POST", "/staff/{name}/password", ADMIN)
async def reset_password(request: web.Request) -> web.StreamResponse:
    """A new password, shown once; every browser of that person is signed out."""
    actor, services, password = actor_of(request), services_of(request), passwords.made_password()
    stored, now = await passwords.hashed(password), services.now()

    def change(tx: Tx) -> tuple[str, bool]:
        one = other(tx, request, actor.name)
        return one.name, reset_or_ask(tx, one, Reset.PASSWORD, stored, actor.name, now)

    name, done = await services.ledger.write(change)
    return await shown(request, shown_password=(name, password)) if done else see_other("/staff")


@page("POST", "/staff/{name}/second-factor/remove", ADMIN)
async def reset_factor(request: web.Request) -> web.StreamResponse:
    """For somebody whose telephone is gone together with the recovery codes."""
    actor, now = actor_of(request), services_of(request).now()

    def change(tx: Tx) -> None:
        reset_or_ask(tx, other(tx, request, actor.name), Reset.SECOND_FACTOR, "", actor.name, now)

    await services_of(request).ledger.write(change)
    return see_other("/staff")


@page("POST", "/staff/resets/{id}", ADMIN)
async def decide(request: web.Request) -> web.StreamResponse:
    """Another administrator than the one who asked, and not the person themselves, grants it or does not."""
    form, actor, services = await request.post(), actor_of(request), services_of(request)
    password, now, granted = passwords.made_password(), services.now(), form.get("verdict") == "grant"
    stored = await passwords.hashed(password)

    def settle(tx: Tx) -> ResetRequest:
        waiting = privileges.resets_waiting(tx)
        asked = to_decide(waiting, request.match_info["id"], actor.name, granted=granted)
        if granted:
            grant(tx, asked, stored, actor.name, now)
        else:
            refuse(tx, asked, actor.name, now)
        return asked

    asked = await services.ledger.write(settle)
    if granted and asked.what == Reset.PASSWORD:
        return await shown(request, shown_password=(asked.name, password))
    return see_other("/staff")


ROUTES: Final = (reset_password, reset_factor, decide)
