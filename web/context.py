"""What a handler may ask of its request: the services, the caller's language, who asks."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from broadcasts.model import Actor, Refusal, RefusalKind
from store.web_sessions import Session
from web.locale import Catalogue
from web.problems import Trouble
from web.services import Services

LONGEST_REF: Final = 18
"""Characters: a number of as many digits still fits the ledger's 64 bits."""
_REF: Final = re.compile(rf"[A-Za-z0-9-]{{1,{LONGEST_REF}}}")
TroublePage = Callable[[web.Request, Trouble], Awaitable[web.StreamResponse]]
SERVICES: Final = web.AppKey("services", Services)
TROUBLE_PAGE: Final[web.AppKey[TroublePage]] = web.AppKey("trouble_page")
SAY: Final = web.RequestKey("say", Catalogue)
ACTOR: Final = web.RequestKey("actor", Actor)
SESSION: Final = web.RequestKey("session", Session)


def services_of(request: web.Request) -> Services:
    return request.app[SERVICES]


def say_of(request: web.Request) -> Catalogue:
    """The sentences in the caller's language: the switch on the page, else what the browser or program prefers."""
    return request[SAY]


def actor_of(request: web.Request) -> Actor:
    """Who asks; only where the route's rule names a role."""
    return request[ACTOR]


def ref_of(request: web.Request) -> str:
    """The broadcast that the path names, by number or code. Raises `Refusal` for what can be neither."""
    return checked_ref(request.match_info["ref"])


def checked_ref(ref: str) -> str:
    """`ref` as it is. Raises `Refusal` for what can be neither a number nor a code."""
    if not _REF.fullmatch(ref):
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_broadcast", ref=ref[:LONGEST_REF])
    return ref


def session_of(request: web.Request) -> Session | None:
    """The signed-in browser's session, on console pages."""
    return request.get(SESSION)
