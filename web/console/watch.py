"""Theo dõi: what is wrong and what to do, how each channel was last proved, and each unit's way."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from broadcasts.model import Role
from broadcasts.watch.findings import spoken
from store.paths import PathRow
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least
from web.services import Watching

PATHS_SHOWN: Final = 40
"""Units whose way was proved longest ago."""


@page("GET", "/watch", at_least(Role.VIEWER))
async def watch_page(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    shown = await _room(request).view()
    oldest = oldest_paths(shown.paths)
    return await render(
        request, "watch.html", shown=shown, oldest=oldest[:PATHS_SHOWN], units=len(services.units), spoken_params=spoken
    )


@page("POST", "/watch/links/{channel}", at_least(Role.OFFICER))
async def test_link(request: web.Request) -> web.StreamResponse:
    """A real message to the test address of this channel, now."""
    await _room(request).test_link(request.match_info["channel"], actor_of(request))
    return see_other("/watch#links")


@page("POST", "/watch/paths", at_least(Role.APPROVER))
async def test_paths(request: web.Request) -> web.StreamResponse:
    """A message in test mode to the leaders of all units, now."""
    view = await _room(request).test_paths(actor_of(request))
    return see_other(f"/broadcasts/{view.code}")


def oldest_paths(paths: Any) -> list[tuple[str, PathRow]]:
    """(unit, its best proved way), those proved longest ago, or never, first."""
    best: dict[str, PathRow] = {}
    for path in paths:
        known = best.get(path.unit_code)
        if path.blocked_at is None and (known is None or (path.proved_at or 0.0) > (known.proved_at or 0.0)):
            best[path.unit_code] = path
    return sorted(best.items(), key=lambda item: (item[1].proved_at or 0.0, item[0]))


def _room(request: web.Request) -> Watching:
    room = services_of(request).watch
    if room is None:
        raise Trouble(404, "not_found")
    return room


ROUTES: Final = (watch_page, test_link, test_paths)
