"""The watch put together: link tests, path test, auditor, heartbeat, and who is told."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from adapters.contract import Health, Hook, Now, Priority
from broadcasts.clockwork import Clockwork
from broadcasts.desk import Desk
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import Actor, Role
from broadcasts.plan import NewChunk
from broadcasts.routes import Route, Routes
from broadcasts.schedules.kinds import Occurrence
from broadcasts.shown import BroadcastView
from broadcasts.single import write_single
from broadcasts.watch.alarming import MOST_TOLD, News, take_note
from broadcasts.watch.auditor import Limits, audit
from broadcasts.watch.findings import Finding, Weight, spoken
from broadcasts.watch.link_tests import LinkResult, LinkTests
from broadcasts.watch.path_test import run_path_test
from broadcasts.watch.vitals import Vitals
from directory.units import UnitCatalogue
from lanes.port import Bus
from loa.doctor import DISK_FREE_MB
from loa.heartbeat import Heartbeat
from loa.jobs import Job
from loa.settings import Settings
from store import channel_state, paths, watch
from store.engine import Ledger, LedgerError, Tx
from store.paths import PathRow
from store.watch import FindingRow
from text.dates import moment
from text.safe import to_safe
from web.locale import Catalogue, catalogue
from web.services import Channels

log = structlog.get_logger(__name__)

AUDIT_TICK_SECONDS: Final = 30.0
LINK_TICK_SECONDS: Final = 30.0
"""How soon a channel whose time has come is tested; how often it comes is a setting."""
BEAT_SECONDS: Final = 60.0
BEAT_KEY: Final = "watch/beat"
"""Among the durable keys; no channel's name begins so."""


@dataclass(frozen=True, slots=True)
class WatchView:
    """Everything that the page of the watch shows."""

    findings: Sequence[tuple[Finding, FindingRow | None]]
    links: Sequence[LinkResult]
    paths: Sequence[PathRow]
    heartbeat_set: bool
    heartbeat_at: datetime | None
    heartbeat_wrong: str
    told: int
    """How many addresses hear of alarms."""
    path_test: BroadcastView | None
    """The newest test of each unit's path."""


