"""The roll-call in the group: one message for each broadcast that says who has confirmed, kept up to date.

Never an answer to each of 166 confirmations. Where a channel cannot edit (`adapters.abilities.Posting`), nothing is
written: the post itself asked, and the console knows.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import structlog

from adapters.abilities import Posting
from adapters.contract import Now
from broadcasts.marks import MARKS_FILE, load_marks
from broadcasts.model import AckState, BroadcastState, Mode
from broadcasts.plan import plan_of
from broadcasts.routes import Route, Routes
from directory.units import UnitCatalogue
from store import broadcasts, rollcalls
from store.broadcasts import BroadcastRow
from store.engine import Ledger, LedgerError, Tx
from store.rollcalls import AckRow
from text.dates import OFFICE_ZONE

log = structlog.get_logger(__name__)

OPEN = (BroadcastState.SENDING, BroadcastState.SENT)
ENDED = (BroadcastState.CLOSED, BroadcastState.CANCELLED, BroadcastState.EXPIRED)
ENDED_LATELY_SECONDS = 86_400.0
"""How long after its end a broadcast's message is still brought to its last state, should we have been away."""
DONE = (AckState.ACKNOWLEDGED, AckState.ACKNOWLEDGED_LATE, AckState.NEEDS_HELP, AckState.EXEMPT)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one broadcast's roll-call stands. Equal standings read the same."""

    code: str
    done: int
    total: int
    help: tuple[str, ...]
    silent: tuple[str, ...]
    mode: str = Mode.ACTUAL.value
    end: str = ""
    """"" while it is open, else `closed` or `cancelled`."""


@cache
def _words() -> Mapping[str, Any]:
    words: Mapping[str, Any] = tomllib.loads(MARKS_FILE.read_text("utf-8"))["rollcall"]
    return words


def standing_of(row: BroadcastRow, acks: Sequence[AckRow], catalogue: UnitCatalogue) -> Standing:
    def names(*states: AckState) -> tuple[str, ...]:
        units = ((one.unit_code, catalogue.by_code(one.unit_code)) for one in acks if one.state in states)
        return tuple(unit.name if unit else code for code, unit in units)

    ended = BroadcastState(row.state) in ENDED
    return Standing(
        row.code,
        sum(one.state in DONE for one in acks),
        len(acks),
        names(AckState.NEEDS_HELP),
        names(AckState.AWAITING, AckState.UNREACHABLE),
        row.mode,
        ("cancelled" if row.state == BroadcastState.CANCELLED else "closed") if ended else "",
    )


def written(standing: Standing, at: float) -> str:
    """The message, in at most a dozen lines."""
    words = _words()
    lines = [words["title"].format(ma_tin=standing.code, xong=standing.done, tong=standing.total)]
    if standing.mode != Mode.ACTUAL:
        lines.insert(0, load_marks().mode[standing.mode]["chat"])
    if standing.help:
        lines.append(words["help"].format(danh_sach=_listed(standing.help)))
    if standing.end == "cancelled":
        lines.append(words["cancelled"])
    elif not standing.silent:
        lines.append(words["all_done"])
    else:
        lines.append(words["silent"].format(so=len(standing.silent), danh_sach=_listed(standing.silent)))
        lines.append(words["closed"] if standing.end else words["how"].format(ma_tin=standing.code))
    lines.append(words["at"].format(luc=f"{datetime.fromtimestamp(at, OFFICE_ZONE):%H:%M %d/%m}"))
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    words = _words()
    most = int(words["names"])
    shown = ", ".join(names[:most])
    return shown + (words["more"].format(so=len(names) - most) if len(names) > most else "")


class RollcallPosts:
    """`tick` as often as one likes: what stands in the group already is not sent again."""

    def __init__(
        self,
        ledger: Ledger,
        routes: Routes,
        catalogue: UnitCatalogue,
        now: Now = time.time,
        serves: Callable[[Route], bool] = lambda route: True,
    ) -> None:
        """`serves`: routes whose session lives in this process."""
        self._serves = serves
        self._ledger = ledger
        self._routes = routes
        self._catalogue = catalogue
        self._now = now
        self._shown: dict[tuple[int, str], Standing] = {}
        """(broadcast, channel) → what its group shows."""

    async def tick(self) -> None:
        if not any(isinstance(route.channel, Posting) and self._serves(route) for route in self._routes.all):
            return
        try:
            standings = await self._ledger.read(self._standings)
        except LedgerError as away:  # the next tick looks again
            log.warning("rollcall_post_not_read", reason=away.key)
            return
        for no, families, standing in standings:
            for route in self._routes.groups(families):
                if self._serves(route):
                    await self._show(no, route, standing)

    def _standings(self, tx: Tx) -> list[tuple[int, tuple[str, ...], Standing]]:
        since = self._now() - ENDED_LATELY_SECONDS
        rows = [row for row in broadcasts.in_states(tx, OPEN) if row.started_at]
        rows += broadcasts.ended_since(tx, since)
        found = []
        for row in rows:
            acks = rollcalls.of_broadcast(tx, row.no)
            if acks:
                found.append((row.no, plan_of(row).families, standing_of(row, acks, self._catalogue)))
        return found

    async def _show(self, no: int, route: Route, standing: Standing) -> None:
        key = (no, route.name)
        if not isinstance(route.channel, Posting) or self._shown.get(key) == standing:
            return
        text = written(standing, self._now())
        if await route.channel.keep_posted(standing.code, route.post_to, text, last=bool(standing.end)):
            self._shown[key] = standing
