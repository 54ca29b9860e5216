"""Lịch: what is sent, asked or tested at a time; the next times, what became of the last ones, and changes."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from multidict import MultiMapping

from broadcasts.damage_rounds import MODES
from broadcasts.model import BroadcastState, Mode, Role
from broadcasts.schedules import digest, rounds, sending
from broadcasts.schedules.rules import DAYS, EVERY, moment_of
from broadcasts.shown import BroadcastView
from text.dates import OFFICE_ZONE
from web.api.schedules import number
from web.console.page import page, render, see_other
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least
from web.services import Services

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)
PREPARED_SHOWN: Final = 50
"""Newest broadcasts that a recurring message can be made from."""


@page("GET", "/schedules", VIEWER)
async def schedules_page(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    return await render(
        request,
        "schedules.html",
        schedules=await services.schedules.listed(),
        waiting=await _sent_later(services),
        prepared=await services.desk.list(None, PREPARED_SHOWN),
        modes=MODES,
        kinds=services.schedules.kinds.names,
        known_kinds=(sending.KIND, rounds.KIND, digest.KIND),
        every=EVERY,
        days=DAYS,
    )


@page("POST", "/schedules", OFFICER)
async def add(request: web.Request) -> web.StreamResponse:
    services, form = services_of(request), await request.post()
    kind = str(form.get("kind", ""))
    await services.schedules.add(
        str(form.get("name", "")), kind, rule_given(form), _payload(kind, form), actor_of(request)
    )
    return see_other("/schedules")


@page("GET", "/schedules/{id}", VIEWER)
async def schedule_page(request: web.Request) -> web.StreamResponse:
    """One schedule: what it sends, for whoever approves it, and what became of its occurrences."""
    services = services_of(request)
    schedule_id = number(request.match_info["id"])
    view = await services.schedules.view(schedule_id)
    return await render(
        request,
        "schedule.html",
        view=view,
        fires=await services.schedules.fires(schedule_id),
        text=view.row.payload.get("draft"),
        own=view.row.created_by == actor_of(request).name,
    )


@page("POST", "/schedules/{id}/{act}", OFFICER)
async def change(request: web.Request) -> web.StreamResponse:
    """Pause, go on, delete; approval needs an approver and exactly the content that was shown."""
    desk, actor = services_of(request).schedules, actor_of(request)
    schedule_id, act = number(request.match_info["id"]), request.match_info["act"]
    if act == "approve":
        await desk.approve(schedule_id, str((await request.post()).get("content_hash", "")), actor)
    elif act in ("pause", "resume", "delete"):
        await {"pause": desk.pause, "resume": desk.go_on, "delete": desk.remove}[act](schedule_id, actor)
    else:
        raise Trouble(404, "not_found")
    return see_other("/schedules")


def rule_given(form: MultiMapping[Any]) -> dict[str, Any]:
    """The rule that a form stands for; what is wrong with it is said by who takes it."""
    every = str(form.get("every", ""))
    if every == "once":
        at = str(form.get("at", ""))
        when = moment_of(at)
        return {"every": every, "at": at if when is None else when.replace(tzinfo=OFFICE_ZONE).isoformat()}
    times = [one.strip() for one in str(form.get("times", "")).replace(";", ",").split(",") if one.strip()]
    rule: dict[str, Any] = {"every": every, "times": [f"0{one}" if one[1:2] == ":" else one for one in times]}
    if every == "week":
        rule["days"] = [str(one) for one in form.getall("days", [])]
    if every == "month":
        day = str(form.get("day", ""))
        rule["day"] = int(day) if day.isdecimal() and len(day) < 3 else day
    return rule


def _payload(kind: str, form: MultiMapping[Any]) -> dict[str, Any]:
    if kind == sending.KIND:
        return {"from": str(form.get("from", ""))}
    if kind == rounds.KIND:
        hours = str(form.get("open_for", ""))
        open_for = f"{hours}h" if hours.replace(".", "", 1).isdecimal() else hours
        return {
            "name": str(form.get("round_name", "")),
            "open_for": open_for,
            "in_event": bool(form.get("in_event")),
            "mode": str(form.get("mode", Mode.ACTUAL.value)),
        }
    return {}


async def _sent_later(services: Services) -> list[BroadcastView]:
    """Broadcasts that leave by themselves at a time, the next one first."""
    states = (BroadcastState.SCHEDULED, BroadcastState.PENDING_APPROVAL)
    found = [view for state in states for view in await services.desk.list(state) if view.fire_at is not None]
    return sorted(found, key=lambda view: view.fire_at.timestamp() if view.fire_at else 0.0)


ROUTES: Final = (schedules_page, add, schedule_page, change)
