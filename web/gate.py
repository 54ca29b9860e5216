"""The gate that every request passes: who asks, may they, and what is said when something goes wrong.

One middleware, so that no handler can be reached round it: a route that was not declared (`web.roles`) is refused.
"""

from __future__ import annotations

import secrets
import time
from typing import Final

import structlog
from aiohttp import hdrs, web
from prometheus_client import Counter, Histogram

from adapters.contract import LedgerUnavailable
from broadcasts.model import Actor, Refusal, Role
from store import access
from store.engine import LedgerError
from web.context import ACTOR, SAY, TROUBLE_PAGE, say_of, services_of
from web.locale import DEFAULT_LANGUAGE, catalogue, prefer
from web.problems import Trouble, problem_response, refused
from web.roles import Handler, Route, Space, allows, route_of
from web.security import SAFE_METHODS, refuse_other_sites, secure
from web.sessions import check_form_token, load_session, require_session

log = structlog.get_logger(__name__)

REQUESTS: Final = Counter("loa_http_requests", "Requests answered", ["space", "status"])
SECONDS: Final = Histogram(
    "loa_http_request_seconds",
    "Time of an answer; live streams are none",
    ["space"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

LANGUAGE_COOKIE: Final = "loa_lang"
BEARER: Final = "bearer "
LEDGER_RETRY_SECONDS: Final = 5.0
"""When to try again after the ledger could not be used; a full disk takes a person, a lock takes moments."""
STATIC: Final = "/static/"
GONE: Final = 499
"""The caller went away; nobody reads this (nginx's word for it)."""


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    began = time.perf_counter()
    route = route_of(request)
    space = route.space if route else _space_of(request.path)
    request[SAY] = catalogue(_language(request, space))
    try:
        response = await _pass(request, handler, route)
    except Trouble as trouble:
        response = await _show(request, trouble, space)
    except Refusal as refusal:
        response = await _show(request, refused(refusal), space)
    except (LedgerError, LedgerUnavailable) as failed:
        response = await _show(request, _ledger_trouble(failed), space)
    except web.HTTPException as plain:
        if plain.status < 400:
            raise
        response = await _show(request, _plain_trouble(plain), space)
    except ConnectionResetError:
        return web.Response(status=GONE)
    except Exception:
        response = await _show(request, _unexpected(request), space)
    if not response.prepared:
        https = services_of(request).settings.is_https
        secure(response, https=https, private=not request.path.startswith(STATIC))
        SECONDS.labels(space).observe(time.perf_counter() - began)
    REQUESTS.labels(space, str(response.status)).inc()
    return response


async def _pass(request: web.Request, handler: Handler, route: Route | None) -> web.StreamResponse:
    if request.match_info.http_exception is not None:
        raise request.match_info.http_exception
    if route is None:
        raise RuntimeError(f"no rule for {request.method} {request.match_info.route}")
    await _authorise(request, route)
    return await handler(request)


async def _authorise(request: web.Request, route: Route) -> None:
    """Set `ACTOR` where the rule names a role. Raises `Trouble` 401 or 403."""
    if route.space == "console":
        await load_session(request)
        if request.method not in SAFE_METHODS:
            refuse_other_sites(request)
            await check_form_token(request)
    if route.rule.role is None:
        return
    actor = require_session(request) if route.space == "console" else await _key_owner(request)
    if not allows(actor.role, route.rule.role):
        raise Trouble(403, "role_too_low", {"role": say_of(request).say(f"role.{route.rule.role}")})
    request[ACTOR] = actor


async def _key_owner(request: web.Request) -> Actor:
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    if not header.lower().startswith(BEARER):
        raise Trouble(401, "no_key")
    key = header[len(BEARER) :].strip()
    owner = await services_of(request).ledger.read(lambda tx: access.key_owner(tx, key))
    if owner is None:
        raise Trouble(401, "wrong_key")
    name, role = owner
    return Actor(name=name, role=Role(role))


def _space_of(path: str) -> Space:
    """Whose shape of error an unknown path gets."""
    return "api" if path.startswith("/api/") else "hook" if path.startswith("/hooks/") else "console"


def _language(request: web.Request, space: Space) -> str:
    """Pages are Vietnamese until somebody presses the switch: the office's computers often have an English browser."""
    if space == "console":
        return request.cookies.get(LANGUAGE_COOKIE, DEFAULT_LANGUAGE)
    return prefer(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


async def _show(request: web.Request, trouble: Trouble, space: Space) -> web.StreamResponse:
    if space == "api":
        return problem_response(trouble, say_of(request))
    if space == "hook":
        return web.Response(status=trouble.status, text=trouble.key, headers=trouble.headers())
    return await request.app[TROUBLE_PAGE](request, trouble)


def _ledger_trouble(failed: LedgerError | LedgerUnavailable) -> Trouble:
    log.error("ledger_unavailable", reason=repr(failed))
    if isinstance(failed, LedgerError):
        return Trouble(503, failed.key, dict(failed.params), retry_after=LEDGER_RETRY_SECONDS)
    return Trouble(503, "ledger_write_failed", retry_after=LEDGER_RETRY_SECONDS)


def _plain_trouble(plain: web.HTTPException) -> Trouble:
    if isinstance(plain, web.HTTPRequestEntityTooLarge):
        return Trouble(413, "too_large")
    if isinstance(plain, web.HTTPMethodNotAllowed):
        return Trouble(405, "wrong_method", allow=", ".join(sorted(plain.allowed_methods)))
    return Trouble(plain.status, "not_found" if plain.status == 404 else "bad_request")


def _unexpected(request: web.Request) -> Trouble:
    """Said without internals; the record holds the rest under the same number."""
    number = secrets.token_hex(4)
    route = route_of(request)
    # Not the path itself: those of hooks and of carriers' pages hold a token.
    log.exception("unexpected_error", number=number, method=request.method, path=route.path if route else "")
    return Trouble(500, "unexpected", {"number": number})
