"""The rooms of one process, built and not yet at work. Which of them work is the roles' matter (`loa.roles`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot import ears
from bot.approval_asker import ApprovalAsker
from bot.intake import Intake
from bot.vocabulary import Vocabulary
from broadcasts.acknowledge import Acknowledgements
from broadcasts.archive import Archive
from broadcasts.clockwork import Clockwork
from broadcasts.desk import Desk
from broadcasts.prepared import office_templates
from broadcasts.recorder import Recorder
from directory import units as unit_data
from directory.content_book import ContentBook
from loa.by_hand import PostsByHand
from loa.carrier_orders import CarrierOrders
from loa.durable import LedgerState
from loa.duty import DutyRoom
from loa.enrolment import EnrolmentRoom
from loa.office_texts import OfficeTextRoom
from loa.roles.identity import own_identity
from loa.roles.lights import LightsOnRecord
from loa.roles.role import PARTS, Role
from loa.schedules import Schedules
from loa.settings import Settings
from loa.settings_error import SettingsError
from loa.shared_lanes import lanes_findings, open_lanes
from loa.texts import bot_office, desk_settings, escalation_chains
from loa.watch import ProvenChannels, Watch
from loa.wiring import LedgerSink, SwitchedOn, build_routes, by_hand, own_addresses
from store.opening import ledger_at
from web.services import Channels


class House:
    """`url` is where this process answers people, "" where it does not. `alone`: no other process can share the ledger,
    so nothing has to be settled with others."""

    def __init__(self, settings: Settings, role: Role = Role.ALL, *, demo: bool = False) -> None:
        self.settings, self.role, self.demo = settings, role, demo
        self.alone = settings.store.in_a_file()
        self.does_all = role is Role.ALL
        if not self.does_all and (self.alone or settings.lanes.url.startswith("memory:")):
            raise SettingsError("role_needs_others", role=role.value)
        self.url = ""
        self.data: Path = settings.data_folder()
        self.identity = own_identity()
        self.owner = self.identity.owner
        self.units = unit_data.load()
        self.templates = replace(office_templates())
        self.chains = escalation_chains(settings)
        self.ledger = ledger_at(settings.store.ledger_url(), settings.store.files_folder())
        self.shared = open_lanes(settings.lanes.url, self.owner)
        self.bus, self.lanes = self.shared.bus, self.shared.lanes
        self.recorder = Recorder(self.ledger, self.bus)
        self.routes = build_routes(
            settings.adapters, LedgerState(self.ledger), parts=PARTS[role], rates=self.shared.rates
        )
        self.clockwork = Clockwork(
            self.ledger, self.lanes, self.bus, self.routes, self.owner, among_others=not self.alone
        )
        self._rooms()
        self.sink = LedgerSink(self.recorder, self.intake, self.shared.remembered)

    def _rooms(self) -> None:
        settings, ledger, bus, routes, units = self.settings, self.ledger, self.bus, self.routes, self.units
        self.acknowledgements = Acknowledgements(ledger, bus)
        self.desk = Desk(
            ledger, bus, routes, self.clockwork, self.acknowledgements, units, self.templates,
            desk_settings(settings, self.public_url, self.chains), rules=settings.approval.rules(),
        )  # fmt: skip
        self.content = ContentBook(ledger)
        self.archive = Archive(ledger)
        self.intake = self._intake()
        self.approval_asker = ApprovalAsker(
            ledger, self.desk, routes, settings.office.code_prefix, rules=settings.approval.rules()
        )
        self.duty = DutyRoom(settings, ledger, bus, self.desk, self.clockwork, routes, units)
        self.enrolment = EnrolmentRoom(ledger, bus, self.desk, routes, units, settings.enrolment.valid_for)
        manual, ring_after = by_hand(routes), settings.adapters.manual.ring_after
        self.posts = None if manual is None else PostsByHand(ledger, bus, manual, ring_after)
        self.orders = CarrierOrders(settings, ledger, bus, units, self._own_url)
        self.office_texts = OfficeTextRoom(
            settings, ledger, bus, units, self.templates, self.chains, self.orders.carriers, self.vocabulary
        )
        self.channels: Channels = SwitchedOn(routes) if self.does_all else LightsOnRecord(ledger, routes)
        self.schedules = Schedules(
            desk_settings(settings, self.public_url, self.chains), ledger, self.lanes, bus, routes, units,
            self.templates, self.desk, self.channels.health,
        )  # fmt: skip
        self.watch = Watch(settings, ledger, bus, self.desk, self.clockwork, routes, units)
        self.watch.also(lambda: lanes_findings(self.shared))
        self.schedules.on_path_test(self.watch.path_test_due)
        self.proven = ProvenChannels(self.channels, ledger, self.watch.links)

    def _intake(self) -> Intake:
        ourselves, prefix = own_addresses(self.settings.adapters), self.settings.office.code_prefix
        confirm = self.settings.enrolment.confirm
        listening = ears.load(bot_office(self.settings), self.units, ourselves, prefix, self.content, confirm)
        self.vocabulary = Vocabulary(listening.answering, self.units)
        return listening.intake(
            self.ledger, self.bus, self.routes, self.acknowledgements, self.desk, commands=self.desk
        )

    def public_url(self) -> str:
        """Where people reach this office; in the demo its own address, since its phones are on this machine."""
        return self.settings.web.public_url or self._own_url()

    def _own_url(self) -> str:
        return self.url if self.demo else ""
