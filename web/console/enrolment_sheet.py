"""The sheet that is printed and cut: a card for each person, with the code, a QR code and three steps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache
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
from web.services import Enrolling


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
    made = await asyncio.to_thread(lambda: [_printed(card, services.enrolling) for card in found])
    return await render(
        request,
        "enrolment_sheet.html",
        cards=made,
        channel_chosen=family,
        families=services.enrolling.families,
        unit=unit or "",
    )


def _printed(card: Card, enrolling: Enrolling) -> Printed:
    """Drawing a QR code takes a hundredth of a second, and a sheet has hundreds."""
    invitation = enrolling.invitation(card.family, card.plain)
    link = invitation.link if invitation else ""
    return Printed(card, link, bool(invitation and invitation.carries_code), _drawn(link))


@lru_cache(maxsize=2_000)
def _drawn(link: str) -> Markup:
    return qr_code(link)


ROUTES: Final = (sheet,)
