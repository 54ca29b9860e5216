"""Every route says who may use it, and is held to it: a table of every route and every role."""

import re

import pytest

from broadcasts.model import Role
from tests.web_stand import Stand
from web.api import ROUTES as API
from web.console import ROUTES as CONSOLE
from web.hooks import ROUTES as HOOKS
from web.roles import ORDER, RULES, Route, allows, mount, public, route_of

ALL = (*API, *CONSOLE, *HOOKS)
REFUSED = (401, 403)
OWN = "/account"
"""Everybody's own account: password, second factor, sessions."""
CARRIERS = {"/carrier/{token}/acknowledge", "/carrier/{token}/report"}
"""A carrier has no account; a test of its own holds the pages to their random address."""


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def test_every_route_of_the_application_is_declared(stand):
    app = stand.server.app
    for added in app.router.routes():
        canonical = added.resource.canonical
        method = "GET" if added.method == "HEAD" else added.method
        assert (method, canonical) in app[RULES], f"{added.method} {canonical} has no rule"
    assert len(app[RULES]) == len(ALL)


def test_an_open_route_says_why():
    for route in ALL:
        assert route.rule.role is not None or len(route.rule.why) > 10, route.path


def test_the_open_routes_are_these():
    opened = {(route.method, route.path) for route in ALL if route.rule.role is None}
    assert opened == {
        ("GET", "/api/v1/health/live"),
        ("GET", "/api/v1/health/ready"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("GET", "/sign-in/code"),
        ("POST", "/sign-in/code"),
        ("GET", "/set-up/{token}"),
        ("GET", "/alert"),
        ("GET", "/alert/{code}"),
        ("POST", "/set-up/{token}"),
        ("POST", "/preferences/language"),
        ("GET", "/static/{name:.+}"),
        ("GET", "/cap/feed.atom"),
        ("GET", "/cap/{name}.xml"),
        ("GET", "/hooks/{name}"),
        ("POST", "/hooks/{name}"),
        ("GET", "/t/{short}"),
        ("GET", "/calendar/{token}"),
        ("GET", "/carrier/{token}"),
        ("POST", "/carrier/{token}/acknowledge"),
        ("POST", "/carrier/{token}/report"),
    }


def test_what_changes_things_is_not_for_viewers():
    harmless = {"/sign-out", "/sign-in", "/sign-in/code", "/set-up/{token}", "/preferences/language", "/hooks/{name}"}
    for route in ALL:
        if route.method != "GET" and route.path not in harmless | CARRIERS and not route.path.startswith(OWN):
            assert route.rule.role is not None, route.path
            assert ORDER.index(route.rule.role) >= ORDER.index(Role.OFFICER), route.path


def test_what_approves_is_for_approvers():
    for route in ALL:
        if re.search(r"/(approve|return|reject)$", route.path):
            assert route.rule.role is Role.APPROVER, route.path


def filled(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "1", route.path)


async def test_each_api_route_with_each_role(stand):
    clients = {role: stand.client(role) for role in (None, *Role)}
    for route in API:
        for role, client in clients.items():
            body = {} if route.method != "GET" else None
            async with client.request(route.method, filled(route), json=body) as answer:
                where = (route.method, route.path, role)
                if route.rule.role is None or (role is not None and allows(role, route.rule.role)):
                    assert answer.status not in REFUSED, where
                else:
                    assert answer.status == (401 if role is None else 403), where


async def test_each_page_with_each_role(stand):
    names = {Role.VIEWER: "khach", Role.OFFICER: "canbo", Role.APPROVER: "lanhdao", Role.ADMIN: "quantri"}
    nobody = stand.client(None)
    browsers = {role: await stand.browser(name) for role, name in names.items()}
    forms = {role: {"csrf": await stand.csrf(name)} for role, name in names.items()}
    for route in CONSOLE:
        if route.path in ("/live", "/sign-out"):
            continue
        where = (route.method, route.path)
        async with nobody.request(route.method, filled(route), allow_redirects=False) as answer:
            if route.rule.role is not None:
                assert answer.status == (303 if route.method == "GET" else 401), where
                assert answer.headers.get("Location", "/sign-in").startswith("/sign-in"), where
        for role, browser in browsers.items():
            form = forms[role] if route.method == "POST" else None
            async with browser.request(route.method, filled(route), data=form, allow_redirects=False) as answer:
                if route.rule.role is None or allows(role, route.rule.role):
                    assert answer.status not in REFUSED, (*where, role)
                else:
                    assert answer.status == 403, (*where, role)


async def test_a_route_without_a_rule_is_refused(stand):
    from aiohttp import web
    from aiohttp.test_utils import TestClient, TestServer

    from web.app import make_app

    app = make_app(stand.services)

    async def open_door(request: web.Request) -> web.Response:
        assert route_of(request) is None
        return web.Response(text="in")

    app.router.add_get("/api/v1/back-door", open_door)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/api/v1/back-door")
        assert answer.status == 500
        assert await answer.text() != "in"


def test_a_route_cannot_be_declared_twice():
    from aiohttp import web

    app = web.Application()
    app[RULES] = {}
    route = Route("GET", "/x", API[0].handler, public("a test of the table"), "api")
    with pytest.raises(RuntimeError, match="already"):
        mount(app, [route, route])


@pytest.mark.parametrize("has", ["", "king", "VIEWER"])
def test_an_unknown_role_may_nothing(has):
    assert not any(allows(has, needs) for needs in Role)
