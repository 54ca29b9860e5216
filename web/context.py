"""What a handler may ask of its request: the services, the caller's language, who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from broadcasts.model import Actor
from store.access import Session
from web.locale import Catalogue
from web.problems import Trouble
from web.services import Services

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


def session_of(request: web.Request) -> Session | None:
    """The signed-in browser's session, on console pages."""
    return request.get(SESSION)
