"""Bảng trực: what rings, what waits for me, what is open, what is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from broadcasts.model import Actor, BroadcastState, Role
from broadcasts.shown import BroadcastView
from directory.roster import Gap, gaps
from store import alarms, audit, handovers, inbox, schedules
from store.engine import Tx
from store.handovers import HandoverRow
from web.console.page import OPEN_STATES, page, part, render, see_other
from web.console.processes import processes
from web.console.rollcall import segments
from web.console.waits import waits
from web.context import actor_of, say_of, services_of, session_of
from web.lights import LIGHTS
from web.problems import Trouble
from web.roles import allows, at_least
from web.services import Services

NEWEST: Final = 6
"""Messages from people on the board; the inbox has the rest."""
RECENT: Final = 40
"""Broadcasts looked through for drafts and returned ones of mine."""
DONE: Final = 5
"""Finished broadcasts on the board."""
GAPS_SHOWN_SECONDS: Final = 86_400.0
"""How far ahead the board says that nobody is on duty."""
NOTES_SHOWN: Final = 2
"""Hand-over notes that wait to be read, on the board."""


@dataclass(frozen=True, slots=True)
class Line:
    """One open broadcast: how far its roll-call is."""

    view: BroadcastView
    next_at: datetime | None
    """When the next escalation step falls due for any of its units."""

    @property
    def confirmed(self) -> int:
        return self.view.rollcall.get("acknowledged", 0) + self.view.rollcall.get("acknowledged_late", 0)

    @property
    def total(self) -> int:
        return sum(self.view.rollcall.values()) or self.view.units


@dataclass(frozen=True, slots=True)
class Board:
    mine: list[tuple[str, BroadcastView]]
    """(what I am asked to do, the broadcast)."""
    lines: list[Line]
    done: list[BroadcastView]
    alarms: list[alarms.Alarm]
    rescues: dict[str, inbox.InboxRow]
    """Subject of a rescue alarm → the message."""
    newest: list[inbox.InboxRow]
    coming: tuple[str, float] | None
    """(name, when) of what leaves or runs by itself next."""
    gaps: list[Gap]
    """Times of the next day without anybody on duty."""
    handovers: list[HandoverRow]
    """Signed, and not read yet."""


@page("GET", "/", at_least(Role.VIEWER))
async def board_page(request: web.Request) -> web.StreamResponse:
    board = await load(services_of(request), actor_of(request))
    lights = await request.app[LIGHTS].now()
    standing = await waits(services_of(request))
    shown = await services_of(request).ledger.read(processes)
    return await render(
        request, "board.html", board=board, lights=lights, say=say_of(request), segments=segments, waits=standing,
        processes=shown,
    )  # fmt: skip


@page("POST", "/alarms/{id}/take", at_least(Role.OFFICER))
async def take_alarm(request: web.Request) -> web.StreamResponse:
    """Somebody answers for it, and it stops ringing everywhere."""
    given = request.match_info["id"]
    services, actor = services_of(request), actor_of(request)
    now = services.now()
    if not given.isdecimal() or len(given) > 18:
        raise Trouble(404, "not_found")

    def take(tx: Tx) -> alarms.Alarm | None:
        taken = alarms.take(tx, int(given), actor.name, now)
        if taken is not None and taken.taken_by == actor.name:
            audit.record(tx, now, actor.name, "take_alarm", alarm=int(given), kind=taken.kind)
        return taken

    taken = await services.ledger.write(take)
    if taken is None:
        raise Trouble(404, "not_found")
    services.bus.publish("alarms", {"type": "taken", "id": taken.id})
    if taken.taken_by != actor.name:
        raise Trouble(409, "alarm_taken", {"by": taken.taken_by})
    if taken.kind == RESCUE:
        return see_other(f"/inbox#m{taken.subject}")
    return see_other("/")


RESCUE: Final = "rescue"


async def load(services: Services, actor: Actor) -> Board:
    recent = await services.desk.list(None, RECENT)
    opened = [view for state in OPEN_STATES for view in await services.desk.list(state)]
    opened.sort(key=lambda view: view.id, reverse=True)
    lines = await asyncio.gather(*(_line(services, view) for view in opened))

    def read(
        tx: Tx,
    ) -> tuple[list[alarms.Alarm], dict[str, inbox.InboxRow], list[inbox.InboxRow], list[schedules.ScheduleRow]]:
        ringing = alarms.ringing(tx)
        found = {
            alarm.subject: inbox.get(tx, int(alarm.subject))
            for alarm in ringing
            if alarm.kind == RESCUE and alarm.subject.isdecimal()
        }
        rescues = {subject: row for subject, row in found.items() if row is not None}
        return ringing, rescues, inbox.listing(tx, "human", None, NEWEST), schedules.listed(tx)

    ringing, rescues, newest, recurring = await services.ledger.read(read)
    done = [view for view in recent if view.state == BroadcastState.CLOSED][:DONE]
    coming = _coming(opened, recurring)
    now = services.now()
    empty, notes = await services.ledger.read(lambda tx: (gaps(tx, now, GAPS_SHOWN_SECONDS), handovers.unread(tx)))
    return Board(
        _mine(recent, opened, actor), list(lines), done, ringing, rescues, newest, coming, empty, notes[:NOTES_SHOWN]
    )


def _coming(opened: list[BroadcastView], recurring: list[schedules.ScheduleRow]) -> tuple[str, float] | None:
    """The next thing that happens by itself."""
    later = [
        (view.code, view.fire_at.timestamp())
        for view in opened
        if view.fire_at is not None and view.state == BroadcastState.SCHEDULED
    ]
    rows = [(row.name, row.next_fire) for row in recurring if row.next_fire is not None]
    return min(later + rows, key=lambda one: one[1], default=None)


def _mine(recent: list[BroadcastView], opened: list[BroadcastView], actor: Actor) -> list[tuple[str, BroadcastView]]:
    """What waits for this person, most pressing first."""
    waiting = [view for view in opened if view.state == BroadcastState.PENDING_APPROVAL]
    approve = [
        ("approve", view) for view in waiting if allows(actor.role, Role.APPROVER) and view.created_by != actor.name
    ]
    returned = [("correct", v) for v in recent if v.state == BroadcastState.RETURNED and v.created_by == actor.name]
    drafts = [("finish", v) for v in recent if v.state == BroadcastState.DRAFT and v.created_by == actor.name]
    return approve + returned + drafts


async def _line(services: Services, view: BroadcastView) -> Line:
    if view.state not in (BroadcastState.SENDING, BroadcastState.SENT) or not view.rollcall:
        return Line(view, None)
    due = [row.next_at for row in await services.desk.rollcall(view.code) if row.next_at is not None]
    return Line(view, min(due, default=None))


async def regions(request: web.Request) -> dict[str, str]:
    """The live parts of the board, by the id of their element."""
    services, say = services_of(request), say_of(request)
    session = session_of(request)
    board = await load(services, actor_of(request))
    now = services.now()
    context: dict[str, Any] = {
        "board": board,
        "segments": segments,
        "may_act": allows(actor_of(request).role, Role.OFFICER),
    }
    context["csrf"] = session.csrf if session else ""
    return {
        "alarms": part(request.app, "alarms.html", say, now, **context),
        "mine": part(request.app, "mine.html", say, now, **context),
        "open": part(request.app, "open.html", say, now, **context),
        "newest": part(request.app, "newest.html", say, now, **context),
        "duty": part(request.app, "duty.html", say, now, **context),
    }


ROUTES: Final = (board_page, take_alarm)
