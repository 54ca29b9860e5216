"""A schedule that tells officers what is open and who has not reported, at the addresses that they registered."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from adapters.contract import Priority
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import AckState, Actor, BroadcastState, Mode, Role
from broadcasts.routes import Routes
from broadcasts.schedules.kinds import HOUR, Kind, Occurrence, Void, no_payload
from broadcasts.single import write_single
from directory.units import UnitCatalogue
from store import alarms, approvals, broadcasts, damage_reports, rollcalls, schedules
from store.engine import Tx
from text.dates import moment
from text.safe import to_safe

KIND: Final = "digest"
WORDS_FILE: Final = Path(__file__).parent.parent.parent / "data" / "digest.toml"
BROADCASTS_MOST: Final = 3
"""Open broadcasts that a digest names, newest first: it is read on a phone."""


@cache
def load_words(path: Path = WORDS_FILE) -> Mapping[str, str]:
    """Raises OSError or TOMLDecodeError at start where the file is not whole."""
    words: dict[str, str] = tomllib.loads(path.read_text("utf-8"))
    return words


def digest_kind(routes: Routes, catalogue: UnitCatalogue) -> Kind:
    return Kind(KIND, check=no_payload, make=lambda tx, what: _send(tx, routes, catalogue, what), late_for=HOUR / 2)


def _send(tx: Tx, routes: Routes, catalogue: UnitCatalogue, what: Occurrence) -> Mapping[str, Any]:
    """To each officer once, by the first of the addresses that a channel serves."""
    text = digest(tx, catalogue, what.now)
    told: dict[str, str] = {}
    for one in approvals.bound(tx):
        route = routes.direct(one.channel)
        if route is None or one.staff.role == Role.VIEWER or one.staff.name in told:
            continue
        said = to_safe(text).text if route.traits.unaccented else text
        write_single(tx, route, one.value, said, Actor(SYSTEM, Role.OFFICER), Priority.NORMAL, None, what.now)
        told[one.staff.name] = one.channel
    if not told:
        raise Void("nobody_registered")
    return {"told": sorted(told)}


def digest(tx: Tx, catalogue: UnitCatalogue, now: float) -> str:
    """What is open now, in a few lines."""
    say = load_words()
    lines = [say["title"].format(at=moment(now))]
    live = [
        row
        for row in reversed(broadcasts.in_states(tx, (BroadcastState.SENDING, BroadcastState.SENT)))
        if row.mode == Mode.ACTUAL
    ]
    for row in live[:BROADCASTS_MOST]:
        counts = rollcalls.counts(tx, row.no)
        sure = counts.get(AckState.ACKNOWLEDGED, 0) + counts.get(AckState.ACKNOWLEDGED_LATE, 0)
        silent = counts.get(AckState.AWAITING, 0) + counts.get(AckState.UNREACHABLE, 0)
        lines.append(
            say["broadcast"].format(
                code=row.code, title=row.title, sure=sure, total=sum(counts.values()),
                help=counts.get(AckState.NEEDS_HELP, 0), silent=silent,
            )
        )  # fmt: skip
    if not live:
        lines.append(say["quiet"])
    found = damage_reports.open_round(tx, now, 0.0, Mode.ACTUAL)
    if found is not None:
        missing = len(catalogue) - len(damage_reports.all_standing(tx, found.id))
        deadline = moment(found.deadline, now)
        lines.append(say["round"].format(round=found.name, missing=missing, deadline=deadline))
    if ringing := len(alarms.ringing(tx)):
        lines.append(say["alarms"].format(n=ringing))
    coming = next((one for one in schedules.listed(tx) if one.next_fire is not None and one.next_fire > now), None)
    if coming is not None and coming.next_fire is not None:
        lines.append(say["next"].format(name=coming.name, at=moment(coming.next_fire, now)))
    return "\n".join(lines)
