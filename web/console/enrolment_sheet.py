"""The sheet that is printed and cut: a card for each person, with the code, a QR code and three steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import segno
from aiohttp import web
from markupsafe import Markup

from broadcasts.model import Role
from directory.enrolment_sheet import Card, cards
from store.engine import Tx
from web.console.page import page, render
from web.context import services_of
from web.roles import at_least

ERROR: Final = "m"
"""A QR code of which 15 % may be lost (ISO/IEC 18004 level M): paper gets folded."""
QUIET: Final = 2
"""Modules of white around it; the card's own margin makes up the standard's four."""


@dataclass(frozen=True, slots=True)
class Printed:
    """`link` "" where the channel does not know its address; `carries_code`: scanning sends the code by itself."""

    card: Card
    link: str
    carries_code: bool
    qr: Markup


@page("GET", "/enrolment/sheet", at_least(Role.OFFICER))
async def sheet(request: web.Request) -> web.StreamResponse:
    services, query = services_of(request), request.query
    family, unit, person = query.get("channel", ""), query.get("unit"), query.get("person", "")

    def read(tx: Tx) -> list[Card]:
        one = int(person) if person.isdecimal() and len(person) < 19 else None
        return cards(tx, services.now(), family=family, unit=unit, person=one)

    found = await services.ledger.read(read)
    made = []
    for card in found:
        invitation = services.enrolling.invitation(card.family, card.plain)
        link = invitation.link if invitation else ""
        made.append(Printed(card, link, bool(invitation and invitation.carries_code), qr_code(link)))
    return await render(
        request,
        "enrolment_sheet.html",
        cards=made,
        channel_chosen=family,
        families=services.enrolling.families,
        unit=unit or "",
    )


def qr_code(link: str) -> Markup:
    """As an inline drawing without a style of its own; nothing for no link."""
    if not link:
        return Markup("")
    made = segno.make(link, error=ERROR, micro=False)
    return Markup(made.svg_inline(border=QUIET, omitsize=True, svgclass="qr", lineclass=None))


ROUTES: Final = (sheet,)
