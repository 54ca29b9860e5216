"""Every route says who may use it; `mount` is the only way in, and the gate refuses a route without a rule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiohttp import hdrs, web

from broadcasts.model import Role

Space = Literal["api", "console", "hook"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ORDER: Final = (Role.VIEWER, Role.OFFICER, Role.APPROVER, Role.ADMIN)
"""Each may do what the ones before it may."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`role` None: anyone, signed in or not; `why` then says why that is right."""

    role: Role | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    handler: Handler
    rule: Rule
    space: Space
    """`api`, `console` or `hook`: which way of proving who asks, and which shape of error."""
    operation: Any = None
    """For the API: what goes into its OpenAPI document."""


RULES: Final = web.AppKey("rules", dict[tuple[str, str], Route])


def public(why: str) -> Rule:
    """Open to anyone; the reason is required."""
    return Rule(None, why)


def at_least(role: Role) -> Rule:
    return Rule(role)


def allows(has: str, needs: Role) -> bool:
    """Whether somebody with role `has` may use what `needs` asks for. An unknown role may nothing."""
    try:
        return ORDER.index(Role(has)) >= ORDER.index(needs)
    except ValueError:
        return False


def mount(app: web.Application, routes: Iterable[Route]) -> None:
    """Add routes with their rules. Raises RuntimeError for one that is there already."""
    rules = app[RULES]
    for route in routes:
        if route.method == hdrs.METH_GET:
            added = app.router.add_get(route.path, route.handler)  # and HEAD with it
        else:
            added = app.router.add_route(route.method, route.path, route.handler)
        rules[route.method, added.resource.canonical if added.resource else route.path] = route


def route_of(request: web.Request) -> Route | None:
    """The declared route that a request matched; None for one that was never declared."""
    resource = request.match_info.route.resource
    path = resource.canonical if resource else ""
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    return request.app[RULES].get((method, path))
