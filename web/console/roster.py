"""Ca trực: the week, who is there now, swaps, a file to bring in, and each person's own calendar address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aiohttp import hdrs, web
from aiohttp.web_request import FileField

from broadcasts.duty_roster import RosterReport
from broadcasts.model import Problem, Refusal, Role
from directory.roster import Duty, week_of
from directory.roster_calendar import KEPT_SECONDS, calendar
from store import access, roster
from store.engine import Tx
from store.roster import ShiftRow
from text.dates import OFFICE_ZONE, local
from web.console.page import page, render, see_other
from web.context import actor_of, say_of, services_of
from web.problems import Trouble
from web.roles import at_least, public

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
PLANNER: Final = at_least(Role.APPROVER)
ADDRESS: Final = public("calendar apps cannot sign in: the random address of a person's own calendar is the proof")
WATCH_HOURS: Final = 12
"""What the form proposes: two watches a day."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the week with every shift that touches it."""

    date: datetime
    shifts: list[ShiftRow]
    today: bool


@page("GET", "/roster", VIEWER)
async def roster_page(request: web.Request) -> web.StreamResponse:
    return await _shown(request)


@page("POST", "/roster", PLANNER)
async def add(request: web.Request) -> web.StreamResponse:
    form = {name: str(value) for name, value in (await request.post()).items()}
    problems = [
        Problem(name, "not_a_time", {"value": form.get(name, "")[:40]})
        for name in ("start", "end")
        if _moment(form.get(name, "")) is None
    ]
    start, end = _moment(form.get("start", "")), _moment(form.get("end", ""))
    if problems or start is None or end is None:
        return await _shown(request, form, problems, status=422)
    desk = services_of(request).duty.roster
    try:
        await desk.add(
            form.get("person", ""), form.get("duty", ""), start, end, form.get("note", ""), actor_of(request)
        )
    except Refusal as refused:
        if not refused.problems:
            raise
        return await _shown(request, form, refused.problems, status=422)
    return see_other(f"/roster?week={start:%Y-%m-%d}")


@page("POST", "/roster/import", PLANNER)
async def bring(request: web.Request) -> web.StreamResponse:
    """Look at a file first, or bring it in: bad lines are left out, each with its reason."""
    form = await request.post()
    file = form.get("file")
    if not isinstance(file, FileField):
        raise Trouble(422, "file_missing")
    dry_run = form.get("act") != "bring"
    with TemporaryDirectory(prefix="loa-roster-") as folder:
        path = Path(folder) / "roster"
        path.write_bytes(file.file.read())
        report = await services_of(request).duty.roster.bring(path, actor_of(request), dry_run=dry_run)
    return await _shown(request, report=report, dry_run=dry_run)


@page("POST", "/roster/shifts/{id}/remove", PLANNER)
async def remove(request: web.Request) -> web.StreamResponse:
    await services_of(request).duty.roster.remove(number_of(request), actor_of(request))
    return see_other("/roster")


