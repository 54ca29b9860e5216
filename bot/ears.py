"""Everything of the bot put together, for the wiring, the tests and the benchmark."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from adapters.contract import Now
from bot.acting import Acting
from bot.answering import Answering
from bot.answers import Answers, Office
from bot.confirming import Confirming
from bot.document_course import DocumentCourse
from bot.enrolling import Enrolling
from bot.facts import Facts
from bot.intake import Intake
from bot.intents import Language
from bot.keywords import load as load_keywords
from bot.officers import CommandDesk, Officers
from bot.opting import Opting
from bot.reporting import Reporting
from bot.speaking import Outbox, Speaking
from bot.wording import Wording
from bot.wording import load as load_wording
from broadcasts.acknowledge import Acknowledgements
from broadcasts.damage_reports import DamageReports
from broadcasts.routes import Routes
from directory.enrolment import Confirm
from directory.unit_finder import UnitFinder
from directory.units import UnitCatalogue
from lanes.port import Bus
from store.engine import Ledger


@dataclass(frozen=True, slots=True)
class Ears:
    """`ourselves`: our own short codes, brandnames and accounts, which are never answered. `code_prefix` opens every
    code of a broadcast (`office.code_prefix`). `confirm`: who confirms an account that named its code."""

    answering: Answering
    wording: Wording
    units: UnitCatalogue
    ourselves: Collection[str] = ()
    code_prefix: str = "TB"
    confirm: Confirm = Confirm.OFFICER

    def intake(
        self,
        ledger: Ledger,
        bus: Bus,
        routes: Routes,
        acknowledgements: Acknowledgements,
        outbox: Outbox,
        now: Now = time.time,
        commands: CommandDesk | None = None,
    ) -> Intake:
        """`Intake.store` is what channels call with what comes in, `Intake.run` works it off. `outbox` is the desk,
        and so is `commands`; without it members of staff are people like any other."""
        acting = Acting(
            ledger,
            bus,
            routes,
            Confirming(ledger, acknowledgements, self.wording, self.units),
            self.answering,
            Reporting(DamageReports(ledger, bus, self.units, now), self.units),
            Speaking(ledger, outbox, now),
            Opting(ledger, self.wording, self.units, now),
            self.wording,
            self.ourselves,
            self.code_prefix,
            now,
            None if commands is None else Officers(ledger, commands, now),
            Enrolling(ledger, bus, self.wording, self.units, self.confirm, now),
            DocumentCourse(ledger, acknowledgements, self.wording, self.units),
        )
        return Intake(ledger, bus, acting.handle, acting.is_life, now)


def load(
    office: Office,
    units: UnitCatalogue,
    ourselves: Collection[str] = (),
    code_prefix: str = "TB",
    facts: Facts | None = None,
    confirm: Confirm = Confirm.OFFICER,
) -> Ears:
    """Read the tables of words and sentences; they are checked here, so a wrong one stops the start. `facts`: what
    officers keep for answers."""
    wording = load_wording()
    language = Language(UnitFinder(units), load_keywords())
    return Ears(
        Answering(language, Answers(office, facts=facts), wording, units),
        wording,
        units,
        ourselves,
        code_prefix,
        confirm,
    )
