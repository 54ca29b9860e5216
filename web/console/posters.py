"""Mã QR: the duty group, the province's portal and the page of open alerts, each as an A5 sheet to pin up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from markupsafe import Markup

from broadcasts.model import Role
from web.console.page import page, render
from web.console.qr import qr_code
from web.context import services_of
from web.roles import at_least

HTTP: Final = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Poster:
    """One sheet. `key` names its words: `poster.<key>`; `link` is "" where the settings have none."""

    key: str
    link: str
    code: Markup


@page("GET", "/posters", at_least(Role.VIEWER))
async def sheet(request: web.Request) -> web.StreamResponse:
    """Codes of the office's own links only, never through somebody who shortens them."""
    settings = services_of(request).settings
    links = {"group": settings.group_link, "portal": settings.portal}
    if settings.public_url:
        links["alerts"] = f"{settings.public_url.rstrip('/')}/alert"
    posters = [Poster(key, link, qr_code(link)) for key, link in links.items() if link.startswith(HTTP)]
    missing = [key for key in ("group", "portal", "alerts") if not any(one.key == key for one in posters)]
    return await render(request, "posters.html", posters=posters, missing=missing)


ROUTES: Final = (sheet,)
