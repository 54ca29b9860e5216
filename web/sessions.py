"""Signed-in browsers: a random token in a cookie, the session itself in the ledger, where it can be ended."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from broadcasts.model import Actor, Role
from store import web_sessions
from store.engine import Tx
from store.web_sessions import Session, Stage
from web.context import SESSION, services_of, session_of
from web.problems import Trouble
from web.remote import address_of
from web.security import CSRF_FIELD, CSRF_HEADER, same_token

SESSION_COOKIE: Final = "loa_session"
SESSION_SECONDS: Final = 14 * 3600.0
"""One watch of twelve hours and its hand-over."""
CODE_SECONDS: Final = 300.0
"""Between the password and the second factor."""
LONGEST_AGENT: Final = 200
"""Characters of a browser's own description that are kept."""
FACTOR_PAGES: Final = ("/account", "/sign-out", "/preferences/")
"""Open to somebody who must set up a second factor first."""
FACTOR_SETUP: Final = "/account/second-factor"


async def find_session(request: web.Request, stage: Stage = "full") -> Session | None:
    """The browser's session in the ledger, if it has one that still holds."""
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token:
        return None
    services = services_of(request)
    return await services.ledger.read(lambda tx: web_sessions.session(tx, token, services.now(), stage))


async def load_session(request: web.Request) -> None:
    """Keep the session with the request."""
    found = await find_session(request)
    if found is not None:
        request[SESSION] = found


def require_session(request: web.Request) -> Actor:
    """Who is signed in. Raises `Trouble` 401; `HTTPSeeOther` to the set-up of a second factor that is still missing."""
    session = session_of(request)
    if session is None:
        raise Trouble(401, "session_ended" if SESSION_COOKIE in request.cookies else "sign_in_first")
    needed = session.staff.role in services_of(request).settings.second_factor_for
    if needed and not session.second_factor and not request.path.startswith(FACTOR_PAGES):
        raise web.HTTPSeeOther(FACTOR_SETUP)
    return Actor(name=session.staff.name, role=Role(session.staff.role))


async def check_form_token(request: web.Request) -> None:
    """A form of a signed-in page carries its session's token. Raises `Trouble` 403."""
    session = session_of(request)
    if session is None:
        return
    given = request.headers.get(CSRF_HEADER) or str((await request.post()).get(CSRF_FIELD, ""))
    if not same_token(given, session.csrf):
        raise Trouble(403, "form_token")


async def begin(request: web.Request, response: web.StreamResponse, staff_id: int, stage: Stage = "full") -> None:
    """Open a session and give its token to the browser; the one that it held before ends. A new token each time: no
    session fixation.

    SameSite=Lax and not Strict: an approver opens the page from a link in a chat.
    """
    services, before = services_of(request), request.cookies.get(SESSION_COOKIE, "")
    seconds = SESSION_SECONDS if stage == "full" else CODE_SECONDS
    address, agent = address_of(request), request.headers.get(hdrs.USER_AGENT, "")[:LONGEST_AGENT]

    def renew(tx: Tx) -> str:
        web_sessions.close_session(tx, before)
        return web_sessions.open_session(tx, staff_id, services.now(), seconds, stage, address, agent)

    response.set_cookie(
        SESSION_COOKIE,
        await services.ledger.write(renew),
        max_age=int(seconds),
        httponly=True,
        samesite="Lax",
        secure=services.settings.is_https,
        path="/",
    )


async def end(request: web.Request, response: web.StreamResponse) -> None:
    token = request.cookies.get(SESSION_COOKIE, "")
    await services_of(request).ledger.write(lambda tx: web_sessions.close_session(tx, token))
    response.del_cookie(SESSION_COOKIE, path="/")