@page("POST", "/roster/shifts/{id}/swap", OFFICER)
async def ask_swap(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    to, note = str(form.get("to", "")), str(form.get("note", ""))
    await services_of(request).duty.roster.ask_swap(number_of(request), to, note, actor_of(request))
    return see_other("/roster#swaps")


@page("POST", "/roster/swaps/{id}", OFFICER)
async def decide_swap(request: web.Request) -> web.StreamResponse:
    accept = (await request.post()).get("act") == "accept"
    await services_of(request).duty.roster.decide_swap(number_of(request), actor_of(request), accept=accept)
    return see_other("/roster")


@page("POST", "/roster/feed", OFFICER)
async def feed(request: web.Request) -> web.StreamResponse:
    """A new secret address, shown this once; the one before stops to work."""
    desk, actor = services_of(request).duty.roster, actor_of(request)
    if (await request.post()).get("act") == "revoke":
        await desk.revoke_feed(actor)
        return see_other("/roster#feed")
    token = await desk.new_feed(actor)
    base = services_of(request).settings.public_url or str(request.url.origin())
    return await _shown(request, feed_url=f"{base.rstrip('/')}/calendar/{token}.ics")


@page("GET", "/calendar/{token}", ADDRESS)
async def calendar_feed(request: web.Request) -> web.StreamResponse:
    """One person's shifts (RFC 5545)."""
    services, say = services_of(request), say_of(request)
    token = request.match_info["token"].removesuffix(".ics")
    now = services.now()

    def read(tx: Tx) -> tuple[str, list[ShiftRow]] | None:
        owner = roster.feed_owner(tx, token)
        return None if owner is None else (owner[1], roster.of_person(tx, owner[0], now - KEPT_SECONDS))

    found = await services.ledger.read(read)
    if found is None:
        raise Trouble(404, "not_found")
    titles = {duty.value: say.say(f"duty.{duty.value}") for duty in Duty}
    name = f"{say.say('roster.title')} – {found[0]}"
    headers = {hdrs.CONTENT_TYPE: "text/calendar; charset=utf-8"}
    return web.Response(body=calendar(found[1], name, titles, now), headers=headers)


async def _shown(
    request: web.Request,
    form: dict[str, str] | None = None,
    problems: Sequence[Problem] = (),
    *,
    report: RosterReport | None = None,
    dry_run: bool = False,
    feed_url: str = "",
    status: int = 200,
) -> web.StreamResponse:
    services, actor = services_of(request), actor_of(request)
    now = local(services.now())
    asked = _moment(f"{request.query.get('week', '')}T12:00") or now
    start, end = week_of(asked)
    week = await services.duty.roster.week(start, end)

    def read(tx: Tx) -> tuple[list[access.Staff], float | None]:
        staff = access.list_staff(tx)
        mine = next((one.id for one in staff if one.name == actor.name), None)
        return staff, roster.feed_since(tx, mine) if mine is not None else None

    staff, feed_since = await services.ledger.read(read)
    return await render(
        request,
        "roster.html",
        status=status,
        week=week,
        days=[_day(start + timedelta(days=place), week.shifts, now) for place in range(7)],
        start=start,
        last=end - timedelta(days=1),
        before=f"{start - timedelta(days=7):%Y-%m-%d}",
        after=f"{end:%Y-%m-%d}",
        staff=[one for one in staff if one.active and one.role != Role.VIEWER],
        duties=list(Duty),
        form=form or _proposed(now),
        problems=problems,
        report=report,
        dry_run=dry_run,
        feed_url=feed_url,
        feed_since=feed_since,
        planner=actor.role in (Role.APPROVER, Role.ADMIN),
        me=actor.name,
        at=services.now(),
    )


def _day(date: datetime, shifts: Sequence[ShiftRow], now: datetime) -> Day:
    begins, ends = date.timestamp(), (date + timedelta(days=1)).timestamp()
    return Day(
        date, [one for one in shifts if one.starts_at < ends and one.ends_at > begins], date.date() == now.date()
    )


def _proposed(now: datetime) -> dict[str, str]:
    """The next whole hour, for a watch."""
    start = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    end = start + timedelta(hours=WATCH_HOURS)
    return {"start": f"{start:%Y-%m-%dT%H:%M}", "end": f"{end:%Y-%m-%dT%H:%M}"}


def _moment(typed: str) -> datetime | None:
    """On the office's clock; None for something that is no time."""
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=OFFICE_ZONE)
    except ValueError:
        return None


def number_of(request: web.Request) -> int:
    """The number in the path. Raises `Trouble` 404."""
    given = request.match_info["id"]
    if not given.isascii() or not given.isdecimal() or len(given) > 18:
        raise Trouble(404, "not_found")
    return int(given)


ROUTES: Final = (roster_page, add, bring, remove, ask_swap, decide_swap, feed, calendar_feed)
