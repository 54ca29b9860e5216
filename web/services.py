"""What the pages and the API need of the rest of the house. The wiring fills it; no route reaches past it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters.contract import Health, Hook, Now
from broadcasts.archive import Archive
from broadcasts.carrier_orders.answers import CarrierAnswers
from broadcasts.carrier_orders.desk import OrderDesk
from broadcasts.desk import Desk
from broadcasts.model import Actor
from broadcasts.templates import TemplateSet
from directory.units import UnitCatalogue
from lanes.port import Bus
from store.engine import Ledger


class Channels(Protocol):
    """The channels that are switched on."""

    @property
    def families(self) -> Sequence[str]:
        """What an officer chooses from: the part of a channel's name before the dot, each once, best first."""

    @property
    def hooks(self) -> Mapping[str, Hook]:
        """Name in `/hooks/<name>` → what takes the provider's call."""

    async def health(self) -> Sequence[tuple[str, Health]]:
        """Every channel's probe, in the order of the duty board. May take as long as the slowest provider."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did or would do. `rejected`: the first lines, each `{"line", "key", "params"}`, the sentence being
    `reject.<key>`; `rejections` counts all."""

    added: int
    changed: int
    removed: int
    rejected: Sequence[Mapping[str, Any]] = ()
    rejections: int = 0
    list_id: int | None = None
    """For numbers: the version of the list that was made, for `list:` and `file:` audiences."""


class Importing(Protocol):
    """How files of numbers and people come in."""

    async def numbers(self, name: str, chunks: AsyncIterator[bytes], *, dry_run: bool) -> ImportReport:
        """Phone numbers in CSV or one a line, as they come. `name` "" makes a list for one broadcast."""

    async def people(self, filename: str, content: bytes, actor: Actor, *, dry_run: bool) -> ImportReport:
        """Raises `Refusal` for a file that is no CSV or XLSX."""

    async def content(self, filename: str, content: bytes, actor: Actor, *, dry_run: bool) -> ImportReport:
        """Entries that answers are made of. Raises `Refusal` for a file that is no CSV or XLSX."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The `[web]` and `[office]` parts of the settings that pages need."""

    office_name: str = ""
    public_url: str = ""
    """As people reach it, e.g. `https://loa.example.vn`; https makes the session cookie `Secure`."""
    demo: bool = False
    """Simulators stand behind the channels: said on every page."""
    phone_wall_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of our own proxies: what they say of the caller's address is believed."""
    set_up_token: str = ""
    """Part of the address at which the very first account is made; "" once there is one."""
    second_factor_for: frozenset[str] = frozenset()
    """Roles that reach no page before they have set up a second factor."""

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https:")


@dataclass(frozen=True, slots=True)
class Services:
    desk: Desk
    ledger: Ledger
    bus: Bus
    channels: Channels
    units: UnitCatalogue
    importing: Importing
    templates: TemplateSet
    orders: OrderDesk
    carriers: CarrierAnswers
    archive: Archive
    settings: WebSettings = field(default_factory=WebSettings)
    now: Now = time.time
