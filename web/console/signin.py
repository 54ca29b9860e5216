"""Signing in and out, and what each person sets for their own browser."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

import structlog
from aiohttp import web

from broadcasts.model import Mode, Role
from store import access, audit, second_factors, web_sessions
from store.engine import Tx
from web import passwords, second_factor, sessions
from web.admitting import LONGEST_NAME
from web.attempts import Attempts
from web.console.page import page, render, see_other
from web.context import actor_of, services_of, session_of
from web.gate import LANGUAGE_COOKIE
from web.locale import LANGUAGES
from web.problems import Trouble
from web.remote import address_of
from web.roles import at_least, public

log = structlog.get_logger(__name__)

ATTEMPTS: Final = web.AppKey("attempts", Attempts)
CODE_OF: Final = "code "
"""Attempts at a second factor are counted apart from those at the password."""
COOKIE_SECONDS: Final = 365 * 86_400
DOOR: Final = public("nobody is signed in yet")
_LOCAL_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""A path on this host and nothing that a browser would take for another host."""


@page("GET", "/sign-in", DOOR)
async def sign_in_form(request: web.Request) -> web.StreamResponse:
    if session_of(request) is not None:
        return see_other(_next(request.query.get("next", "")))
    return await render(request, "sign_in.html", next=_next(request.query.get("next", "")), typed="", says="")


@page("POST", "/sign-in", DOOR)
async def sign_in(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    name, password = str(form.get("name", "")).strip()[:LONGEST_NAME], str(form.get("password", ""))
    back, address = _next(str(form.get("next", ""))), address_of(request)
    attempts, services = request.app[ATTEMPTS], services_of(request)
    if wait := attempts.wait(name, address):
        raise Trouble(429, "too_many_attempts", {"n": round(wait / 60) or 1}, retry_after=wait)
    known = await services.ledger.read(lambda tx: access.password_of(tx, name))
    if not await passwords.matches(known[1] if known else None, password) or known is None:
        attempts.failed(name, address)
        log.warning("sign_in_failed", name=name, address=address)
        return await render(request, "sign_in.html", status=422, next=back, typed=name, says="error.wrong_password")
    attempts.succeeded(name, address)
    factor = await services.ledger.read(lambda tx: second_factors.factor_of(tx, known[0]))
    if factor is not None and factor.confirmed:
        response = see_other(f"/sign-in/code?{urlencode({'next': back})}")
        await sessions.begin(request, response, known[0], "password")
        return response
    return await _let_in(request, known[0], name, back)


@page("GET", "/sign-in/code", DOOR)
async def code_form(request: web.Request) -> web.StreamResponse:
    if await sessions.find_session(request, "password") is None:
        return see_other("/sign-in")
    return await render(request, "sign_in_code.html", next=_next(request.query.get("next", "")), says="")


@page("POST", "/sign-in/code", DOOR)
async def enter_code(request: web.Request) -> web.StreamResponse:
    """The second factor: six digits of the app, or a recovery code. Guesses are counted by name from wherever: who is
    here knows the password."""
    form, half = await request.post(), await sessions.find_session(request, "password")
    if half is None:
        return see_other("/sign-in")
    attempts, guess, back = request.app[ATTEMPTS], f"{CODE_OF}{half.staff.name}", _next(str(form.get("next", "")))
    if wait := attempts.wait(guess, ""):
        raise Trouble(429, "too_many_attempts", {"n": round(wait / 60) or 1}, retry_after=wait)
    services, typed = services_of(request), str(form.get("code", ""))[:LONGEST_NAME]
    now, staff = services.now(), half.staff
    if not await services.ledger.write(lambda tx: _code_opens(tx, staff, typed, now)):
        attempts.failed(guess, "")
        log.warning("second_factor_failed", name=staff.name, address=address_of(request))
        return await render(request, "sign_in_code.html", status=422, next=back, says="error.wrong_code")
    attempts.succeeded(guess, "")
    return await _let_in(request, staff.id, staff.name, back)


def _code_opens(tx: Tx, staff: access.Staff, typed: str, now: float) -> bool:
    """Use up what was typed, if it is right."""
    factor = second_factors.factor_of(tx, staff.id)
    if factor is None or not factor.confirmed:
        return False
    step = second_factor.matching_step(factor.secret, typed, now)
    if step is not None:
        return second_factors.take_step(tx, staff.id, step)
    digest = second_factor.recovery_digest(typed)
    if digest is None or not second_factors.use_recovery(tx, staff.id, digest, now):
        return False
    audit.record(tx, now, staff.name, "recovery_code_used", left=second_factors.recovery_left(tx, staff.id))
    return True


async def _let_in(request: web.Request, staff_id: int, name: str, back: str) -> web.Response:
    services, address, response = services_of(request), address_of(request), see_other(back)
    await sessions.begin(request, response, staff_id)
    now = services.now()
    await services.ledger.write(lambda tx: audit.record(tx, now, name, "sign_in", address=address))
    return response


@page("POST", "/sign-out", at_least(Role.VIEWER))
async def sign_out(request: web.Request) -> web.StreamResponse:
    response = see_other("/sign-in")
    await sessions.end(request, response)
    return response


@page("POST", "/preferences/language", public("the sign-in page has the switch too"))
async def set_language(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    response = see_other(_next(str(form.get("next", ""))))
    if (wanted := str(form.get("lang", ""))) in LANGUAGES:
        secure = services_of(request).settings.is_https
        response.set_cookie(LANGUAGE_COOKIE, wanted, max_age=COOKIE_SECONDS, samesite="Lax", secure=secure, path="/")
    return response


@page("POST", "/preferences/mode", at_least(Role.OFFICER))
async def set_mode(request: web.Request) -> web.StreamResponse:
    """Real or exercise: what this person's next messages are made for, and the colour of their pages."""
    form, services = await request.post(), services_of(request)
    wanted, actor, now = str(form.get("mode", "")), actor_of(request), services.now()
    if wanted not in (Mode.ACTUAL.value, Mode.EXERCISE.value):
        raise Trouble(422, "invalid_input")
    token = request.cookies[sessions.SESSION_COOKIE]

    def save(tx: Tx) -> None:
        web_sessions.set_mode(tx, token, wanted)
        audit.record(tx, now, actor.name, "set_mode", mode=wanted)

    await services.ledger.write(save)
    return see_other(_next(str(form.get("next", ""))))


def _next(path: str) -> str:
    """Where to go on: a page of ours, else the duty board."""
    return path if _LOCAL_PATH.fullmatch(path) else "/"


ROUTES: Final = (sign_in_form, sign_in, code_form, enter_code, sign_out, set_language, set_mode)
