"""Figures for Prometheus: what this process counted, and how the whole office stands.

Labels are few and bounded: channels, accounts, priorities, states, and codes of broadcasts that are under way. No unit,
no person, no number, no text. The office's part is read from the ledger, at most every `FRESH_SECONDS` however many
ask; every process of an installation would tell the same, so rules take the largest.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.metrics_core import Metric

from adapters.contract import Health, Now
from broadcasts.recorder import Recorder
from broadcasts.send_figures import SendFigures
from loa import office_metrics, process_metrics
from loa.version import version
from store import standing
from store.engine import Ledger, LedgerError

log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 5.0
"""How old the office's figures may be: scrapers ask every 15 s, several may ask."""

LOOK_SECONDS: Final = 5.0
"""How long a ledger is waited for that does not answer: a scraper gives up after ten."""

Reachable = Callable[[], Mapping[str, bool]]
"""What else must answer, by name ("redis")."""
Lights = Callable[[], Awaitable[Sequence[tuple[str, Health]]]]


@dataclass(slots=True)
class Sources:
    """What a process has to tell; a role leaves out what it has not."""

    role: str
    ledger: Ledger
    engine: str
    """`sqlite` or `postgresql`."""
    data: Path
    """The data folder: what is free there."""
    sending: Sequence[SendFigures] = ()
    recorder: Recorder | None = None
    lights: Lights | None = None
    reachable: Reachable | None = None
    backup: Callable[[], float | None] | None = None
    """When the newest backup was written (epoch seconds); None: there is none, or no folder is named."""
    heartbeat: Callable[[], float | None] | None = None
    """When the last sign of life was given outside (epoch seconds)."""


class Metrics:
    """`collect` gives the text that Prometheus reads; never raises because something is down."""

    def __init__(self, sources: Sources, now: Now = time.time) -> None:
        self._sources = sources
        self._now = now
        self._known: list[Metric] = []
        self._at = float("-inf")

    async def collect(self) -> bytes:
        families = [*self._process(), *await self._office()]
        return generate_latest(REGISTRY) + generate_latest(_Given(families))

    def _process(self) -> list[Metric]:
        own = self._sources
        return [
            process_metrics.info(version(), own.role, platform.python_version(), own.engine),
            *process_metrics.sending(own.sending),
            *process_metrics.receipts(own.recorder),
            *process_metrics.disk(own.data),
        ]

    async def _office(self) -> list[Metric]:
        now = self._now()
        if not 0.0 <= now - self._at < FRESH_SECONDS:
            self._known = await self._look(now)
            self._at = now
        return self._known

    async def _look(self, now: float) -> list[Metric]:
        own = self._sources
        found: list[Metric] = []
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = [metric async for metric in self._ledgers(now)]
        except Exception as failed:  # whatever it is, the other figures are told, and that this one is missing
            log.error("metrics_without_ledger", why=failed.key if isinstance(failed, LedgerError) else repr(failed))
        up = {own.engine: bool(found)}
        if own.reachable is not None:
            up |= own.reachable()
        since = {
            "loa_backup_age_seconds": ("Since the newest backup was written", own.backup),
            "loa_heartbeat_age_seconds": ("Since the last sign of life was given outside", own.heartbeat),
        }
        found += [
            office_metrics.age(name, says, then, now)
            for name, (says, when) in since.items()
            if when is not None and (then := when()) is not None
        ]
        return [office_metrics.reachable(up), *found]

    async def _ledgers(self, now: float) -> AsyncIterator[Metric]:
        """What the ledger and the channels say."""
        own = self._sources
        for metric in office_metrics.office(await own.ledger.read(lambda tx: standing.look(tx, now)), now):
            yield metric
        if own.lights is not None:
            for metric in office_metrics.lights(await own.lights(), now):
                yield metric


class _Given:
    """What `generate_latest` asks for, of metrics that are made already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
