"""Tài khoản của tôi: one's own password, second factor and the browsers one is signed in on."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broadcasts.model import Problem, Role
from store import access, audit, second_factors, web_sessions
from store.engine import Tx
from store.web_sessions import OpenSession, Session
from web import passwords, second_factor
from web.admitting import password_problem
from web.console.page import page, render, see_other
from web.console.qr import qr_code
from web.context import services_of, session_of
from web.problems import Trouble
from web.roles import at_least

ANYONE: Final = at_least(Role.VIEWER)


def _mine(request: web.Request) -> Session:
    found = session_of(request)
    assert found is not None, "the rule asks for a session"
    return found


@page("GET", "/account", ANYONE)
async def account(request: web.Request) -> web.StreamResponse:
    return await _shown(request, ())


async def _shown(request: web.Request, problems: tuple[Problem, ...], status: int = 200) -> web.StreamResponse:
    services, mine = services_of(request), _mine(request)

    def read(tx: Tx) -> tuple[list[OpenSession], int]:
        return (
            web_sessions.open_sessions(tx, mine.staff.id, services.now()),
            second_factors.recovery_left(tx, mine.staff.id),
        )

    sessions, codes_left = await services.ledger.read(read)
    return await render(
        request, "account.html", status=status, mine=mine, sessions=sessions, codes_left=codes_left, problems=problems,
        shortest=passwords.SHORTEST,
    )  # fmt: skip


@page("POST", "/account/password", ANYONE)
async def change_password(request: web.Request) -> web.StreamResponse:
    form, services, mine = await request.post(), services_of(request), _mine(request)
    before, fresh = str(form.get("before", "")), str(form.get("fresh", ""))
    if problem := await _password_problem(request, mine, before, fresh, str(form.get("again", ""))):
        return await _shown(request, (problem,), 422)
    stored, now = await passwords.hashed(fresh), services.now()

    def save(tx: Tx) -> None:
        access.set_password(tx, mine.staff.id, stored, keep=mine.handle)
        audit.record(tx, now, mine.staff.name, "password_changed")

    await services.ledger.write(save)
    return see_other("/account")


async def _password_problem(request: web.Request, mine: Session, before: str, fresh: str, again: str) -> Problem | None:
    known = await services_of(request).ledger.read(lambda tx: access.password_of(tx, mine.staff.name))
    if not await passwords.matches(known[1] if known else None, before):
        return Problem("before", "wrong_password")
    return password_problem("fresh", fresh, again)


@page("POST", "/account/sessions/{handle}/end", ANYONE)
async def end_session(request: web.Request) -> web.StreamResponse:
    services, mine, handle = services_of(request), _mine(request), request.match_info["handle"]
    now = services.now()

    def end(tx: Tx) -> bool:
        ended = web_sessions.close_one(tx, mine.staff.id, handle)
        if ended:
            audit.record(tx, now, mine.staff.name, "session_ended", session=handle)
        return ended

    if not await services.ledger.write(end):
        raise Trouble(404, "not_found")
    return see_other("/account")


@page("POST", "/account/sessions/end", ANYONE)
async def end_other_sessions(request: web.Request) -> web.StreamResponse:
    services, mine = services_of(request), _mine(request)
    now = services.now()

    def end(tx: Tx) -> None:
        ended = web_sessions.close_all(tx, mine.staff.id, but=mine.handle)
        audit.record(tx, now, mine.staff.name, "sessions_ended", sessions=ended)

    await services.ledger.write(end)
    return see_other("/account")


@page("GET", "/account/second-factor", ANYONE)
async def factor_form(request: web.Request) -> web.StreamResponse:
    return await _factor_shown(request, ())


async def _factor_shown(request: web.Request, problems: tuple[Problem, ...], status: int = 200) -> web.StreamResponse:
    services, mine = services_of(request), _mine(request)
    fresh = second_factor.new_secret()
    factor = await services.ledger.write(lambda tx: second_factors.propose(tx, mine.staff.id, fresh))
    if factor.confirmed:
        return see_other("/account")
    return await render(
        request,
        "second_factor.html",
        status=status,
        qr=qr_code(second_factor.address(factor.secret, mine.staff.name)),
        secret=" ".join(factor.secret[at : at + 4] for at in range(0, len(factor.secret), 4)),
        problems=problems,
        required=mine.staff.role in services.settings.second_factor_for,
    )


@page("POST", "/account/second-factor", ANYONE)
async def confirm_factor(request: web.Request) -> web.StreamResponse:
    """The first right code makes the factor count; the recovery codes are shown this once."""
    form, services, mine = await request.post(), services_of(request), _mine(request)
    now, typed, codes = services.now(), str(form.get("code", "")), second_factor.new_recovery_codes()

    def confirm(tx: Tx) -> bool:
        factor = second_factors.factor_of(tx, mine.staff.id)
        if factor is None or factor.confirmed:
            return False
        step = second_factor.matching_step(factor.secret, typed, now)
        if step is None or not second_factors.take_step(tx, mine.staff.id, step):
            return False
        second_factors.confirm(tx, mine.staff.id, now, _digests(codes))
        audit.record(tx, now, mine.staff.name, "second_factor_added")
        return True

    if not await services.ledger.write(confirm):
        return await _factor_shown(request, (Problem("code", "wrong_code"),), 422)
    return await render(request, "recovery_codes.html", codes=codes)


@page("POST", "/account/second-factor/recovery", ANYONE)
async def new_recovery_codes(request: web.Request) -> web.StreamResponse:
    services, mine, codes = services_of(request), _mine(request), second_factor.new_recovery_codes()
    now = services.now()
    await _with_password(request, mine)

    def renew(tx: Tx) -> None:
        second_factors.replace_recovery(tx, mine.staff.id, _digests(codes))
        audit.record(tx, now, mine.staff.name, "recovery_codes_renewed")

    await services.ledger.write(renew)
    return await render(request, "recovery_codes.html", codes=codes)


@page("POST", "/account/second-factor/remove", ANYONE)
async def remove_factor(request: web.Request) -> web.StreamResponse:
    services, mine = services_of(request), _mine(request)
    now = services.now()
    await _with_password(request, mine)

    def remove(tx: Tx) -> None:
        if second_factors.remove(tx, mine.staff.id):
            audit.record(tx, now, mine.staff.name, "second_factor_removed")

    await services.ledger.write(remove)
    return see_other("/account")


async def _with_password(request: web.Request, mine: Session) -> None:
    """What weakens a sign-in asks for the password again. Raises `Trouble` 422."""
    typed = str((await request.post()).get("password", ""))
    known = await services_of(request).ledger.read(lambda tx: access.password_of(tx, mine.staff.name))
    if not await passwords.matches(known[1] if known else None, typed) or not mine.second_factor:
        raise Trouble(422, "wrong_password")


def _digests(codes: list[str]) -> list[str]:
    return [digest for code in codes if (digest := second_factor.recovery_digest(code))]


ROUTES: Final = (
    account,
    change_password,
    end_session,
    end_other_sessions,
    factor_form,
    confirm_factor,
    new_recovery_codes,
    remove_factor,
)
