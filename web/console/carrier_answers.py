"""A carrier's own page, without a sign-in: the order, one button, then the counts. Its address is the proof."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiohttp import web

from broadcasts.carrier_orders.answers import CarrierPage, Counts
from broadcasts.carrier_orders.form import AREAS_INLINE
from broadcasts.carrier_orders.model import COUNT_LIMIT, NOTE_LIMIT
from broadcasts.model import Problem
from text.dates import OFFICE_ZONE
from web.console.page import page, render, see_other
from web.context import services_of
from web.problems import Trouble
from web.roles import public

TOKEN: Final = public("carriers have no account: the random address printed on their order is their proof")
PATH: Final = "/carrier/{token}"
COUNT_DIGITS: Final = len(str(COUNT_LIMIT))


@page("GET", PATH, TOKEN)
async def show(request: web.Request) -> web.StreamResponse:
    """Looking confirms nothing: mail programs and scanners open links, too."""
    return await _shown(request, await services_of(request).carriers.page(_token(request)))


@page("POST", f"{PATH}/acknowledge", TOKEN)
async def acknowledge(request: web.Request) -> web.StreamResponse:
    name = str((await request.post()).get("name", ""))
    await services_of(request).carriers.acknowledge(_token(request), name)
    return see_other(f"/carrier/{_token(request)}")


@page("POST", f"{PATH}/report", TOKEN)
async def report(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    typed = {name: str(form.get(name, "")).strip() for name in ("sent", "delivered", "failed")}
    numbers = {name: _count(value) for name, value in typed.items()}
    finished = _time(str(form.get("finished_at", "")))
    problems = [Problem(name, "count_wrong", {"limit": COUNT_LIMIT}) for name, n in numbers.items() if n is None]
    if finished is None:
        problems.append(Problem("finished_at", "window_missing"))
    if problems or finished is None:
        raise Trouble(422, "invalid_input", errors=problems)
    whole = {name: number for name, number in numbers.items() if number is not None}
    counts = Counts(**whole, finished_at=finished.timestamp(), note=str(form.get("note", "")).strip())
    await services_of(request).carriers.report(_token(request), counts)
    return see_other(f"/carrier/{_token(request)}")


async def _shown(request: web.Request, found: CarrierPage) -> web.StreamResponse:
    services = services_of(request)
    return await render(
        request, "carrier_page.html", mode=found.view.mode, view=found.view, carrier=found.carrier, open=found.open,
        token=_token(request), office=services.orders.settings.office, most=COUNT_LIMIT, note_limit=NOTE_LIMIT,
        inline=AREAS_INLINE, now_local=f"{datetime.fromtimestamp(services.now(), OFFICE_ZONE):%Y-%m-%dT%H:%M}",
    )  # fmt: skip


def _token(request: web.Request) -> str:
    return request.match_info["token"]


def _count(typed: str) -> int | None:
    """ "1.234.567" and "1 234 567" are how people write it."""
    digits = typed.replace(".", "").replace(",", "").replace(" ", "")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= COUNT_DIGITS else None


def _time(typed: str) -> datetime | None:
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=OFFICE_ZONE)
    except ValueError:
        return None


ROUTES: Final = (show, acknowledge, report)
