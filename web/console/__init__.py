"""The duty console: pages made on the server, alive by one stream a tab."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from web.attempts import Attempts
from web.console import (
    account,
    aftermath,
    alert_pages,
    attachments,
    audit,
    board,
    break_glass,
    broadcasts,
    by_hand,
    cap,
    carrier_answers,
    carrier_orders,
    compose,
    content,
    directory,
    directory_edit,
    enrolment,
    enrolment_sheet,
    exercises,
    files,
    handover,
    inbox,
    live,
    number_lists,
    office_texts,
    people_import,
    posters,
    report,
    report_files,
    reports,
    rollcall,
    roster,
    schedules,
    set_up,
    signin,
    staff,
    staff_addresses,
    staff_resets,
    unit_groups,
    unsent,
    watch,
)
from web.console.page import ENVIRONMENT, environment
from web.console.trouble import trouble_page
from web.context import SERVICES, TROUBLE_PAGE
from web.roles import Route, mount

ROUTES: Final[tuple[Route, ...]] = (
    *signin.ROUTES,
    *account.ROUTES,
    *alert_pages.ROUTES,
    *staff.ROUTES,
    *staff_addresses.ROUTES,
    *staff_resets.ROUTES,
    *audit.ROUTES,
    *set_up.ROUTES,
    *board.ROUTES,
    *unsent.ROUTES,
    *compose.ROUTES,
    *broadcasts.ROUTES,
    *aftermath.ROUTES,
    *cap.ROUTES,
    *attachments.ROUTES,
    *rollcall.ROUTES,
    *report.ROUTES,
    *report_files.ROUTES,
    *inbox.ROUTES,
    *content.ROUTES,
    *reports.ROUTES,
    *schedules.ROUTES,
    *carrier_orders.ROUTES,
    *carrier_answers.ROUTES,
    *roster.ROUTES,
    *handover.ROUTES,
    *exercises.ROUTES,
    *break_glass.ROUTES,
    *people_import.ROUTES,
    *directory.ROUTES,
    *directory_edit.ROUTES,
    *enrolment.ROUTES,
    *enrolment_sheet.ROUTES,
    *posters.ROUTES,
    *by_hand.ROUTES,
    *watch.ROUTES,
    *office_texts.ROUTES,
    *unit_groups.ROUTES,
    *number_lists.ROUTES,
    *live.ROUTES,
    *files.ROUTES,
)


def add_console(app: web.Application) -> None:
    app[TROUBLE_PAGE] = trouble_page
    app[ENVIRONMENT] = environment()
    app[files.FILES] = files.Files()
    app[signin.ATTEMPTS] = Attempts(app[SERVICES].now)
    app[live.SHARED] = live.Shared()
    mount(app, ROUTES)
