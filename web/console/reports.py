"""Báo cáo nhanh: the province's totals, what each unit reported, who is late, the table for the office."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import hdrs, web

from broadcasts.damage_rounds import MODES, mode_given
from broadcasts.damage_table import as_csv, as_xlsx
from broadcasts.model import Mode, Role
from store import urging
from text.folding import fold
from web.api.reports import moment_given, reports_of, round_number
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least

EXPORTS: Final = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@page("GET", "/reports", at_least(Role.VIEWER))
async def rounds_page(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    rounds = await reports_of(services).rounds()
    return await render(request, "reports.html", rounds=rounds, at=services.now(), modes=MODES)


@page("POST", "/reports", at_least(Role.OFFICER))
async def open_round(request: web.Request) -> web.StreamResponse:
    services, form = services_of(request), await request.post()
    deadline = moment_given("deadline", str(form.get("deadline", "")))
    mode = mode_given(str(form.get("mode", Mode.ACTUAL.value)))
    if mode is None:
        raise Trouble(422, "invalid_input")
    opened = await reports_of(services).open_round(
        str(form.get("name", "")), services.now(), deadline, actor_of(request), mode
    )
    return see_other(f"/reports/{opened.id}")


@page("GET", "/reports/{round}", at_least(Role.VIEWER))
async def round_page(request: web.Request) -> web.StreamResponse:
    reports = reports_of(services_of(request))
    view = await reports.view(round_number(request.match_info["round"]))
    return await render(
        request,
        "round.html",
        view=view,
        mode=view.round.mode,
        words=reports.words,
        strays=[(services_of(request).units.by_code(one.unit_code), one) for one in view.strays],
        said=lambda report: reports.words.figures(report.figures, nil=report.nil),
        summed={
            code: (str(sums[0].normalize() + 0), str(sums[1]) if len(reports.words.fields[code].columns) == 2 else None)
            for code, sums in view.totals.items()
        },
        given=sorted((row for row in view.rows if row.report), key=lambda row: -row.report.at if row.report else 0.0),
        exports=tuple(EXPORTS),
        moments=await services_of(request).ledger.read(lambda tx: urging.moments(tx, view.round.id)),
    )


@page("POST", "/reports/{round}/strays/{report}", at_least(Role.OFFICER))
async def count_here(request: web.Request) -> web.StreamResponse:
    """A report beside this round was meant for it."""
    number, stray = (round_number(request.match_info[key]) for key in ("round", "report"))
    await reports_of(services_of(request)).move(stray, number, actor_of(request))
    return see_other(f"/reports/{number}")


@page("GET", "/reports/{round}/export/{kind}", at_least(Role.VIEWER))
async def export(request: web.Request) -> web.StreamResponse:
    made = EXPORTS.get(request.match_info["kind"])
    if made is None:
        raise Trouble(404, "not_found")
    make, media = made
    reports = reports_of(services_of(request))
    view = await reports.view(round_number(request.match_info["round"]))
    name = quote(f"bao-cao-nhanh-{fold(view.round.name).replace(' ', '-')}.{request.match_info['kind']}")
    headers = {hdrs.CONTENT_TYPE: media, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
    return web.Response(body=make(view, reports.words), headers=headers)


ROUTES: Final = (rounds_page, open_round, round_page, count_here, export)
