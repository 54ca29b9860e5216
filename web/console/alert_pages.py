"""For the people: a broadcast's open page, and the script for loudspeakers.

The open pages need no account, hold nothing but what residents may read, and may be kept by caches for a moment: in a
storm many ask at once.
"""

from __future__ import annotations

import hashlib
from typing import Final

from aiohttp import hdrs, web

from broadcasts.loudspeaker import script
from broadcasts.model import Mode, Refusal, RefusalKind, Role
from web.console.page import page, render, see_other
from web.console.qr import qr_code
from web.context import actor_of, checked_ref, ref_of, services_of
from web.roles import at_least, public

KEPT_SECONDS: Final = 30
"""A cache may hand the page out for so long: short enough for a correction, long enough to take a rush."""
ANYBODY: Final = public("meant for the people; shows only what an officer published")
VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)


@page("GET", "/broadcasts/{ref}/people", VIEWER)
async def for_people(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    view = await services.desk.view(ref_of(request))
    shown = await services.alert_pages.page_of(view)
    address = f"{services.settings.public_url.rstrip('/') or request.url.origin()}/alert/{view.code}"
    is_open = shown is not None and shown.is_open
    return await render(
        request,
        "for_people.html",
        mode=view.mode,
        view=view,
        shown=shown if is_open else None,
        why_not=services.alert_pages.why_not(view),
        address=address,
        code=qr_code(address) if is_open else "",
        script=script(view.texts.get("chat", "")) if view.mode == Mode.ACTUAL else "",
    )


@page("GET", "/broadcasts/{ref}/loudspeaker.txt", VIEWER)
async def loudspeaker(request: web.Request) -> web.StreamResponse:
    """The script as a text file, for a speech synthesiser. Never of an exercise: somebody would read it out."""
    view = await services_of(request).desk.view(ref_of(request))
    if view.mode != Mode.ACTUAL:
        raise Refusal(RefusalKind.FORBIDDEN, "loudspeaker_exercise", code=view.code)
    named = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="loa-{view.code}.txt"'}
    return web.Response(text=script(view.texts.get("chat", "")), content_type="text/plain", headers=named)


@page("POST", "/broadcasts/{ref}/people/publish", OFFICER)
async def publish(request: web.Request) -> web.StreamResponse:
    await services_of(request).alert_pages.publish(ref_of(request), actor_of(request))
    return see_other(f"/broadcasts/{ref_of(request)}/people")


@page("POST", "/broadcasts/{ref}/people/withdraw", OFFICER)
async def withdraw(request: web.Request) -> web.StreamResponse:
    await services_of(request).alert_pages.withdraw(ref_of(request), actor_of(request))
    return see_other(f"/broadcasts/{ref_of(request)}/people")


@page("GET", "/alert", ANYBODY)
async def newest(request: web.Request) -> web.StreamResponse:
    alerts = await services_of(request).alert_pages.newest()
    return _cached(request, await render(request, "public_alerts.html", alerts=alerts))


@page("GET", "/alert/{code}", ANYBODY)
async def one(request: web.Request) -> web.StreamResponse:
    alert = await services_of(request).alert_pages.one(checked_ref(request.match_info["code"]))
    return _cached(request, await render(request, "public_alert.html", alert=alert))


def _cached(request: web.Request, response: web.Response) -> web.StreamResponse:
    """RFC 9111; `Vary` because the language is in a cookie. An unchanged page is not sent again."""
    tag = hashlib.sha256(response.body if isinstance(response.body, bytes) else b"").hexdigest()[:32]
    headers = {hdrs.CACHE_CONTROL: f"public, max-age={KEPT_SECONDS}", hdrs.ETAG: f'"{tag}"', hdrs.VARY: "Cookie"}
    asked = request.if_none_match
    if asked and any(one.value == tag for one in asked):
        return web.Response(status=304, headers=headers)
    response.headers.update(headers)
    return response


ROUTES: Final = (for_people, loudspeaker, publish, withdraw, newest, one)
