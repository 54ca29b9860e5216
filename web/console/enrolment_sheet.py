"""The sheet that is printed and cut: a card for each person, with the code, a QR code and three steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from markupsafe import Markup

from broadcasts.model import Role
from directory.enrolment_sheet import Card, cards
from store.engine import Tx
from web.console.page import page, render
from web.console.qr import qr_code
from web.context import services_of
from web.roles import at_least


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


ROUTES: Final = (sheet,)