class Watch:
    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        bus: Bus,
        desk: Desk,
        clockwork: Clockwork,
        routes: Routes,
        units: UnitCatalogue,
        now: Now = time.time,
    ) -> None:
        own = settings.watch
        self._own = own
        self._now = now
        self._data = settings.data_folder()
        self._ledger, self._bus, self._desk, self._units = ledger, bus, desk, units
        self._routes, self._announce = routes, clockwork.announce
        self._families = routes.families()
        self._more: list[Callable[[], Sequence[Finding]]] = []
        self._say: Catalogue = catalogue(settings.office.language)
        self._limits = Limits(own.approval_after, own.path_proved_within)
        self.links = LinkTests(
            ledger, routes, clockwork.announce, own.test_to, own.link_test_every, self._link_text, now
        )
        self.heartbeat = Heartbeat(own.heartbeat_url.get_secret_value(), Vitals(ledger, now))

    def jobs(self) -> tuple[Job, ...]:
        return (
            (self.links.tick, LINK_TICK_SECONDS),
            (self.tick, AUDIT_TICK_SECONDS),
            (self.beat, BEAT_SECONDS),
        )

    async def beat(self) -> None:
        """Also on record, for processes that show it and do not beat."""
        await self.heartbeat.tick()
        own = self.heartbeat
        said = orjson.dumps([own.held, own.refused, own.last_at])
        try:
            await self._ledger.write(lambda tx: channel_state.put(tx, BEAT_KEY, said, self._now()))
        except LedgerError as failed:
            log.warning("beat_not_kept", reason=failed.key)

    async def _last_beat(self) -> tuple[str, str, float | None]:
        """(held, refused, when it was last given), of whichever process beats."""
        own = self.heartbeat
        if own.held or own.refused or own.last_at:
            return own.held, own.refused, own.last_at
        raw = await self._ledger.read(lambda tx: channel_state.get(tx, BEAT_KEY))
        held, refused, at = orjson.loads(raw) if raw else ("", "", None)
        return held, refused, at

    def also(self, look: Callable[[], Sequence[Finding]]) -> None:
        """Something else of this process that may be wrong."""
        self._more.append(look)

    # -- looking --------------------------------------------------------------------------------------------------

    async def look(self) -> list[Finding]:
        """Everything that is wrong now."""
        now = self._now()
        found = await self._ledger.read(lambda tx: audit(tx, now, self._limits, self._units))
        for one in await self.links.results():
            if one.result == "failed":
                facts = {"channel": one.channel, "state": one.state}
                found.append(Finding("link_failed", one.channel, facts, href="/watch#links"))
        bare = [one.channel for one in await self.links.results() if one.result == "unset"]
        if bare:
            found.append(Finding("link_unset", "channels", {"channels": ", ".join(bare)}, Weight.NOTE, "/watch#links"))
        return found + self._machine(now) + await self._beats() + [one for look in self._more for one in look()]

    def _machine(self, now: float) -> list[Finding]:
        found = []
        free = shutil.disk_usage(self._data).free // 2**20
        if free < DISK_FREE_MB:
            found.append(Finding("disk_low", "disk", {"free": free, "wanted": DISK_FREE_MB}))
        if not self._own.backup_folder:
            found.append(Finding("backup_unset", "backup", {}, Weight.NOTE))
        else:
            newest = self.newest_backup()
            if newest is None or newest < now - self._own.backup_within:
                hours = int(self._own.backup_within // 3600)
                found.append(Finding("backup_old", "backup", {"since": newest or 0.0, "hours": hours}))
        return found

    def newest_backup(self) -> float | None:
        """When it was written (epoch seconds); None: there is none, or no folder is named."""
        return newest_file(Path(self._own.backup_folder)) if self._own.backup_folder else None

    async def _beats(self) -> list[Finding]:
        held, refused, _ = await self._last_beat()
        if held:
            return [Finding("heartbeat_held", "heartbeat", {"why": held})]
        if refused:
            return [Finding("heartbeat_failed", "heartbeat", {"why": refused})]
        return []

    async def tick(self) -> News:
        """Look, keep what was found, ring and tell. Safe to miss, to repeat and to run late."""
        now, found = self._now(), await self.look()
        try:
            news, made = await self._ledger.write(lambda tx: self._note(tx, found, now))
        except LedgerError:
            log.exception("watch_not_kept")
            return News()
        await self._announce(made)
        if news.rang:
            self._bus.publish("alarms", {"type": "watch"})
        return news

    def _note(self, tx: Tx, found: Sequence[Finding], now: float) -> tuple[News, list[NewChunk]]:
        """What was found, and what people hear of it, in one commit: a crash between the two would leave an alarm that
        counts as told and that nobody heard."""
        news = take_note(tx, found, now)
        return news, self._tell(tx, news, now) if news.begun or news.ended else []

    # -- telling --------------------------------------------------------------------------------------------------

    def _tell(self, tx: Tx, news: News, now: float) -> list[NewChunk]:
        """To every address of `[watch] alarm_to`: a channel that is off keeps no other from hearing."""
        text, by, written = self.told(news), Actor(SYSTEM, Role.OFFICER), []
        for one in self._own.alarm_to:
            route = self._routes.resolve(one.channel)
            if route is None:
                log.warning("alarm_not_told", channel=one.channel, why="channel_off")
                continue
            written.append(write_single(tx, route, one.to, text, by, Priority.URGENT, None, now)[1])
        return [chunk for chunk in written if chunk is not None]

    def told(self, news: News) -> str:
        """One message for all: what began, with what to do, then what is over."""
        say = self._say
        lines = [
            f"{self.says(one.kind, one.params)} {self.mend(one.kind, one.params)}".strip()
            for one in news.begun[:MOST_TOLD]
        ]
        if len(news.begun) > MOST_TOLD:
            lines.append(say.say("watch.more", n=len(news.begun) - MOST_TOLD))
        lines += [say.say("watch.over", says=self.says(one.kind, one.params)) for one in news.ended[:MOST_TOLD]]
        return "\n".join([say.say("watch.head"), *lines])

    def says(self, kind: str, params: Mapping[str, Any]) -> str:
        return self._say.say(f"watch.{kind}.says", **spoken(params))

    def mend(self, kind: str, params: Mapping[str, Any]) -> str:
        key = f"watch.{kind}.mend"
        return self._say.say(key, **spoken(params)) if self._say.has(key) else ""

    def _link_text(self, route: Route, now: float) -> str:
        text = self._say.say("watch.link_text", channel=route.name, at=moment(now))
        return to_safe(text).text if route.traits.unaccented else text

    # -- for pages and schedules ----------------------------------------------------------------------------------

    async def test_link(self, channel: str, actor: Actor) -> None:
        await self.links.test(channel, actor)

    async def test_paths(self, actor: Actor) -> BroadcastView:
        """By hand: once a minute at most, however often somebody presses."""
        key = f"{actor.name}@{int(self._now() // 60)}"
        return await run_path_test(self._desk, self._families, key, actor.name)

    async def path_test_due(self, what: Occurrence) -> Mapping[str, Any]:
        """What a schedule of kind `path_test` does."""
        view = await run_path_test(self._desk, self._families, what.key, what.schedule.approved_by or SYSTEM)
        return {"code": view.code, "units": view.units}

    async def view(self) -> WatchView:
        found = await self.look()
        rows, ways = await self._ledger.read(lambda tx: (watch.findings(tx), paths.all_paths(tx)))
        known = {(row.kind, row.subject): row for row in rows}
        held, refused, last_at = await self._last_beat()
        at = datetime.fromtimestamp(last_at, UTC) if last_at else None
        return WatchView(
            findings=[(one, known.get(one.key)) for one in found],
            links=await self.links.results(),
            paths=[way for way in ways if way.unit_code],
            heartbeat_set=self.heartbeat.is_set,
            heartbeat_at=at,
            heartbeat_wrong=held or refused,
            told=len(self._own.alarm_to),
            path_test=await self._desk.noted("path_test", ""),
        )


class ProvenChannels:
    """The enabled channels, each light with the age of its last proof, whichever is newer: traffic or a test."""

    def __init__(self, channels: Channels, ledger: Ledger, links: LinkTests) -> None:
        self._channels = channels
        self._ledger = ledger
        self._links = links

    @property
    def families(self) -> Sequence[str]:
        return self._channels.families

    @property
    def hooks(self) -> Mapping[str, Hook]:
        return self._channels.hooks

    async def health(self) -> Sequence[tuple[str, Health]]:
        health = await self._channels.health()
        proven = await self._ledger.read(self._links.proven)
        return [(name, _newer(one, proven.get(name))) for name, one in health]


def _newer(health: Health, proven: float | None) -> Health:
    at = None if proven is None else datetime.fromtimestamp(proven, UTC)
    if at is None or (health.proven_at is not None and health.proven_at >= at):
        return health
    return replace(health, proven_at=at)


def newest_file(folder: Path) -> float | None:
    """When the newest file of a folder was written (epoch seconds); None where there is none."""
    try:
        return max((one.stat().st_mtime for one in folder.iterdir() if one.is_file()), default=None)
    except OSError:
        return None
