"""What a person reads when a request cannot be answered as asked."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import hdrs, web

from web.console.page import is_fragment, render, see_other
from web.context import say_of
from web.problems import Trouble

REDIRECT_HEADER: Final = "HX-Redirect"
"""htmx then leaves the page (htmx.org/reference, response headers)."""


def sign_in_path(request: web.Request) -> str:
    """Where to sign in so as to come back here."""
    back = request.path_qs if request.method == hdrs.METH_GET and not is_fragment(request) else ""
    return f"/sign-in?next={quote(back, safe='')}" if back and back != "/" else "/sign-in"


async def trouble_page(request: web.Request, trouble: Trouble) -> web.StreamResponse:
    """A page with one clear sentence; a redirect where signing in is all that is missing."""
    if trouble.status == 401:
        if is_fragment(request):
            return web.Response(status=401, headers={REDIRECT_HEADER: sign_in_path(request)})
        if request.method == hdrs.METH_GET:
            return see_other(sign_in_path(request))
    say = say_of(request)
    name = "parts/trouble.html" if is_fragment(request) else "trouble.html"
    response = await render(
        request,
        name,
        status=trouble.status,
        status_title=say.say(f"status.{trouble.status}"),
        detail=trouble.detail(say),
        fields=trouble.fields(say),
        sign_in=sign_in_path(request) if trouble.status == 401 else "",
        about=_about(request),
    )
    for header, value in trouble.headers().items():
        if header != hdrs.WWW_AUTHENTICATE:
            response.headers[header] = value
    return response


def _about(request: web.Request) -> str:
    """The broadcast that a form was about, to look at it again; "" for none."""
    ref = request.match_info.get("ref", "")
    is_its_form = request.method == hdrs.METH_POST and request.path.startswith(f"/broadcasts/{ref}/")
    return ref if ref and is_its_form else ""
