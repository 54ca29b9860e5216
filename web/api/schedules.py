"""Schedules: what is sent, asked or tested at a time, once or again and again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import Field
from typing_extensions import TypedDict

from broadcasts.model import Refusal, RefusalKind, Role
from broadcasts.schedules.office import ScheduleView
from store.schedules import FireRow
from text.dates import local
from web.api.endpoint import Call, Nothing, endpoint
from web.api.models import Approval, Body
from web.roles import at_least

VIEWER: Final = at_least(Role.VIEWER)
OFFICER: Final = at_least(Role.OFFICER)


class NewSchedule(Body):
    name: str = Field(min_length=1, max_length=200)
    kind: str = Field(min_length=1, max_length=40)
    """`broadcast`, `round`, `digest` or `path_test`."""
    rule: dict[str, Any]
    """`{"every": "once", "at"}`, or `day`, `week`, `month` with `times` and `days` or `day`; the office's clock."""
    payload: dict[str, Any] = Field(default_factory=dict)
    """A broadcast: `{"draft": …}` or `{"from": code}`. A round: `{"name", "open_for", "in_event"}`."""


class FireLine(TypedDict):
    due: datetime
    at: datetime
    state: str
    """running, done, failed, missed or void (there was nothing to do)."""
    result: dict[str, Any]


class ScheduleLine(TypedDict):
    id: int
    name: str
    kind: str
    rule: dict[str, Any]
    payload: dict[str, Any]
    state: str
    """waiting (for approval), active, paused or ended."""
    next_at: datetime | None
    last: FireLine | None
    content_hash: str
    """What a standing approval would hold for; "" where none is needed."""
    approved_by: str
    created_by: str


class SchedulePage(TypedDict):
    items: list[ScheduleLine]


class ScheduleAnswer(ScheduleLine):
    fires: list[FireLine]


@endpoint("GET", "/schedules", rule=VIEWER, summary="Schedules, the next one first", answer=SchedulePage)
async def list_schedules(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return {"items": [_line(one) for one in await call.services.schedules.listed()]}


@endpoint("POST", "/schedules", rule=OFFICER, summary="Add a schedule; one that sends waits for a standing approval",
          body=NewSchedule, answer=ScheduleLine, status=201)  # fmt: skip
async def add_schedule(call: Call[NewSchedule, Nothing]) -> dict[str, Any]:
    new = call.body
    return _line(await call.services.schedules.add(new.name, new.kind, new.rule, new.payload, call.who))


@endpoint("GET", "/schedules/{id}", rule=VIEWER, summary="One schedule with its latest occurrences",
          answer=ScheduleAnswer, problems=(404,))  # fmt: skip
async def one_schedule(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    desk, schedule_id = call.services.schedules, number(call.path("id"))
    view = await desk.view(schedule_id)
    return _line(view) | {"fires": [_fire(one) for one in await desk.fires(schedule_id)]}


@endpoint("DELETE", "/schedules/{id}", rule=OFFICER, summary="End a schedule; what it did stays in the record",
          answer=ScheduleLine, problems=(404, 409))  # fmt: skip
async def remove_schedule(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return _line(await call.services.schedules.remove(number(call.path("id")), call.who))


@endpoint("POST", "/schedules/{id}/approve", rule=at_least(Role.APPROVER),
          summary="Standing approval of exactly this content", body=Approval, answer=ScheduleLine,
          problems=(404, 409))  # fmt: skip
async def approve_schedule(call: Call[Approval, Nothing]) -> dict[str, Any]:
    desk = call.services.schedules
    return _line(await desk.approve(number(call.path("id")), call.body.content_hash, call.who))


@endpoint("POST", "/schedules/{id}/pause", rule=OFFICER, summary="Fire nothing until it goes on", answer=ScheduleLine,
          problems=(404, 409))  # fmt: skip
async def pause_schedule(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return _line(await call.services.schedules.pause(number(call.path("id")), call.who))


@endpoint("POST", "/schedules/{id}/resume", rule=OFFICER, summary="Go on with the next occurrence",
          answer=ScheduleLine, problems=(404, 409))  # fmt: skip
async def resume_schedule(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return _line(await call.services.schedules.go_on(number(call.path("id")), call.who))


def number(given: str) -> int:
    """Raises `Refusal` for what can be no schedule."""
    if not given.isascii() or not given.isdecimal() or len(given) > 18:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_schedule", id=given[:18])
    return int(given)


def _line(view: ScheduleView) -> dict[str, Any]:
    row = view.row
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "rule": row.rule,
        "payload": row.payload,
        "state": row.state,
        "next_at": None if row.next_fire is None else local(row.next_fire),
        "last": None if view.last is None else _fire(view.last),
        "content_hash": row.content_hash,
        "approved_by": row.approved_by,
        "created_by": row.created_by,
    }


def _fire(row: FireRow) -> dict[str, Any]:
    return {"due": local(row.due), "at": local(row.at), "state": row.state, "result": row.result}


ROUTES: Final[tuple[Any, ...]] = (
    list_schedules,
    add_schedule,
    one_schedule,
    remove_schedule,
    approve_schedule,
    pause_schedule,
    resume_schedule,
)
