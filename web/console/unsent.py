"""What somebody is still writing is kept on the server while they type, so that an expired session, a cut line or a
closed tab loses nothing."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from multidict import MultiDict, MultiMapping

from broadcasts.model import Role
from store import access, unsent_forms
from store.engine import Tx
from store.unsent_forms import UnsentForm
from text.dates import local
from web.console import forms
from web.console.forms import ComposeForm
from web.console.page import page, see_other
from web.context import actor_of, checked_ref, services_of, session_of
from web.problems import Trouble
from web.roles import at_least
from web.security import CSRF_FIELD

OFFICER: Final = at_least(Role.OFFICER)
PLACE: Final = "place"
NEW: Final = "new"
"""The place of a form that is no draft yet."""
TOKEN: Final = "once"
VERSION: Final = "version"
FIELDS_MOST: Final = 600
"""166 units, every blank and step, and room."""
SIZE_MOST: Final = 64_000
"""Characters of all fields; the longest message that any channel takes has 2,000."""
_LEFT_OUT: Final = frozenset({CSRF_FIELD, PLACE, TOKEN, "file"})


@page("GET", "/broadcasts/unsent", OFFICER)
async def token(request: web.Request) -> web.StreamResponse:
    """The form token of whoever is signed in now: a page that outlived its session goes on with it. No other site can
    read the answer (it is JSON, and nothing allows another origin)."""
    session = session_of(request)
    return web.json_response({CSRF_FIELD: session.csrf if session else ""})


@page("POST", "/broadcasts/unsent", OFFICER)
async def keep(request: web.Request) -> web.StreamResponse:
    """Keep the form as it stands. One that was sent in the meantime is not kept again."""
    posted, services, author = await request.post(), services_of(request), actor_of(request).name
    form = UnsentForm(author, _place(posted), str(posted.get(TOKEN, ""))[:80], _fields(posted), services.now())

    def write(tx: Tx) -> bool:
        if form.token and access.answered(tx, author, token_key(form.token)):
            return False
        unsent_forms.keep(tx, form)
        return True

    kept = await services.ledger.write(write)
    return web.json_response({"kept": kept, "at": f"{local(form.at):%H:%M}"})


@page("POST", "/broadcasts/unsent/drop", OFFICER)
async def drop(request: web.Request) -> web.StreamResponse:
    place = _place(await request.post())
    await forget(request, place)
    return see_other("/broadcasts/new" if place == NEW else f"/broadcasts/{place}/edit")


async def forget(request: web.Request, place: str) -> None:
    """It became a draft, or was not wanted."""
    services, author = services_of(request), actor_of(request).name
    await services.ledger.write(lambda tx: unsent_forms.drop(tx, author, place))


async def kept_here(request: web.Request, place: str) -> UnsentForm | None:
    services, author = services_of(request), actor_of(request).name
    return (await services.ledger.read(lambda tx: unsent_forms.of_author(tx, author))).get(place)


def form_kept(kept: UnsentForm) -> tuple[ComposeForm, str]:
    """The form as it was typed, and the version of the draft that it was made from. Raises `Trouble` 422."""
    fields: MultiDict[object] = MultiDict(kept.fields)
    return forms.read(fields), str(fields.get(VERSION, ""))


def token_key(token: str) -> str:
    """Under which the answer to a form is remembered."""
    return f"form {token}"


def _place(posted: MultiMapping[Any]) -> str:
    place = str(posted.get(PLACE, ""))
    return place if place == NEW else checked_ref(place)


def _fields(posted: MultiMapping[Any]) -> list[tuple[str, str]]:
    """Raises `Trouble` 413 for more than any form of ours holds."""
    fields = [(name, value) for name, value in posted.items() if name not in _LEFT_OUT and isinstance(value, str)]
    if len(fields) > FIELDS_MOST or sum(len(name) + len(value) for name, value in fields) > SIZE_MOST:
        raise Trouble(413, "form_too_large")
    return fields


ROUTES: Final = (token, keep, drop)
