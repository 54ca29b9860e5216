"""Signed-in browsers: a random token in a cookie, the session itself in the ledger, where it can be ended."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Actor, Role
from store import access
from web.context import SESSION, services_of, session_of
from web.problems import Trouble
from web.security import CSRF_FIELD, CSRF_HEADER, same_token
from web.services import Services

SESSION_COOKIE: Final = "loa_session"
SESSION_SECONDS: Final = 14 * 3600.0
"""One watch of twelve hours and its hand-over."""


async def find_session(request: web.Request) -> access.Session | None:
    """The browser's session in the ledger, if it has one that still holds."""
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token:
        return None
    services = services_of(request)
    return await services.ledger.read(lambda tx: access.session(tx, token, services.now()))


async def load_session(request: web.Request) -> None:
    """Keep the session with the request."""
    found = await find_session(request)
    if found is not None:
        request[SESSION] = found


def require_session(request: web.Request) -> Actor:
    """Who is signed in. Raises `Trouble` 401."""
    session = session_of(request)
    if session is None:
        raise Trouble(401, "session_ended" if SESSION_COOKIE in request.cookies else "sign_in_first")
    return Actor(name=session.staff.name, role=Role(session.staff.role))


async def check_form_token(request: web.Request) -> None:
    """A form of a signed-in page carries its session's token. Raises `Trouble` 403."""
    session = session_of(request)
    if session is None:
        return
    given = request.headers.get(CSRF_HEADER) or str((await request.post()).get(CSRF_FIELD, ""))
    if not same_token(given, session.csrf):
        raise Trouble(403, "form_token")


async def begin(response: web.StreamResponse, services: Services, staff_id: int) -> None:
    """Open a session and give its token to the browser. A new token each time: no session fixation.

    SameSite=Lax and not Strict: an approver opens the page from a link in a chat.
    """
    token = await services.ledger.write(
        lambda tx: access.open_session(tx, staff_id, services.now(), SESSION_SECONDS),
    )
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="Lax",
        secure=services.settings.is_https,
        path="/",
    )


async def end(request: web.Request, response: web.StreamResponse) -> None:
    token = request.cookies.get(SESSION_COOKIE, "")
    await services_of(request).ledger.write(lambda tx: access.close_session(tx, token))
    response.del_cookie(SESSION_COOKIE, path="/")
