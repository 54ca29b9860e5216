"""Carrier orders put together from the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from broadcasts.carrier_orders.answers import CarrierAnswers
from broadcasts.carrier_orders.desk import OrderDesk
from broadcasts.carrier_orders.mailing import Outbox
from broadcasts.carrier_orders.model import Carrier
from broadcasts.carrier_orders.office import OrderSettings
from broadcasts.carrier_orders.watch import SilenceWatch
from directory.units import UnitCatalogue
from lanes.port import Bus
from loa.mail import SmtpMailer
from loa.settings import Settings
from store.engine import Ledger

MAIL_TICK_SECONDS: Final = 1.0
SILENCE_TICK_SECONDS: Final = 5.0


class CarrierOrders:
    """`own_url` gives the address of this service for where no public one is set: "" where carriers cannot use it."""

    def __init__(
        self, settings: Settings, ledger: Ledger, bus: Bus, units: UnitCatalogue, own_url: Callable[[], str]
    ) -> None:
        self.carriers = [Carrier(one.name, one.email, one.phone, one.note) for one in settings.carriers]
        room = order_settings(settings, own_url, self.carriers)
        mailer = SmtpMailer(settings.mail) if settings.mail.host else None
        self.desk = OrderDesk(ledger, bus, units, room, mailer is not None)
        self.answers = CarrierAnswers(ledger, bus)
        self.outbox = Outbox(ledger, bus, room, mailer)
        self.watch = SilenceWatch(ledger, bus, room)


def order_settings(settings: Settings, own_url: Callable[[], str], carriers: Sequence[Carrier]) -> OrderSettings:
    return OrderSettings(
        office=settings.office.name,
        hotline=settings.office.hotline,
        carriers=carriers,
        acknowledge_within=settings.carrier_orders.acknowledge_within,
        link_base=lambda: settings.web.public_url or own_url(),
    )
