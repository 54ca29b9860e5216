"""What the watch has found, for programs and `loa doctor`."""

from __future__ import annotations

from typing import Any, Final

from typing_extensions import TypedDict

from broadcasts.model import Role
from broadcasts.shown import BroadcastView
from broadcasts.watch.findings import spoken
from web.api.endpoint import Call, Nothing, endpoint
from web.problems import Trouble
from web.roles import at_least
from web.services import Watching


class FindingLine(TypedDict):
    kind: str
    subject: str
    weight: str
    says: str
    mend: str


class FindingPage(TypedDict):
    items: list[FindingLine]


@endpoint(
    "GET", "/watch", rule=at_least(Role.VIEWER), summary="What is wrong and what to do", answer=FindingPage,
    problems=(404,),
)  # fmt: skip
async def get_watch(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    shown = await _room(call).view()
    return {
        "items": [
            {
                "kind": one.kind,
                "subject": one.subject,
                "weight": one.weight.value,
                "says": call.say.say(f"watch.{one.kind}.says", **spoken(one.params)),
                "mend": call.say.say(f"watch.{one.kind}.mend", **spoken(one.params)),
            }
            for one, _ in shown.findings
        ]
    }


@endpoint(
    "POST", "/watch/links/{channel}", rule=at_least(Role.OFFICER), summary="A test message by this channel, now",
    answer=FindingPage, problems=(404,),
)  # fmt: skip
async def test_link(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    await _room(call).test_link(call.path("channel"), call.who)
    return {"items": []}


@endpoint(
    "POST", "/watch/paths", rule=at_least(Role.APPROVER), summary="A test message to every unit's leader, now",
    answer=BroadcastView, problems=(404,),
)  # fmt: skip
async def test_paths(call: Call[Nothing, Nothing]) -> BroadcastView:
    return await _room(call).test_paths(call.who)


def _room(call: Call[Any, Any]) -> Watching:
    room = call.services.watch
    if room is None:
        raise Trouble(404, "not_found")
    return room


ROUTES: Final = (get_watch, test_link, test_paths)
